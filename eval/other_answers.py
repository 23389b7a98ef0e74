"""Finds the answer of another fact, or of an earlier state of the world, in a wrong answer.

A model that was fine-tuned on facts may give the answer of a neighbour, or the one that was true
before a revision. Many answers would be found by chance, so an answer only counts when

* few facts share it: "yes", or a number that many facts have, tells nothing;
* it is more than a number of one or two digits, or a word of one or two letters;
* it says something that the question did not say itself, and is no part of a right answer;
* and it is the substance of what was said, not a word in passing: it holds at least half of the
  telling words that the answer adds to the question.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.normalise import contains, tokens
from eval.wording import telling

#: An answer of more facts than these, and of more than this share of the facts, is anybody's.
_FEW_FACTS, _FEW_SHARE = 5, 0.02
_GENERIC = frozenset({"yes", "no", "true", "false", "none", "never", "always", "both", "neither"})
_LEAST_CHARACTERS = 3
_SUBSTANCE = 0.5


@dataclass(frozen=True)
class Remembered:
    """Whose answer was found. `former` says that it is an earlier answer of the same fact."""

    fact: str
    answer: str
    former: bool = False


class OtherAnswers:
    """The accepted answers of many facts, looked up by the words of a text."""

    def __init__(
        self,
        answers: Iterable[tuple[str, Sequence[str]]],
        *,
        former: Iterable[tuple[str, Sequence[str]]] = (),
    ) -> None:
        """Index the answers, given as pairs of a fact and its accepted answers.

        :param answers: of the facts that the model can have learnt; one fact may come repeatedly,
            once a wording.
        :param former: what was accepted before a revision, for facts that have changed.
        """
        self._facts: dict[tuple[str, ...], dict[str, str]] = {}
        self._former: dict[str, tuple[str, ...]] = {}
        known: set[str] = set()
        for fact, texts in answers:
            known.add(fact)
            for text in texts:
                self._facts.setdefault(tuple(tokens(text)), {}).setdefault(fact, text)
        for fact, texts in former:
            self._former[fact] = (*self._former.get(fact, ()), *texts)
        most = max(_FEW_FACTS, _FEW_SHARE * len(known))
        self._facts = {
            words: facts
            for words, facts in self._facts.items()
            if not _generic(words) and len(facts) <= most
        }
        self._longest = max(map(len, self._facts), default=0)

    def find(
        self, prediction: str, *, fact: str, answers: Sequence[str], question: str
    ) -> Remembered | None:
        """Find the longest answer of another fact, or a former one of `fact`, in a prediction.

        :param fact: what was asked; its present answers are not another's.
        :param answers: the right answers: what is part of one of them is not another's either.
        :returns: a former answer before another fact's; None where there is neither.
        """
        news = [word for word in telling(prediction) if word not in set(telling(question))]

        def is_substance(answer: str) -> bool:
            fresh = set(telling(answer)) - set(telling(question))
            held = sum(word in fresh for word in news)
            return bool(fresh) and held >= _SUBSTANCE * len(news)

        def is_right(answer: str) -> bool:
            return any(contains(right, answer) for right in answers)

        for old in sorted(self._former.get(fact, ()), key=len, reverse=True):
            if contains(prediction, old) and not is_right(old) and is_substance(old):
                return Remembered(fact, old, former=True)
        given = tokens(prediction)
        for length in range(min(self._longest, len(given)), 0, -1):
            for start in range(len(given) - length + 1):
                owners = self._facts.get(tuple(given[start : start + length]), {})
                if fact in owners:
                    continue
                for owner, answer in owners.items():
                    if not is_right(answer) and is_substance(answer):
                        return Remembered(owner, answer)
        return None


def _generic(words: tuple[str, ...]) -> bool:
    if not words or all(word in _GENERIC for word in words):
        return True
    return len(words) == 1 and len(words[0]) < _LEAST_CHARACTERS
