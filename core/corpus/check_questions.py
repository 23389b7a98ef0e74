"""Checks questions against each other and against the documents.

Repetition, contradiction, leakage between splits, and evidence that is not in its document.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from core.corpus.findings import Finding, Severity
from core.corpus.read import Corpus
from core.corpus.repair import find_quote
from core.corpus.similar import near_pairs, plain, words
from core.records import Question, Split

#: Questions whose words overlap so far and that share an answer ask the same thing.
_NEAR_QUESTIONS = 0.8
#: A quote of fewer words may stand in its document twice and mean two things.
_TELLING_QUOTE = 4
#: Kinds whose answer is one fact of one document. Refusals share their policy and their opening.
_FACTUAL = ("fact", "procedure")


def check_questions(corpus: Corpus) -> Iterator[Finding]:
    """Look for what makes labels contradict each other or scores measure memory."""
    yield from _repetition_findings(corpus.questions)
    yield from _claimed_exposure(corpus)
    yield from _trained_under_another_name(corpus)
    yield from _untrue_evidence(corpus)


def _repetition_findings(questions: Sequence[Question]) -> Iterator[Finding]:
    for found in repetitions(questions):
        later, earlier = found.later, found.earlier
        how = "asks what {} asks"
        if found.overlap < 1:
            how = f"shares {found.overlap:.0%} of its words and its answer with {{}}"
        told = how.format(earlier.id)
        severity: Severity = "error"
        if found.rule == "contradiction":
            message, fix = f"{told} and answers otherwise", "make the answers agree, or say in the "
            fix += "questions what differs"
        elif found.rule in ("leak", "near-leak"):
            what = "the test would measure" if later.split == "test" else "early stopping sees"
            message = f"{told}, in {later.split} and {earlier.split}: {what} memory of its own "
            message += "wording"
            fix = "reword or remove one of the two (--fix removes the one that is not tested)"
        else:
            severity, message, fix = "warning", told, "remove one of the two, or give both one fact"
        yield Finding(severity=severity, rule=found.rule, place=later.id, message=message, fix=fix)


@dataclass(frozen=True)
class Repetition:
    """Two questions that ask the same; `later` is of the later split, or later in the file."""

    rule: Literal["contradiction", "leak", "near-leak", "repeated-question", "near-question"]
    later: Question
    earlier: Question
    #: Share of their words, 0..1; 1 for the same words.
    overlap: float = 1.0

    @property
    def removable(self) -> Question | None:
        """The question that can go without loss of a test; None where a person must choose."""
        if self.rule in ("leak", "near-leak"):
            return self.earlier
        return self.later if self.rule == "repeated-question" else None


def repetitions(questions: Sequence[Question]) -> Iterator[Repetition]:
    """Find the questions that repeat another, in the same words or nearly.

    Questions that are alike and answered differently ask for different things, and are left alone.
    """
    asked: dict[str, Question] = {}
    for question in questions:
        other = asked.setdefault(plain(question.question), question)
        if other is question:
            continue
        later, earlier = _in_order(question, other)
        if question.kind != other.kind or not _agree(question, other):
            yield Repetition("contradiction", later, earlier)
        else:
            same_split = other.split == question.split
            yield Repetition("repeated-question" if same_split else "leak", later, earlier)
    yield from _near_repetitions(questions)


def _near_repetitions(questions: Sequence[Question]) -> Iterator[Repetition]:
    # Exact repetitions are told already; the word sets of two other wordings may be the same, too.
    texts = [plain(question.question) for question in questions]
    sets: list[set[Hashable]] = [set(words(question.question)) for question in questions]
    told = set()
    for first, second, overlap in near_pairs(sets, threshold=_NEAR_QUESTIONS):
        one, other = questions[first], questions[second]
        if texts[first] == texts[second] or second in told or not _agree(one, other):
            continue
        later, earlier = _in_order(other, one)
        if one.split != other.split:
            yield Repetition("near-leak", later, earlier, overlap)
        elif one.fact != other.fact:
            yield Repetition("near-question", later, earlier, overlap)
        else:
            continue
        told.add(second)


def _in_order(question: Question, other: Question) -> tuple[Question, Question]:
    """(later, earlier) of two questions, of which `question` comes later in the file."""
    if _ORDER[question.split] < _ORDER[other.split]:
        return other, question
    return question, other


_ORDER: dict[Split | None, int] = {"train": 0, "validation": 1, "test": 2, None: 3}


def _forms(question: Question) -> set[str]:
    return {plain(answer) for answer in question.answers}


def _agree(one: Question, other: Question) -> bool:
    """Say whether two questions share an accepted answer, or neither has any."""
    if not one.answers and not other.answers:
        return True
    return bool(_forms(one) & _forms(other))


def _claimed_exposure(corpus: Corpus) -> Iterator[Finding]:
    derived = corpus.exposures
    for question in corpus.questions:
        claimed, found = question.exposure, derived.get(question.id)
        if claimed is None or found is None or claimed == found:
            continue
        if claimed == "untrained":
            message = f"calls itself untrained, but its fact {question.fact!r} is in train"
            fix = "take the fact out of train, or call the question reworded"
        else:
            message = f"calls itself reworded, but its fact {question.fact!r} is not in train"
            fix = "add wordings of the fact to train, or call the question untrained"
        yield Finding(
            severity="error", rule="exposure", place=question.id, message=message, fix=fix
        )


def _trained_under_another_name(corpus: Corpus) -> Iterator[Finding]:
    """Test questions of an untrained fact that another fact of train gives away."""
    trained: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in corpus.questions:
        if question.split == "train" and question.kind in _FACTUAL:
            for evidence in question.evidence:
                trained[evidence.document, plain(evidence.quote)].append(question)
    exposures = corpus.exposures
    told: set[str] = set()
    for question in corpus.questions:
        if exposures.get(question.id) != "untrained" or question.kind not in _FACTUAL:
            continue
        for evidence in question.evidence:
            quote = plain(evidence.quote)
            others = trained.get((evidence.document, quote), [])
            same = next((other for other in others if _agree(question, other)), None)
            if same is None or question.id in told:
                continue
            told.add(question.id)
            sure = len(quote.split()) >= _TELLING_QUOTE
            yield Finding(
                severity="error" if sure else "warning",
                rule="fact-leak",
                place=question.id,
                message=f"counts as untrained, but {same.id} trains the same answer on the same "
                "evidence",
                fix=f"give both the fact {same.fact!r}, or take one out",
            )


def _untrue_evidence(corpus: Corpus) -> Iterator[Finding]:
    texts = {document.id: document.text for document in corpus.documents}
    for question in corpus.questions:
        for evidence in question.evidence:
            fix = "copy the quote from the document, word for word"
            if evidence.document not in texts:
                message = f"names the document {evidence.document!r}, which is not there"
                fix = "name a document by its path below documents/, without the suffix"
            elif not evidence.quote.strip():
                message = f"has an empty quote from {evidence.document}"
            elif evidence.quote not in texts[evidence.document]:
                message = f"quotes {evidence.quote[:60]!r}, which is not in {evidence.document}"
                if near := find_quote(evidence.quote, texts[evidence.document]):
                    fix = f"did you mean {near[:120]!r}? --fix puts it in"
            else:
                continue
            yield Finding(
                severity="error", rule="evidence", place=question.id, message=message, fix=fix
            )


def contradictory_facts(questions: Sequence[Question]) -> Iterator[Finding]:
    """Wordings of one fact that share no accepted answer: they are one fact in name only."""
    by_fact: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        by_fact[question.fact].append(question)
    for fact, wordings in by_fact.items():
        for one, other in combinations(wordings, 2):
            if one.kind == other.kind and not _agree(one, other):
                yield Finding(
                    severity="error",
                    rule="contradiction",
                    place=other.id,
                    message=f"is a wording of {fact!r} as {one.id} is, and answers otherwise",
                    fix="make the answers agree, or give it a fact of its own",
                )
                break
