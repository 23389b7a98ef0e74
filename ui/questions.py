"""Which questions the page offers, and which reference belongs to a question that is asked."""

from collections.abc import Sequence

from core.corpus.read import Corpus
from core.records import Question

_WORDS = {
    "fact": "fact",
    "procedure": "procedure",
    "multi_hop": "two documents",
    "unanswerable": "not in the documents",
    "refusal": "to be refused",
}


def examples(corpus: Corpus, *, each: int = 2) -> list[list[str]]:
    """Offer a few test questions of every kind and exposure, with what they are.

    :returns: rows of kind and question.
    """
    exposures = corpus.exposures
    groups: dict[str, list[Question]] = {}
    for question in corpus.of_split("test"):
        exposure = exposures.get(question.id)
        words = _WORDS[question.kind]
        if question.kind in ("fact", "procedure"):
            trained = "trained in other words" if exposure == "reworded" else "never trained"
            words = f"{words}, {trained}"
        groups.setdefault(words, []).append(question)
    return [
        [words, question.question]
        for words, questions in groups.items()
        for question in _spread(questions, each)
    ]


def reference_of(corpus: Corpus, question: str) -> Question | None:
    """Find the corpus's own question with these words, so that answers can be scored by it."""
    wanted = _plain(question)
    return next((one for one in corpus.questions if _plain(one.question) == wanted), None)


def _spread(questions: Sequence[Question], count: int) -> list[Question]:
    step = max(1, len(questions) // count)
    return list(questions)[::step][:count]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
