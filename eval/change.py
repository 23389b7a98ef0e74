"""What a change of the world does to each arm: right before, after the sync, after retraining.

A changed question is a test question whose accepted answers are others after the revision. Before
the change it is asked and scored as the old world has it, afterwards as the new one has it.
Unchanged questions are the same in both; they show what the change of the index or of the weights
cost elsewhere.
"""

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field

from core.corpus.revisions import Revision
from core.errors import EvaluationError
from core.normalise import normalise
from core.records import DECLINED_KINDS, Answer, ArmName, Question, Record
from core.wilson import wilson
from eval.bootstrap import interval
from eval.results import declined
from eval.scores import accuracy

Stage = Literal["before", "after_sync", "after_retrain"]
STAGES: tuple[Stage, ...] = ("before", "after_sync", "after_retrain")
#: Answers by stage, arm and question id.
Answers = Mapping[tuple[Stage, ArmName, str], Answer]
#: Changed questions shown with all their answers.
_EXAMPLES = 6


class Share(Record):
    """A share in 0–1 with its 95 % interval."""

    value: float
    low: float
    high: float


class Shares(Record):
    """The share of questions answered right at each stage; None where none was asked."""

    before: Share | None = None
    after_sync: Share | None = None
    after_retrain: Share | None = None


class OldAnswers(Record):
    """The share of changed questions still answered with what was right before the change."""

    after_sync: Share | None = None
    after_retrain: Share | None = None


class ArmChange(Record):
    """How one arm took the change."""

    changed: Shares
    unchanged: Shares
    n_changed: int
    n_unchanged: int
    old_answers: OldAnswers


class Step(Record):
    """A step of the way from the old world to the new; `seconds` is wall-clock."""

    step: Literal["train_before", "sync", "retrain"]
    seconds: float
    what: str
    #: What the recipe of a retraining has other than by default.
    recipe: dict[str, Any] = Field(default_factory=dict)


class Counts(Record):
    """What the revision changes; questions are those of the test split."""

    changed_documents: int
    new_documents: int
    withdrawn: int
    changed_questions: int
    unchanged_questions: int


class Example(Record):
    """A changed question with each arm's answers, by stage."""

    question: str
    old: str
    new: str
    answers: dict[ArmName, dict[Stage, str | None]]


class ChangeResult(Record):
    """`change.json`."""

    corpus: str
    revision: str
    title: str
    counts: Counts
    timeline: tuple[Step, ...]
    arms: dict[ArmName, ArmChange]
    examples: tuple[Example, ...]
    #: What was asked, by what: enough to ask it again.
    asked: dict[str, Any]


@dataclass(frozen=True)
class ChangedQuestion:
    """A question of the test split as it was and as it is now; the same where nothing changed."""

    before: Question
    after: Question

    @property
    def id(self) -> str:
        """The question's id, the same in both worlds."""
        return self.after.id

    @property
    def document(self) -> str:
        """The document it is about: questions on one document are not independent."""
        evidence = self.after.evidence or self.before.evidence
        return evidence[0].document if evidence else self.after.fact

    def at(self, stage: Stage) -> Question:
        """The question as the world of a stage has it."""
        return self.before if stage == "before" else self.after


@dataclass(frozen=True)
class ChangeQuestions:
    """The questions that are asked, and how many there are to choose from."""

    changed: tuple[ChangedQuestion, ...]
    unchanged: tuple[ChangedQuestion, ...]
    all_changed: int
    all_unchanged: int

    @property
    def asked(self) -> tuple[ChangedQuestion, ...]:
        """All of them, the changed first."""
        return (*self.changed, *self.unchanged)

    def without(self, failed: Set[str]) -> "ChangeQuestions":
        """All but those of these ids: a share is of what was answered at every stage."""
        return replace(
            self,
            changed=tuple(one for one in self.changed if one.id not in failed),
            unchanged=tuple(one for one in self.unchanged if one.id not in failed),
        )


def choose_change_questions(revision: Revision, *, limit: int | None, seed: int) -> ChangeQuestions:
    """Take the changed test questions, and as many unchanged ones by chance (seeded).

    :param limit: at most so many of each, a seeded sample.
    :raises EvaluationError: when the answer to no test question changes.
    """
    if limit is not None and limit < 1:
        raise EvaluationError(f"--limit {limit}: ask at least one question.")
    before = {one.id: one for one in revision.before.questions}
    pairs = [
        ChangedQuestion(before[one.id], one)
        for one in revision.after.of_split("test")
        if one.id in before
    ]
    changed = [one for one in pairs if _truths(one.before) != _truths(one.after)]
    # Asked in other words or moved between splits: neither changed nor the same.
    unchanged = [one for one in pairs if one.before == one.after]
    if not changed:
        raise EvaluationError(
            f"The revision {revision.name} of {revision.before.name} changes the answer of no test "
            "question: there is nothing to compare. Put such questions into its qa.jsonl."
        )
    rng = random.Random(seed)
    asked = _sample(changed, limit, rng)
    return ChangeQuestions(
        changed=asked,
        unchanged=_sample(unchanged, len(asked), rng),
        all_changed=len(changed),
        all_unchanged=len(unchanged),
    )


