"""Whether a model lost more answers than it gained by chance alone: exact McNemar, and Wilson."""

from core.wilson import wilson as share_interval
from eval.bootstrap import Interval


def exact_mcnemar(lost: int, gained: int) -> float:
    """Two-sided exact p of McNemar's test (1947), from the answers that changed.

    If training changed nothing but by chance, each change is as likely a loss as a gain: `lost` of
    `lost + gained` is binomial with one half. No change at all gives 1.

    :raises ValueError: for a negative count.
    """
    if lost < 0 or gained < 0:
        raise ValueError(f"counts are never negative, not {lost} and {gained}")
    if lost + gained == 0:
        return 1.0
    from scipy.stats import binomtest  # noqa: PLC0415  (slow to import)

    return float(binomtest(lost, lost + gained, 0.5).pvalue)


def wilson(count: int, of: int) -> Interval:
    """Share `count` / `of` with Wilson's score interval (1927), which no count breaks.

    Of nothing, the share is given as 0 and the interval is all of 0 to 1.

    :raises ValueError: when `count` is not between 0 and `of`.
    """
    if not 0 <= count <= of:
        raise ValueError(f"{count} of {of} is no share")
    if of == 0:
        return Interval(0.0, 0.0, 1.0)
    return Interval(count / of, *share_interval(count / of, of))
