"""Which of many texts are the same or nearly so: MinHash finds the pairs, Jaccard confirms them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise

#: Hash functions of a MinHash; with 64 the estimate's standard error is about 0.06, and every pair
#: it proposes is counted exactly.
_PERMUTATIONS = 64
#: Groups larger than this are compared with their neighbours only, so that a file of one template
#: repeated cannot make the check quadratic.
_LARGEST_GROUP = 200

_WORD = re.compile(r"\w+")
#: Signs that change what a text says, as words.
_SIGNS = str.maketrans(
    {"%": " percent ", "€": " euro ", "$": " dollar ", "£": " pound ", "°": " degree "}
)


def plain(text: str) -> str:
    """Bring a text to the form in which a repetition is a repetition: words and spaces only."""
    return " ".join(words(text))


def words(text: str) -> list[str]:
    """Words of a text, case and punctuation aside; a decimal number is one word.

    "3.5" must stay apart from "35", and "5" from "5 %".
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(re.sub(r"(?<=\d)[.,](?=\d)", "_", folded).translate(_SIGNS))


def jaccard(one: set[Hashable], other: set[Hashable]) -> float:
    """Share of what either holds that both hold; two empty sets are the same."""
    either = len(one | other)
    return len(one & other) / either if either else 1.0


def mean_overlap(texts: Sequence[str]) -> float:
    """Mean pairwise Jaccard overlap of the texts' word sets, 0..1; 0 for fewer than two."""
    sets: list[set[Hashable]] = [set(words(text)) for text in texts]
    pairs = list(combinations(sets, 2))
    return sum(jaccard(*pair) for pair in pairs) / len(pairs) if pairs else 0.0


def shingles(text: str, size: int) -> set[Hashable]:
    """Every run of `size` words of a text; the whole text where it is shorter."""
    found = words(text)
    if len(found) < size:
        return {tuple(found)}
    return {tuple(found[start : start + size]) for start in range(len(found) - size + 1)}


def near_pairs(
    sets: Sequence[set[Hashable]], *, threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Pairs (i, j, overlap), i < j, of sets whose Jaccard overlap is at least `threshold`.

    Pairs near the threshold may be missed: MinHash proposes a pair with a probability that rises
    steeply around it. Identical sets are always found.
    """
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415  (slow to import)

    groups = defaultdict(list)
    for position, one in enumerate(sets):
        groups[frozenset(one)].append(position)
    kinds = list(groups)
    hashes = MinHash.bulk(
        ([repr(item).encode() for item in kind] for kind in kinds), num_perm=_PERMUTATIONS
    )
    # Proposed from well below, so that few pairs at the threshold are missed: a pair too many
    # costs one exact comparison.
    finder = MinHashLSH(
        threshold=max(0.1, threshold - 0.15), num_perm=_PERMUTATIONS, weights=(0.1, 0.9)
    )
    for position, one in enumerate(hashes):
        finder.insert(position, one)
    for position, one in enumerate(hashes):
        mine = groups[kinds[position]]
        yield from ((a, b, 1.0) for a, b in _pairs(mine))
        for other in sorted(finder.query(one)):
            if other <= position:
                continue
            overlap = jaccard(set(kinds[position]), set(kinds[other]))
            if overlap >= threshold:
                yield from (
                    (min(a, b), max(a, b), overlap)
                    for a in mine[:_LARGEST_GROUP]
                    for b in groups[kinds[other]][:_LARGEST_GROUP]
                )


def _pairs(positions: list[int]) -> Iterable[tuple[int, int]]:
    if len(positions) <= _LARGEST_GROUP:
        return combinations(positions, 2)
    return pairwise(positions)
