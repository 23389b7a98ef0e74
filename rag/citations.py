"""Holds an answer against passages: which words stand where, and which sentences nothing supports.

Deterministic, and the same for an answer that was read and for one that was remembered. For each
sentence of the answer the sentences of the passages are sought that hold most of its telling words
(a number weighs more than a name, a name more than a verb, small words nothing). Runs of words that
both share are citations, with offsets in answer and document. A sentence is supported when the
sought-out sentences hold enough of its weight, and every number of it; when each number stands
where the rest is told as well, model numbers included (another product's 36 months are no support);
and when one sentence holds all words of each value of several (a date put together from two
sentences is nobody's date).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import Stemmer

from core.records import Citation, Passage, Stretch
from rag.passages import sentence_spans, sentences

_WORD = re.compile(r"\w+(?:[.,]\d+)*|[€$£°%]")
#: Words that carry no fact alone; a run of only these is not a citation.
_LIGHT = frozenset(
    "a an and are as at be by can do does for from had has have i if in is it its no not of on or "
    "so than that the their them then there these they this to was we were will with you your "
    "please sorry".split()
)
_NUMBER_WEIGHT, _NAME_WEIGHT = 3.0, 1.5
#: Share of a sentence's weight that the passages must hold for it to be supported, and share of the
#: rest that must stand with a number of it. Chosen on the built-in corpora's train questions; see
#: `benchmarks/support.py`.
_SUPPORTED = 0.6
#: Sentences of passages that one sentence of an answer may rest on, and the least that each but the
#: first must add.
_MOST_SOURCES, _LEAST_GAIN = 3, 1.5


@dataclass(frozen=True)
class Alignment:
    """What an answer takes from passages."""

    citations: tuple[Citation, ...]
    #: Stretches of the answer that no passage supports, a sentence each.
    unsupported: tuple[Stretch, ...]


@dataclass(frozen=True)
class _Source:
    """A sentence of a passage, with its words and their stems."""

    passage: Passage
    start: int
    words: list[re.Match[str]]
    stems: Counter[str]
    #: Stems of the heading that it stands under.
    heading: frozenset[str]


def align(answer: str, passages: Sequence[Passage]) -> Alignment:
    """Hold an answer against passages, sentence by sentence."""
    sources = [
        _Source(
            passage,
            one.start,
            found,
            Counter(_stems([word.group() for word in found])),
            heading,
        )
        for passage in passages
        for heading in [frozenset(_stems(_WORD.findall(passage.heading)))]
        for one in sentences(passage) or [passage]
        if (found := list(_WORD.finditer(one.text)))
    ]
    total = len(_WORD.findall(answer))
    citations: list[Citation] = []
    unsupported: list[Stretch] = []
    for begin, end in sentence_spans(answer):
        words = list(_WORD.finditer(answer, begin, end))
        weights = _weights(words)
        chosen, missing = _sources_of(words, weights, sources)
        citations += _runs(words, chosen, total)
        weight = sum(weights.values())
        left = sum(weights[stem] for stem in missing)
        numbers_missing = any(stem[:1].isdigit() for stem in missing)
        too_little = numbers_missing or left > (1 - _SUPPORTED) * weight
        apart = _told_of_another(weights, sources) or _patched_together(words, sources)
        if weight and (too_little or apart):
            unsupported.append(Stretch(start=begin, end=end))
    return Alignment(tuple(citations), tuple(unsupported))


def _stems(words: Sequence[str]) -> list[str]:
    return Stemmer.Stemmer("english").stemWords(
        [word.casefold().replace(",", "") for word in words]
    )


def _weights(words: Sequence[re.Match[str]]) -> dict[str, float]:
    """What each telling stem of a sentence weighs."""
    weights: dict[str, float] = {}
    texts = [word.group() for word in words]
    for position, (text, stem) in enumerate(zip(texts, _stems(texts), strict=True)):
        if text.casefold() in _LIGHT:
            continue
        if text[0].isdigit():
            weight = _NUMBER_WEIGHT
        elif position and (text[0].isupper() or any(c.isdigit() for c in text)):
            weight = _NAME_WEIGHT
        else:
            weight = 1.0
        weights[stem] = max(weight, weights.get(stem, 0.0))
    return weights


def _told_of_another(weights: dict[str, float], sources: Sequence[_Source]) -> bool:
    """Say whether a number stands only in sentences about something else."""
    numbers = {stem for stem in weights if stem[:1].isdigit()}
    rest = {stem: weight for stem, weight in weights.items() if stem not in numbers}
    models = {stem for stem in rest if any(character.isdigit() for character in stem)}
    # A sentence of several numbers may tell several facts, each in a sentence of its own.
    enough = _SUPPORTED * sum(rest.values()) / max(len(numbers), 1)
    return not all(
        any(
            models <= {*source.stems, *source.heading}
            and sum(rest[stem] for stem in rest if stem in source.stems or stem in source.heading)
            >= enough
            for source in sources
            if number in source.stems
        )
        for number in numbers
    )


def _patched_together(words: Sequence[re.Match[str]], sources: Sequence[_Source]) -> bool:
    """Say whether a value of several words, such as a date, stands whole in no sentence."""
    values: list[list[str]] = []
    end = 0
    for position, word in enumerate(words):
        text = word.group()
        if text[0].isdigit() or (position and text[0].isupper()):
            if not (values and word.string[end : word.start()].isspace()):
                values.append([])  # something stands between: another value begins
            values[-1].append(text)
            end = word.end()
    return any(
        len(value) > 1
        and any(text[0].isdigit() for text in value)
        and not any(all(stem in source.stems for stem in _stems(value)) for source in sources)
        for value in values
    )


def _sources_of(
    words: Sequence[re.Match[str]], weights: dict[str, float], sources: Sequence[_Source]
) -> tuple[list[_Source], set[str]]:
    """The sentences that together hold most of the weight, and the stems that none of them has."""
    missing = set(weights)
    chosen: list[_Source] = []
    wanted = [word.group().casefold() for word in words]
    runs = [_shared_run(wanted, source) for source in sources]
    while missing and len(chosen) < _MOST_SOURCES:
        gains = [
            (sum(weights[stem] for stem in missing if stem in source.stems), run)
            for source, run in zip(sources, runs, strict=True)
        ]
        if not gains:
            break
        best = max(range(len(sources)), key=lambda position: (*gains[position], -position))
        if gains[best][0] < (_LEAST_GAIN if chosen else 0.5):
            break
        chosen.append(sources[best])
        missing -= set(sources[best].stems)
    return chosen, missing


def _shared_run(wanted: Sequence[str], source: _Source) -> int:
    """Length of the longest run of words that both have: of two alike, the one that quotes."""
    said = [word.group().casefold() for word in source.words]
    longest, before = 0, [0] * (len(said) + 1)
    for word in wanted:
        now = [0] * (len(said) + 1)
        for position, other in enumerate(said):
            if word == other:
                now[position + 1] = before[position] + 1
                longest = max(longest, now[position + 1])
        before = now
    return longest


def _runs(words: Sequence[re.Match[str]], sources: Sequence[_Source], total: int) -> list[Citation]:
    lowered = [word.group().lower() for word in words]
    found: list[Citation] = []
    position = 0
    while position < len(words):
        length, source, first = _longest_run(lowered, position, sources)
        if source is None or not _carries_fact(lowered[position : position + length]):
            position += 1
            continue
        found.append(
            Citation(
                answer_start=words[position].start(),
                answer_end=words[position + length - 1].end(),
                passage_id=source.passage.id,
                start=source.start + source.words[first].start(),
                end=source.start + source.words[first + length - 1].end(),
                score=length / total,
            )
        )
        position += length
    return found


def _longest_run(
    lowered: list[str], position: int, sources: Sequence[_Source]
) -> tuple[int, _Source | None, int]:
    best: tuple[int, _Source | None, int] = (0, None, 0)
    for source in sources:
        for first in range(len(source.words)):
            length = 0
            while (
                position + length < len(lowered)
                and first + length < len(source.words)
                and source.words[first + length].group().lower() == lowered[position + length]
            ):
                length += 1
            if length > best[0]:
                best = (length, source, first)
    return best


def _carries_fact(run: list[str]) -> bool:
    heavy = [word for word in run if word not in _LIGHT]
    if len(run) == 1:
        return bool(heavy) and (any(c.isdigit() for c in run[0]) or len(run[0]) > 4)
    return bool(heavy)
