"""The files an evaluation leaves, in the shape the design fixes.

`results.jsonl` has a row for each question and arm; `summary.json` sums them up.
"""

import re
from collections.abc import Sequence
from typing import Any

from core.normalise import contains
from core.records import (
    DECLINED_KINDS,
    Answer,
    Evidence,
    Exposure,
    Known,
    Question,
    Record,
)
from eval.scores import METRICS, length_ratio, score

#: How a desk declines in plain words, whatever the corpus calls it.
_REFUSAL_OPENINGS = ("I cannot help with that", "I can't help with that")


class ResultRow(Record):
    """One arm's answer to one question, scored."""

    question_id: str
    arm: str
    prediction: str
    references: tuple[str, ...]
    kind: str
    exposure: Exposure | None
    #: Whether the base model knew the fact; None where nobody asked it.
    known: Known | None = None
    metrics: dict[str, float]
    hits: tuple[dict[str, Any], ...]
    citations: tuple[dict[str, Any], ...]
    abstained: bool
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    #: Why a wrong answer failed; filled by the diagnosis, empty until then.
    diagnosis: str = ""
    #: The document the question is about, or its fact where it names no evidence: rows of one are
    #: not independent.
    document: str = ""
    #: Whether the question names evidence, by which hits are judged; None where nobody said.
    evidenced: bool | None = None
    #: Words of the answer to words of the nearest reference; None where nothing should be answered.
    length_ratio: float | None = None
    #: Cosine similarity of the answer and the nearest reference; None where nobody measured it.
    similarity: float | None = None
    #: Share of the answer's sentences that the corpus supports; None where nobody measured it.
    support: float | None = None


#: A row's own measures: the contract's `results.jsonl` has no column for them.
UNWRITTEN = frozenset({"document", "evidenced", "known", "length_ratio", "similarity", "support"})


def score_answer(
    question: Question,
    answer: Answer,
    *,
    exposure: Exposure | None,
    abstain_text: str,
    known: Known | None = None,
) -> ResultRow:
    """Score one answer against its question's references.

    Accuracy of an unanswerable question or a refusal is whether the arm declined. The other
    metrics compare texts; an unanswerable question's reference is then the abstaining text.
    """
    references = question.answers or (abstain_text,)
    metrics = score(answer.text, references)
    length = length_ratio(answer.text, references)
    if question.kind in DECLINED_KINDS:
        metrics["accuracy"] = float(declined(question, answer))
        length = None
    return ResultRow(
        question_id=question.id,
        arm=answer.arm,
        prediction=answer.text,
        references=tuple(references),
        kind=question.kind,
        exposure=exposure,
        known=known,
        metrics={name: round(metrics[name], 6) for name in METRICS},
        hits=tuple(
            {
                "passage": hit.passage.id,
                "document": hit.passage.document_id,
                "score": round(hit.score, 6),
                "relevant": holds_evidence(question, hit.passage.document_id, hit.passage.text),
            }
            for hit in answer.hits
        ),
        citations=tuple(citation.model_dump() for citation in answer.citations),
        abstained=answer.abstained,
        seconds=round(answer.seconds, 4),
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        document=question.evidence[0].document if question.evidence else question.fact,
        evidenced=bool(question.evidence),
        length_ratio=None if length is None else round(length, 6),
    )


def evidence_rank(row: ResultRow) -> int | None:
    """The rank, from 1, of the first passage found that holds evidence; None where none does."""
    return next((rank for rank, hit in enumerate(row.hits, start=1) if hit.get("relevant")), None)


def declined(question: Question, answer: Answer) -> bool:
    """Say whether an answer abstained or refused."""
    refusals = question.answers if question.kind == "refusal" else ()
    return answer.abstained or refuses(answer.text, refusals)


def refuses(text: str, refusals: Sequence[str]) -> bool:
    """Say whether a text holds one of the approved refusals, or refuses in plain words."""
    return any(contains(text, refusal) for refusal in (*refusals, *_REFUSAL_OPENINGS))


#: Words that a sentence of a quote must have to stand for it.
_TELLING_SENTENCE = 5


def holds_evidence(question: Question, document_id: str, text: str) -> bool:
    """Say whether a passage holds a quote that the question's answer rests on."""
    return any(holds_quote(evidence, document_id, text) for evidence in question.evidence)


def holds_quote(evidence: Evidence, document_id: str, text: str) -> bool:
    """Say whether a passage of a document holds a quote.

    A quote of several sentences may be cut by the passages' borders: one whole sentence of it, of
    some length, is enough.
    """
    return evidence.document == document_id and (
        evidence.quote in text
        or any(
            part in text
            for part in re.split(r"(?<=[.!?])\s+", evidence.quote)
            if len(part.split()) >= _TELLING_SENTENCE
        )
    )


def rows_by_arm(rows: Sequence[ResultRow]) -> dict[str, list[ResultRow]]:
    """Group rows by arm, in the order they come."""
    grouped: dict[str, list[ResultRow]] = {}
    for row in rows:
        grouped.setdefault(row.arm, []).append(row)
    return grouped
