"""What answering costs each arm a month under a user's prices, and where the cheapest arm changes.

Every arm's cost is a line over the number of questions N: what the month's revisions cost, whatever
is asked, plus N times one answer. The cheapest arm at each N is the lower envelope of these lines.
It is computed in fractions, so that no rounding moves a crossing.

Not counted, as all arms need it alike: writing the documents, and looking after the machine while
it waits. The first training and the first index are paid once: see `once`.
"""

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.records import FINE_TUNED, SEARCHING

#: Seconds, tokens or money: never negative, never infinite.
_Amount = Field(ge=0, allow_inf_nan=False)


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ArmCost(_Numbers):
    """What one answer of an arm takes: wall-clock seconds, and the model's own tokens (means)."""

    seconds_p50: float = _Amount
    seconds_mean: float = _Amount
    prompt_tokens: float = _Amount
    completion_tokens: float = _Amount


class Cost(_Numbers):
    """`cost.json`: what was measured. None where it was not."""

    #: Where the answers were timed.
    machine: dict[str, Any] = Field(default_factory=dict)
    #: The adapter's training; indexing from nothing; bringing either up to a revision.
    train_seconds: float | None = Field(default=None, ge=0)
    index_seconds: float | None = Field(default=None, ge=0)
    sync_seconds: float | None = Field(default=None, ge=0)
    retrain_seconds: float | None = Field(default=None, ge=0)
    #: Facts that one revision changes or adds.
    changed_facts: int | None = Field(default=None, ge=0)
    #: Whether an answer had the machine to itself, or was one of a batch (each of which then
    #: waits for the others: more than its share of the machine).
    seconds_are: Literal["alone", "in_batches"] = "in_batches"
    arms: dict[str, ArmCost]

    def of(self, arms: list[str]) -> "Cost":
        """The same of some arms alone."""
        return self.model_copy(update={"arms": {arm: self.arms[arm] for arm in arms}})


#: No price, time or number of facts is above it: beyond, a month's cost would leave a float.
DEAREST = 1e9


class Prices(_Numbers):
    """What the user pays, in any one currency. The defaults are placeholders: enter your own."""

    #: An hour of the machine that answers, trains and indexes.
    hour: float = Field(default=0.10, ge=0, le=DEAREST)
    #: A thousand tokens, where a service counts them; 0 where the machine is one's own.
    prompt: float = Field(default=0.0, ge=0, le=DEAREST)
    completion: float = Field(default=0.0, ge=0, le=DEAREST)
    #: An hour of the person who words the questions and answers of a changed fact, for training.
    person_hour: float = Field(default=30.0, ge=0, le=DEAREST)
    #: How many minutes that takes a fact.
    minutes_per_fact: float = Field(default=3.0, ge=0, le=DEAREST)
    #: Facts a revision changes; None takes what a change test counted, or 0.
    facts_per_revision: float | None = Field(default=None, ge=0, le=DEAREST)


class Monthly(_Numbers):
    """An arm's month by what it is spent on."""

    answering: float
    retraining: float
    syncing: float
    labelling: float
    total: float


class Line(BaseModel):
    """An arm's month: `fixed` whatever is asked, and `answer` for each question. Exact."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    fixed: Fraction
    answer: Fraction

    def at(self, questions: float | Fraction) -> Fraction:
        """The cost of so many questions."""
        return self.fixed + self.answer * Fraction(questions)


def monthly_parts(
    cost: Cost, prices: Prices, *, questions: float, revisions: float
) -> dict[str, Monthly]:
    """Cost of a month of each arm, by its parts."""
    found = {}
    for arm, measured in cost.arms.items():
        parts = {"answering": _answer(measured, prices) * Fraction(questions)}
        for name, one in _revision(arm, cost, prices).items():
            parts[name] = one * Fraction(revisions)
        told = {name: float(one) for name, one in parts.items()}
        found[arm] = Monthly(**told, total=float(sum(parts.values())))
    return found


def monthly(cost: Cost, prices: Prices, *, questions: float, revisions: float) -> dict[str, float]:
    """Cost of a month of each arm, in the prices' currency."""
    parts = monthly_parts(cost, prices, questions=questions, revisions=revisions)
    return {arm: one.total for arm, one in parts.items()}


