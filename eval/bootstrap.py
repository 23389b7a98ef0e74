"""Says how far a mean score may be off, and whether two systems differ by more than chance.

Questions about one document are not independent: their clusters (documents) are resampled whole
where they are given, after Field & Welsh 2007, "Bootstrapping clustered data". Everything is
deterministic by seed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from eval.draws import all_signs, signs, times_drawn

_Numbers = npt.NDArray[np.float64]

#: With fewer clusters than these an interval from clusters alone would hide how much they vary.
LEAST_CLUSTERS = 5


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval, in the unit of the values."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much the first system's mean exceeds the second's, with interval, p and item counts.

    `wins`, `ties` and `losses` count the items where the first is above, level, below.
    """

    difference: float
    low: float
    high: float
    p: float
    wins: int
    ties: int
    losses: int


def interval(
    values: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Give the mean of `values` with its expanded percentile bootstrap interval.

    The plain percentile interval (Efron 1979) is too narrow for few clusters: its quantiles are
    moved out to those of Student's t over the clusters (Hesterberg 2015, "What Teachers Should
    Know About the Bootstrap", section 5.3), here over the effective number of clusters.

    With `clusters` (one name for each value) whole clusters are drawn, and each resample's mean is
    the ratio of its sum to its number of values, as clusters differ in size. Fewer than
    `LEAST_CLUSTERS` say too little of how clusters vary (one says nothing): the values are then
    drawn one by one as well, and the wider of both intervals is given. A single value has nothing
    to resample: the interval is the value itself, which is no certainty.

    Raises ValueError for no values, values that are not finite, lengths that differ, or a
    confidence or number of resamples out of range.
    """
    numbers = _finite(values)
    found = _spread(
        numbers,
        np.ones_like(numbers),
        clusters,
        resamples=resamples,
        seed=seed,
        confidence=confidence,
    )
    # No mean leaves the range of its values; rounding in the sums may, by an ulp.
    low, high = np.clip([found.low, found.high], numbers.min(), numbers.max())
    return Interval(float(numbers.mean()), float(low), float(high))


def ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval | None:
    """Give sum of `numerators` / sum of `denominators` with its 95 % interval, as `interval` does.

    So a precision is the true positives over all positives given, item by item. Resamples whose
    denominator is 0 say nothing of the ratio and are left out; None where the whole one is 0.

    Raises ValueError as `interval` does, and for a negative denominator.
    """
    above, below = _finite(numerators), _finite(denominators)
    if len(above) != len(below) or (below < 0).any():
        raise ValueError("a ratio needs as many denominators as numerators, none below 0")
    if below.sum() == 0:
        return None
    return _spread(above, below, clusters, resamples=resamples, seed=seed, confidence=0.95)


def effective_clusters(clusters: Sequence[str]) -> float:
    """Give how many equal clusters would say as much as these (Kish 1965): n² / Σ size²."""
    sizes = np.array(list(Counter(clusters).values()), dtype=np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def _spread(
    above: _Numbers,
    below: _Numbers,
    clusters: Sequence[str] | None,
    *,
    resamples: int,
    seed: int,
    confidence: float,
) -> Interval:
    """Resample clusters, and single values too where clusters are few; the wider bounds."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    groupings = [(_by_cluster(above, clusters)[0], *_by_cluster(below, clusters))]
    if len(groupings[0][0]) < LEAST_CLUSTERS:
        groupings.append((above, below, np.ones_like(below)))
    value = float(above.sum() / below.sum())
    bounds = []
    for totals, weights, sizes in groupings:
        # Of one cluster every draw is the same: only the values alone can say anything.
        if len(totals) > 1:
            drawn = _resampled(totals, weights, resamples, seed)
            tail = _expanded_tail(sizes, confidence)
            bounds.append(np.quantile(drawn, [tail, 1 - tail]))
    if not bounds:
        return Interval(value, value, value)
    return Interval(
        value, float(min(one[0] for one in bounds)), float(max(one[1] for one in bounds))
    )


def _expanded_tail(sizes: _Numbers, confidence: float) -> float:
    """Give the share of resamples to cut at either end, for clusters of these sizes."""
    effective = sizes.sum() ** 2 / (sizes**2).sum()
    if effective <= 1:
        return 0.0
    outwards = np.sqrt(effective / (effective - 1)) * stdtrit(effective - 1, (1 - confidence) / 2)
    return float(ndtr(outwards))


def _resampled(totals: _Numbers, weights: _Numbers, resamples: int, seed: int) -> _Numbers:
    """Ratios of resamples of clusters, given by their sums above and below the line."""
    both = np.column_stack([totals, weights])
    found = [times @ both for times in times_drawn(len(totals), resamples, seed)]
    above, below = np.concatenate(found).T
    means: _Numbers = above[below > 0] / below[below > 0]
    return means


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Compare two systems on the same items: mean of `a` minus mean of `b`, 95 % interval, p.

    The two-sided p comes from a sign-flip permutation test: if the systems were alike, each
    cluster's difference could as well have the other sign. Of few clusters every sign pattern is
    counted, and p is the share of those at least as extreme, the observed one among them. Of more
    it is (1 + count) / (1 + resamples) over random ones (Phipson & Smyth 2010). It is never 0.

    Raises ValueError for lengths that differ, and as `interval` does.
    """
    first, second = _finite(a), _finite(b)
    if len(first) != len(second):
        raise ValueError(f"paired values must be equally many, not {len(first)} and {len(second)}")
    differences = first - second
    # list(), as the parameter's type is a sequence of floats.
    spread = interval(list(differences), clusters=clusters, resamples=resamples, seed=seed)
    totals, _ = _by_cluster(differences, clusters)

    every = 2 ** len(totals) <= resamples
    flipped = [all_signs(len(totals))] if every else signs(len(totals), resamples, seed)
    sums = np.concatenate([np.abs(flips @ totals) for flips in flipped])
    # Equal sums may differ in rounding by their order of summation; they count as equal.
    threshold = abs(totals.sum()) - 1e-9 * np.abs(totals).sum()
    extreme = int(np.count_nonzero(sums >= threshold))
    return Difference(
        difference=spread.value,
        low=spread.low,
        high=spread.high,
        p=extreme / len(sums) if every else (1 + extreme) / (1 + resamples),
        wins=int(np.count_nonzero(differences > 0)),
        ties=int(np.count_nonzero(differences == 0)),
        losses=int(np.count_nonzero(differences < 0)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's step-down method (1979), in the order given.

    The k-th smallest of m is multiplied by m - k + 1, capped at 1, and never falls below the one
    before. Raises ValueError for a p outside 0..1.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values must be between 0 and 1, not {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _finite(values: Sequence[float]) -> _Numbers:
    """Give the values as an array; raises ValueError for none, or for one that is not finite."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.size == 0:
        raise ValueError("no values: there is no mean to give an interval for")
    if not np.isfinite(numbers).all():
        raise ValueError(f"value {int(np.argmin(np.isfinite(numbers)))} is not a finite number")
    return numbers


def _by_cluster(values: _Numbers, clusters: Sequence[str] | None) -> tuple[_Numbers, _Numbers]:
    """Give each cluster's sum and number of values; without clusters every value is its own."""
    if clusters is None:
        return values, np.ones_like(values)
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} values but {len(clusters)} clusters: give one for each")
    codes = {name: code for code, name in enumerate(dict.fromkeys(clusters))}
    index = np.array([codes[name] for name in clusters])
    totals = np.bincount(index, weights=values).astype(np.float64)
    return totals, np.bincount(index).astype(np.float64)
