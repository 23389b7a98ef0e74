"""Splits questions by fact, and derives what a test question's fact was exposed to."""

import hashlib
from collections.abc import Sequence

from core.records import Exposure, Question, Split


def with_splits(questions: Sequence[Question], *, seed: int = 0) -> list[Question]:
    """Give a split to the questions that have none.

    All wordings of one fact go to one split (70 % train, 10 % validation, 20 % test), drawn from
    a hash of the fact and the seed: adding a question never moves another.
    """
    return [
        question
        if question.split
        else question.model_copy(update={"split": _drawn(question.fact, seed)})
        for question in questions
    ]


def exposures(questions: Sequence[Question]) -> dict[str, Exposure]:
    """Exposure of each test question by id: whether its fact was trained on in other words."""
    trained = {question.fact for question in questions if question.split == "train"}
    return {
        question.id: "reworded" if question.fact in trained else "untrained"
        for question in questions
        if question.split == "test"
    }


def _drawn(fact: str, seed: int) -> Split:
    digest = hashlib.sha256(f"{seed}\0{fact}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < 0.7:
        return "train"
    return "validation" if share < 0.8 else "test"
