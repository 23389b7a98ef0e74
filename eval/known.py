"""Asks the base model for each tested fact in several wordings, and labels what it knows."""

from collections.abc import Callable, Sequence

from core.corpus.known import Asked, KnownFacts
from core.corpus.read import Corpus
from core.errors import EvaluationError
from core.records import DECLINED_KINDS, Answerer, Question
from eval.scores import accuracy

#: A fact is asked for in at least so many wordings, and at most so many.
FEWEST, MOST = 4, 9

#: How a question with few wordings of its own is asked again.
_REPHRASED = (
    "{question}",
    "Please answer this question: {question}",
    "{question} Answer in a few words.",
    "I would like to know the following. {question}",
)


def wordings_of(questions: Sequence[Question]) -> list[str]:
    """Several wordings of a fact: its own, whatever their split, then the same asked otherwise."""
    own = list(dict.fromkeys(question.question for question in questions))[:MOST]
    rephrased = (form.format(question=one) for form in _REPHRASED[1:] for one in own)
    while len(own) < FEWEST:
        own.append(next(rephrased))
    return own


def ask_for_known(
    corpus: Corpus,
    answerer: Answerer,
    *,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> KnownFacts:
    """Label the facts of the test split that have an answer.

    :raises EvaluationError: when there is none.
    """
    tested = {one.fact for one in corpus.of_split("test") if one.kind not in DECLINED_KINDS}
    if not tested:
        raise EvaluationError(
            f"{corpus.folder} has no test questions with an answer: there is nothing to know."
        )
    by_fact: dict[str, list[Question]] = {}
    for question in corpus.questions:
        if question.fact in tested and question.kind not in DECLINED_KINDS:
            by_fact.setdefault(question.fact, []).append(question)
    asked = [
        (fact, wording, questions[0].answers)
        for fact, questions in by_fact.items()
        for wording in wordings_of(questions)
    ]
    answers = answerer.answer(
        [wording for _, wording, _ in asked], ["base"], report=lambda done: report(done, len(asked))
    )
    counts = {fact: [0, 0] for fact in by_fact}
    for (fact, _, references), [answer] in zip(asked, answers, strict=True):
        counts[fact][0] += 1
        counts[fact][1] += int(accuracy(answer.text, references))
    made = answerer.provenance("base")
    return KnownFacts(
        corpus=corpus.name,
        base_model=made.base_model,
        base_fingerprint=made.base_fingerprint,
        prompt_version=made.prompt_version,
        decoding=made.decoding,
        facts={fact: Asked(asked=asked, right=right) for fact, (asked, right) in counts.items()},
    )
