"""What k bad trials of n say: intervals, differences and order statistics, exact or on the safe side.

The independent unit is the trial. All intervals cover the truth in *at least* the share of runs that their confidence
names; where exactness is not to be had they are too wide, never too narrow.

- `rate_interval`: Clopper and Pearson's two-sided interval of a rate (exact).
- `lower_bound`, and `upper_bound` of `harness.check.bound`: the same, one-sided.
- `trials_needed`: how many trials it takes for a bound to be low enough.
- `difference` and `paired_difference`: of two rates, each side with half of the doubt (Bonferroni).
- `quantile_interval`: two order statistics that enclose a quantile, whatever the distribution.
- `median_difference`: the same for the median of paired differences (the sign test turned round).

    >>> rate_interval(0, 30).high < upper_bound(0, 30, confidence=0.975) + 1e-12
    True
    >>> trials_needed(0, highest=0.10)
    29
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.check.bound import CONFIDENCE, at_most, upper_bound

MOST_TRIALS = 1_000_000
"""Where the search for the trials that a bound takes gives up."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a number lies, with the confidence that was asked for."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def excludes_zero(self) -> bool:
        """Whether the number is known not to be zero: only then is a difference called one."""
        return self.low > 0 or self.high < 0


def lower_bound(bad: int, trials: int, *, confidence: float = CONFIDENCE) -> float:
    """The lowest rate that ``bad`` of ``trials`` still allows (one-sided, Clopper and Pearson)."""
    return 1.0 - upper_bound(trials - bad, trials, confidence=confidence)


def rate_interval(bad: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """The two-sided interval of Clopper and Pearson."""
    side = (1 + confidence) / 2
    return Interval(lower_bound(bad, trials, confidence=side), upper_bound(bad, trials, confidence=side))


def trials_needed(bad: int, *, highest: float, confidence: float = CONFIDENCE) -> int | None:
    """The fewest trials of which ``bad`` bad ones show a rate of at most ``highest``; ``None``: more than a million.

    The more trials there are, the lower is the bound: so it is found by doubling, up to `MOST_TRIALS` itself, and then
    by halving what lies between.

    Raises:
        ValueError: no number of trials shows a rate of zero, and none is needed for one.
    """
    if not 0 < highest < 1:
        raise ValueError(f"a highest rate of {highest:g}")
    low, high = bad, max(bad, 1)
    while upper_bound(bad, high, confidence=confidence) > highest:
        if high >= MOST_TRIALS:
            return None
        low, high = high, min(high * 2, MOST_TRIALS)
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(bad, middle, confidence=confidence) > highest:
            low = middle
        else:
            high = middle
    return high


def difference(first: tuple[int, int], second: tuple[int, int], *, confidence: float = CONFIDENCE) -> Interval:
    """The rate of ``second`` minus the rate of ``first``, each k of n, of trials that are not paired."""
    half = (1 + confidence) / 2
    one, two = rate_interval(*first, confidence=half), rate_interval(*second, confidence=half)
    return Interval(two.low - one.high, two.high - one.low)


def paired_difference(only_first: int, only_second: int, pairs: int, *, confidence: float = CONFIDENCE) -> Interval:
    """The rate of the second minus that of the first, of ``pairs`` trials that both were part of.

    Only pairs in which one was bad and the other good tell them apart. That many of them are few makes the interval
    narrower than that of `difference`.
    """
    if only_first + only_second > pairs:
        raise ValueError(f"{only_first} and {only_second} of {pairs} pairs")
    return difference((only_first, pairs), (only_second, pairs), confidence=confidence)


def quantile_ranks(count: int, quantile: float, *, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Which two of ``count`` ascending values (from 0) enclose the quantile; ``None``: too few values to say.

    The i-th smallest is above the quantile only where fewer than i values are below it, and how many are is binomial.
    """
    doubt = (1 - confidence) / 2
    low = _last_at_most(count, quantile, doubt)
    above = 1 - doubt
    high = _last_at_most(count, quantile, above, strictly=True) + 1
    if low < 0 or high > count - 1:
        return None
    return low, high


def _last_at_most(count: int, quantile: float, limit: float, *, strictly: bool = False) -> int:
    """The largest j with P(at most j values below the quantile) ≤ limit (or < limit); -1: not even for 0."""
    low, high = -1, count
    while high - low > 1:
        middle = (low + high) // 2
        chance = at_most(middle, count, quantile)
        if chance < limit or (chance == limit and not strictly):
            low = middle
        else:
            high = middle
    return low


def quantile_interval(values: Sequence[float], quantile: float, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Two of ``values`` that enclose the quantile of what they were drawn from; ``None``: too few values to say."""
    ranks = quantile_ranks(len(values), quantile, confidence=confidence)
    if ranks is None:
        return None
    ordered = sorted(values)
    return Interval(ordered[ranks[0]], ordered[ranks[1]])


@dataclass(frozen=True, slots=True)
class MedianDifference:
    """The median of paired differences; without an interval where there are too few pairs for one."""

    pairs: int
    median: float
    interval: Interval | None

    @property
    def significant(self) -> bool:
        """Whether it is known to differ from zero."""
        return self.interval is not None and self.interval.excludes_zero


def median_difference(pairs: Sequence[tuple[float, float]], *, confidence: float = CONFIDENCE) -> MedianDifference:
    """How far the second of each pair is from the first, in the median.

    Two infinite values differ by nothing.

    Raises:
        ValueError: there are no pairs.
    """
    if not pairs:
        raise ValueError("no pairs")
    differences = sorted(0.0 if first == second else second - first for first, second in pairs)
    middle = len(differences) // 2
    median = differences[middle] if len(differences) % 2 else _between(differences[middle - 1], differences[middle])
    return MedianDifference(len(pairs), median, quantile_interval(differences, 0.5, confidence=confidence))


def _between(low: float, high: float) -> float:
    """The middle of two that are in order; of one that is infinite and one that is not, the upper of the two.

    Of one that is infinitely less and one that is infinitely more, neither way: nothing.
    """
    if low == high:
        return low
    if math.isinf(low) and math.isinf(high):
        return 0.0
    return high if math.isinf(low) or math.isinf(high) else (low + high) / 2


def pairs_needed(*, confidence: float = CONFIDENCE) -> int:
    """How many pairs a difference takes before its median has an interval: 6 at 95 %."""
    return next(count for count in range(2, 10_000) if quantile_ranks(count, 0.5, confidence=confidence) is not None)
