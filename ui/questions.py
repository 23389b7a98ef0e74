"""Which questions the page offers, and which reference belongs to a question that is asked."""

from core.corpus.read import Corpus
from core.records import Question

_KINDS = {
    "fact": "a fact",
    "procedure": "a procedure",
    "multi_hop": "needs two documents",
    "unanswerable": "not in the documents",
    "refusal": "to be refused",
}


def examples(corpus: Corpus) -> list[str]:
    """Offer the shortest test question of every kind and exposure."""
    groups: dict[str, list[Question]] = {}
    for question in corpus.of_split("test"):
        groups.setdefault(described(corpus, question), []).append(question)
    return [
        min(questions, key=lambda question: len(question.question)).question
        for questions in groups.values()
    ]


def described(corpus: Corpus, question: Question) -> str:
    """Say in words what kind of question it is and what training saw of it."""
    words = _KINDS[question.kind]
    if question.kind not in ("fact", "procedure"):
        return words
    if question.split == "train":
        return f"{words}, trained in these words"
    trained = any(one.fact == question.fact and one.split == "train" for one in corpus.questions)
    return f"{words}, {'trained in other words' if trained else 'never trained'}"


def reference_of(corpus: Corpus, question: str) -> Question | None:
    """Find the corpus's own question with these words, so that answers can be scored by it."""
    wanted = _plain(question)
    return next((one for one in corpus.questions if _plain(one.question) == wanted), None)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
