"""The controls of the Benchmark tab, and what a visitor has set them to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.benchmark_data import Filter

#: What an event may change, by component.
Updates = dict[Any, Any]
#: Said where the fault is not the visitor's.
#: A click on a row, or on its button by mouse or key, picks the row's question; words that somebody
#: is marking with the mouse are no click.
PICK = """element.addEventListener('click', (event) => {
  const row = event.target.closest('[data-pick]');
  if (!row) return;
  if (!event.target.closest('button') && String(window.getSelection())) return;
  trigger('click', {id: row.dataset.pick});
});"""


@dataclass(frozen=True)
class Looked:
    """What a visitor looks at."""

    domain: str
    run: str | None
    a: str
    b: str
    asked: Filter
    page: int
    picked: str


@dataclass(frozen=True)
class Controls:
    """Every component that events of the tab read or change."""

    run: gr.Dropdown
    first: gr.Dropdown
    second: gr.Dropdown
    message: gr.HTML
    slices: gr.HTML
    listing: gr.Column
    kind: gr.Dropdown
    exposure: gr.Dropdown
    won: gr.Dropdown
    cause: gr.Dropdown
    search: gr.Textbox
    count: gr.HTML
    table: gr.HTML
    before: gr.Button
    after: gr.Button
    single: gr.Column
    back: gr.Button
    previous: gr.Button
    next: gr.Button
    ask: gr.Button
    whole: gr.HTML
    page: gr.State
    picked: gr.State

    @property
    def inputs(self) -> list[Any]:
        """What says what a visitor looks at."""
        return [
            self.run, self.first, self.second, self.kind, self.exposure, self.won, self.cause,
            self.search, self.page, self.picked,
        ]  # fmt: skip

    @property
    def outputs(self) -> list[Any]:
        """What an event may change."""
        return [getattr(self, name) for name in self.__dataclass_fields__ if name != "ask"]

    def looked(self, values: Mapping[Any, Any], domain: gr.Dropdown) -> Looked:
        """Read what the components are set to."""
        return Looked(
            domain=values[domain],
            run=values[self.run],
            a=values[self.first] or "",
            b=values[self.second] or "",
            asked=Filter(
                kind=values[self.kind] or "",
                exposure=values[self.exposure] or "",
                winner=values[self.won] or "",
                cause=values[self.cause] or "",
                search=values[self.search] or "",
            ),
            page=values[self.page],
            picked=values[self.picked],
        )

    def nothing(self) -> Updates:
        """Show nothing where nothing can be shown; a message says why."""
        return {self.slices: "", self.table: "", self.count: "", self.whole: ""}


def laid_out(run: gr.Dropdown, first: gr.Dropdown, second: gr.Dropdown) -> Controls:
    """Lay out what shows a run, under the three controls that choose what of it."""
    message = gr.HTML(js_on_load=None)
    with gr.Column() as listing:
        slices = gr.HTML(js_on_load=None, elem_id="bench-slices")
        gr.HTML('<div class="bench"><h3>Question by question</h3></div>', js_on_load=None)
        with gr.Row():
            search = gr.Textbox(
                label="Search", placeholder="Words of question or answer", scale=3, min_width=200
            )
            kind = _filter("Kind", "All kinds")
            exposure = _filter("Exposure", "Any")
            won = _filter("Who was right", "Anyone")
            cause = _filter("Cause of failure", "Any cause")
        count = gr.HTML(js_on_load=None, elem_id="bench-count")
        table = gr.HTML(js_on_load=PICK, elem_id="bench-table")
        with gr.Row(elem_classes="bench-buttons"):
            before = gr.Button("Previous page", size="sm", interactive=False)
            after = gr.Button("Next page", size="sm", interactive=False)
    with gr.Column(visible=False) as single:
        with gr.Row(elem_classes="bench-buttons"):
            back = gr.Button("Back to the questions", size="sm")
            previous = gr.Button("Previous question", size="sm")
            following = gr.Button("Next question", size="sm")
            ask = gr.Button("Open in Ask", size="sm", variant="primary")
        whole = gr.HTML(js_on_load=None, elem_id="bench-whole")
    return Controls(
        run=run, first=first, second=second, message=message, slices=slices, listing=listing,
        kind=kind, exposure=exposure, won=won, cause=cause, search=search, count=count,
        table=table, before=before, after=after, single=single, back=back, previous=previous,
        next=following, ask=ask, whole=whole, page=gr.State(0), picked=gr.State(""),
    )  # fmt: skip


def _filter(label: str, everything: str) -> gr.Dropdown:
    return gr.Dropdown([(everything, "")], value="", label=label, scale=2, min_width=140)
