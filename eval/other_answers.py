"""Finds the answer of another fact, or of an earlier state of the world, in a wrong answer.

A model that was fine-tuned on facts may give the answer of a neighbour, or the one that was true
before a revision. What counts is what an answer adds: its telling words that neither the question
nor a right answer has, nor most of the corpus ("Halden" is no memory of anything). It is another
fact's when

* an accepted answer of that fact stands in it word by word, and holds at least half of what was
  added: the rest may be the frame that it was put in; or
* at least three quarters of what was added, two words or more, are of one accepted answer, and at
  least half of what that answer would add: a sentence that was learnt for one product and is told
  of another.

Every number that was added must be the other fact's: the frame of its sentence with a number of
nobody's is made up. An answer that many facts share ("yes", a number that many have), a number of
one or two digits and a word of one or two letters are found by chance, and do not count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.normalise import contains, tokens
from eval.wording import numbers, telling

#: An answer of more facts than these, and of more than this share of the facts, is anybody's; so is
#: a word that stands in the answers of more than the greater share.
_FEW_FACTS, _FEW_SHARE, _COMMON_SHARE = 5, 0.02, 0.1
_GENERIC = frozenset({"yes", "no", "true", "false", "none", "never", "always", "both", "neither"})
_LEAST_CHARACTERS = 3
#: Shares of what was added: that an answer found word by word holds, and that a sentence holds;
#: and the share of a sentence that must be there.
_SUBSTANCE, _OF_ONE_SENTENCE, _OF_THE_SENTENCE = 0.5, 0.75, 0.5


@dataclass(frozen=True)
class Remembered:
    """Whose answer was found, and the telling words that give it away.

    `former` says that it is an earlier answer of the same fact.
    """

    fact: str
    answer: str
    words: frozenset[str]
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
        texts: dict[str, dict[str, None]] = {}
        for fact, accepted in answers:
            texts.setdefault(fact, {}).update(dict.fromkeys(accepted))
        self._former: dict[str, tuple[str, ...]] = {}
        for fact, accepted in former:
            self._former[fact] = (*self._former.get(fact, ()), *accepted)
        owners: dict[tuple[str, ...], dict[str, str]] = {}
        for fact, own in texts.items():
            for text in own:
                owners.setdefault(tuple(tokens(text)), {}).setdefault(fact, text)
        most = max(_FEW_FACTS, _FEW_SHARE * len(texts))
        self._owners = {
            words: facts
            for words, facts in owners.items()
            if not _generic(words) and len(facts) <= most
        }
        self._longest = max(map(len, self._owners), default=0)
        self._common = _common_words(texts)
        #: By telling word, the answers that have it.
        self._having: dict[str, dict[tuple[str, str], None]] = {}
        for facts in self._owners.values():
            for fact, text in facts.items():
                for word in telling(text):
                    self._having.setdefault(word, {})[fact, text] = None

    def find(
        self, prediction: str, *, fact: str, answers: Sequence[str], question: str
    ) -> Remembered | None:
        """Find a former answer of `fact`, or else another fact's answer, in a prediction.

        :param fact: what was asked; its present answers are not another's.
        :param answers: the right answers: what is part of one of them is not another's either.
        """
        expected = self._common.union(telling(question), *map(telling, answers))
        added = frozenset(telling(prediction)) - expected
        if not added:
            return None
        for old in sorted(self._former.get(fact, ()), key=len, reverse=True):
            held = added.intersection(telling(old))
            if contains(prediction, old) and len(held) >= _SUBSTANCE * len(added):
                return Remembered(fact, old, held, former=True)
        return self._word_by_word(prediction, fact, added) or self._sentence(fact, added, expected)

    def _word_by_word(self, prediction: str, fact: str, added: frozenset[str]) -> Remembered | None:
        """Find the longest accepted answer that stands in the prediction."""
        given = tokens(prediction)
        for length in range(min(self._longest, len(given)), 0, -1):
            for start in range(len(given) - length + 1):
                owners = self._owners.get(tuple(given[start : start + length]), {})
                for owner, answer in owners.items():
                    held = added.intersection(telling(answer))
                    enough = held and len(held) >= _SUBSTANCE * len(added)
                    if fact not in owners and enough and numbers(added) <= held:
                        return Remembered(owner, answer, held)
        return None

    def _sentence(
        self, fact: str, added: frozenset[str], expected: frozenset[str]
    ) -> Remembered | None:
        """Find the accepted answer that most of what was added comes from."""
        shared = Counter(
            owner
            for word in sorted(added)
            for owner in self._having.get(word, ())
            if owner[0] != fact and numbers(added).issubset(telling(owner[1]))
        )
        if len(added) < 2 or not shared:
            return None
        # Of equals the first in the corpus: a dictionary keeps its order, a set does not.
        (owner, answer), count = max(shared.items(), key=lambda item: item[1])
        would_add = set(telling(answer)) - expected
        if count < max(2, _OF_ONE_SENTENCE * len(added), _OF_THE_SENTENCE * len(would_add)):
            return None
        return Remembered(owner, answer, added.intersection(telling(answer)))


def _common_words(texts: dict[str, dict[str, None]]) -> frozenset[str]:
    """Find the telling words that stand in the answers of many facts."""
    counted = Counter(
        word
        for accepted in texts.values()
        for word in {word for text in accepted for word in telling(text)}
    )
    most = max(_FEW_FACTS, _COMMON_SHARE * len(texts))
    return frozenset(word for word, count in counted.items() if count > most)


def _generic(words: tuple[str, ...]) -> bool:
    if not words or all(word in _GENERIC for word in words):
        return True
    return len(words) == 1 and len(words[0]) < _LEAST_CHARACTERS
