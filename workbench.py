"""Where the wings meet: each verb of the terminal and the page is one method of `Workbench`."""

from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import CorpusError, ProjectError
from core.places import INDEXES_FOLDER
from core.records import AnswerDelta, ArmName, Hit
from rag.citations import Alignment
from rag.floor import Floor
from rag.store import describe_indexes
from rag.sync import SyncReport, sync_index
from reporting import Reporting


class QuestionError(ProjectError):
    """A question cannot be asked."""


class Workbench(Reporting):
    """One method a verb; what is loaded once is shared by all of them."""

    # Retrieval

    def index(self, reference: str, *, rebuild: bool = False) -> SyncReport:
        """Bring the corpus's index up to its documents; see `rag.sync.sync_index`."""
        corpus = self.corpus(reference)
        place = self._home(corpus) / INDEXES_FOLDER
        return sync_index(corpus, self._loaded.encoder_for(corpus), place, rebuild=rebuild)

    def floor(self, reference: str) -> Floor:
        """How near what is found must be for an answer to be made of it; see `rag.floor`."""
        return self.library(self.corpus(reference)).floor

    def retrieve(
        self, reference: str, question: str, k: int, *, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """Find the `k` best passages for a question, in all documents or in some."""
        self.check_question(question)
        corpus = self.corpus(reference)
        known = {document.id for document in corpus.documents}
        for document in documents or ():
            if document not in known:
                raise CorpusError(f"{corpus.name} has no document {document!r} to search in.")
        return self.library(corpus).retriever.retrieve(question.strip(), k, documents=documents)

    def hold(self, reference: str, question: str, text: str) -> tuple[tuple[Hit, ...], Alignment]:
        """Hold an answer of any origin against the documents; see `rag.library.Library.hold`."""
        self.check_question(question)
        return self.library(self.corpus(reference)).hold(question.strip(), text)

    # Asking

    def ask(
        self,
        reference: str,
        question: str,
        arms: Sequence[ArmName],
        *,
        adapter: str | None = None,
    ) -> Iterator[AnswerDelta]:
        """Answer one question by several arms side by side."""
        self.check_question(question)
        together = self.arms(reference, adapter=adapter)
        for arm in arms:
            together.check(arm)
        return together.stream(question.strip(), arms)

    def check_question(self, question: str) -> None:
        """Refuse an empty or a far too long question.

        :raises QuestionError: says which.
        """
        most = self.settings.max_question_characters
        if not question.strip():
            raise QuestionError("The question is empty: type one.")
        if len(question) > most:
            raise QuestionError(
                f"The question has {len(question)} characters; the most is {most}. Shorten it."
            )

    # This machine

    def doctor(self) -> dict[str, Any]:
        """Say what this machine offers: versions, device, number format, models, indexes."""
        from core.doctor import examine  # noqa: PLC0415  (loads torch)

        indexes = describe_indexes(self.settings.state / INDEXES_FOLDER)
        return {**examine(self.settings), "indexes": indexes}
