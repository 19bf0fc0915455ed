"""How high a rate may still be after k bad trials of n: the one-sided 95 % bound of Clopper and Pearson.

It is the rate p at which k or fewer bad trials of n would happen in only 5 % of all runs. For k = 0 that is
``1 - 0.05 ** (1 / n)``: no bad trial of 30 still allows 9.5 %.

    >>> round(upper_bound(0, 30), 4)
    0.095
    >>> upper_bound(3, 3)
    1.0
"""

from __future__ import annotations

import math

CONFIDENCE = 0.95
_HALVINGS = 60
"""Enough for the bisection to reach the precision of a float."""


def upper_bound(bad: int, trials: int, *, confidence: float = CONFIDENCE) -> float:
    """The highest rate that ``bad`` of ``trials`` still allows.

    Raises:
        ValueError: there are no trials, or more bad ones than trials.
    """
    if trials < 1 or not 0 <= bad <= trials:
        raise ValueError(f"{bad} of {trials} trials")
    if bad == trials:
        return 1.0
    if bad == 0:
        return float(-math.expm1(math.log1p(-confidence) / trials))
    low, high = bad / trials, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if at_most(bad, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def at_most(bad: int, trials: int, rate: float) -> float:
    """The probability of ``bad`` or fewer bad trials of ``trials`` at a given rate."""
    if rate <= 0.0:
        return 1.0
    if rate >= 1.0:
        return 1.0 if bad >= trials else 0.0
    return math.fsum(math.exp(_log_term(number, trials, rate)) for number in range(bad + 1))


def _log_term(number: int, trials: int, rate: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(number + 1) - math.lgamma(trials - number + 1)
    return ways + number * math.log(rate) + (trials - number) * math.log1p(-rate)
