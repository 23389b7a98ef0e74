"""Drafts of a corpus, kept apart until a person has decided: accept, edit, reject.

They lie in a file of their own in the state folder. Only an accepted one enters the corpus's
`qa.jsonl`, so no draft is ever trained on or scored unreviewed.
"""

from collections.abc import Sequence
from pathlib import Path

from core.corpus.questions import (
    QUESTIONS_FILE,
    question_line,
    question_of,
    questions_text,
    read_question_lines,
)
from core.corpus.read import Corpus
from core.corpus.similar import plain
from core.errors import CorpusError
from core.records import Question
from core.storage import write_text


class DraftBox:
    """The drafts of one corpus."""

    def __init__(self, corpus: Corpus, state_folder: Path) -> None:
        """Open the box; it is empty until something is put in."""
        self._corpus = corpus
        self._path = state_folder / "drafts" / f"{corpus.name}.jsonl"

    def all(self) -> list[Question]:
        """Return the drafts that wait, oldest first."""
        return [one.question for one in read_question_lines(self._path) if one.question]

    def add(self, drafts: Sequence[Question]) -> list[Question]:
        """Put drafts in; those that ask what the corpus or a waiting draft asks are passed over.

        :returns: the drafts that were put in.
        """
        waiting = self.all()
        asked = {plain(one.question) for one in (*self._corpus.questions, *waiting)}
        taken = {one.id for one in waiting}
        new = []
        for draft in drafts:
            if plain(draft.question) not in asked and draft.id not in taken:
                asked.add(plain(draft.question))
                new.append(draft)
        if new:
            self._write([*waiting, *new])
        return new

    def edit(
        self, name: str, *, question: str | None = None, answers: Sequence[str] = ()
    ) -> Question:
        """Change a draft's question or answers; it stays a draft.

        :raises CorpusError: when there is no such draft, or the change leaves it empty.
        """
        draft = self._find(name)
        fields = draft.model_dump(mode="json")
        if question is not None:
            fields["question"] = question
        if answers:
            fields["answers"] = list(answers)
        try:
            changed = question_of(fields)
        except CorpusError as error:
            raise CorpusError(f"The draft {name} cannot be so: {error}") from error
        self._write([changed if one.id == name else one for one in self.all()])
        return changed

    def accept(self, name: str) -> Question:
        """Put a draft into the corpus's `qa.jsonl` as a reviewed question.

        :raises CorpusError: when there is no such draft.
        :raises StorageError: when the file cannot be written; the draft then still waits.
        """
        draft = self._find(name)
        taken = {one.id for one in self._corpus.questions}
        own = draft.id.removeprefix("draft-")
        number = 2
        while own in taken:
            own, number = f"{draft.id.removeprefix('draft-')}-{number}", number + 1
        fact = own if draft.fact == draft.id else draft.fact
        reviewed = draft.model_copy(update={"id": own, "fact": fact, "status": None})
        path = self._corpus.folder / QUESTIONS_FILE
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        write_text(path, before + question_line(reviewed))
        self.reject(name)
        return reviewed

    def reject(self, name: str) -> Question:
        """Take a draft out.

        :raises CorpusError: when there is no such draft.
        """
        draft = self._find(name)
        self._write([one for one in self.all() if one.id != name])
        return draft

    def _find(self, name: str) -> Question:
        waiting = self.all()
        for draft in waiting:
            if draft.id == name:
                return draft
        known = ", ".join(one.id for one in waiting[:5]) or "none"
        raise CorpusError(f"{self._corpus.name} has no draft {name!r} (there are: {known}).")

    def _write(self, drafts: Sequence[Question]) -> None:
        write_text(self._path, questions_text(drafts))
