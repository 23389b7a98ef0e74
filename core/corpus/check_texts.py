"""Checks texts one by one: empty, cut off, wrongly decoded, doubled, too short or too long."""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from core.corpus.findings import Finding
from core.corpus.read import Corpus
from core.corpus.similar import near_pairs, plain, shingles
from core.records import Document, Question

#: Fewer words are no document: a stub, a scan, a page that did not load.
_FEWEST_WORDS = 20
#: Documents that share so much of their five-word runs say the same twice.
_NEAR_DOCUMENTS = 0.8
_DOCUMENT_SHINGLE = 5
#: An answer is an outlier beyond so many (robust) standard deviations of log length, and when it is
#: also this many times longer or shorter than the median.
_DEVIATIONS, _TIMES, _ENOUGH = 4.0, 4.0, 20

_ENDED = re.compile(r"[.!?。！？:;)\]}\"'”’»…|*_`>=-]\s*$")
_CUT = re.compile(r"(?:\.\.\.|…|[,;–-]|\b(?:and|or|the|of|with|for))\s*$", re.IGNORECASE)
_LIST_OR_TABLE = re.compile(r"\s*(?:[-*+|#>]|\d+[.)]\s)")


def check_texts(corpus: Corpus) -> Iterator[Finding]:
    """Look at every document and answer by itself and among its like."""
    for document in corpus.documents:
        yield from _document(document)
    yield from _doubled_documents(corpus.documents)
    for question in corpus.questions:
        yield from _question(question)
    yield from _odd_lengths(corpus.questions)


def _document(document: Document) -> Iterator[Finding]:
    count = len(document.text.split())
    if count < _FEWEST_WORDS:
        yield Finding(
            severity="warning",
            rule="short-document",
            place=document.source,
            message=f"has {count} words",
            fix="is it whole? otherwise remove it",
        )
    elif _is_cut(document.text):
        last = document.text.rstrip()[-40:]
        yield Finding(
            severity="warning",
            rule="truncated-document",
            place=document.source,
            message=f"ends in the middle of a sentence: {last!r}",
            fix="put the rest back, or end it where a sentence ends",
        )
    if _is_garbled(document.text):
        yield _garbled(document.source, document.text)


def _is_cut(text: str) -> bool:
    """Say whether the last line is running prose that does not end."""
    last = text.rstrip().rsplit("\n", 1)[-1]
    is_prose = len(last.split()) >= 8 and not _LIST_OR_TABLE.match(last)
    return is_prose and not _ENDED.search(last)


def _is_garbled(text: str) -> bool:
    from ftfy import is_bad  # noqa: PLC0415  (slow to import)

    return "\ufffd" in text or is_bad(text)


def _garbled(place: str, text: str) -> Finding:
    from ftfy.badness import BADNESS_RE  # noqa: PLC0415

    found = re.search("\ufffd", text) or BADNESS_RE.search(text)
    shown = text[max(0, found.start() - 10) : found.end() + 10] if found else text[:20]
    return Finding(
        severity="warning",
        rule="encoding",
        place=place,
        message=f"was read in the wrong encoding somewhere: {' '.join(shown.split())!r}",
        fix="save the original as UTF-8 again; --fix repairs what can be told from the text",
    )


def _doubled_documents(documents: Sequence[Document]) -> Iterator[Finding]:
    sets = [shingles(document.text, _DOCUMENT_SHINGLE) for document in documents]
    told = set()
    for first, second, overlap in near_pairs(sets, threshold=_NEAR_DOCUMENTS):
        if second in told:
            continue
        told.add(second)
        same = plain(documents[first].text) == plain(documents[second].text)
        yield Finding(
            severity="warning",
            rule="repeated-document" if same else "near-document",
            place=documents[second].source,
            message=f"says the same as {documents[first].source}"
            if same
            else f"shares {overlap:.0%} of its wording with {documents[first].source}",
            fix="keep one: retrieval spends its hits on the copies",
        )


def _question(question: Question) -> Iterator[Finding]:
    # The first answer is the one that is learnt; the others are forms to be found in an answer.
    for answer in question.answers[:1]:
        if len(answer.split()) >= 3 and _CUT.search(answer):
            yield Finding(
                severity="warning",
                rule="truncated-answer",
                place=question.id,
                message=f"has an answer that breaks off: {answer[-40:]!r}",
                fix="write the whole answer: the model learns to break off, too",
            )
    text = "\n".join([question.question, *question.answers])
    if _is_garbled(text):
        yield _garbled(question.id, text)


def _odd_lengths(questions: Sequence[Question]) -> Iterator[Finding]:
    """Answers far longer or shorter than the others of their kind (log length, median and MAD)."""
    by_kind: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        if question.answers:
            by_kind[question.kind].append(question)
    for kind, alike in by_kind.items():
        if len(alike) < _ENOUGH:
            continue
        lengths = [len(question.answers[0].split()) or 1 for question in alike]
        middle = median(lengths)
        logs = [math.log(length / middle) for length in lengths]
        # 1.4826 makes the median deviation a standard deviation for normal data; the floor keeps
        # answers of one length from making every other length an outlier.
        spread = max(1.4826 * median(abs(log) for log in logs), 0.25)
        for question, length, log in zip(alike, lengths, logs, strict=True):
            if abs(log) > _DEVIATIONS * spread and abs(log) > math.log(_TIMES):
                yield Finding(
                    severity="warning",
                    rule="answer-length",
                    place=question.id,
                    message=f"has an answer of {length} words, where a {kind} has {middle:g}",
                    fix="is it one answer, and whole? a model learns the length, too",
                )
