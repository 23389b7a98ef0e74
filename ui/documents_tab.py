"""Documents: what a domain's retrieval looks things up in, and its questions; see and change them.

Built-in corpora are looked at; changes go into corpora of the visitor's own.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from core.storage import folder_bytes
from ui.documents_desk import CLOSED, FOR_THE_VISIT, Desk, told
from ui.documents_files import files_panel
from ui.documents_html import summary
from ui.documents_search import search_panel
from ui.labels_panel import labels_panel
from ui.markup import sentence
from ui.stage import Stage


@dataclass(frozen=True)
class _CorpusEvents:
    desk: Desk
    built_in: list[tuple[str, str]]
    first: str

    def show(self, where: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Say which corpus this is, and offer its end where it is the visitor's."""
        reference = where or self.first
        try:
            mine = self.desk.mine(reference, request)
            corpus = self.desk.corpus(reference, request)
        except Exception as error:
            return sentence(told(error)), gr.skip()
        notice = CLOSED if self.desk.closed else FOR_THE_VISIT if self.desk.public else ""
        return summary(corpus, mine=mine, notice=notice), gr.update(visible=mine)

    def choices(self, request: gr.Request, where: str | None = None) -> Any:
        """The domains to choose from, and which is chosen."""
        there = self.desk.domains(self.built_in, request)
        return gr.update(choices=there, value=where) if where else gr.update(choices=there)

    def copy(self, where: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Copy the corpus that is shown and go there."""
        try:
            corpus = self.desk.corpus(where or self.first, request)
            self.desk.guard.check_room(request, folder_bytes(corpus.folder))
            made = self.desk.own(request).copy(corpus)
            return "", self.choices(request, made)
        except Exception as error:
            return sentence(told(error)), gr.skip()

    def create(
        self, name: str | None, system: str | None, withheld: str | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """Make an empty corpus and go there."""
        try:
            self.desk.guard.check_room(request)
            made = self.desk.own(request).create(
                name or "", system_prompt=system or "", abstain_text=withheld or ""
            )
            return "", self.choices(request, made), "", "", ""
        except Exception as error:
            return sentence(told(error)), *[gr.skip()] * 4

    def delete(
        self, where: str | None, agreed: bool | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """Delete the visitor's corpus that is shown."""
        if not agreed:
            return sentence("Tick the box first: a deleted corpus cannot be brought back."), *(
                gr.skip(), False
            )  # fmt: skip
        try:
            self.desk.own(request).remove(where or "")
            self.desk.workbench.forget_gone()
            return "", self.choices(request, self.first), False
        except Exception as error:
            return sentence(told(error)), gr.skip(), False


def documents_tab(stage: Stage, built_in: list[tuple[str, str]]) -> None:
    """Lay out the tab.

    :param built_in: title and reference of the domains that every visitor sees.
    """
    desk = Desk(stage.workbench, stage.guard)
    events = _CorpusEvents(desk, built_in, stage.first)
    #: Counts the changes of this visit: what shows the corpus looks at it anew.
    changes = gr.State(0)
    about = gr.HTML(js_on_load=None, elem_id="documents-about")
    message = gr.HTML(js_on_load=None, elem_id="documents-message")
    with gr.Row(visible=not desk.closed):
        copy = gr.Button("Make a copy to work on", size="sm", scale=0, min_width=220)
    with gr.Accordion("New empty corpus", open=False, visible=not desk.closed):
        title = gr.Textbox(label="Title", max_length=80)
        prompt = gr.Textbox(
            label="System prompt", lines=2, max_length=4000, placeholder="Empty: the project's own"
        )
        abstain = gr.Textbox(
            label="Abstain text: the answer where the documents hold none",
            max_length=400,
            placeholder="Empty: the project's own",
        )
        create = gr.Button("Create the corpus", variant="primary", size="sm")
    with gr.Accordion("Delete this corpus", open=False, visible=False) as ending:
        sure = gr.Checkbox(label="Yes, delete its documents, questions, drafts and index")
        delete = gr.Button("Delete for good", variant="stop", size="sm")
    with gr.Tabs():
        with gr.Tab("Files"):
            files_panel(stage, desk, changes)
        with gr.Tab("Search"):
            search_panel(stage, desk, changes)
        with gr.Tab("Questions"):
            labels_panel(stage, desk, changes)

    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    domain = stage.domain
    stage.page.load(events.choices, None, domain, queue=False, **light)
    shows = [stage.page.load, domain.change, changes.change]
    gr.on(shows, events.show, domain, [about, ending], queue=False, **light)
    domain.change(lambda: "", None, message, queue=False, **light)
    copy.click(events.copy, domain, [message, domain], **light)
    create.click(
        events.create, [title, prompt, abstain], [message, domain, title, prompt, abstain], **light
    )
    delete.click(events.delete, [domain, sure], [message, domain, sure], **light)
