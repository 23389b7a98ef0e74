"""The files of a corpus: list, preview with passages, upload, remove, sync."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import CorpusError
from ui.documents_desk import PICK, Desk, picked, told
from ui.documents_html import added, listing, note, preview, synced
from ui.markup import sentence
from ui.stage import Stage

#: Files taken at once; more are better imported by the command.
_MOST_FILES = 50


@dataclass(frozen=True)
class _FileEvents:
    desk: Desk
    #: The domain that the page opens on: at first the dropdown says nothing.
    first: str

    def show(
        self, where: str | None, words: str | None, name: str | None, request: gr.Request
    ) -> tuple[Any, ...]:
        """List the documents and draw the chosen one."""
        reference = where or self.first
        try:
            corpus = self.desk.corpus(reference, request)
            one = next((one for one in corpus.documents if one.id == name), None)
            # Where none was chosen, one may be chosen meanwhile: it is not to be taken away.
            drawn = (preview(one), one.id if one else "") if name else (gr.skip(), gr.skip())
            return (
                listing(corpus, words or "", one.id if one else ""),
                *drawn,
                gr.update(visible=self.desk.mine(reference, request)),
            )
        except Exception as error:
            return sentence(told(error)), preview(None), "", gr.update(visible=False)

    def pick(
        self, where: str | None, words: str | None, request: gr.Request, event: gr.EventData
    ) -> tuple[Any, ...]:
        """Draw the document whose row was clicked."""
        return self.show(where, words, picked(event), request)

    def upload(
        self, where: str | None, paths: Sequence[str] | None, count: int, request: gr.Request
    ) -> tuple[Any, ...]:
        """Put what was dropped among the documents."""
        files = [Path(path) for path in paths or ()]
        try:
            if len(files) > _MOST_FILES:
                raise CorpusError(f"{len(files)} files at once; the most is {_MOST_FILES}.")
            self.desk.guard.check_uploads(files, request)
            done = self.desk.own(request).add_documents(where or "", files)
            return added(done), "", None, count + 1
        except Exception as error:
            return "", sentence(told(error)), None, count
        finally:
            if self.desk.public:  # what is taken is kept with the corpus, what is not is not
                for file in files:
                    file.unlink(missing_ok=True)

    def remove(
        self, where: str | None, name: str | None, count: int, request: gr.Request
    ) -> tuple[Any, ...]:
        """Remove the chosen document."""
        try:
            if not name:
                raise CorpusError("Choose the document in the list first.")
            self.desk.own(request).remove_document(where or "", name)
            questions = self.desk.corpus(where or "", request).questions
            resting = sum(any(e.document == name for e in one.evidence) for one in questions)
            rest = f" {resting} questions rest on it: change or remove them." if resting else ""
            return note(f"{name} was removed.{rest}"), "", count + 1
        except Exception as error:
            return sentence(told(error)), "", count

    def sync(self, where: str | None, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Bring the index up to the documents."""
        reference = where or self.first
        yield "", "", gr.update(value="Indexing …", interactive=False)
        ready = gr.update(value="Sync the index with the documents", interactive=True)
        try:
            if self.desk.public and not self.desk.mine(reference, request):
                raise CorpusError("In a public demonstration built-in domains are as they are.")
            self.desk.guard.check_rate(request)
            corpus = self.desk.corpus(reference, request)
            report = self.desk.workbench.index(reference) if corpus.documents else None
            if report is None:
                raise CorpusError("There are no documents to index yet: add some first.")
            yield synced(report, str(corpus.folder)), "", ready
        except Exception as error:
            yield "", sentence(told(error)), ready


def files_panel(stage: Stage, desk: Desk, changes: gr.State) -> None:
    """Lay out the panel; `changes` counts what was changed in this visit."""
    domain, events = stage.domain, _FileEvents(desk, stage.first)
    chosen = gr.State("")
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            wanted = gr.Textbox(label="Find a document", placeholder="Words of its title or id")
            rows = gr.HTML(js_on_load=PICK, elem_id="documents-list")
            with gr.Column(visible=False) as editing:
                uploads = gr.File(
                    label=f"Add documents: {' '.join(desk.guard.suffixes)}",
                    file_count="multiple",
                    height=140,
                    elem_id="documents-upload",
                )
                results = gr.HTML(js_on_load=None, elem_id="documents-results")
                remove = gr.Button("Remove the chosen document", variant="stop", size="sm")
            message = gr.HTML(js_on_load=None, elem_id="files-message")
            sync = gr.Button(
                "Sync the index with the documents", size="sm", visible=not desk.closed
            )
            counts = gr.HTML(js_on_load=None, elem_id="documents-sync")
        with gr.Column(scale=6, min_width=320):
            shown = gr.HTML(preview(None), js_on_load=None, elem_id="documents-preview")

    light: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    screen = [rows, shown, chosen, editing]
    # One event for all that changes the list: of two at once the later answer need not be the
    # later question's.
    gr.on(
        [stage.page.load, domain.change, changes.change, wanted.change],
        events.show, [domain, wanted, chosen], screen,
        queue=False, trigger_mode="always_last", **light,
    )  # fmt: skip
    domain.change(lambda: ("", "", ""), None, [results, message, counts], queue=False, **light)
    rows.select(events.pick, [domain, wanted], screen, queue=False, **light)
    uploads.upload(
        events.upload, [domain, uploads, changes], [results, message, uploads, changes],
        api_visibility="private",
    )  # fmt: skip
    remove.click(events.remove, [domain, chosen, changes], [message, results, changes], **light)
    # Not in the model's queue: a large corpus takes minutes, and questions are answered meanwhile.
    sync.click(
        events.sync,
        domain,
        [counts, message, sync],
        concurrency_id="index",
        concurrency_limit=1,
        **light,
    )
