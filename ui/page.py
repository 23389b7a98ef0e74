"""The page: the masthead, the domain, and the tabs, each laid out by its own file."""

import gradio as gr

from core.corpus.read import built_in_corpora
from core.errors import ProjectError
from ui.api import add_api
from ui.ask_tab import ask_tab
from ui.how_tab import how_tab
from ui.stage import Stage
from workbench import Workbench

_MASTHEAD = """<div class="masthead"><h1>Fine-tune it, or let it look things up?</h1>
<p>One question, one small model, four ways to answer: as it came (Base), fine-tuned on your
questions (SFT), with your documents open (RAG), or both. Same weights, same prompt, same decoding:
only what is compared differs.</p></div>"""


def build_page(workbench: Workbench) -> gr.Blocks:
    """Build the page over a workbench; nothing is loaded before a visitor asks."""
    domains = _domains(workbench)
    first = domains[0][1]
    with gr.Blocks(title="SFT vs RAG", analytics_enabled=False) as page:
        with gr.Row(elem_id="top"):
            gr.HTML(_MASTHEAD, js_on_load=None)
            domain = gr.Dropdown(
                domains, value=first, label="Domain", min_width=220, elem_id="domain"
            )
        with gr.Tabs(elem_id="tabs") as tabs:
            stage = Stage(workbench, page, tabs, domain, first)
            with gr.Tab("Ask", id="ask"):
                ask_tab(stage)
            with gr.Tab("How it works", id="how"):
                how_tab(stage)
        add_api(stage)
    return page


def _domains(workbench: Workbench) -> list[tuple[str, str]]:
    found = []
    for name in built_in_corpora():
        try:
            found.append((workbench.corpus(name).info.title or name, name))
        except ProjectError:
            continue  # a broken folder beside good ones must not close the page
    if not found:
        raise ProjectError("No corpus can be read, so there is nothing to ask: restore corpora/.")
    return found
