"""Puts another subject into question, reading and answer alike, so that only reading can answer.

A model tuned on facts answers from memory what it was never taught as well: asked for the lamp of a
camera it tells the camera's resolution, with the lamp's sentence before it. Rows in which a known
sentence is told of another subject ("The Halden RX400 has a lamp of 900 lumens") are of the
domain's own words, and what they ask was never taught. They go beyond another value (entity
substitution, Longpre et al. 2021; `sft.substitution`): there the question alone still says which
memory it is about. Subjects come from trained questions alone.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.records import Passage, Question
from sft.substitution import with_texts

#: A name or a product's code, or several in a row: "Sight C1", "RX400", "Vera Rubin".
_RUN = re.compile(r"[A-Z][\w-]*(?: (?:[A-Z][\w-]*|\d+))*")
#: What begins so many of all subjects is the maker's name and belongs to each of them.
_BRAND_SHARE = 0.3
#: How often a subject is drawn again that stands there already.
_TRIES = 12


@dataclass(frozen=True)
class Told:
    """A row about another subject. Its passages exist in no document."""

    question: str
    passages: tuple[Passage, ...]
    answer: str


class Subjects:
    """The subjects of trained questions, each of which can stand in another's place."""

    def __init__(self, trained: Sequence[Question], *, english: bool) -> None:
        """Collect them.

        :param english: whether there are any: elsewhere capitals do not tell names.
        """
        runs = [run for one in trained if english and one.answers for run in _runs(one)]
        first = Counter(run.split()[0] for run in runs if " " in run)
        self._brands = {word for word, count in first.items() if count > _BRAND_SHARE * len(runs)}
        found = (self._plain(run) for run in runs)
        self._all = sorted({subject for subject in found if subject})

    def put(
        self, question: Question, passages: Sequence[Passage], draw: random.Random
    ) -> Told | None:
        """Tell it of another subject; None where that cannot be done safely.

        The subject must stand in the question, in the answer and in what is read, and the other in
        none of them.
        """
        if question.kind != "fact" or not passages or not question.answers:
            return None
        texts = [question.question, question.answers[0], *(one.text for one in passages)]
        named = [self._plain(run) for run in _runs(question)]
        subject = max((one for one in named if one in self._all), key=len, default=None)
        if subject is None or not any(_stands(subject, text) for text in texts[2:]):
            return None
        if any(self._in_a_longer_name(subject, text) for text in texts):
            return None
        for _ in range(_TRIES):
            other = draw.choice(self._all)
            if other != subject and not any(_shares(other, text) for text in texts):
                asked, answer, *read = (_replaced(text, subject, other) for text in texts)
                return Told(asked, with_texts(passages, read), answer)
        return None

    def _plain(self, run: str) -> str:
        words = run.split()
        return " ".join(words[1:] if words[0] in self._brands else words)

    def _in_a_longer_name(self, subject: str, text: str) -> bool:
        """Say whether a word of a name stands beside the subject: "Sight C1 Pro" is another."""
        for match in _pattern(subject).finditer(text):
            before = re.search(r"([A-Z][\w-]*) $", text[: match.start()])
            if re.match(r" (?:[A-Z]|\d+\b(?![.,]?\d* ?[a-z%°]))", text[match.end() :]):
                return True
            if before and before[1] not in self._brands and not _begins(text, before.start()):
                return True
        return False


def _runs(question: Question) -> list[str]:
    """The names of a question that its first answer tells something of."""
    found = [
        match.group()
        for match in _RUN.finditer(question.question)
        if match.start() or not match.group().isalpha()
    ]
    return [run for run in found if _stands(run, question.answers[0]) and len(run) > 1]


def _begins(text: str, start: int) -> bool:
    """Say whether a sentence begins there, where any word has a capital."""
    return not text[:start].strip() or text[:start].rstrip()[-1] in ".!?:|"


def _shares(name: str, text: str) -> bool:
    return any(_stands(word, text) for word in name.split())


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")


def _stands(name: str, text: str) -> bool:
    return _pattern(name).search(text) is not None


def _replaced(text: str, name: str, other: str) -> str:
    return _pattern(name).sub(lambda _: other, text)
