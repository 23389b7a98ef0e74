"""Maps the columns of a table to the fields of a question, by name or as the user says."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.corpus.imports.folder import CorpusWriter, evidence_of
from core.errors import CorpusError
from core.records import Split

#: Names a column may have to be taken for a field unasked, lower case, the likeliest first.
_KNOWN = {
    "question": ("question", "query", "prompt", "instruction", "input", "problem"),
    "answers": (
        "answers", "answer", "reference", "references", "long_answer", "response", "output",
        "completion", "target",
    ),
    "id": ("id", "question_id", "qid"),
    "context": ("context", "passage", "document", "text", "contexts"),
    "title": ("title", "document_title", "document_id"),
    "kind": ("kind", "type"),
    "fact": ("fact", "fact_id"),
    "split": ("split", "subset"),
    "evidence": ("evidence", "quote"),
}  # fmt: skip
FIELDS = tuple(_KNOWN)

_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "eval": "validation", "test": "test",
}  # fmt: skip


def map_columns(
    columns: Sequence[str], wanted: Mapping[str, str], *, source: str
) -> dict[str, str]:
    """Decide which column each field comes from.

    :param wanted: column by field, as the user says; several answer columns with commas between.
    :raises CorpusError: for a field or column that is not there, or when none is the question's;
        names the columns there are.
    """
    there = ", ".join(columns) or "none"
    mapped: dict[str, str] = {}
    for field, column in wanted.items():
        if field not in FIELDS:
            raise CorpusError(
                f"--column {field}={column}: there is no field {field!r}; the fields are "
                f"{', '.join(FIELDS)}."
            )
        for one in column.split(",") if field == "answers" else [column]:
            if one not in columns:
                raise CorpusError(f"{source}: has no column {one!r} (it has: {there}).")
        mapped[field] = column
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    used = {one for column in mapped.values() for one in column.split(",")}
    for field, names in _KNOWN.items():
        found = next((by_name[name] for name in names if name in by_name), None)
        if field not in mapped and found is not None and found not in used:
            mapped[field] = found
            used.add(found)
    for field in ("question", "answers"):
        if field not in mapped:
            raise CorpusError(
                f"{source}: no column looks like the {field} (it has: {there}). Say which one it "
                f"is with --column {field}=NAME."
            )
    return mapped


def write_row(
    row: Mapping[str, Any],
    columns: Mapping[str, str],
    writer: CorpusWriter,
    *,
    place: str,
    split: Split | None = None,
    separator: str | None = None,
) -> None:
    """Write one row of a table as a question, and its context as a document.

    :param split: for rows whose own split says nothing.
    :param separator: what stands between several answers in one cell.
    """
    context = _context(row.get(columns.get("context", "")))
    title = str(row.get(columns.get("title", "")) or "")
    document = writer.document(context, title=title) if context.strip() else ""
    answers, start = _answers(row, columns["answers"], separator)
    kind = str(row.get(columns.get("kind", "")) or "").strip().lower().replace("-", "_")
    if not answers and kind != "unanswerable":
        # SQuAD's way to say that the context does not tell.
        if not isinstance(row.get(columns["answers"]), dict):
            writer.skip(place, "has no answer; an unanswerable question needs its kind to say so")
            return
        kind = "unanswerable"
    quoted = row.get(columns.get("evidence", ""))
    quote = quoted.strip() if isinstance(quoted, str) else ""
    found = evidence_of(document, context, quote, None) if document and quote else []
    if document and not found:
        tried = (evidence_of(document, context, text, start) for text in answers)
        found = next((one for one in tried if one), [])
    fields: dict[str, Any] = {
        "id": row.get(columns.get("id", "")),
        "question": _text(row.get(columns["question"])),
        "answers": [] if kind == "unanswerable" else answers,
        "evidence": [] if kind == "unanswerable" else found,
        "fact": str(row.get(columns.get("fact", "")) or ""),
    }
    if kind:
        fields["kind"] = kind
    named = str(row.get(columns.get("split", "")) or "").strip().lower()
    if named and named not in _SPLITS:
        writer.skip(place, f"has the split {named!r}; it is train, validation or test")
        return
    if chosen := _SPLITS.get(named) or split:
        fields["split"] = chosen
    writer.question(fields, place=place)


def split_named(name: str) -> Split | None:
    """Give the split that a dataset's part of that name stands for."""
    return _SPLITS.get(name.lower())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _context(value: Any) -> str:
    """Join a context of several paragraphs (a list, or PubMedQA's {"contexts": [...]})."""
    if isinstance(value, Mapping):
        value = value.get("contexts") or value.get("text") or ""
    if isinstance(value, list):
        return "\n\n".join(one for one in value if isinstance(one, str))
    return _text(value)


def _answers(
    row: Mapping[str, Any], column: str, separator: str | None
) -> tuple[list[str], int | None]:
    """Accepted answers of a row in order, without repeats, and where the first stands if known."""
    texts: list[str] = []
    start = None
    for name in column.split(","):
        value = row.get(name)
        if isinstance(value, Mapping):  # {"text": [...], "answer_start": [...]}, as datasets has it
            starts = value.get("answer_start") or [None]
            start = starts[0] if isinstance(starts, list) and isinstance(starts[0], int) else None
            value = value.get("text")
        several = value if isinstance(value, list) else [value]
        for one in several:
            text = _text(one)
            texts += text.split(separator) if separator else [text]
    return list(dict.fromkeys(text.strip() for text in texts if text.strip())), start
