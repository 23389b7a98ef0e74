"""Runs an evaluation: asks in fixed batches and logs every answer, so that it can be broken off.

What is in a batch follows from the questions alone, because in bfloat16 an answer can depend on
what else is in its batch. A batch that was logged in part is asked again whole, and only what is
missing of it is logged: a run that was killed and gone on with gives the answers of one that was
not.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.corpus.read import Corpus
from core.errors import EvaluationError
from core.generation import QUESTIONS_A_BATCH
from core.records import (
    ORACLE_NAMES,
    Answer,
    AskedName,
    BatchAnswerer,
    NoAnswer,
    Passage,
    Question,
    Split,
)
from core.storage import append_lines
from eval.run_files import (
    ANSWERS_FILE,
    AskedQuestion,
    LoggedAnswer,
    RunInfo,
    read_answers,
)
from eval.run_folder import begun_run

#: Hears how many answers there are, of how many, and how many seconds are left (None at first).
Report = Callable[[int, int, float | None], None]
#: Measures answers by what takes a model: a mapping of numbers for each.
Measure = Callable[[Sequence[tuple[AskedQuestion, Answer]]], list[dict[str, float]]]


def choose_questions(
    corpus: Corpus, split: Split, *, limit: int | None, seed: int
) -> list[Question]:
    """Take the questions of a split, or a seeded sample of `limit` of them, in the file's order.

    :raises EvaluationError: when the split has none.
    """
    questions = corpus.of_split(split)
    if not questions:
        raise EvaluationError(
            f"{corpus.folder} has no questions of the {split} split: label some in qa.jsonl."
        )
    if limit is None or limit >= len(questions):
        return questions
    if limit < 1:
        raise EvaluationError(f"--limit {limit}: ask at least one question.")
    chosen = set(random.Random(seed).sample(range(len(questions)), limit))
    return [question for index, question in enumerate(questions) if index in chosen]


@dataclass(frozen=True)
class Batch:
    """Questions that one arm is asked together."""

    arm: AskedName
    questions: tuple[AskedQuestion, ...]

    @property
    def keys(self) -> list[tuple[str, AskedName]]:
        """Question id and arm of each of its answers."""
        return [(question.id, self.arm) for question in self.questions]


def batches(questions: Sequence[AskedQuestion], arms: Sequence[AskedName]) -> list[Batch]:
    """Put questions together, those of like length, and ask every arm so many before going on.

    An arm is a batch of its own: its rows stop at like lengths, so the batch empties evenly. The
    oracles are asked only the questions whose evidence stands in the documents.
    """
    by_length = sorted(questions, key=lambda one: (len(one.question), one.id))
    found = []
    for first in range(0, len(by_length), QUESTIONS_A_BATCH):
        some = by_length[first : first + QUESTIONS_A_BATCH]
        for arm in arms:
            mine = [one for one in some if one.gold or arm not in ORACLE_NAMES]
            if mine:
                found.append(Batch(arm, tuple(mine)))
    return found


def run_evaluation(
    folder: Path,
    info: RunInfo,
    questions: Sequence[AskedQuestion],
    answerer: BatchAnswerer,
    *,
    gold: Mapping[str, Sequence[Passage]] | None = None,
    measure: Measure | None = None,
    report: Report = lambda done, of, left: None,
) -> None:
    """Ask every arm every question and log the answers, or go on where a run was broken off.

    :param gold: what the oracles read, by question id.
    :raises EvaluationError: when the folder holds another evaluation.
    :raises StorageError: when the disk refuses; what was logged stays.
    """
    with begun_run(folder, info, questions):
        log = folder / ANSWERS_FILE
        logged = {
            (line.question_id, line.arm)
            for _, line in read_answers(log)
            if isinstance(line, LoggedAnswer)
        }
        plan = batches(questions, info.asked)
        progress = _Progress(plan, logged)
        report(*progress.now())
        for batch in plan:
            if logged.issuperset(batch.keys):
                continue
            began = time.perf_counter()
            rows = _asked(batch, answerer, gold or {}, measure)
            missing = [row for row in rows if (row.question_id, row.arm) not in logged]
            append_lines(log, (row.model_dump(mode="json") for row in missing))
            progress.add(batch, time.perf_counter() - began)
            report(*progress.now())


def _asked(
    batch: Batch,
    answerer: BatchAnswerer,
    gold: Mapping[str, Sequence[Passage]],
    measure: Measure | None,
) -> list[LoggedAnswer]:
    given = [gold[one.id] for one in batch.questions] if batch.arm in ORACLE_NAMES else []
    made = answerer.answer_batch([one.question for one in batch.questions], batch.arm, given=given)
    pairs = list(zip(batch.questions, made, strict=True))
    answered = [(question, one) for question, one in pairs if isinstance(one, Answer)]
    numbers = measure(answered) if measure and answered else [{} for _ in answered]
    measures = {question.id: found for (question, _), found in zip(answered, numbers, strict=True)}
    return [
        LoggedAnswer(
            question_id=question.id,
            arm=batch.arm,
            answer=one if isinstance(one, Answer) else None,
            error=one.reason if isinstance(one, NoAnswer) else "",
            measures=measures.get(question.id, {}),
        )
        for question, one in pairs
    ]


@dataclass
class _Progress:
    """How far a run is. Time left is told by what each arm took for a question in this session."""

    plan: Sequence[Batch]
    logged: Iterable[tuple[str, AskedName]]
    _left: dict[AskedName, int] = field(default_factory=dict)
    _asked: dict[AskedName, int] = field(default_factory=dict)
    _seconds: dict[AskedName, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        there = set(self.logged)
        for batch in self.plan:
            if not there.issuperset(batch.keys):
                self._left[batch.arm] = self._left.get(batch.arm, 0) + len(batch.questions)

    def add(self, batch: Batch, seconds: float) -> None:
        """Count a batch that was asked."""
        asked = len(batch.questions)
        self._left[batch.arm] -= asked
        self._asked[batch.arm] = self._asked.get(batch.arm, 0) + asked
        self._seconds[batch.arm] = self._seconds.get(batch.arm, 0.0) + seconds

    def now(self) -> tuple[int, int, float | None]:
        """Answers there are, of how many, and the seconds left; None before the first batch."""
        total = sum(len(batch.questions) for batch in self.plan)
        left = sum(self._left.values())
        if not self._asked:
            return total - left, total, 0.0 if not left else None
        mean = sum(self._seconds.values()) / sum(self._asked.values())
        seconds = sum(
            count * (self._seconds[arm] / self._asked[arm] if arm in self._asked else mean)
            for arm, count in self._left.items()
        )
        return total - left, total, seconds
