"""What the Benchmark tab tells of a run: two arms' answers question by question, and who won."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.records import DECLINED_KINDS
from eval.bootstrap import LEAST_CLUSTERS
from eval.comparisons import GROUPS
from eval.measured import measured
from eval.report_data import Run
from eval.results import ResultRow
from eval.slices import LEAST_QUESTIONS

Winner = Literal["a", "b", "right", "wrong", "unanswered"]
#: In the order in which they are offered.
WINNERS: tuple[Winner, ...] = ("a", "b", "right", "wrong", "unanswered")


@dataclass(frozen=True)
class Duel:
    """One question and what two arms said to it; None where an arm gave no answer."""

    id: str
    question: str
    kind: str
    exposure: str | None
    references: tuple[str, ...]
    #: The document it is about: questions of one share its luck.
    document: str
    evidence: tuple[Mapping[str, Any], ...]
    a: ResultRow | None
    b: ResultRow | None

    @property
    def winner(self) -> Winner:
        """Who was right: `a` or `b` alone, both, neither; or nobody can be compared."""
        if self.a is None or self.b is None:
            return "unanswered"
        first, second = is_right(self.a), is_right(self.b)
        if first == second:
            return "right" if first else "wrong"
        return "a" if first else "b"

    @property
    def group(self) -> str | None:
        """The group that summaries compare arms in; see `eval.comparisons.GROUPS`."""
        return "declined" if self.kind in DECLINED_KINDS else self.exposure

    @property
    def causes(self) -> set[str]:
        """Why its wrong answers are wrong."""
        return {row.diagnosis for row in (self.a, self.b) if row is not None and row.diagnosis}


def is_right(row: ResultRow) -> bool:
    """Say whether an answer counts as right."""
    return row.metrics.get("accuracy", 0.0) >= 1


def duels(run: Run, a: str, b: str) -> list[Duel]:
    """Put two arms' answers side by side, in the order of the run's questions."""
    by_question: dict[str, dict[str, ResultRow]] = {}
    for row in run.rows:
        by_question.setdefault(row.question_id, {})[row.arm] = row
    found = []
    for name, rows in by_question.items():
        any_row, asked = next(iter(rows.values())), run.questions.get(name, {})
        found.append(
            Duel(
                id=name,
                question=str(asked.get("question") or name),
                kind=any_row.kind,
                exposure=any_row.exposure,
                references=any_row.references,
                document=run.document_of(any_row),
                evidence=tuple(
                    one for one in asked.get("evidence") or () if isinstance(one, Mapping)
                ),
                a=rows.get(a),
                b=rows.get(b),
            )
        )
    return found


@dataclass(frozen=True)
class Filter:
    """What a visitor wants to see; empty is all."""

    kind: str = ""
    exposure: str = ""
    winner: str = ""
    cause: str = ""
    #: All of these words must stand in the question, its references or an answer.
    search: str = ""

    def takes(self, duel: Duel) -> bool:
        """Say whether a question is among what is wanted."""
        return (
            self.kind in ("", duel.kind)
            and self.exposure in ("", duel.exposure)
            and self.winner in ("", duel.winner)
            and (not self.cause or self.cause in duel.causes)
            and all(word in _text_of(duel) for word in self.search.casefold().split())
        )


def _text_of(duel: Duel) -> str:
    said = (row.prediction for row in (duel.a, duel.b) if row is not None)
    return " ".join((duel.id, duel.question, *duel.references, *said)).casefold()


@dataclass(frozen=True)
class Slice:
    """How two arms stand in a part of the questions that both answered."""

    name: str
    counts: Mapping[Winner, int]
    #: The share that each wins alone: value, low, high.
    wins_a: Mapping[str, float]
    wins_b: Mapping[str, float]
    #: "a" or "b" is better, "none" clearly so; empty where the run tested no such part.
    better: str
    #: Too few questions, or documents, to read much into.
    small: bool

    @property
    def n(self) -> int:
        """How many questions both answered."""
        return sum(self.counts.values())


def slices(run: Run, found: Sequence[Duel], a: str, b: str) -> list[Slice]:
    """Count who won in all questions, by kind, and in the groups that summaries compare in."""
    both = [duel for duel in found if duel.winner != "unanswered"]
    parts = [("all", "", both)]
    for kind in dict.fromkeys(duel.kind for duel in both):
        parts.append((kind, "none", [duel for duel in both if duel.kind == kind]))
    for group in GROUPS:
        parts.append((group, group, [duel for duel in both if duel.group == group]))
    return [
        _slice(name, mine, better=_better(run, a, b, tested), seed=_seed(run))
        for name, tested, mine in parts
        if mine
    ]


def _slice(name: str, mine: Sequence[Duel], *, better: str, seed: int) -> Slice:
    documents = [duel.document for duel in mine]
    winners = [duel.winner for duel in mine]
    wins_a, wins_b = (
        measured([float(one == who) for one in winners], clusters=documents, seed=seed)
        for who in ("a", "b")
    )
    return Slice(
        name=name,
        counts={winner: winners.count(winner) for winner in WINNERS if winner != "unanswered"},
        wins_a=wins_a,
        wins_b=wins_b,
        better=better,
        small=len(mine) < LEAST_QUESTIONS or len(set(documents)) < LEAST_CLUSTERS,
    )


def _seed(run: Run) -> int:
    return int(run.info.get("seed") or 0)


def _better(run: Run, a: str, b: str, group: str) -> str:
    """The summary's verdict on two arms in accuracy, whichever of them it names first."""
    if group:
        tests = [
            one for one in run.summary.get("group_comparisons") or () if one.get("group") == group
        ]
    else:
        tests = list(run.summary.get("comparisons") or ())
    for one in tests:
        if one.get("metric") == "accuracy" and {one.get("a"), one.get("b")} == {a, b}:
            word = one.get("verdict")
            if word not in ("better", "worse"):
                return "none"
            return "a" if (word == "better") == (one["a"] == a) else "b"
    return ""
