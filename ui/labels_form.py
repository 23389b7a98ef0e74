"""One question with its answers, kind, split and evidence: added, changed, removed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.corpus.read import Corpus
from core.errors import CorpusError
from core.records import Question
from rag.passages import sentences, split_document
from ui.documents_desk import Desk, told
from ui.documents_html import note
from ui.labels_html import KINDS, evidence_list
from ui.markup import sentence
from ui.stage import Stage

_BY_FACT = "by fact"
_SPLITS = [("train", "train"), ("validation", "validation"), ("test", "test"), (_BY_FACT, "")]
#: Sentences of a document and documents of a corpus that can be chosen from a list.
_SENTENCES, _DOCUMENTS = 600, 1_000
#: What the form holds for a new question: id, its six fields, the evidence's look, the button.
EMPTY: tuple[Any, ...] = (
    "", "", "", "fact", "", "", [], evidence_list(()), "Add the question", gr.skip(),
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """The form's components that a chosen question is put into, in the order of `filled`."""

    outputs: list[Any]


def filled(question: Question) -> tuple[Any, ...]:
    """What the form holds for a question that is there."""
    evidence = [one.model_dump() for one in question.evidence]
    return (
        question.id,
        question.question,
        "\n".join(question.answers),
        question.kind,
        question.split or "",
        question.fact if question.fact != question.id else "",
        evidence,
        evidence_list(evidence),
        "Save the changes",
        gr.update(open=True),
    )


@dataclass(frozen=True)
class _FormEvents:
    desk: Desk
    first: str

    def documents(self, where: str | None, request: gr.Request) -> Any:
        """The documents that evidence can be picked from."""
        return gr.update(
            choices=document_choices(self.desk, where or self.first, request), value=None
        )

    def sentences(self, where: str | None, name: str | None, request: gr.Request) -> Any:
        """The sentences of the chosen document."""
        try:
            found = _sentences(self.desk.corpus(where or self.first, request), name or "")
        except Exception:
            found = []
        return gr.update(choices=found, value=[])

    def pick(
        self, name: str | None, quotes: Sequence[str] | None, evidence: list[dict[str, str]] | None
    ) -> tuple[Any, ...]:
        """Take the chosen sentences as evidence."""
        more = [{"document": name or "", "quote": quote} for quote in quotes or ()]
        kept = [*(evidence or []), *(one for one in more if one not in (evidence or []))]
        return kept, evidence_list(kept), []

    def save(
        self, where: str | None, row: dict[str, Any], count: int, request: gr.Request
    ) -> tuple[Any, ...]:
        """Put the question in, or in the place of the one that was chosen.

        :param row: the fields of a line of `qa.jsonl`; its id is empty for a new question.
        """
        name = row.pop("id")
        try:
            self.desk.guard.check_text([json.dumps(row)], request)
            put = self.desk.own(request).put_question(where or "", row, replacing=name)
        except Exception as error:
            return sentence(told(error)), count, *[gr.skip()] * len(EMPTY)
        done = "changed" if name else "added"
        return note(f"The question {put.id} was {done}."), count + 1, *EMPTY

    def remove(
        self, where: str | None, name: str | None, count: int, request: gr.Request
    ) -> tuple[Any, ...]:
        """Take the chosen question out."""
        try:
            if not name:
                raise CorpusError("Choose the question in the table first.")
            self.desk.own(request).remove_question(where or "", name)
        except Exception as error:
            return sentence(told(error)), count, *[gr.skip()] * len(EMPTY)
        return note(f"The question {name} was removed."), count + 1, *EMPTY


def form_panel(stage: Stage, desk: Desk, changes: gr.State) -> Form:
    """Lay out the form; `changes` counts what was changed in this visit."""
    domain, events = stage.domain, _FormEvents(desk, stage.first)
    name, evidence = gr.State(""), gr.State([])
    with gr.Accordion("Add or change a question", open=False) as frame:
        words = gr.Textbox(label="Question text", max_length=2000)
        answers = gr.Textbox(
            label="Accepted answers, one a line (none for an unanswerable question)", lines=3
        )
        with gr.Row():
            kind = gr.Dropdown([(told, one) for one, told in KINDS.items()], value="fact",
                               label="Kind", min_width=140)  # fmt: skip
            split = gr.Dropdown(_SPLITS, value="", label="Split of the question", min_width=140)
            fact = gr.Textbox(
                label="Fact", placeholder="Empty: its own. The same for other wordings",
                max_length=120, min_width=200,
            )  # fmt: skip
        with gr.Row():
            source = gr.Dropdown([], label="Evidence: document", scale=1, min_width=200)
            quotes = gr.Dropdown([], label="Evidence: sentences", multiselect=True, scale=2)
        taken = gr.Button("Take as evidence", size="sm")
        listed = gr.HTML(evidence_list(()), js_on_load=None, elem_id="evidence-list")
        with gr.Row():
            save = gr.Button("Add the question", variant="primary", size="sm", min_width=130)
            clear = gr.Button("Empty the form", size="sm", min_width=130)
            remove = gr.Button("Remove the question", variant="stop", size="sm", min_width=130)
        message = gr.HTML(js_on_load=None, elem_id="form-message")
    outputs: list[Any] = [name, words, answers, kind, split, fact, evidence, listed, save, frame]

    def on_save(given: dict[Any, Any], request: gr.Request) -> tuple[Any, ...]:
        row = {
            "id": given[name] or "",
            "question": given[words] or "",
            "answers": [one.strip() for one in (given[answers] or "").split("\n") if one.strip()],
            "kind": given[kind] or "fact",
            "split": given[split] or None,
            "fact": (given[fact] or "").strip(),
            "evidence": given[evidence] or [],
        }
        return events.save(given[domain], row, given[changes], request)

    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [stage.page.load, domain.change, changes.change],
        events.documents, domain, source, queue=False, **light,
    )  # fmt: skip
    domain.change(lambda: ("", *EMPTY), None, [message, *outputs], queue=False, **light)
    source.change(events.sentences, [domain, source], quotes, queue=False, **light)
    taken.click(
        events.pick, [source, quotes, evidence], [evidence, listed, quotes], queue=False, **light
    )
    clear.click(lambda: ("", *EMPTY), None, [message, *outputs], queue=False, **light)
    given: set[gr.blocks.Block] = {
        domain,
        changes,
        name,
        words,
        answers,
        kind,
        split,
        fact,
        evidence,
    }
    save.click(on_save, given, [message, changes, *outputs], **light)
    remove.click(events.remove, [domain, name, changes], [message, changes, *outputs], **light)
    return Form(outputs)


def document_choices(desk: Desk, reference: str, request: gr.Request) -> list[tuple[str, str]]:
    """The documents of a corpus to choose one from."""
    try:
        documents = desk.corpus(reference, request).documents
    except Exception:
        return []  # the list of documents says what is wrong
    return [(f"{one.title} ({one.id})", one.id) for one in documents[:_DOCUMENTS]]


def _sentences(corpus: Corpus, name: str) -> list[str]:
    document = next((one for one in corpus.documents if one.id == name), None)
    passages = split_document(document) if document else []
    found = [one.text for passage in passages for one in sentences(passage)]
    return list(dict.fromkeys(found))[:_SENTENCES]
