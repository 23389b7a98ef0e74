"""A score's mean with its interval, as every summary and table of the project writes it."""

from collections.abc import Sequence

from core.wilson import wilson
from eval.bootstrap import Interval, effective_clusters, interval

#: How many decimals a summary keeps.
DECIMALS = 4


def measured(
    values: Sequence[float], *, clusters: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """Give the mean of scores in 0–1 as `{"value", "low", "high"}`, a 95 % interval, rounded.

    Where all scores are 0, or all are 1, resampling them would say that there is no doubt at all.
    The bound is then Wilson's for that share of as many answers as there are effective clusters.

    :param clusters: for each value the document it is of.
    :raises ValueError: for no values, values that are not finite, or lengths that differ.
    """
    return as_record(bounded(interval(values, clusters=clusters, seed=seed), clusters))


def bounded(found: Interval, clusters: Sequence[str]) -> Interval:
    """Widen the interval of a share of 0 or 1, whose resamples are all alike."""
    if found.value in (0, 1) and found.low == found.high:
        low, high = wilson(found.value, effective_clusters(clusters))
        return Interval(found.value, min(low, found.value), max(high, found.value))
    return found


def as_record(found: Interval) -> dict[str, float]:
    """Write an interval as the contract does."""
    return {
        "value": round(found.value, DECIMALS),
        "low": round(found.low, DECIMALS),
        "high": round(found.high, DECIMALS),
    }
