"""Writes a cleaned copy of a corpus folder: what a program may mend without a person's judgement.

The folder itself is never touched. Contradictions, personal data and everything else that needs a
decision stay as they are, and the check of the copy still tells them.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.corpus.check import CheckedCorpus
from core.corpus.check_questions import repetitions
from core.corpus.questions import QUESTIONS_FILE, Line, fields_line, question_of
from core.corpus.read import DOCUMENTS_FOLDER
from core.corpus.repair import find_quote
from core.corpus.similar import plain
from core.errors import CorpusError
from core.records import Document
from core.storage import write_folder

_TEXT_FILES = (".md", ".txt", ".html")


@dataclass(frozen=True)
class Mended:
    """One thing that the copy has otherwise than the original."""

    place: str
    what: str


def clean_copy(checked: CheckedCorpus, out: Path) -> list[Mended]:
    """Write a cleaned copy of a checked corpus.

    :param out: a folder that is not there yet.
    :returns: what was mended, in the order of the files.
    :raises CorpusError: when `out` is there.
    """
    if out.exists():
        raise CorpusError(f"{out} is already there: name a folder that is not.")
    source = checked.corpus.folder
    doubles = dict(_doubled(checked.corpus.documents))
    kept = {one.source for one in checked.corpus.documents if one.id not in doubles}
    texts = {one.id: one.text for one in checked.corpus.documents}
    lines, mended = _clean_lines(checked, texts, doubles)

    def fill(folder: Path) -> None:
        for path in sorted(source.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            inside = path.relative_to(source)
            if inside.parts[0] == DOCUMENTS_FOLDER:
                name = Path(*inside.parts[1:]).as_posix()
                if name not in kept:
                    mended.append(Mended(inside.as_posix(), "left out: repeated or unreadable"))
                    continue
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            if inside.parts[0] == DOCUMENTS_FOLDER and path.suffix.lower() in _TEXT_FILES:
                mended.extend(_copy_text(path, folder / inside, inside.as_posix()))
            elif inside.as_posix() != QUESTIONS_FILE:
                shutil.copyfile(path, folder / inside)
        if checked.lines:
            (folder / QUESTIONS_FILE).write_text("".join(lines), encoding="utf-8")

    write_folder(out, fill)
    return mended


def _doubled(documents: tuple[Document, ...]) -> Iterator[tuple[str, str]]:
    """(id, id of the one that stays) of every document that repeats another word for word."""
    first: dict[str, str] = {}
    for document in documents:
        stays = first.setdefault(plain(document.text), document.id)
        if stays != document.id:
            yield document.id, stays


def _copy_text(path: Path, target: Path, place: str) -> Iterator[Mended]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        shutil.copyfile(path, target)
        return
    better = _unscrambled(text)
    target.write_text(better, encoding="utf-8", newline="")
    if better != text:
        yield Mended(place, "characters decoded as they were meant")


def _unscrambled(text: str) -> str:
    from ftfy import fix_encoding, is_bad  # noqa: PLC0415  (slow to import)

    return fix_encoding(text) if is_bad(text) else text


def _clean_lines(
    checked: CheckedCorpus, texts: dict[str, str], doubles: dict[str, str]
) -> tuple[list[str], list[Mended]]:
    needless = {
        gone.id: f"removed: repeats {(one.later if gone is one.earlier else one.earlier).id}"
        for one in repetitions(checked.corpus.questions)
        if (gone := one.removable) is not None
    }
    claimed = checked.corpus.exposures
    lines: list[str] = []
    mended: list[Mended] = []
    taken: set[str] = set()
    for line in checked.lines:
        place = f"{QUESTIONS_FILE}:{line.number}"
        fields = _usable(line, taken)
        if fields is None:
            mended.append(Mended(place, f"left out: {line.problem}"))
            continue
        name = str(fields["id"])
        if line.question is not None and name in needless:
            mended.append(Mended(f"{place} {name}", needless[name]))
            continue
        taken.add(name)
        changes = [] if line.question is not None else [f"mended: {line.problem}"]
        changes += _mend_fields(fields, texts, doubles)
        if fields.get("exposure") not in (None, claimed.get(name)):
            del fields["exposure"]
            changes.append("no exposure claimed: it is derived from the splits")
        mended += [Mended(f"{place} {name}", change) for change in changes]
        lines.append(fields_line(fields))
    return lines, mended


def _usable(line: Line, taken: set[str]) -> dict[str, Any] | None:
    """Give the line's fields as they can be read, without empty answers and under an id of its own.

    None when the line cannot be read even so.
    """
    fields = dict(line.fields)
    if line.question is not None:
        return fields
    if isinstance(fields.get("answers"), list):
        fields["answers"] = [
            one for one in fields["answers"] if not isinstance(one, str) or one.strip()
        ]
    name = fields.get("id")
    if isinstance(name, str) and name in taken:
        number = next(n for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
        fields["id"] = f"{name}-{number}"
    try:
        question_of(fields)
    except CorpusError:
        return None
    return fields


def _mend_fields(
    fields: dict[str, Any], texts: dict[str, str], doubles: dict[str, str]
) -> Iterator[str]:
    for key in ("question", "answers"):
        held = fields.get(key) or ""
        better: Any = (
            _unscrambled(held) if isinstance(held, str) else [_unscrambled(one) for one in held]
        )
        if better != held:
            fields[key] = better
            yield f"{key}: characters decoded as they were meant"
    if not fields.get("evidence"):
        return
    kept = []
    for evidence in fields["evidence"]:
        document = doubles.get(evidence["document"], evidence["document"])
        quote = _unscrambled(evidence["quote"])
        text = _unscrambled(texts.get(document, ""))
        if not quote.strip() or quote not in text:
            near = find_quote(quote, text)
            if near is None:
                yield f"evidence removed: {quote[:60]!r} is not in {document}"
                continue
            yield f"evidence copied from {document} word for word"
            quote = near
        kept.append({"document": document, "quote": quote})
    fields["evidence"] = kept
