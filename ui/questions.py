"""Which questions the page offers, and which reference belongs to a question that is asked."""

from collections.abc import Set

from core.corpus.read import Corpus
from core.records import Question

_KINDS = {
    "fact": "a fact",
    "procedure": "a procedure",
    "multi_hop": "needs two documents",
    "unanswerable": "not in the documents",
    "refusal": "to be refused",
}
#: The name of the offer that holds one question of every kind.
ONE_OF_EACH = "one of each kind"
#: Questions offered of one kind.
_OFFERED = 6


def examples(corpus: Corpus) -> dict[str, list[str]]:
    """Offer the shortest test questions by kind and exposure, after one of each."""
    groups: dict[str, list[Question]] = {}
    trained = _trained(corpus)
    for question in corpus.of_split("test"):
        groups.setdefault(_described(question, trained), []).append(question)
    offers = {
        kind: [one.question for one in sorted(group, key=lambda one: len(one.question))[:_OFFERED]]
        for kind, group in groups.items()
    }
    return {ONE_OF_EACH: [first for first, *_ in offers.values()], **offers} if offers else {}


def described(corpus: Corpus, question: Question) -> str:
    """Say in words what kind of question it is and what training saw of it."""
    return _described(question, _trained(corpus))


def _trained(corpus: Corpus) -> set[str | None]:
    """The facts that training sees in any words."""
    return {one.fact for one in corpus.of_split("train")}


def _described(question: Question, trained: Set[str | None]) -> str:
    words = _KINDS[question.kind]
    if question.kind not in ("fact", "procedure"):
        return words
    if question.split == "train":
        return f"{words}, trained in these words"
    return f"{words}, {'trained in other words' if question.fact in trained else 'never trained'}"


def reference_of(corpus: Corpus, question: str) -> Question | None:
    """Find the corpus's own question with these words, so that answers can be scored by it."""
    wanted = _plain(question)
    return next((one for one in corpus.questions if _plain(one.question) == wanted), None)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
