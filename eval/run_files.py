"""The three files that an evaluation is kept in; all others are derived from them.

`run.json` says what was asked, `questions.jsonl` holds the questions, and `answers.jsonl` is a log
that only grows: a line for each question and arm. What a killed process leaves is a whole run.json
and whole questions, and a log whose last line may be cut.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic import Field, ValidationError

from core.errors import EvaluationError
from core.records import (
    DECLINED_KINDS,
    FINE_TUNED,
    ORACLE_NAMES,
    Answer,
    ArmName,
    AskedName,
    Evidence,
    Exposure,
    Kind,
    Known,
    OracleName,
    Question,
    Record,
    Split,
)
from core.storage import fingerprint_text

RUN_FILE, QUESTIONS_FILE, ANSWERS_FILE = "run.json", "questions.jsonl", "answers.jsonl"


class RunInfo(Record):
    """What was asked, of whom, and on which machine."""

    corpus: str
    corpus_title: str
    corpus_fingerprint: str
    split: Split
    seed: int
    limit: int | None
    n: int
    arms: tuple[ArmName, ...]
    #: The same weights given the evidence, where asked.
    oracles: tuple[OracleName, ...] = ()
    #: What each arm's and oracle's answers are made with.
    provenance: dict[AskedName, dict[str, Any]]
    #: How similarity and support were measured, by name.
    signatures: dict[str, str] = Field(default_factory=dict)
    abstain_text: str
    #: How many tokens an answer could have; None where that is not known.
    max_new_tokens: int | None = None
    #: The accepted answers of every trained fact: where a wrong answer may have come from.
    facts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    questions_fingerprint: str
    #: cpus, device, dtype, platform.
    machine: dict[str, Any]
    #: When it was begun: ISO 8601, UTC.
    started: str
    version: int = 1

    @property
    def asked(self) -> tuple[AskedName, ...]:
        """Everyone who is asked: the arms, then the oracles."""
        return (*self.arms, *self.oracles)


class AskedQuestion(Record):
    """A question as it is kept with a run: all that scoring and slicing its answers needs."""

    id: str
    question: str
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    kind: Kind
    fact: str
    exposure: Exposure | None
    #: Whether the base model knew the fact; None where nobody asked it.
    known: Known | None
    #: What it is about: the document of its first evidence, else its fact.
    document: str
    #: The user's own columns of qa.jsonl.
    columns: dict[str, str] = Field(default_factory=dict)
    #: Whether its evidence stands in the documents, so that the oracles are asked it too.
    gold: bool = False

    def as_question(self) -> Question:
        """Give the question that was asked."""
        return Question(
            id=self.id,
            question=self.question,
            answers=self.answers,
            evidence=self.evidence,
            kind=self.kind,
            fact=self.fact,
        )


class LoggedAnswer(Record):
    """A line of the log: an answer, or why there is none."""

    question_id: str
    arm: AskedName
    answer: Answer | None
    #: Why there is no answer; empty where there is one.
    error: str = ""
    #: Numbers that took a model to make: `similarity` and `support`, where they are known.
    measures: dict[str, float] = Field(default_factory=dict)


def oracle_of(arm: ArmName) -> OracleName:
    """The oracle that answers with an arm's weights."""
    return "sft+oracle" if arm in FINE_TUNED else "oracle"


def oracles_of(arms: Sequence[ArmName]) -> tuple[OracleName, ...]:
    """The oracles that answer with the weights of these arms."""
    wanted = {oracle_of(arm) for arm in arms}
    return tuple(name for name in ORACLE_NAMES if name in wanted)


def asked_question(
    question: Question, *, exposure: Exposure | None, known: Known | None, gold: bool
) -> AskedQuestion:
    """Make what is kept of a question."""
    return AskedQuestion(
        id=question.id,
        question=question.question,
        answers=question.answers,
        evidence=question.evidence,
        kind=question.kind,
        fact=question.fact,
        exposure=exposure,
        known=known,
        document=question.evidence[0].document if question.evidence else question.fact,
        columns=dict(question.columns),
        gold=gold,
    )


def answers_of_facts(questions: Sequence[Question]) -> dict[str, tuple[str, ...]]:
    """Accepted answers by fact, of the questions that have answers to give."""
    found: dict[str, dict[str, None]] = {}
    for one in questions:
        if one.kind not in DECLINED_KINDS:
            found.setdefault(one.fact, {}).update(dict.fromkeys(one.answers))
    return {fact: tuple(texts) for fact, texts in found.items() if texts}


def questions_fingerprint(questions: Sequence[AskedQuestion]) -> str:
    """SHA-256 over the questions as they are kept."""
    return fingerprint_text(*(one.model_dump_json() for one in questions))


def read_run(folder: Path) -> RunInfo:
    """Read what was asked.

    :raises EvaluationError: when the folder holds no evaluation, or the file is damaged.
    """
    path = folder / RUN_FILE
    try:
        return RunInfo.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise EvaluationError(
            f"{folder} holds no evaluation that can be read again: there is no {RUN_FILE} in it. "
            "Make one with `sft-vs-rag evaluate CORPUS --out FOLDER`."
        ) from error
    except (OSError, ValidationError) as error:
        raise EvaluationError(f"{path} is damaged ({_first(error)}): evaluate again.") from error


def read_asked(folder: Path, info: RunInfo) -> list[AskedQuestion]:
    """Read a run's questions.

    :raises EvaluationError: when the file is cut or changed: it is not what the run asked.
    """
    path = folder / QUESTIONS_FILE
    questions = []
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    questions.append(AskedQuestion.model_validate_json(line))
                except ValidationError as error:
                    raise EvaluationError(
                        f"{path}:{number}: is no question of a run ({_first(error)}); the file was "
                        "cut or changed. Evaluate again into another folder."
                    ) from error
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}.") from error
    if questions_fingerprint(questions) != info.questions_fingerprint:
        raise EvaluationError(
            f"{path} holds {len(questions)} questions that are not the {info.n} of {RUN_FILE}: it "
            "was cut or changed. Evaluate again into another folder."
        )
    return questions


def read_answers(path: Path) -> Iterator[tuple[int, LoggedAnswer | str]]:
    """Yield a log's lines with their numbers: an answer each, or what is wrong with the line."""
    if not path.is_file():
        return
    with open(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                row = json.loads(raw, parse_constant=_refuse, parse_float=_finite)
                logged = LoggedAnswer.model_validate(row)
                if (logged.answer is None) == (not logged.error):
                    raise ValueError("needs an answer or an error")
            except ValueError as error:  # not JSON, cut within a character, or other fields
                yield number, _first(error)
            else:
                yield number, logged


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"holds {name}, which is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"holds {text}, which is beyond every number")
    return value


def _first(error: Exception) -> str:
    """The first thing that is wrong, in one line."""
    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{'.'.join(map(str, found['loc']))} {found['msg']}".strip()
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg}"
    return str(error)
