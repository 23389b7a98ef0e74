"""Puts another value into what is read and into the answer alike, so that reading beats memory.

A model tuned on facts trusts what it learnt more than the page before it. Rows in which the page
holds another value than the fact, and the answer is the page's, teach it to read (entity
substitution, Longpre et al. 2021; counterfactual rows, Neeman et al. 2022). Numbers, times and
dates get another number of the same form; names get the name of another trained answer of the same
shape. Where the outcome could contradict itself, nothing is put.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.records import Passage, Question

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w]|[.,]\d)")
#: Only with a colon: "1.25" is a number.
_TIME = re.compile(r"(?P<hour>[01]?\d|2[0-3]):[0-5]\d\b(?P<rest>.*)", re.DOTALL)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)})\b")
#: Words of a value around its number: "24 months", "up to 70 m²", but no clause.
_MOST_WORDS = 6
#: Numbers in this range that stand without a unit are years.
_YEARS = range(1200, 2100)
#: A question asks for a person by one of these, and for a place by the next.
_WHO = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_WHERE = re.compile(r"\bwhere\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(the|a|an|his|her|its|my|your)\s+$", re.IGNORECASE)
#: How often a number is drawn again that stands there already.
_TRIES = 12


@dataclass(frozen=True)
class Put:
    """What is read and answered after a substitution. The passages exist in no document."""

    passages: tuple[Passage, ...]
    answer: str


@dataclass(frozen=True)
class _Shape:
    """What a name has in common with those that may stand in its place."""

    asked: str
    article: str
    words: tuple[str, ...]


class Substitutes:
    """Other values for the answers of trained questions, from the trained questions alone."""

    def __init__(self, trained: Sequence[Question], *, english: bool) -> None:
        """Collect the names that can stand in each other's place.

        :param english: whether names may be exchanged: how articles and cases go with a name is
            known of English only. Numbers are exchanged in any language.
        """
        self._asked: dict[str, str] = {}
        self._names: dict[_Shape, list[str]] = {}
        if not english:
            return
        wordings: dict[str, list[str]] = {}
        for question in trained:
            wordings.setdefault(question.fact, []).append(question.question)
        self._asked = {fact: _asked(texts) for fact, texts in wordings.items()}
        for question in trained:
            value = _value(question, ())
            if value is None or (shape := self._shape(question, value)) is None:
                continue
            names = self._names.setdefault(shape, [])
            if value not in names:
                names.append(value)

    def put(
        self, question: Question, passages: Sequence[Passage], draw: random.Random
    ) -> Put | None:
        """Put another value into passages and answer; None where it cannot be done safely.

        The value must stand in the answer and in what is read and not in the question; afterwards
        no accepted answer may be left in either.
        """
        if question.kind != "fact" or not passages:
            return None
        value = _value(question, [passage.text for passage in passages])
        if value is None or _asked_with(value, question.question):
            return None
        if value[0].isupper() and any(_part_of_a_name(value, one.text) for one in passages):
            return None
        answer, texts = question.answers[0], [passage.text for passage in passages]
        other = self._other(question, value, texts, draw)
        if other is None:
            return None
        answer = _replaced(answer, value, other)
        texts = [_replaced(text, value, other) for text in texts]
        if any(_stands(old, text) for old in question.answers for text in (answer, *texts)):
            return None
        return Put(with_texts(passages, texts), answer)

    def _other(
        self, question: Question, value: str, texts: Sequence[str], draw: random.Random
    ) -> str | None:
        for _ in range(_TRIES):
            if any(character.isdigit() for character in value):
                other = _other_number(value, draw)
            else:
                shape = self._shape(question, value)
                names = self._names.get(shape, []) if shape else []
                other = draw.choice(names) if names else None
            if other is None:
                return None
            known = [question.question, *texts]
            # What stands there already would make two things one, or say nothing new.
            if other != value and not any(_stands(other, text) for text in known):
                return other
        return None

    def _shape(self, question: Question, value: str) -> _Shape | None:
        """Name's shape: what is asked for, the article before it, and how its words are written."""
        words = value.split()
        if not value[0].isupper() or any(character.isdigit() for character in value):
            return None
        asked = self._asked.get(question.fact)
        if asked is None:
            return None
        before = question.answers[0][: question.answers[0].index(value)]
        article = _ARTICLE.search(before)
        kinds = tuple(
            "capitals" if word.isupper() else "name" if word[0].isupper() else word
            for word in words
        )
        return _Shape(asked, article[1].lower() if article else "", kinds)


