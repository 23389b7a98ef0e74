"""Which words of an answer stand in the passages that were read.

Deterministic alignment: every longest run of words that answer and passage share, at least two
words of which one is no stop word, or a single number or rare word. Scores are the share of the
answer's words in the run.
"""

import re
from collections.abc import Sequence

from core.records import Citation, Passage

_WORD = re.compile(r"\w+(?:[.,]\d+)*|[€$£°%]")
#: Words that carry no fact alone; a run of only these is not a citation.
_LIGHT = frozenset(
    "a an and are as at be by can do for from has have i in is it its of on or that the their "
    "this to was we were will with you your".split()
)


def cite(answer: str, passages: Sequence[Passage]) -> list[Citation]:
    """Find the answer's words in the passages, in the answer's order, without overlaps."""
    words = list(_WORD.finditer(answer))
    lowered = [word.group().lower() for word in words]
    sources = [(passage, list(_WORD.finditer(passage.text))) for passage in passages]
    citations = []
    position = 0
    while position < len(words):
        length, passage, start, end = _longest_run(lowered, position, sources)
        if passage is None or not _carries_fact(lowered[position : position + length]):
            position += 1
            continue
        citations.append(
            Citation(
                answer_start=words[position].start(),
                answer_end=words[position + length - 1].end(),
                passage_id=passage.id,
                start=passage.start + start,
                end=passage.start + end,
                score=length / len(words),
            )
        )
        position += length
    return citations


def _longest_run(
    lowered: list[str], position: int, sources: list[tuple[Passage, list[re.Match[str]]]]
) -> tuple[int, Passage | None, int, int]:
    best: tuple[int, Passage | None, int, int] = (0, None, 0, 0)
    for passage, found in sources:
        for first in range(len(found)):
            length = 0
            while (
                position + length < len(lowered)
                and first + length < len(found)
                and found[first + length].group().lower() == lowered[position + length]
            ):
                length += 1
            if length > best[0]:
                best = (length, passage, found[first].start(), found[first + length - 1].end())
    return best


def _carries_fact(run: list[str]) -> bool:
    heavy = [word for word in run if word not in _LIGHT]
    if len(run) == 1:
        return bool(heavy) and (any(c.isdigit() for c in run[0]) or len(run[0]) > 4)
    return bool(heavy)
