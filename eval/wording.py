"""Compares what two texts say, word by word: for telling *why* an answer was scored as wrong.

These are rules of thumb for the diagnosis, and never change a score. Cosine similarity is left out
on purpose: an encoder holds "24 months" and "36 months" in one sentence for nearly the same.
Phrases and small words are English; in other languages only a corpus's own abstaining text is known
as declining, and small words count as telling, which makes the rules stricter.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import Stemmer
from bm25s.stopwords import STOPWORDS_EN

from core.normalise import tokens

_LIGHT = frozenset(STOPWORDS_EN) | frozenset(
    "i you your we our he she his her its do does did has have had can could should would may must "
    "please about from up than so just also very am been being".split()
)
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBER_WORDS = {
    **{word: number for number, word in enumerate(_UNITS)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
}
_NEGATIONS = frozenset({"not", "no", "never", "none", "neither", "cannot", "without"})

#: Ways of declining in plain words: somebody who cannot say, or documents that do not.
_DECLINING = re.compile(
    r"\b(?:i|we|it|this desk)(?: am| are| is)?(?: sorry)?,?(?: but)?(?: i| we)?(?: am| are)? "
    r"(?:cannot|can not|can't|could not|couldn't|unable to|not able to) "
    r"(?:help|answer|find|assist|provide|tell|say|share|give|comply|fulfil)"
    r"|\bi (?:do not|don't) (?:know|have (?:any|that|this|the|access|information))"
    r"|\b(?:documents?|texts?|passages?) (?:do|does)(?: not|n't) "
    r"(?:say|mention|contain|provide|give|state|tell)"
    r"|\bnot something (?:\w+ ){0,4}(?:help|answer)"
)

#: Share of the telling words of a reference that an answer needs to say the same, and share of an
#: answer's telling words that reference and question must account for.
_SAID, _ACCOUNTED_FOR = 0.8, 0.6


def declines(text: str) -> bool:
    """Say whether a text declines to answer in plain words, whatever the corpus calls it."""
    return bool(_DECLINING.search(" ".join(text.lower().replace("’", "'").split())))


def says_the_same(prediction: str, references: Sequence[str], question: str) -> bool:
    """Say whether an answer gives some reference in other words.

    What the question said already proves nothing, so the telling words of a reference are those
    that the question lacks. The answer must have nearly all of them, every number, no number of its
    own, little else that is new, and deny only what the reference denies.
    """
    asked, said = set(telling(question)), set(telling(prediction))
    wanted = [set(telling(reference)) for reference in references]
    accounted = asked.union(*wanted)
    if not said or len(said & accounted) < _ACCOUNTED_FOR * len(said):
        return False
    if not numbers(said) <= accounted:
        return False
    return any(
        bool(news := one - asked)
        and numbers(one) <= said | asked
        and numbers(news) <= said
        and len(news & said) >= _SAID * len(news)
        and _denies(reference) == _denies(prediction)
        for reference, one in zip(references, wanted, strict=True)
    )


@lru_cache(maxsize=4096)
def telling(text: str) -> tuple[str, ...]:
    """Give the stems of a text's words that are not small words; numbers always as digits."""
    words = _counted(tokens(re.sub(r"[-‐‑–/]|['’]s\b", " ", text)))
    kept = [word for word in words if word not in _LIGHT]
    return tuple(Stemmer.Stemmer("english").stemWords(kept))


def _counted(words: Sequence[str]) -> list[str]:
    """Write number words below a hundred as digits: "sixty five" is 65."""
    found: list[str] = []
    tens = 0
    for word in words:
        number = _NUMBER_WORDS.get(word)
        if tens and number is not None and 0 < number < 10:
            found[-1], tens = str(tens + number), 0
            continue
        tens = number if number is not None and number >= 20 else 0
        found.append(word if number is None else str(number))
    return found


def numbers(words: Iterable[str]) -> set[str]:
    """Give those of some telling words that hold a digit: amounts, dates, model numbers."""
    return {word for word in words if any(character.isdigit() for character in word)}


def _denies(text: str) -> bool:
    plain = text.lower().replace("’", "'")
    return "n't" in plain or not _NEGATIONS.isdisjoint(re.findall(r"[a-z]+", plain))