def with_texts(passages: Sequence[Passage], texts: Sequence[str]) -> tuple[Passage, ...]:
    """Give passages other texts; one that differs gets an id that no document's passage has."""
    return tuple(
        passage
        if text == passage.text
        else passage.model_copy(update={"id": f"{passage.id}~", "text": text})
        for passage, text in zip(passages, texts, strict=True)
    )


def _value(question: Question, texts: Sequence[str]) -> str | None:
    """Longest accepted answer that is a short value, stands in the first answer and is read."""
    if not question.answers:
        return None
    found = [
        answer
        for answer in question.answers[1:] or question.answers
        if len(answer.split()) <= _MOST_WORDS
        and _stands(answer, question.answers[0])
        and (not texts or any(_stands(answer, text) for text in texts))
    ]
    return max(found, key=len, default=None)


def _asked_with(value: str, question: str) -> bool:
    """Say whether the question holds the value or a number of it: it would ask for another."""
    return any(_stands(one, question) for one in (value, *_NUMBER.findall(value)))


def _part_of_a_name(value: str, text: str) -> bool:
    """Say whether a capital stands beside the value, as in "Angeline Stickney" for Stickney."""
    return any(
        re.search(r"(?:^|[^.!?:])\s[A-Z]\w+\s$", text[: match.start()][-40:])
        or re.match(r"\s[A-Z]", text[match.end() :])
        for match in _pattern(value).finditer(text)
    )


def _asked(wordings: Sequence[str]) -> str:
    for name, pattern in (("person", _WHO), ("place", _WHERE)):
        if any(pattern.search(text) for text in wordings):
            return name
    return "name"


def _other_number(value: str, draw: random.Random) -> str | None:
    """Write the value with other numbers of the same form; None where a number is part of a name.

    "24 months" → "31 months", "€0.90" → "€0.57", "04:10" → "09:32", "14 January 2005" → "3 May
    1998". One is left alone, since a singular may hang on it.
    """
    if time := _TIME.fullmatch(value):
        hours = range(1, 13) if re.search(r"[ap]\.?m", time["rest"], re.IGNORECASE) else range(24)
        width = len(time["hour"])
        return f"{draw.choice(hours):0{width}d}:{draw.randrange(60):02d}{time['rest']}"
    dated = _MONTH.search(value) is not None
    digits = len(re.findall(r"\d+(?:[.,]\d+)*", value))
    if len(_NUMBER.findall(value)) != digits:
        return None  # a number inside a word: RX200, 46P
    plain = [match for match in _NUMBER.finditer(value) if match.group() not in ("0", "1")]
    if not plain:
        return None
    other = _NUMBER.sub(lambda match: _drawn(match.group(), dated, draw), value)
    return _MONTH.sub(lambda _: draw.choice(_MONTHS), other)


def _drawn(number: str, dated: bool, draw: random.Random) -> str:
    """Another number of the same form: as many digits after the point, of a like size."""
    if number in ("0", "1"):
        return number
    if dated and len(number) <= 2:
        return str(draw.randrange(2, 29))
    digits = re.sub(r"[.,]", "", number)
    if number.isdigit() and int(number) in _YEARS and len(number) == 4:
        return str(min(int(number) + draw.randrange(1, 12) * draw.choice((-1, 1)), 2099))
    size = int(digits)
    low, high = max(2, size * 4 // 10), max(9, size * 25 // 10)
    width = len(digits)
    # Of as many digits, so that its points and commas stay where they are.
    floor = 10 ** (width - 1) if digits[0] != "0" and width > 1 else 0
    low, high = max(low, floor), min(high, 10**width - 1)
    drawn = str(draw.randrange(low, high + 1)).zfill(width)
    for match in re.finditer(r"[.,]", number):
        drawn = f"{drawn[: match.start()]}{match.group()}{drawn[match.start() :]}"
    return drawn


def _pattern(value: str) -> re.Pattern[str]:
    """Match a value as it stands between other words, never as a part of a longer number."""
    return re.compile(rf"(?<!\w)(?<!\d[.,]){re.escape(value)}(?!\w)(?![.,]\d)")


def _stands(value: str, text: str) -> bool:
    return _pattern(value).search(text) is not None


def _replaced(text: str, value: str, other: str) -> str:
    return _pattern(value).sub(lambda _: other, text)
