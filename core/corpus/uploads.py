"""Looks at files that somebody hands in, before anything of them is kept.

Names and contents are untrusted: of a name only letters, digits and dashes are taken, and a file
that is not what its suffix says is refused in a sentence that names it as its owner does.
"""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.corpus.documents import SUFFIXES, load_document
from core.corpus.encoding import detect_encoding
from core.corpus.imports.folder import ImportReport, slug
from core.corpus.imports.tables import TableOptions, import_csv, import_jsonl
from core.corpus.question_edits import free_id, line_fields
from core.corpus.questions import QUESTIONS_FILE, read_object, read_question_lines
from core.errors import CorpusError

_TEXT = (".md", ".txt", ".html", ".csv")
#: Characters that programs and pictures are full of, and no text holds.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
#: Reasons that are told one by one.
_TOLD = 20


@dataclass(frozen=True)
class CheckedFile:
    """A file that can be read as a document, as it is to be kept."""

    stem: str
    suffix: str
    content: bytes
    #: What was done to it, for its owner; empty for nothing.
    note: str = ""


@dataclass(frozen=True)
class ReadQuestions:
    """Rows of a file of questions, as fields of a `qa.jsonl`, and why others are left out."""

    rows: tuple[dict[str, Any], ...]
    skipped: tuple[str, ...]


def check_document(
    path: Path, *, most_bytes: int, suffixes: Sequence[str] = SUFFIXES
) -> CheckedFile:
    """Read a file as a document would be read.

    :param suffixes: what documents may be here.
    :raises CorpusError: says why it cannot be one.
    """
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        named = f"is a {suffix} file" if suffix else "has no suffix that says what it is"
        raise CorpusError(f"{path.name}: {named}; documents are {', '.join(suffixes)}.")
    content = _content(path, most_bytes)
    stem = slug(path.stem) or "document"
    note = ""
    if suffix in _TEXT:
        encoding = detect_encoding(path)
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"{path.name}: is no text in UTF-8 or another known encoding. Save it as UTF-8."
            ) from error
        if _CONTROL.search(text):
            raise CorpusError(
                f"{path.name}: is no text: it holds control characters, as programs and pictures "
                "do. If it is text, save it as UTF-8."
            )
        if not encoding.startswith("utf-8"):
            content = text.encode("utf-8", "replace")
            note = f"was not UTF-8; it was read as {encoding} and is kept as UTF-8"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"{stem}{suffix}"
        copy.write_bytes(content)
        _tell_by_name(lambda: load_document(copy, copy.parent), path=copy, name=path.name)
    return CheckedFile(stem, suffix, content, note)


def read_uploaded_questions(path: Path, *, most_bytes: int) -> ReadQuestions:
    """Read questions from a `qa.jsonl`, or from a table whose columns are called otherwise.

    :raises CorpusError: when nothing in the file can be used.
    """
    suffix = path.suffix.lower()
    if suffix not in (".jsonl", ".csv"):
        raise CorpusError(f"{path.name}: questions come as .jsonl or .csv.")
    content = _content(path, most_bytes)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"questions{suffix}"
        copy.write_bytes(content)
        return _tell_by_name(lambda: _questions(copy), path=copy, name=path.name)


def _questions(path: Path) -> ReadQuestions:
    if path.suffix == ".jsonl" and _is_own_format(path):
        lines = list(read_question_lines(path))
        rows = tuple(line.fields for line in lines if line.question)
        skipped = [f"line {line.number}: {line.problem}" for line in lines if not line.question]
        if not rows:
            raise CorpusError(f"{path}: no line can be used ({'; '.join(skipped[:3])}).")
        return ReadQuestions(rows, _told(skipped, len(skipped)))
    out = path.parent / "imported"
    read: Callable[..., ImportReport] = import_csv if path.suffix == ".csv" else import_jsonl
    report = read(path, out, TableOptions())
    named: dict[str, dict[str, Any]] = {}
    for line in read_question_lines(out / QUESTIONS_FILE):
        if line.question is None:
            continue
        fields = line_fields(line.question)
        if "id" not in report.columns:
            # Numbered rows of two files would be taken for each other.
            fields["id"] = free_id(line.question.question, named)
        if "fact" not in report.columns:
            fields["fact"] = fields["id"]
        # Its contexts became documents of the import, which are not documents here.
        fields["evidence"] = []
        named[fields["id"]] = fields
    return ReadQuestions(tuple(named.values()), _told(list(report.reasons), report.skipped))


def _is_own_format(path: Path) -> bool:
    """Say whether a file's first line is one of a `qa.jsonl`."""
    with open(path, "rb") as file:
        first = next((raw for raw in file if raw.strip()), b"")
    try:
        fields = read_object(first)
    except CorpusError:
        return False
    return {"id", "question"} <= fields.keys() and isinstance(fields.get("answers"), list)


def _told(reasons: list[str], count: int) -> tuple[str, ...]:
    told = reasons[:_TOLD]
    return (*told, f"and {count - len(told)} more rows") if count > len(told) else tuple(told)


def _content(path: Path, most: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > most:
            raise CorpusError(
                f"{path.name}: has {size / 1e6:.1f} MB; the most is {most / 1e6:g} MB."
            )
        if not size:
            raise CorpusError(f"{path.name}: is empty.")
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path.name}: cannot be read ({error.strerror}).") from error


def _tell_by_name(read: Callable[[], Any], *, path: Path, name: str) -> Any:
    """Call what reads a copy; its errors name the file as its owner does, and options of none."""
    try:
        return read()
    except CorpusError as error:
        told = str(error).replace(str(path), name)
        told = re.split(r" (?:Say which one it is with|Name its encoding with) --", told)[0]
        raise CorpusError(told) from error
    except (RecursionError, MemoryError, Exception) as error:
        # Damaged files raise nearly anything in the libraries that read them.
        raise CorpusError(f"{name}: is damaged and cannot be read ({type(error).__name__}).") from (
            error
        )
