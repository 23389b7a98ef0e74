"""Runs an evaluation: answers in fixed batches, scores them, and writes the two result files."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.corpus.known import KnownFacts
from core.corpus.read import Corpus
from core.errors import EvaluationError
from core.records import Answerer, ArmName, Question, Split
from core.storage import write_json, write_text
from eval.results import UNWRITTEN, ResultRow, score_answer
from eval.summary import summarise


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


def evaluate_arms(
    corpus: Corpus,
    questions: Sequence[Question],
    answerer: Answerer,
    *,
    arms: Sequence[ArmName],
    known: KnownFacts | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> list[ResultRow]:
    """Answer and score the questions: a row for each question and arm, arms beside each other.

    :param known: what the base model knew, where it was asked.
    """
    answers = answerer.answer([question.question for question in questions], arms, report=report)
    exposures = corpus.exposures
    return [
        score_answer(
            question,
            answer,
            exposure=exposures.get(question.id),
            abstain_text=corpus.info.abstain_text,
            known=known.label(question.fact) if known else None,
        )
        for question, row in zip(questions, answers, strict=True)
        for answer in row
    ]


def write_results(
    folder: Path,
    rows: Sequence[ResultRow],
    *,
    corpus: str,
    split: str,
    provenance: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Write `results.jsonl` and `summary.json` into `folder`, and return the summary.

    :raises StorageError: when the disk refuses; neither file is left half-written.
    """
    summary = summarise(rows, corpus=corpus, split=split, provenance=provenance, seed=seed)
    write_text(folder / "results.jsonl", "".join(_line(row) + "\n" for row in rows))
    write_json(folder / "summary.json", summary)
    return summary


def _line(row: ResultRow) -> str:
    """Write a row with the contract's columns, and `known` where the base model was asked."""
    return row.model_dump_json(exclude=set(UNWRITTEN - {"known"} if row.known else UNWRITTEN))
