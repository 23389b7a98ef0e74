"""What the Documents tab works on: a corpus as far as it can be read, and whose it is."""

import logging
from dataclasses import dataclass

import gradio as gr

from core.corpus.read import Corpus, is_built_in
from core.errors import CorpusError, ProjectError
from own_corpora import OwnCorpora
from ui.markup import INSIDE
from ui.public import Guard
from workbench import Workbench

CLOSED = (
    "This is a public demonstration, where uploads are closed: documents, passages and search can "
    "be looked at. Run the project yourself to work on documents of your own."
)
#: What a stranger reads about what he adds.
FOR_THE_VISIT = (
    "What you add on this public page only you see; it is deleted when you close the page, lose "
    "the connection, or do nothing for an hour."
)
#: For an HTML of rows: a click on a row's button tells the page which one it was.
PICK = """element.onclick = (event) => {
  const picked = event.target.closest('[data-pick]');
  if (picked) trigger('select', { pick: picked.dataset.pick });
};"""


@dataclass(frozen=True)
class Desk:
    """The corpora that the tab shows, and those of the visitor that it may change."""

    workbench: Workbench
    #: Says whose the corpora are: on a public page each visitor has some apart.
    guard: Guard

    @property
    def public(self) -> bool:
        """Whether strangers use the tab."""
        return self.guard.public

    @property
    def closed(self) -> bool:
        """Whether nobody may upload anything."""
        return self.guard.closed

    def own(self, request: gr.Request) -> OwnCorpora:
        """The corpora that the visitor may change.

        :raises CorpusError: when uploads are closed.
        """
        if self.closed:
            raise CorpusError(CLOSED)
        folder, limits = self.guard.corpora_of(request)
        return self.workbench.own_corpora(folder, limits=limits)

    def mine(self, reference: str, request: gr.Request) -> bool:
        """Whether the visitor may change a corpus."""
        return not self.closed and self.own(request).owns(reference)

    def corpus(self, reference: str, request: gr.Request) -> Corpus:
        """Read a corpus; one of the visitor's own may be empty while it is filled.

        :raises CorpusError: also on a public page for what is neither built in nor the visitor's.
        """
        mine = self.mine(reference, request)
        if self.public and not mine and not is_built_in(reference):
            raise CorpusError("There is no such domain.")
        try:
            return self.workbench.corpus(reference)
        except CorpusError:
            if not mine:
                raise
            return self.own(request).read(reference)

    def domains(
        self, built_in: list[tuple[str, str]], request: gr.Request
    ) -> list[tuple[str, str]]:
        """The domains of the page with the visitor's own below them."""
        if self.closed:
            return built_in
        own = self.own(request).all()
        return [*built_in, *((f"{title} · yours", reference) for title, reference in own)]


def told(error: Exception) -> str:
    """Say to a visitor what went wrong; what nobody foresaw goes into the log."""
    if isinstance(error, ProjectError):
        return str(error)
    logging.getLogger(__name__).exception("The Documents tab failed", exc_info=error)
    return INSIDE


def picked(event: gr.EventData) -> str:
    """The row that was clicked, as the browser says it: to be looked up, never trusted."""
    data = event._data
    return str(data.get("pick", "")) if isinstance(data, dict) else ""
