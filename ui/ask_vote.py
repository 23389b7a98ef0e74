"""The row of buttons that takes a vote on the two answers."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from core.errors import ProjectError
from ui.ask_screen import Screen, Updates
from ui.ask_state import Asked
from ui.markup import sentence
from ui.stage import Stage
from ui.votes import CHOICES, REASON, REASON_OF_STRANGERS, Choice, record_vote

_LABELS: dict[Choice, str] = {
    "left": "SFT is better",
    "right": "RAG is better",
    "tie": "Tie",
    "both_bad": "Both bad",
}


def vote_row(stage: Stage) -> tuple[tuple[gr.Button, ...], gr.Textbox, gr.HTML]:
    """Lay out the buttons, the reason and the place of the thanks."""
    with gr.Row(elem_classes=["vote"], equal_height=True):
        buttons = tuple(
            gr.Button(_LABELS[choice], size="sm", interactive=False, min_width=110)
            for choice in CHOICES
        )
        reason = gr.Textbox(
            label="Why (optional)",
            placeholder="Why? (optional, kept with the vote)",
            show_label=False,
            container=False,
            max_length=REASON_OF_STRANGERS if stage.public else REASON,
            scale=3,
            min_width=220,
            elem_id="reason",
        )
    voted = gr.HTML(js_on_load=None, elem_id="voted")
    return buttons, reason, voted


def listen_to_votes(stage: Stage, screen: Screen, reason: gr.Textbox) -> None:
    """Store a vote where its button is pressed: one for each answering."""

    def take(choice: Choice, asked: Asked | None, history: list[Asked], why: str) -> Updates:
        try:
            voted = record_vote(
                stage.workbench.state, asked, choice, reason=why or "", public=stage.public
            )
        except ProjectError as error:
            return {screen.voted: sentence(str(error))}
        told = f"Thank you: “{escape(_LABELS[choice])}” is stored."
        return {
            screen.voted: f'<p class="thanks" role="status">{told}</p>',
            reason: "",
            **screen.after_vote(history, voted),
        }

    for choice, button in zip(CHOICES, screen.votes, strict=True):
        run: Callable[..., Any] = partial(take, choice)
        button.click(
            run,
            [screen.last, screen.history, reason],
            [screen.voted, reason, screen.last, screen.history, *screen.votes],
            queue=False,
            trigger_mode="once",
            show_progress="hidden",
            api_visibility="private",
        )
