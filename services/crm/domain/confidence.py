"""Confidence intervals (置信区间) of means."""

import math
from dataclasses import dataclass
from statistics import NormalDist

_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """Mean of so many answers, with the interval that contains the true one at 95 % confidence.

    One answer says nothing about the spread: it has no interval.
    """

    answers: int
    mean: float
    low: float | None
    high: float | None


def estimate(
    answers: int, mean: float, deviation: float | None, *, lowest: float, highest: float
) -> Estimate:
    """Return Student's interval of the mean, within the scale from ``lowest`` to ``highest``.

    ``deviation`` is the sample's standard deviation, None of one answer. Source: Student, "The
    probable error of a mean", Biometrika 6 (1908); NIST/SEMATECH e-Handbook of Statistical Methods,
    1.3.5.2. It is chosen over the bootstrap because the same answers give the same limits, and
    because it stays honest for samples of about ten.
    """
    if deviation is None or answers < 2:
        return Estimate(answers, mean, None, None)
    half = t_quantile((1 + _LEVEL) / 2, answers - 1) * deviation / math.sqrt(answers)
    return Estimate(answers, mean, max(lowest, mean - half), min(highest, mean + half))


def t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t distribution, above one half.

    It is exact for one and two degrees of freedom, and within 0.001 from three on for probabilities
    to 0.999. Source: G. W. Hill, "Algorithm 396: Student's t-quantiles", Communications of the ACM
    13 (1970).
    """
    if degrees == 1:
        return math.tan(math.pi * (probability - 0.5))
    if degrees == 2:
        return (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
    tails, n = 2 * (1 - probability), degrees
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tails) ** (2 / n)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tails / 2)
        y = x**2
        if n < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y**2)
    else:
        y = (
            (1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1
        ) * (n + 1) / (n + 2) + 1 / y
    return math.sqrt(n * y)


@dataclass(frozen=True)
class RateDifference:
    """Difference of two shares, with the interval that contains the true one at 95 %
    confidence.
    """

    difference: float
    low: float
    high: float


def rate_difference(
    hits: int, customers: int, other_hits: int, other_customers: int
) -> RateDifference:
    """Return Newcombe's interval of the share ``hits ÷ customers`` less that of the others.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statistics in Medicine 17 (1998), method 10. It is chosen because
    it keeps its level for groups of ten, and for shares of none and all.
    """
    one, low, high = _wilson(hits, customers)
    other, other_low, other_high = _wilson(other_hits, other_customers)
    return RateDifference(
        one - other,
        one - other - math.hypot(one - low, other_high - other),
        one - other + math.hypot(high - one, other - other_low),
    )


def _wilson(hits: int, customers: int) -> tuple[float, float, float]:
    """Return a share with Wilson's interval of it."""
    z, share = NormalDist().inv_cdf((1 + _LEVEL) / 2), hits / customers
    middle = share + z**2 / (2 * customers)
    half = z * math.sqrt(share * (1 - share) / customers + z**2 / (4 * customers**2))
    whole = 1 + z**2 / customers
    return share, max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
