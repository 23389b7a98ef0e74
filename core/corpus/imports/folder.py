"""Writes an imported corpus folder as it is read: one document and one question at a time.

Nothing is held in memory but ids, so a source of any size can be imported. The folder is made whole
or not at all.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from core.corpus.questions import QUESTIONS_FILE, question_line
from core.corpus.read import DOCUMENTS_FOLDER, INFO_FILE
from core.errors import CorpusError
from core.records import Evidence, Question, Record
from core.storage import write_folder

#: Rows that could not be used are told one by one up to here, and counted beyond.
_TOLD = 20


class ImportReport(Record):
    """What an import made, and what it left out."""

    out: Path
    documents: int
    questions: int
    by_split: dict[str, int]
    by_kind: dict[str, int]
    #: Which column of the source each field came from.
    columns: dict[str, str]
    encoding: str = ""
    skipped: int
    #: The first rows that were left out: where, and why.
    reasons: tuple[str, ...]


class CorpusWriter:
    """Takes documents and questions one by one and writes them into a folder being made."""

    def __init__(self, folder: Path, questions: TextIO) -> None:
        """Write below `folder`; `questions` is its open `qa.jsonl`."""
        self._folder, self._questions = folder, questions
        self._documents: dict[bytes, str] = {}
        self._names: Counter[str] = Counter()
        self._ids: set[str] = set()
        self.by_split: Counter[str] = Counter()
        self.by_kind: Counter[str] = Counter()
        self.skipped = 0
        self.reasons: list[str] = []

    @property
    def documents(self) -> int:
        """How many documents were written."""
        return len(self._documents)

    @property
    def questions(self) -> int:
        """How many questions were written."""
        return len(self._ids)

    def document(self, text: str, *, title: str = "") -> str:
        """Write a document and return its id; the same text again is the same document."""
        text = clean(text)
        digest = hashlib.sha256(f"{title}\0{text}".encode()).digest()
        if digest in self._documents:
            return self._documents[digest]
        name = slug(title) or f"document-{len(self._documents) + 1:05d}"
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name}-{self._names[name]}"
        path = self._folder / DOCUMENTS_FOLDER / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        heading = f"# {' '.join(title.split())}\n\n" if title.strip() else ""
        path.write_text(f"{heading}{text}\n", encoding="utf-8")
        self._documents[digest] = name
        return name

    def question(self, fields: dict[str, Any], *, place: str) -> None:
        """Write a question; one that is none is left out and told with its place."""
        try:
            fields["id"] = self._own_id(str(fields.get("id") or ""), place)
            question = Question.model_validate({**fields, "columns": ()})
        except ValueError as error:
            reason = str(error)
            errors = getattr(error, "errors", None)
            if errors is not None:
                first = errors()[0]
                field = ".".join(str(part) for part in first["loc"])
                reason = f"{field} {first['msg'].removeprefix('Value error, ')}"
            self.skip(place, reason)
            return
        if not question.fact:
            question = question.model_copy(update={"fact": question.id})
        line = question_line(question)
        if not _writable(line):
            self.skip(place, "holds half of a character")
            return
        self._questions.write(line)
        self._ids.add(question.id)
        self.by_split[str(question.split or "to be split by fact")] += 1
        self.by_kind[question.kind] += 1

    def skip(self, place: str, reason: str) -> None:
        """Leave a row out and remember why."""
        self.skipped += 1
        if len(self.reasons) < _TOLD:
            self.reasons.append(f"{place}: {reason}")

    def _own_id(self, wanted: str, place: str) -> str:
        wanted = wanted.strip() or f"q-{len(self._ids) + 1:06d}"
        if wanted not in self._ids:
            return wanted
        number = 2
        while f"{wanted}-{number}" in self._ids:
            number += 1
        return f"{wanted}-{number}"


def write_imported(
    out: Path, fill: Callable[[CorpusWriter], dict[str, str]], *, title: str, source: str
) -> ImportReport:
    """Make the corpus folder `out` of what `fill` writes.

    :param fill: reads the source into the writer, and returns which column gave each field.
    :raises CorpusError: when `out` is there already, or the source held nothing to use.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CorpusError(f"{out} is already there: name a folder that is not, or an empty one.")
    reports: list[ImportReport] = []

    def make(folder: Path) -> None:
        with open(folder / QUESTIONS_FILE, "w", encoding="utf-8", newline="\n") as questions:
            writer = CorpusWriter(folder, questions)
            columns = fill(writer)
        if not writer.questions and not writer.documents:
            told = "; ".join(writer.reasons[:3]) or "it has no rows"
            raise CorpusError(f"{source}: nothing in it could be used ({told}).")
        if not writer.questions:
            (folder / QUESTIONS_FILE).unlink()
        report = ImportReport(
            out=out,
            documents=writer.documents,
            questions=writer.questions,
            by_split=dict(writer.by_split),
            by_kind=dict(writer.by_kind),
            columns=columns,
            skipped=writer.skipped,
            reasons=tuple(writer.reasons),
        )
        (folder / INFO_FILE).write_text(_info(title, source), encoding="utf-8")
        (folder / "README.md").write_text(_readme(title, source, report), encoding="utf-8")
        reports.append(report)

    write_folder(out, make)
    return reports[0]


def clean(text: str) -> str:
    """Give a text as it will be read back from a document file, so that quotes of it are found."""
    kept = text.replace("\r\n", "\n").replace("\0", "").replace("\ufeff", "").strip()
    return kept if _writable(kept) else kept.encode("utf-8", "replace").decode()


def _writable(text: str) -> bool:
    """Say whether a text has no half characters: JSON may say one, no file can hold it."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def evidence_of(document: str, text: str, answer: str, start: int | None) -> list[Evidence]:
    """Quote the sentence of a document that holds an answer; nothing when none does.

    :param start: where the answer stands, if the source says so; the nearest place is taken.
    """
    places = [match.start() for match in re.finditer(re.escape(answer), text)] if answer else []
    if not places:
        return []
    at = min(places, key=lambda place: abs(place - (start or 0)))
    begin = max((match.end() for match in _END.finditer(text, 0, at)), default=0)
    after = _END.search(text, max(at, at + len(answer) - 1))
    end = after.start() + 1 if after else len(text)
    quote = text[begin:end].strip()
    return [Evidence(document=document, quote=quote if answer in quote else answer)]


_END = re.compile(r"[.!?](?=\s)\s*|\n+|[。！？]")


def slug(title: str) -> str:
    """Make a file name of a title: letters, digits and dashes, at most 80 of them."""
    folded = unicodedata.normalize("NFKC", title).casefold()
    return re.sub(r"[^\w]+", "-", folded).strip("-_")[:80].strip("-")


def _info(title: str, source: str) -> str:
    return (
        f"title = {_toml(title)}\ndescription = {_toml(f'Imported from {source}.')}\n"
        f'language = "en"\nlicence = ""\nsource = {_toml(source)}\n'
    )


def _toml(text: str) -> str:
    kept = "".join(character for character in text if character >= " " and character != "\x7f")
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _readme(title: str, source: str, report: ImportReport) -> str:
    columns = "".join(f"| {field} | {column} |\n" for field, column in report.columns.items())
    table = f"\n| field | from |\n|---|---|\n{columns}" if columns else ""
    skipped = f" {report.skipped} rows were left out." if report.skipped else ""
    return (
        f"# {title}\n\nImported from {source}: {report.documents} documents and "
        f"{report.questions} questions.{skipped}\n{table}\n"
        "Fill in `licence` and `language` in corpus.toml, then run `sft-vs-rag check` on the "
        "folder.\n"
    )
