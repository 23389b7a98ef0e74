"""The settings that a question can be asked again with."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.settings import Settings
from ui.ask_state import MOST_FOUND, MOST_READ, MOST_SEED, MOST_TEMPERATURE


@dataclass(frozen=True)
class Knobs:
    """The settings, in the order in which an event takes them, and the button that uses them."""

    inputs: tuple[Any, ...]
    again: gr.Button


def knobs(settings: Settings) -> Knobs:
    """Lay them out, folded, as the page itself asks."""
    with gr.Accordion("Run again with other settings", open=False, elem_id="settings"):
        with gr.Row():
            found = gr.Slider(
                1,
                MOST_FOUND,
                min(settings.k, MOST_FOUND),
                step=1,
                label="Passages found (k)",
                info="The evidence; the best five of them can be read.",
            )
            read = gr.Slider(
                1,
                MOST_READ,
                min(settings.read_windows, MOST_READ),
                step=1,
                label="Stretches read",
                info="By RAG; SFT + RAG reads as much as it was trained to.",
            )
            temperature = gr.Slider(
                0,
                MOST_TEMPERATURE,
                0,
                step=0.1,
                label="Temperature",
                info="0 takes the likeliest word, always the same.",
            )
            seed = gr.Number(
                0,
                label="Seed",
                info="Counts where the temperature is above 0.",
                precision=0,
                minimum=0,
                maximum=MOST_SEED,
            )
        again = gr.Button("Run again", interactive=False, elem_id="again")
    return Knobs((found, read, temperature, seed), again)
