"""Drafts of the local model, which wait for a person: accepted, changed or rejected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.errors import CorpusError
from core.records import Question
from ui.documents_desk import Desk, told
from ui.documents_html import note
from ui.labels_form import document_choices
from ui.labels_html import evidence_list
from ui.markup import sentence
from ui.stage import MODEL_QUEUE, Stage

_MOST_DRAFTS = 20
_WRITE = "Draft with the model"


@dataclass(frozen=True)
class _DraftEvents:
    desk: Desk
    first: str

    def show(
        self, where: str | None, name: str | None, source: str | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """List the drafts that wait, and put one into the fields."""
        reference = where or self.first
        there = document_choices(self.desk, reference, request)
        kept = source if any(source == one for _, one in there) else None
        documents = gr.update(choices=there, value=kept)
        waiting: Sequence[Question] = ()
        if self.desk.mine(reference, request):
            try:
                waiting = self.desk.workbench.drafts(reference)
            except Exception as error:
                empty = gr.update(choices=[], value=None)
                return documents, empty, *_fields(None), sentence(told(error))
        choices = [(f"{one.question}  →  {one.answers[-1]}", one.id) for one in waiting]
        chosen = next((one for one in waiting if one.id == name), waiting[0] if waiting else None)
        label = f"Drafts that wait: {len(waiting)}"
        value = chosen.id if chosen else None
        return (
            documents,
            gr.update(choices=choices, value=value, label=label),
            *_fields(chosen),
            gr.skip(),
        )

    def choose(self, where: str | None, name: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Put the chosen draft into the fields."""
        try:
            waiting = self._mine(where, request).drafts(where or "")
        except Exception:
            return _fields(None)
        return _fields(next((one for one in waiting if one.id == name), None))

    def draft(
        self,
        where: str | None,
        document: str | None,
        most: float | None,
        count: int,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Let the model propose questions on a document."""
        yield "", count, gr.update(value="Drafting …", interactive=False)
        ready = gr.update(value=_WRITE, interactive=True)
        try:
            if not document:
                raise CorpusError("Choose the document that questions are to be drafted on.")
            wanted = min(_MOST_DRAFTS, max(1, int(most or 1)))
            bench = self._mine(where, request)
            self.desk.guard.check_rate(request)
            new = bench.draft(
                where or "",
                document,
                count=wanted,
                most_sentences=self.desk.guard.drafted_sentences,
            )
            what = f"{len(new)} new drafts wait." if new else (
                "No question on this document came out well enough: its sentences may be too short."
            )  # fmt: skip
            yield note(what), count + 1, ready
        except Exception as error:
            yield sentence(told(error)), count, ready

    def accept(self, given: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """Keep what stands in the fields, and put it among the questions."""
        try:
            bench = self._mine(given["where"], request)
            self._edit(given, request)
            with self.desk.own(request).changing(given["where"]):
                kept = bench.accept_draft(given["where"], given["name"])
            return note(f"The question {kept.id} was added."), given["count"] + 1
        except Exception as error:
            return sentence(told(error)), given["count"]

    def edit(self, given: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """Keep what stands in the fields; the draft still waits."""
        try:
            self._edit(given, request)
            return note("The draft was changed; it still waits."), given["count"] + 1
        except Exception as error:
            return sentence(told(error)), given["count"]

    def reject(self, given: dict[str, Any], request: gr.Request) -> tuple[Any, ...]:
        """Take the draft out."""
        try:
            bench = self._mine(given["where"], request)
            with self.desk.own(request).changing(given["where"]):
                bench.reject_draft(given["where"], given["name"])
            return note("The draft was rejected."), given["count"] + 1
        except Exception as error:
            return sentence(told(error)), given["count"]

    def _edit(self, given: dict[str, Any], request: gr.Request) -> None:
        if not given["name"]:
            raise CorpusError("Choose a draft first.")
        bench = self._mine(given["where"], request)
        self.desk.guard.check_text([given["question"], *given["answers"]], request)
        with self.desk.own(request).changing(given["where"]):
            bench.edit_draft(
                given["where"], given["name"], question=given["question"], answers=given["answers"]
            )

    def _mine(self, where: str | None, request: gr.Request) -> Any:
        """The workbench, for a corpus that the visitor may change."""
        if not self.desk.mine(where or "", request):
            raise CorpusError("Drafts are made for your own corpora: make a copy to work on.")
        return self.desk.workbench


def drafts_panel(stage: Stage, desk: Desk, changes: gr.State) -> None:
    """Lay out the panel; `changes` counts what was changed in this visit."""
    domain, events = stage.domain, _DraftEvents(desk, stage.first)
    with gr.Accordion("Draft questions with the model", open=False):
        with gr.Row(equal_height=True):
            source = gr.Dropdown([], label="Draft on the document", scale=3, min_width=200)
            most = gr.Slider(1, _MOST_DRAFTS, value=5, step=1, label="At most", min_width=140)
            write = gr.Button(_WRITE, variant="primary", min_width=160)
        waiting = gr.Radio([], label="Drafts that wait: 0", elem_id="drafts")
        words = gr.Textbox(label="Question of the draft", max_length=2000)
        answers = gr.Textbox(label="Answers of the draft, one a line", lines=2)
        listed = gr.HTML(evidence_list(()), js_on_load=None, elem_id="draft-evidence")
        with gr.Row():
            accept = gr.Button("Accept", variant="primary", size="sm", min_width=110)
            edit = gr.Button("Save the draft", size="sm", min_width=110)
            reject = gr.Button("Reject", variant="stop", size="sm", min_width=110)
        message = gr.HTML(js_on_load=None, elem_id="drafts-message")
    fields: set[gr.blocks.Block] = {domain, waiting, words, answers, changes}

    def read(given: dict[Any, Any]) -> dict[str, Any]:
        return {
            "where": given[domain] or "",
            "name": given[waiting] or "",
            "question": given[words] or "",
            "answers": [one.strip() for one in (given[answers] or "").split("\n") if one.strip()],
            "count": given[changes],
        }

    def on_accept(given: dict[Any, Any], request: gr.Request) -> tuple[Any, ...]:
        return events.accept(read(given), request)

    def on_edit(given: dict[Any, Any], request: gr.Request) -> tuple[Any, ...]:
        return events.edit(read(given), request)

    def on_reject(given: dict[Any, Any], request: gr.Request) -> tuple[Any, ...]:
        return events.reject(read(given), request)

    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    screen = [source, waiting, words, answers, listed]
    gr.on(
        [stage.page.load, domain.change, changes.change],
        events.show, [domain, waiting, source], [*screen, message], queue=False, **light,
    )  # fmt: skip
    domain.change(lambda: "", None, message, queue=False, **light)
    waiting.input(events.choose, [domain, waiting], [words, answers, listed], queue=False, **light)
    write.click(
        events.draft, [domain, source, most, changes], [message, changes, write],
        concurrency_id=MODEL_QUEUE, **light,
    )  # fmt: skip
    accept.click(on_accept, fields, [message, changes], **light)
    edit.click(on_edit, fields, [message, changes], **light)
    reject.click(on_reject, fields, [message, changes], **light)


def _fields(draft: Question | None) -> tuple[Any, ...]:
    if draft is None:
        return "", "", evidence_list(())
    evidence = [one.model_dump() for one in draft.evidence]
    return draft.question, "\n".join(draft.answers), evidence_list(evidence)
