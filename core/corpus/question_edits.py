"""Changes a `qa.jsonl`: a question put in, replaced or taken out, another file's questions merged.

The fields that a user added to a line stay on it. A file with a line that cannot be read is not
rewritten: what stands there would be lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.corpus.imports.folder import slug
from core.corpus.questions import fields_line, question_of, read_question_lines
from core.corpus.similar import plain
from core.errors import CorpusError
from core.records import Document, Question
from core.storage import write_text

#: Fields of a line by the id of its question, in the file's order.
_Lines = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class MergedQuestions:
    """What a merge did; `skipped` says which rows could not be used, and why."""

    added: int
    updated: int
    unchanged: int
    removed: int
    skipped: tuple[str, ...] = ()


def put_question(
    path: Path,
    fields: Mapping[str, Any],
    *,
    documents: Sequence[Document] = (),
    replacing: str = "",
    most: int,
) -> Question:
    """Put a question in at the end, or in the place of the one it replaces.

    :param documents: where its evidence must stand.
    :param replacing: the id of the question that it replaces; it keeps that id.
    :raises CorpusError: says what is wrong with the question; the file is then unchanged.
    """
    lines = _read(path)
    if replacing and replacing not in lines:
        raise CorpusError(f"There is no question {replacing!r} any more; it may have been removed.")
    if not replacing and len(lines) >= most:
        raise CorpusError(f"There are {len(lines)} questions, and no more than {most} are kept.")
    words = str(fields.get("question") or "")
    for name, other in lines.items():
        if name != replacing and plain(str(other["question"])) == plain(words):
            raise CorpusError(f"The question {name} asks this already: change that one.")
    name = replacing or free_id(words, lines)
    # What a user added to the line stays; what the form holds is written over it.
    fields = {**lines.get(replacing, {}), **fields, "id": name}
    question = question_of(fields)
    _check_evidence(question, documents)
    written = {**fields, **question.model_dump(mode="json", exclude_none=True)}
    if question.split is None:
        written.pop("split", None)
    lines[name] = written
    _write(path, lines)
    return question


def remove_question(path: Path, name: str) -> None:
    """Take a question out.

    :raises CorpusError: when there is no such question.
    """
    lines = _read(path)
    if name not in lines:
        raise CorpusError(f"There is no question {name!r} any more; it may have been removed.")
    del lines[name]
    _write(path, lines)


def merge_questions(
    path: Path, new: Sequence[Mapping[str, Any]], *, instead: bool, most: int
) -> MergedQuestions:
    """Put another file's questions in; those of an id that is there replace their namesakes.

    :param instead: take out the questions that the other file does not hold.
    """
    before = _read(path)
    after = {} if instead else dict(before)
    added = updated = unchanged = 0
    for fields in new:
        name = str(fields["id"])
        if name not in before:
            added += 1
        elif question_of(before[name]) == question_of(dict(fields)):
            unchanged += 1
        else:
            updated += 1
        after[name] = dict(fields)
    if len(after) > most:
        raise CorpusError(f"These would be {len(after)} questions; no more than {most} are kept.")
    if after != before:
        _write(path, after)
    return MergedQuestions(added, updated, unchanged, len(before.keys() - after.keys()))


def free_id(words: str, taken: Mapping[str, Any]) -> str:
    """Make an id of a question's words that no other question has."""
    stem = slug(words)[:60].strip("-") or "question"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


def line_fields(question: Question) -> dict[str, Any]:
    """Give a question as the fields of a line, without what is empty."""
    return question.model_dump(mode="json", exclude_none=True)


def _check_evidence(question: Question, documents: Sequence[Document]) -> None:
    texts = {document.id: document.text for document in documents}
    for one in question.evidence:
        if one.document not in texts:
            raise CorpusError(f"evidence: there is no document {one.document!r}.")
        if not one.quote.strip() or one.quote not in texts[one.document]:
            raise CorpusError(
                f"evidence: {one.document} does not hold these words: {one.quote[:60]!r}. "
                "Pick them from the document again."
            )


def _read(path: Path) -> _Lines:
    lines: _Lines = {}
    for line in read_question_lines(path):
        if line.question is None:
            raise CorpusError(f"{path.name}:{line.number}: {line.problem} Mend this line first.")
        lines[line.question.id] = line.fields
    return lines


def _write(path: Path, lines: _Lines) -> None:
    write_text(path, "".join(fields_line(fields) for fields in lines.values()))
