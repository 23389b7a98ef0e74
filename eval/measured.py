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

    Where all scores are the same, such as all 0, resampling them would say that there is no doubt
    at all. The bounds are then Wilson's for that share of as many answers as there are effective
    clusters; no score between 0 and 1 spreads more than a share does.

    :param clusters: for each value the document it is of.
    :raises ValueError: for no values, values that are not finite, or lengths that differ.
    """
    return as_record(bounded(interval(values, clusters=clusters, seed=seed), clusters))


def bounded(found: Interval, clusters: Sequence[str]) -> Interval:
    """Widen the interval of scores that are all the same, whose resamples are all alike."""
    if found.low == found.high and 0 <= found.value <= 1:
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
