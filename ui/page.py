"""The page: the masthead, the domain, and the tabs, each laid out by its own file."""

import gradio as gr

from core.corpus.read import built_in_corpora
from core.errors import ProjectError
from ui.ask_tab import ask_tab
from ui.public import Guard
from ui.stage import Stage
from workbench import Workbench

_MASTHEAD = """<div class="masthead"><h1>Fine-tune it, or let it look things up?</h1>
<p>One question, one small model, four ways to answer: as it came (Base), fine-tuned on your
questions (SFT), with your documents open (RAG), or both. Same weights, same prompt, same decoding:
only what is compared differs.</p></div>"""


#: Seconds between two looks for files that visitors were sent or sent, and how old they become.
_FILES_KEPT = (600, 3600)


def build_page(workbench: Workbench, *, owner: bool = False) -> gr.Blocks:
    """Build the page over a workbench; nothing is loaded before a visitor asks.

    :param owner: whether it is for an owner who signed in, also where strangers have a page.
    """
    guard = Guard(workbench.settings, public=workbench.settings.public_demo and not owner)
    domains = _domains(workbench)
    first = domains[0][1]
    kept = _FILES_KEPT if guard.public else None
    with gr.Blocks(title="SFT vs RAG", analytics_enabled=False, delete_cache=kept) as page:
        guard.attend(page)
        with gr.Row(elem_id="top"):
            gr.HTML(_MASTHEAD, js_on_load=None)
            domain = gr.Dropdown(
                domains, value=first, label="Domain", min_width=220, elem_id="domain"
            )
        with gr.Tabs(elem_id="tabs") as tabs:
            stage = Stage(workbench, page, tabs, domain, first, guard)
            with gr.Tab("Ask", id="ask"):
                ask_tab(stage)
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
