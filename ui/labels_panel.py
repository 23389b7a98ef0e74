"""The label editor: questions listed, checked, imported, exported; form and drafts beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from core.corpus.questions import QUESTIONS_FILE, questions_text
from core.errors import CorpusError
from ui.documents_desk import PICK, Desk, picked, told
from ui.labels_drafts import drafts_panel
from ui.labels_form import EMPTY, Form, filled, form_panel
from ui.labels_html import checked, merged, questions_table
from ui.markup import sentence
from ui.stage import Stage

_SPLITS = [("all splits", ""), ("train", "train"), ("validation", "validation"), ("test", "test")]
_HAND_OUT = "() => { document.querySelector('#questions-file').click(); }"
_ADD, _INSTEAD = "Add to the questions", "Put instead of all questions"


@dataclass(frozen=True)
class _LabelEvents:
    desk: Desk
    first: str
    #: Where the page hands out files from.
    cache: str

    def show(
        self, where: str | None, words: str | None, split: str | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """List the questions, and offer what the visitor may change."""
        reference = where or self.first
        try:
            corpus = self.desk.corpus(reference, request)
            mine = self.desk.mine(reference, request)
        except Exception as error:
            return sentence(told(error)), gr.update(visible=False)
        table = questions_table(corpus.questions, words or "", split or "")
        return table, gr.update(visible=mine)

    def pick(self, where: str | None, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        """Put the question whose row was clicked into the form."""
        try:
            questions = self.desk.corpus(where or self.first, request).questions
        except Exception:
            return EMPTY
        return next((filled(one) for one in questions if one.id == picked(event)), EMPTY)

    def take(
        self, where: str | None, path: str | None, how: str | None, count: int, request: gr.Request
    ) -> tuple[Any, ...]:
        """Merge an uploaded file of questions in, and check the corpus."""
        try:
            if not path:
                raise CorpusError("Choose a .jsonl or .csv file first.")
            own, file = self.desk.own(request), Path(path)
            self.desk.guard.check_uploads([file], request)
            self.desk.guard.check_rate(request)  # the check below takes seconds
            report = own.import_questions(where or "", file, instead=how == _INSTEAD)
            findings = self.desk.workbench.check(where or "").findings
            return merged(report, findings), "", None, count + 1
        except Exception as error:
            return "", sentence(told(error)), None, count

    def export(self, where: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Hand out the questions as a `qa.jsonl`."""
        try:
            corpus = self.desk.corpus(where or self.first, request)
            path = corpus.folder / QUESTIONS_FILE
            text = path.read_bytes() if path.is_file() else questions_text(()).encode()
            return save_bytes_to_cache(text, f"{corpus.name}-{QUESTIONS_FILE}", self.cache), ""
        except Exception as error:
            return gr.skip(), sentence(told(error))

    def check(self, where: str | None, request: gr.Request) -> tuple[str, str]:
        """Say what the check finds."""
        try:
            corpus = self.desk.corpus(where or self.first, request)
            if self.desk.public and not self.desk.mine(where or "", request):
                raise CorpusError("A public demonstration checks your own corpora only.")
            self.desk.guard.check_rate(request)
            return checked(self.desk.workbench.check(str(corpus.folder)).findings), ""
        except Exception as error:
            return "", sentence(told(error))


def labels_panel(stage: Stage, desk: Desk, changes: gr.State) -> None:
    """Lay out the panel; `changes` counts what was changed in this visit."""
    domain = stage.domain
    with gr.Row():
        wanted = gr.Textbox(label="Find a question", placeholder="Words", scale=4)
        split = gr.Dropdown(_SPLITS, value="", label="Split", scale=1, min_width=140)
    rows = gr.HTML(js_on_load=PICK, elem_id="questions-list")
    with gr.Row():
        export = gr.Button("Download qa.jsonl", size="sm", scale=0, min_width=180)
        # It hands out the file that it holds when it is clicked, so it is clicked when it has it.
        download = gr.DownloadButton("The file", visible="hidden", elem_id="questions-file")
        check = gr.Button(
            "Check the corpus", size="sm", scale=0, min_width=180, visible=not desk.closed
        )
    message = gr.HTML(js_on_load=None, elem_id="labels-message")
    report = gr.HTML(js_on_load=None, elem_id="labels-report")
    events = _LabelEvents(desk, stage.first, download.GRADIO_CACHE)
    with gr.Column(visible=False) as editing:
        form: Form = form_panel(stage, desk, changes)
        drafts_panel(stage, desk, changes)
        with gr.Accordion("Import questions", open=False):
            how = gr.Radio([_ADD, _INSTEAD], value=_ADD, label="What the file's questions are for")
            upload = gr.File(
                label="A qa.jsonl, or a .jsonl or .csv whose columns say question and answers",
                height=120,
                elem_id="questions-upload",
            )
    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    looked = [domain, wanted, split]
    # One event for all that changes the list: of two at once the later answer need not be the
    # later question's.
    gr.on(
        [stage.page.load, domain.change, changes.change, split.change, wanted.change],
        events.show, looked, [rows, editing],
        queue=False, trigger_mode="always_last", **light,
    )  # fmt: skip
    domain.change(lambda: ("", ""), None, [message, report], queue=False, **light)
    rows.select(events.pick, domain, form.outputs, queue=False, **light)
    upload.upload(
        events.take, [domain, upload, how, changes], [report, message, upload, changes],
        api_visibility="private",
    )  # fmt: skip
    export.click(events.export, domain, [download, message], queue=False, **light).success(
        None, None, None, js=_HAND_OUT
    )
    check.click(events.check, domain, [report, message], **light)
