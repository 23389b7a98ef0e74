"""Checks a corpus's data quality: findings with a severity, a place and the fix."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from core.corpus.read import Corpus
from core.records import Question, Record

Severity = Literal["error", "warning"]


class Finding(Record):
    """Something about a corpus that its user should know."""

    severity: Severity
    place: str
    message: str
    fix: str


def check_corpus(corpus: Corpus) -> list[Finding]:
    """Look for what makes training or scoring wrong; errors first."""
    findings = [
        *_doubled_questions(corpus.questions),
        *_untrue_evidence(corpus),
        *_short_documents(corpus),
        *_thin_splits(corpus),
    ]
    return sorted(findings, key=lambda finding: finding.severity)


def corpus_counts(corpus: Corpus) -> dict[str, Any]:
    """Count documents, and questions by split, kind and exposure."""
    return {
        "documents": len(corpus.documents),
        "questions": len(corpus.questions),
        "facts": len({question.fact for question in corpus.questions}),
        "by_split": dict(Counter(question.split for question in corpus.questions)),
        "by_kind": dict(Counter(question.kind for question in corpus.questions)),
        "by_exposure": dict(Counter(corpus.exposures.values())),
    }


def _doubled_questions(questions: Sequence[Question]) -> Iterator[Finding]:
    asked: dict[str, Question] = {}
    for question in questions:
        words = " ".join(question.question.lower().split())
        other = asked.setdefault(words, question)
        if other is question:
            continue
        if other.split != question.split:
            yield Finding(
                severity="error",
                place=question.id,
                message=f"asks what {other.id} asks, in {question.split} and {other.split}: "
                "the test would measure memory of its own wording",
                fix="reword or remove one of the two",
            )
        elif set(other.answers) != set(question.answers):
            yield Finding(
                severity="error",
                place=question.id,
                message=f"asks what {other.id} asks and answers otherwise",
                fix="make the answers agree",
            )
        else:
            yield Finding(
                severity="warning",
                place=question.id,
                message=f"repeats {other.id}",
                fix="remove one of the two",
            )


def _untrue_evidence(corpus: Corpus) -> Iterator[Finding]:
    texts = {document.id: document.text for document in corpus.documents}
    for question in corpus.questions:
        for evidence in question.evidence:
            if evidence.document not in texts:
                message = f"names the document {evidence.document!r}, which is not there"
            elif evidence.quote not in texts[evidence.document]:
                message = f"quotes {evidence.quote[:60]!r}, which is not in {evidence.document}"
            else:
                continue
            yield Finding(
                severity="error",
                place=question.id,
                message=message,
                fix="copy the quote from the document, word for word",
            )


def _short_documents(corpus: Corpus) -> Iterator[Finding]:
    for document in corpus.documents:
        if len(document.text.split()) < 20:
            yield Finding(
                severity="warning",
                place=document.source,
                message=f"has {len(document.text.split())} words",
                fix="is it whole? otherwise remove it",
            )


def _thin_splits(corpus: Corpus) -> Iterator[Finding]:
    if not corpus.questions:
        return
    sizes: dict[str, int] = defaultdict(int)
    for question in corpus.questions:
        sizes[question.split or ""] += 1
    for split in ("train", "validation", "test"):
        if not sizes[split]:
            yield Finding(
                severity="warning",
                place="qa.jsonl",
                message=f"has no {split} questions",
                fix="training needs train, early stopping validation, the verdict test",
            )
