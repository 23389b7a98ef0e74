"""Says by rule why each wrong answer is wrong: one cause an answer, the one to mend first.

An answer is wrong when its accuracy is below 1. The causes are tried in this order:

1. *format or length*, when nothing is left of the answer: there is no text to judge by.
2. The question was to be declined: *worded otherwise* if the answer declines in words that the
   scoring does not know, else *should have abstained*. Whatever was said instead, and wherever it
   came from, the mistake is to have said anything, so nothing further is asked.
3. The answer declines: *retrieval missed* if the arm looks things up and was not given all of the
   evidence, since abstaining is then right, for what it saw; else *abstained wrongly*. Where the
   arm withheld an answer because what it found seemed too far, what it found counts instead of
   what it was given: if the evidence was there, the threshold was wrong and not the search.
   A closed book that abstains on what it was never taught is honest, and still counts here, since
   the arm could not answer: the exposure of the question tells the two apart.
4. *worded otherwise*, when the answer says what a reference says: nothing else has failed then.
5. *retrieval missed*, when an arm that looks things up was not given all of the evidence to read.
   It comes before all causes below, because no model can answer from what it was not shown; that
   such an answer is also another fact's usually means that the wrong passage was read out.
6. *memorised another fact*, when fine-tuned weights give another fact's answer, or one that a
   revision has replaced. For an open book only if the answer does not stand in what was read: then
   memory has spoken over the passage. Base weights were not trained on the corpus: where they give
   a neighbour's answer they guess, and that is no cause to mend.
7. *format or length*, when the answer ran into the limit of tokens, or is many times longer than
   any reference: it was not written in the form that was asked for. This precedes the next cause,
   because an answer that never came to its point does not show what was made of the passage.
8. *passage not used*, when the evidence was read and the answer is still wrong.
9. *other*: a closed book gave something that is nobody's answer. It does not know.

Evidence is found by the quotes that the question is labelled with: a question of several steps
needs all of them. A question without quotes counts as given its evidence when an accepted answer
stands in what was read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from core.normalise import contains, tokens
from core.records import DECLINED_KINDS, FINE_TUNED, SEARCHING, Answer, Evidence, Passage, Record
from eval.other_answers import OtherAnswers, Remembered
from eval.results import ResultRow, holds_quote
from eval.wording import declines, says_the_same, telling

Cause = Literal[
    "retrieval_missed",
    "passage_not_used",
    "should_have_abstained",
    "abstained_wrongly",
    "memorised_other_fact",
    "worded_otherwise",
    "format_or_length",
    "other",
]

#: In the order in which a report counts them; its words are `eval.report_examples`' own.
CAUSES: tuple[Cause, ...] = get_args(Cause)

#: An answer is far too long with more than so many times the words of its longest reference, and
#: more than so many words.
_TIMES_TOO_LONG, _LONG = 4, 30


class Labelled(Protocol):
    """What the diagnosis needs of a question: `core.records.Question` has it."""

    @property
    def question(self) -> str:
        """The question as it was asked."""

    @property
    def answers(self) -> tuple[str, ...]:
        """Its accepted answers."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The quotes that the answer rests on."""

    @property
    def fact(self) -> str:
        """What ties its wordings together."""


class Diagnosis(Record):
    """Why one answer is wrong, and what the cause rests on."""

    question_id: str
    arm: str
    cause: Cause
    #: Whether all of the evidence was among the passages found; None for a closed book.
    evidence_found: bool | None = None
    #: Whether the model was given all of it to read; None for a closed book.
    evidence_read: bool | None = None
    #: Whether the same weights were right when given the gold evidence; None where not asked.
    oracle_right: bool | None = None
    #: The fact whose answer it is, where the cause is a memory; its own for a former answer.
    remembered: str = ""


def diagnose(
    row: ResultRow,
    question: Labelled,
    answer: Answer,
    *,
    oracle: ResultRow | None,
    others: OtherAnswers,
    most_tokens: int | None = None,
) -> Diagnosis | None:
    """Say why an answer is wrong; None for a right one.

    :param row: the scored answer.
    :param answer: what was scored: its passages found and read are looked at.
    :param oracle: the same weights' answer when given the gold evidence, where they were asked.
    :param most_tokens: the limit of tokens that answers were generated under, where it is known.
    """
    if row.metrics["accuracy"] >= 1:
        return None
    open_book = row.arm in SEARCHING
    case = _Case(
        row=row,
        question=question,
        read="\n".join(passage.text for passage in answer.read),
        withheld=bool(answer.withheld),
        found=_holds_all(question, [hit.passage for hit in answer.hits]) if open_book else None,
        given=_holds_all(question, answer.read) if open_book else None,
        cut=most_tokens is not None and answer.completion_tokens >= most_tokens,
    )
    remembered = _remembered(case, others)
    cause = _cause(case, remembered)
    return Diagnosis(
        question_id=row.question_id,
        arm=row.arm,
        cause=cause,
        evidence_found=case.found,
        evidence_read=case.given,
        oracle_right=None if oracle is None else oracle.metrics["accuracy"] >= 1,
        remembered=remembered.fact if remembered and cause == "memorised_other_fact" else "",
    )


@dataclass(frozen=True)
class _Case:
    """A wrong answer with what can be known of it. Without evidence to find, found is None."""

    row: ResultRow
    question: Labelled
    read: str
    withheld: bool
    found: bool | None
    given: bool | None
    cut: bool


def _cause(case: _Case, remembered: Remembered | None) -> Cause:
    text = case.row.prediction
    if not tokens(text):
        return "format_or_length"
    if case.row.kind in DECLINED_KINDS:
        return "worded_otherwise" if declines(text) else "should_have_abstained"
    if case.row.abstained or declines(text):
        reached = case.found if case.withheld else case.given
        return "retrieval_missed" if reached is False else "abstained_wrongly"
    if says_the_same(text, case.row.references, case.question.question):
        return "worded_otherwise"
    if case.given is False:
        return "retrieval_missed"
    if remembered:
        return "memorised_other_fact"
    if case.cut or _far_too_long(text, case.row.references):
        return "format_or_length"
    return "passage_not_used" if case.given else "other"


def _holds_all(question: Labelled, passages: Sequence[Passage]) -> bool | None:
    """Say whether passages hold all that an answer rests on; None for a question to be declined."""
    if question.evidence:
        return all(
            any(holds_quote(one, passage.document_id, passage.text) for passage in passages)
            for one in question.evidence
        )
    if not question.answers:
        return None
    return any(
        contains(passage.text, answer) for passage in passages for answer in question.answers
    )


def _remembered(case: _Case, others: OtherAnswers) -> Remembered | None:
    """Find whose answer fine-tuned weights gave, unless they read it out."""
    if case.row.arm not in FINE_TUNED:
        return None
    found = others.find(
        case.row.prediction,
        fact=case.question.fact,
        answers=case.question.answers,
        question=case.question.question,
    )
    return None if found and found.words <= set(telling(case.read)) else found


def _far_too_long(text: str, references: Sequence[str]) -> bool:
    words = len(tokens(text))
    longest = max((len(tokens(reference)) for reference in references), default=0)
    return words > _LONG and words > _TIMES_TOO_LONG * longest


def count_causes(rows: Sequence[ResultRow]) -> dict[str, int]:
    """Count the causes of the rows' wrong answers, in the order of `CAUSES`, without zeros.

    A wrong answer that was not diagnosed is not counted.
    """
    counted = Counter(row.diagnosis for row in rows if row.diagnosis)
    return {cause: counted[cause] for cause in CAUSES if counted[cause]}
