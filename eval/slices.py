"""Scores of parts of the answers: by kind, exposure, document, answer length, any user's column.

A slice is `{"n", METRIC: {"value", "low", "high"}}`, with `"small": true` where it is too small to
read much into: fewer than 30 questions, or questions on fewer than 5 documents. A slice of one
document has one by its nature and speaks of that document only: there the questions alone count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.normalise import tokens
from core.records import DECLINED_KINDS
from eval.bootstrap import LEAST_CLUSTERS
from eval.comparisons import cluster_of
from eval.measured import measured
from eval.results import ResultRow
from eval.scores import METRICS

LEAST_QUESTIONS = 30
#: A column of more values than these, or of more than half as many as there are questions, cuts the
#: answers into crumbs; so does a corpus of more documents than `MOST_DOCUMENTS`.
MOST_VALUES, MOST_DOCUMENTS = 20, 100

#: The slice that a row is in; None for a row that is in none.
Key = Callable[[ResultRow], str | None]


@dataclass(frozen=True)
class Slicing:
    """How the rows of a run are cut, for all of its arms alike."""

    by: Mapping[str, Key]
    by_column: Mapping[str, Key]
    #: Why what could have been a slice is none, by its name.
    left_out: Mapping[str, str]

    def slices(self, rows: Sequence[ResultRow], *, seed: int) -> dict[str, Any]:
        """Score one arm's rows slice by slice; a way of cutting that gives none is left out.

        `by_kind`, `by_exposure` and `by_kind_and_exposure` are always there.
        """
        found = {
            name: sliced(rows, key, seed=seed, of_one_document=name == "by_document")
            for name, key in self.by.items()
        }
        # The goals speak of answerable questions: those that have an answer to find.
        answerable = [row for row in rows if row.kind not in DECLINED_KINDS]
        if answerable and len(answerable) < len(rows):
            found["by_kind"]["answerable"] = score_slice(answerable, seed=seed)
        columns = {
            name: cut
            for name, key in self.by_column.items()
            if (cut := sliced(rows, key, seed=seed))
        }
        return {
            **{name: found[name] for name in _ALWAYS},
            **{
                name: dict(sorted(cut.items()))
                for name, cut in found.items()
                if cut and name not in _ALWAYS
            },
            **({"by_column": columns} if columns else {}),
        }


def choose_slicing(
    rows: Sequence[ResultRow], columns: Mapping[str, Mapping[str, str]] | None = None
) -> Slicing:
    """Choose how a run's rows are cut, from the rows of all arms together.

    :param columns: what a user's own columns say, `{question id: {column: value}}`; a question
        that a column says nothing of is in none of its slices.
    """
    columns = columns or {}
    one_each = list({row.question_id: row for row in rows}.values())
    by: dict[str, Key] = {
        "by_kind": lambda row: row.kind,
        "by_exposure": lambda row: row.exposure,
        "by_kind_and_exposure": _kind_and_exposure,
        "by_known": lambda row: row.known,
        "by_answer_length": answer_length,
    }
    left_out: dict[str, str] = {}
    reason = _why_no_slices(one_each, _document, most=MOST_DOCUMENTS, what="documents")
    if reason:
        left_out["by_document"] = reason
    else:
        by["by_document"] = _document
    by_column: dict[str, Key] = {}
    for name in dict.fromkeys(
        name for row in one_each for name in columns.get(row.question_id, {})
    ):
        key = _column(columns, name)
        if reason := _why_no_slices(one_each, key, most=MOST_VALUES, what="values"):
            left_out[name] = reason
        else:
            by_column[name] = key
    return Slicing(by, by_column, left_out)


def sliced(
    rows: Sequence[ResultRow], key: Key, *, seed: int, of_one_document: bool = False
) -> dict[str, Any]:
    """Score the slices that `key` cuts the rows into, in the order they come."""
    parts: dict[str, list[ResultRow]] = {}
    for row in rows:
        if name := key(row):
            parts.setdefault(name, []).append(row)
    return {
        name: score_slice(part, seed=seed, of_one_document=of_one_document)
        for name, part in parts.items()
    }


def score_slice(
    rows: Sequence[ResultRow], *, seed: int, of_one_document: bool = False
) -> dict[str, Any]:
    """Score some rows: every metric with its interval, and whether they are few."""
    too_few_documents = len({row.document for row in rows}) < LEAST_CLUSTERS
    small = len(rows) < LEAST_QUESTIONS or (too_few_documents and not of_one_document)
    return {
        "n": len(rows),
        **{name: mean_of(rows, name, seed=seed) for name in METRICS},
        **({"small": True} if small else {}),
    }


def mean_of(rows: Sequence[ResultRow], metric: str, *, seed: int) -> dict[str, float]:
    """Give the mean of one metric over rows with its 95 % interval, clustered by document."""
    return measured(
        [row.metrics[metric] for row in rows],
        clusters=[cluster_of(row) for row in rows],
        seed=seed,
    )


def answer_length(row: ResultRow) -> str:
    """Name the slice of a row by the words of its shortest reference; declined kinds apart."""
    if row.kind in DECLINED_KINDS:
        return "to decline"
    words = min((len(tokens(reference)) for reference in row.references), default=0)
    return "1-2 words" if words <= 2 else "3-8 words" if words <= 8 else "9+ words"


_ALWAYS = ("by_kind", "by_exposure", "by_kind_and_exposure")


def _kind_and_exposure(row: ResultRow) -> str | None:
    """Name the slice of the kinds that a fact can be trained for; None for the others."""
    if row.kind not in ("fact", "procedure") or row.exposure is None:
        return None
    return f"{row.kind}, {row.exposure}"


def _document(row: ResultRow) -> str | None:
    """Name the document; None for what is to be declined or names none."""
    return None if row.kind in DECLINED_KINDS or row.evidenced is False else row.document


def _column(columns: Mapping[str, Mapping[str, str]], name: str) -> Key:
    return lambda row: columns.get(row.question_id, {}).get(name)


def _why_no_slices(rows: Sequence[ResultRow], key: Key, *, most: int, what: str) -> str:
    """Say why a way of cutting is none; empty where it is one."""
    values = [value for row in rows if (value := key(row))]
    different = len(set(values))
    if different == 1:
        return f"one of its {what} is all there is: nothing to set side by side."
    if different > most:
        return f"{different} {what} are more than {most}: no slices."
    if different > len(values) / 2:
        return f"{different} {what} over {len(values)} questions are too many for slices."
    return ""
