"""The page: the masthead, the domain, and the tabs, each laid out by its own file."""

from collections.abc import Callable

import gradio as gr

from core.corpus.read import INFO_FILE, CorpusInfo, built_in_corpora, corpus_folder, read_toml
from core.errors import ProjectError
from ui.api import add_api
from ui.ask_style import ASK_CSS
from ui.ask_tab import ask_tab
from ui.benchmark_style import BENCHMARK_CSS
from ui.benchmark_tab import benchmark_tab
from ui.decide_style import DECIDE_CSS
from ui.decide_tab import decide_tab
from ui.documents_style import DOCUMENTS_CSS
from ui.documents_tab import documents_tab
from ui.how_style import HOW_CSS
from ui.how_tab import how_tab
from ui.public import Guard
from ui.stage import Stage
from ui.theme import CSS
from ui.train_style import TRAIN_CSS
from ui.train_tab import train_tab
from workbench import Workbench

#: How the whole page looks: what is shared, then each tab's own.
STYLE = CSS + DECIDE_CSS + ASK_CSS + BENCHMARK_CSS + TRAIN_CSS + DOCUMENTS_CSS + HOW_CSS
#: Seconds between two looks for files that visitors were sent or sent, and how old they become.
_FILES_KEPT = (600, 3600)

_MASTHEAD = """<div class="masthead"><h1>Fine-tune it, or let it look things up?</h1>
<p>One small model, four ways to answer: as it came (Base), fine-tuned on your questions (SFT), with
your documents open (RAG), or both. Weights, prompt and decoding are the same; only what is compared
differs.</p></div>"""


def build_page(
    workbench: Workbench, *, owner: bool = False, looked: Callable[[], None] = lambda: None
) -> gr.Blocks:
    """Build the page over a workbench; nothing is loaded before a visitor asks.

    :param owner: whether it is for an owner who signed in, also where strangers have a page.
    :param looked: called each time that somebody has opened the page.
    """
    guard = Guard(
        workbench.settings,
        public=workbench.settings.public_demo and not owner,
        gone=workbench.forget_gone,
    )
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
            with gr.Tab("Decide", id="decide"):
                decide_tab(stage)
            with gr.Tab("Ask", id="ask"):
                asking = ask_tab(stage)
            with gr.Tab("Benchmark", id="benchmark"):
                benchmark_tab(stage, asking.question)
            with gr.Tab("Train", id="train"):
                train_tab(stage)
            with gr.Tab("Documents", id="documents"):
                documents_tab(stage, domains)
            with gr.Tab("How it works", id="how"):
                how_tab(stage)
        add_api(stage)
        page.load(looked, queue=False, show_progress="hidden", api_visibility="private")
    return page


def _domains(workbench: Workbench) -> list[tuple[str, str]]:
    """Titles and names of the domains; the first can be read, the others say it when chosen."""
    found: list[tuple[str, str]] = []
    for name in built_in_corpora():
        try:
            info = read_toml(corpus_folder(name) / INFO_FILE, CorpusInfo)
            if not found:
                workbench.corpus(name)
        except ProjectError:
            continue  # a broken folder beside good ones must not close the page
        found.append((info.title or name, name))
    if not found:
        raise ProjectError("No corpus can be read, so there is nothing to ask: restore corpora/.")
    return found
