"""Random draws for resampling, by seed: how often a group is drawn, and which signs flip.

Many scores are resampled over the same groups: the latest draws are kept, where they are few.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_Numbers = npt.NDArray[np.float64]

#: Random draws held at once; bounds memory at some 32 MB a call however many questions there are.
_DRAWS_AT_ONCE = 4_000_000
#: Draws that are kept for the next score: at most 16 MB each.
_DRAWS_KEPT = 2_000_000


def times_drawn(groups: int, resamples: int, seed: int) -> Iterable[_Numbers]:
    """Say how often each resample draws each group: arrays of (some resamples, groups).

    :raises ValueError: for no resample.
    """
    return _drawn(_counts, groups, resamples, seed)


def signs(groups: int, resamples: int, seed: int) -> Iterable[_Numbers]:
    """Give -1 or 1 for each group of each resample, in arrays as `times_drawn`."""
    return _drawn(_flips, groups, resamples, seed)


def all_signs(groups: int) -> _Numbers:
    """Give every pattern of -1 and 1 once: an array (2 ** groups, groups)."""
    numbers = np.arange(2**groups)[:, None]
    found: _Numbers = np.where(numbers >> np.arange(groups) & 1, 1.0, -1.0)
    return found


_Draw = Callable[[int, int, int], Iterator[_Numbers]]


def _drawn(draw: _Draw, groups: int, resamples: int, seed: int) -> Iterable[_Numbers]:
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    if groups * resamples <= min(_DRAWS_KEPT, _DRAWS_AT_ONCE):
        return _kept(draw, groups, resamples, seed)
    return draw(groups, resamples, seed)


@lru_cache(maxsize=8)
def _kept(draw: _Draw, groups: int, resamples: int, seed: int) -> tuple[_Numbers, ...]:
    return tuple(draw(groups, resamples, seed))


def _chunks(groups: int, resamples: int) -> Iterator[int]:
    rows = max(1, _DRAWS_AT_ONCE // groups)
    for done in range(0, resamples, rows):
        yield min(rows, resamples - done)


def _counts(groups: int, resamples: int, seed: int) -> Iterator[_Numbers]:
    rng = np.random.default_rng(seed)
    for rows in _chunks(groups, resamples):
        drawn = rng.integers(groups, size=(rows, groups)) + groups * np.arange(rows)[:, None]
        counted = np.bincount(drawn.ravel(), minlength=rows * groups)
        yield counted.reshape(rows, groups).astype(np.float64)


def _flips(groups: int, resamples: int, seed: int) -> Iterator[_Numbers]:
    # A stream of its own, lest the signs repeat the counts' draws.
    rng = np.random.default_rng([seed, 1])
    for rows in _chunks(groups, resamples):
        bits = rng.integers(2, size=(rows, groups), dtype=np.int8)
        yield bits.astype(np.float64) * 2 - 1
