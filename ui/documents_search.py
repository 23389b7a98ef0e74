"""Search in a corpus's documents: what each ranking found, and whether it is near enough."""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from core.errors import CorpusError
from ui.documents_desk import Desk, told
from ui.documents_html import found
from ui.markup import sentence
from ui.stage import MODEL_QUEUE, Stage

#: Documents that a search can be narrowed to by choosing; a longer list cannot be looked through.
_CHOICES, _MOST_HITS = 500, 20

_KEYS = """<div class="docs"><p class="hint"><b>Dense</b>: the passage's vector against the
question's (cosine). <b>Lexical</b>: shared words (BM25). <b>Best sentence</b>: the vector of the
passage's nearest sentence. <b>Fused</b>: all three, weighted; this order is what RAG reads.</p>
</div>"""


def search_panel(stage: Stage, desk: Desk, changes: gr.State) -> None:
    """Lay out the panel; `changes` counts what was changed in this visit."""
    domain = stage.domain
    with gr.Row(equal_height=True):
        query = gr.Textbox(
            label="Search the documents",
            placeholder="A question, or words",
            scale=6,
            elem_id="documents-query",
        )
        k = gr.Slider(1, _MOST_HITS, value=5, step=1, label="Hits", scale=2, min_width=160)
        go = gr.Button("Search", variant="primary", scale=1, min_width=110)
    within = gr.Dropdown([], multiselect=True, label="Only in these documents")
    gr.HTML(_KEYS, js_on_load=None)
    message = gr.HTML(js_on_load=None, elem_id="search-message")
    hits = gr.HTML(js_on_load=None, elem_id="documents-hits", min_height=200)

    def on_show(where: str | None, request: gr.Request) -> Any:
        try:
            documents = desk.corpus(where or stage.first, request).documents[:_CHOICES]
        except Exception:
            return gr.update(choices=[], value=[])  # the list beside it says what is wrong
        return gr.update(choices=[(one.title, one.id) for one in documents], value=[])

    def on_search(
        where: str | None,
        words: str | None,
        most: float | None,
        only: Sequence[str] | None,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        reference = where or stage.first
        yield "", gr.skip(), gr.update(value="Searching …", interactive=False)
        ready = gr.update(value="Search", interactive=True)
        try:
            corpus = desk.corpus(reference, request)
            if not corpus.documents:
                raise CorpusError("There are no documents to search in yet.")
            desk.guard.check_question(words or "", request)
            results = desk.workbench.retrieve(
                reference,
                words or "",
                min(_MOST_HITS, max(1, int(most or 1))),
                documents=list(only) if only else None,
            )
            titles = {one.id: one.title for one in corpus.documents}
            yield "", found(results, desk.workbench.floor(reference), titles), ready
        except Exception as error:
            yield sentence(told(error)), "", ready

    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [stage.page.load, domain.change, changes.change],
        on_show, domain, within, queue=False, **light,
    )  # fmt: skip
    domain.change(lambda: ("", ""), None, [message, hits], queue=False, **light)
    gr.on(
        [go.click, query.submit],
        on_search,
        [domain, query, k, within],
        [message, hits, go],
        concurrency_id=MODEL_QUEUE,
        trigger_mode="once",
        **light,
    )