def _sample(
    pairs: Sequence[ChangedQuestion], size: int | None, rng: random.Random
) -> tuple[ChangedQuestion, ...]:
    if size is None or size >= len(pairs):
        return tuple(pairs)
    chosen = set(rng.sample(range(len(pairs)), size))
    return tuple(one for index, one in enumerate(pairs) if index in chosen)


def _truths(question: Question) -> tuple[bool, frozenset[str]]:
    """What is right to say: whether to decline, and the accepted answers."""
    declines = question.kind in DECLINED_KINDS
    return declines, frozenset(normalise(one) for one in question.answers)


def is_right(question: Question, answer: Answer) -> bool:
    """Say whether an answer is right in a question's world, by the rule of `accuracy`."""
    if question.kind in DECLINED_KINDS:
        return declined(question, answer)
    return accuracy(answer.text, question.answers) == 1


def is_old(pair: ChangedQuestion, answer: Answer) -> bool:
    """Say whether an answer was right before the change and is right no longer."""
    return is_right(pair.before, answer) and not is_right(pair.after, answer)


def arm_change(
    arm: ArmName, questions: ChangeQuestions, answers: Answers, *, seed: int
) -> ArmChange:
    """Score one arm at every stage at which it answered all questions."""

    def right(pairs: Sequence[ChangedQuestion], stage: Stage) -> Share | None:
        given = _given(arm, pairs, answers, stage)
        found = [is_right(p.at(stage), a) for p, a in zip(pairs, given, strict=False)]
        return _share(pairs, found, seed) if found else None

    def old(stage: Stage) -> Share | None:
        given = _given(arm, questions.changed, answers, stage)
        found = [is_old(p, a) for p, a in zip(questions.changed, given, strict=False)]
        return _share(questions.changed, found, seed) if found else None

    def shares(pairs: Sequence[ChangedQuestion]) -> Shares:
        return Shares(
            before=right(pairs, "before"),
            after_sync=right(pairs, "after_sync"),
            after_retrain=right(pairs, "after_retrain"),
        )

    return ArmChange(
        changed=shares(questions.changed),
        unchanged=shares(questions.unchanged),
        n_changed=len(questions.changed),
        n_unchanged=len(questions.unchanged),
        old_answers=OldAnswers(
            after_sync=old("after_sync"), after_retrain=old("after_retrain")
        ),
    )  # fmt: skip


def _given(
    arm: ArmName, pairs: Sequence[ChangedQuestion], answers: Answers, stage: Stage
) -> list[Answer]:
    """The arm's answers at a stage; none of them where some are missing."""
    given = [answers.get((stage, arm, one.id)) for one in pairs]
    found = [one for one in given if one is not None]
    return found if len(found) == len(given) else []


def _share(pairs: Sequence[ChangedQuestion], found: Sequence[bool], seed: int) -> Share:
    """A share, its interval by bootstrap over documents but never narrower than Wilson's.

    Where all are right or none is, every resample is alike; Wilson's (1927) still knows how few
    questions there were.
    """
    drawn = interval(
        [float(one) for one in found], clusters=[one.document for one in pairs], seed=seed
    )
    low, high = wilson(drawn.value, len(found))
    return Share(
        value=round(drawn.value, 4),
        low=round(min(low, drawn.low), 4),
        high=round(max(high, drawn.high), 4),
    )


def change_examples(
    arms: Sequence[ArmName], questions: ChangeQuestions, answers: Answers, *, seed: int
) -> tuple[Example, ...]:
    """Some of the changed questions, drawn by chance (seeded): not picked to make a point."""
    shown = _sample(questions.changed, _EXAMPLES, random.Random(seed))
    return tuple(
        Example(
            question=one.after.question,
            old=_told(one.before),
            new=_told(one.after),
            answers={
                arm: {
                    stage: given.text if (given := answers.get((stage, arm, one.id))) else None
                    for stage in STAGES
                }
                for arm in arms
            },
        )
        for one in shown
    )


def _told(question: Question) -> str:
    return question.answers[0] if question.answers else "(no answer: the documents do not say)"
