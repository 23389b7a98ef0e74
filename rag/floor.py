"""When what was found is too far from the question for an answer to be made of it.

Retrieval always finds something. The floor is the least similarity of question and best sentence at
which an answer is given, chosen on a corpus's validation questions: those that the documents answer
against those that they do not. Both ways it errs are counted and kept beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.records import DECLINED_KINDS, Hit, Question, Retriever
from core.storage import fingerprint_text, write_text

#: Of the questions that the documents answer, no more than this share may be withheld. It is small
#: because near-misses are hardly less near than right questions: what a higher floor withholds of
#: them it withholds of right answers too (benchmarks/README.md). Other topics it withholds anyway.
MOST_WITHHELD = 0.005
#: With fewer answerable questions the lowest of them would decide alone.
LEAST_QUESTIONS = 50
#: Raised when the floor is chosen differently.
_VERSION = "2"


@dataclass(frozen=True)
class Floor:
    """The least similarity to answer at, and how often that errs on validation questions."""

    #: Cosine similarity, -1..1; None where it cannot be chosen, and nothing is withheld.
    value: float | None
    #: Validation questions that the documents answer, and that they do not.
    answerable: int = 0
    unanswerable: int = 0
    #: Share of the answerable ones that fall below the floor.
    withheld_wrongly: float | None = None
    #: Share of the unanswerable ones that do not.
    answered_wrongly: float | None = None
    #: Chance that an answerable question is nearer to what is found than an unanswerable one.
    area_under_curve: float | None = None

    def told(self) -> str:
        """Say in a line what is withheld, and how often that errs."""
        if self.value is None or self.withheld_wrongly is None:
            return (
                f"no answer is withheld: a floor needs {LEAST_QUESTIONS} validation questions that "
                f"the documents answer, and there are {self.answerable}"
            )
        told = (
            f"an answer is withheld where the best sentence is less than {self.value:.2f} like the "
            f"question: wrongly for {self.withheld_wrongly:.1%} of {self.answerable} validation "
            "questions that the documents answer"
        )
        if self.answered_wrongly is None or self.area_under_curve is None:
            return told
        return (
            f"{told}, and not for {self.answered_wrongly:.0%} of {self.unanswerable} that they do "
            f"not (area under the curve {self.area_under_curve:.2f})"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the floor for `--json`."""
        return asdict(self)


#: Nothing is withheld.
NO_FLOOR = Floor(None)


def nearness(hits: Sequence[Hit]) -> float:
    """Cosine similarity of a question and the best sentence of all that was found for it, -1..1."""
    return max((_similarity(hit) for hit in hits), default=-1.0)


def choose_floor(
    answerable: Sequence[float], unanswerable: Sequence[float], *, most: float = MOST_WITHHELD
) -> Floor:
    """Choose the highest floor that leaves at most a share `most` of the answerable below.

    Of all floors that keep this promise it withholds the most that should be withheld.

    :param answerable: `nearness` of each question that the documents answer.
    """
    counts = (len(answerable), len(unanswerable))
    if len(answerable) < LEAST_QUESTIONS:
        return Floor(None, *counts)
    value = sorted(answerable)[int(most * len(answerable))]
    return Floor(
        value,
        *counts,
        withheld_wrongly=_below(answerable, value),
        answered_wrongly=1 - _below(unanswerable, value) if unanswerable else None,
        area_under_curve=area_under_curve(answerable, unanswerable) if unanswerable else None,
    )


def area_under_curve(answerable: Sequence[float], unanswerable: Sequence[float]) -> float:
    """Area under the ROC curve: chance that an answerable question is nearer; ties count half."""
    wins = sum((one > other) + (one == other) / 2 for one in answerable for other in unanswerable)
    return wins / (len(answerable) * len(unanswerable))


def calibrated_floor(
    questions: Sequence[Question], retriever: Retriever, folder: Path, *, k: int
) -> Floor:
    """The floor of an index, chosen once on validation questions and kept in its folder.

    Questions that policy refuses say nothing of what the documents hold, and are left out.

    :param k: how many hits a question gets.
    """
    asked = [one for one in questions if one.kind != "refusal"]
    key = fingerprint_text(
        _VERSION, retriever.fingerprint, str(k), *(f"{one.kind} {one.question}" for one in asked)
    )
    path = folder / "floor.json"
    kept = _read(path, key)
    if kept is not None:
        return kept
    sorts = [
        [one.question for one in asked if (one.kind in DECLINED_KINDS) == declined]
        for declined in (False, True)
    ]
    if len(sorts[0]) < LEAST_QUESTIONS:
        return Floor(None, *map(len, sorts))
    near = [[nearness(retriever.retrieve(one, k)) for one in questions] for questions in sorts]
    floor = choose_floor(*near)
    write_text(path, json.dumps({"key": key, **floor.as_json()}, indent=2) + "\n")
    return floor


def _read(path: Path, key: str) -> Floor | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Floor(**told) if told.pop("key") == key else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # none yet, or of another index or other questions


def _similarity(hit: Hit) -> float:
    found = (hit.similarity, hit.sentence_similarity)
    return max((value for value in found if value is not None), default=-1.0)


def _below(values: Sequence[float], floor: float) -> float:
    return sum(value < floor for value in values) / len(values)
