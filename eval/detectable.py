"""The smallest difference that a question set could have detected."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from eval.bootstrap import effective_clusters


def smallest_detectable(
    differences: Sequence[float],
    *,
    clusters: Sequence[str],
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Give the true difference of two arms that this set detects with `power` at `alpha`.

    (t(1 - alpha / 2) + t(power)) standard errors of the mean paired difference, t of Student over
    the effective clusters (Bloom 1995, "Minimum detectable effects"). The standard error is the
    one of independent questions times the square root of the design effect, which is estimated
    from the documents' residual sums and taken as at least 1: chance alone may make documents
    look as if they told more than their questions. One made-up win and one loss, of weight one half
    each, are added (as Agresti & Min 2005 do), so arms that never differed here are not taken for
    arms that never can.

    Where the differences do not differ at all, nothing tells how much the questions of one document
    say beyond one of them: then a document counts as one question.

    :param differences: score of one arm minus the other's, question by question, in -1 to 1.
    :param clusters: for each the document it is of.
    :param alpha: the level that this comparison is judged at: a part of .05 where it is one of
        several.
    :returns: in the unit of the scores, at most 1, which says that no difference is detectable: too
        few documents for any pattern of signs to be rare enough.
    :raises ValueError: for no differences, or lengths that differ.
    """
    if not differences or len(differences) != len(clusters):
        raise ValueError("there must be differences, and one cluster for each")
    # A sign-flip test of G clusters gives no p below 2 / 2^G.
    if 2 ** (1 - len(set(clusters))) > alpha:
        return 1.0
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    centred = values - values.mean()
    variance = (float(centred @ centred) + 1) / (n + 1)
    freedom = effective_clusters(clusters) - 1
    if freedom <= 0:
        return 1.0
    error = math.sqrt(variance / n * max(1.0, design_effect(values, clusters)))
    if not centred.any():
        error = math.sqrt(1 / ((freedom + 2) * (freedom + 1)))
    reach = stdtrit(freedom, 1 - alpha / 2) + stdtrit(freedom, power)
    return min(1.0, float(reach) * error)


def design_effect(values: Sequence[float] | np.ndarray, clusters: Sequence[str]) -> float:
    """Give how many times larger clusters make the variance of the mean (Kish 1965).

    The clustered variance is that of a ratio, linearised: G / (G - 1) Σ (residual sums)² / n².
    Values that do not differ, or one cluster, tell nothing: 1.
    """
    numbers = np.asarray(values, dtype=np.float64)
    centred = numbers - numbers.mean()
    codes = {name: code for code, name in enumerate(dict.fromkeys(clusters))}
    groups, alone = len(codes), float(centred @ centred)
    if groups < 2 or len(numbers) < 2 or alone == 0:
        return 1.0
    sums = np.bincount([codes[name] for name in clusters], weights=centred)
    together = groups / (groups - 1) * float(sums @ sums)
    return together / (len(numbers) / (len(numbers) - 1) * alone)