def once(cost: Cost, prices: Prices) -> dict[str, float]:
    """What each arm costs before the first question: machine time of training and indexing."""
    hour = Fraction(prices.hour) / 3600
    training, indexing = first_known(cost.train_seconds), first_known(cost.index_seconds)
    found = {}
    for arm in cost.arms:
        tuned, reads = int(arm in FINE_TUNED), int(arm in SEARCHING)
        found[arm] = float(hour * (tuned * Fraction(training) + reads * Fraction(indexing)))
    return found


def lines(cost: Cost, prices: Prices, *, revisions: float) -> dict[str, Line]:
    """Each arm's month as a line over the number of questions."""
    return {
        arm: Line(
            fixed=sum(_revision(arm, cost, prices).values(), Fraction()) * Fraction(revisions),
            answer=_answer(measured, prices),
        )
        for arm, measured in cost.arms.items()
    }


def lower_envelope(arms: Mapping[str, Line]) -> list[tuple[Fraction, str]]:
    """Give the cheapest arm from each number of questions on, beginning at 0.

    From an arm that is cheapest the envelope goes over to the flatter line that it meets first;
    of several at one point to the flattest, which is the cheapest behind it. Of equal lines the
    first stands for all.
    """
    if not arms:
        return []
    names = list(arms)
    start = Fraction(0)
    arm = min(names, key=lambda one: (arms[one].fixed, arms[one].answer))
    found = [(start, arm)]
    while True:
        line = arms[arm]
        crossings = [
            ((other.fixed - line.fixed) / (line.answer - other.answer), other.answer, index)
            for index, other in enumerate(arms.values())
            if other.answer < line.answer
        ]
        if not crossings:
            return found
        start, _, index = min(crossings)
        arm = names[index]
        found.append((start, arm))


def break_even(cost: Cost, prices: Prices, *, revisions: float) -> list[tuple[float, str, str]]:
    """Numbers of questions a month at which the cheapest arm changes: (N, below it, above it)."""
    steps = lower_envelope(lines(cost, prices, revisions=revisions))
    return [
        (float(start), before, after) for (_, before), (start, after) in itertools.pairwise(steps)
    ]


def _answer(measured: ArmCost, prices: Prices) -> Fraction:
    return (
        Fraction(measured.seconds_mean) * Fraction(prices.hour) / 3600
        + Fraction(measured.prompt_tokens) * Fraction(prices.prompt) / 1000
        + Fraction(measured.completion_tokens) * Fraction(prices.completion) / 1000
    )


def _revision(arm: str, cost: Cost, prices: Prices) -> dict[str, Fraction]:
    """What a revision costs an arm.

    Where no retraining or sync was timed, the first training or index stands for it: all is
    learnt or indexed anew.
    """
    hour = Fraction(prices.hour) / 3600
    retraining = first_known(cost.retrain_seconds, cost.train_seconds)
    syncing = first_known(cost.sync_seconds, cost.index_seconds)
    facts = first_known(prices.facts_per_revision, cost.changed_facts)
    person = Fraction(prices.person_hour) * Fraction(prices.minutes_per_fact) / 60
    tuned, reads = int(arm in FINE_TUNED), int(arm in SEARCHING)
    return {
        "retraining": tuned * hour * Fraction(retraining),
        "syncing": reads * hour * Fraction(syncing),
        "labelling": tuned * person * Fraction(facts),
    }


def first_known(*values: float | None) -> float:
    """The first that is known, else 0."""
    return next((one for one in values if one is not None), 0)
