"""The statistics against scipy, and their promise: the truth is covered at least as often as they say."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.check.bound import at_most, upper_bound
from harness.check.statistics import (
    MOST_TRIALS,
    Interval,
    difference,
    lower_bound,
    median_difference,
    paired_difference,
    pairs_needed,
    quantile_interval,
    quantile_ranks,
    rate_interval,
    trials_needed,
)

CHEAP = settings(max_examples=200, deadline=None, derandomize=True)
CLOSE = 1e-9
confidences = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
counts = st.integers(1, 600).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@CHEAP
@given(counts, confidences)
def test_the_interval_of_a_rate_is_clopper_and_pearsons(count: tuple[int, int], confidence: float) -> None:
    """Two-sided, to nine digits of scipy's exact interval."""
    expected = stats.binomtest(*count).proportion_ci(confidence, method="exact")
    actual = rate_interval(*count, confidence=confidence)
    assert pytest.approx((expected.low, expected.high), abs=CLOSE) == (actual.low, actual.high)


@CHEAP
@given(counts, confidences)
def test_the_one_sided_bounds_are_clopper_and_pearsons(count: tuple[int, int], confidence: float) -> None:
    """The bound that a pass is printed with, and the one that a violation is."""
    test = stats.binomtest
    highest = test(*count, alternative="less").proportion_ci(confidence, method="exact").high
    lowest = test(*count, alternative="greater").proportion_ci(confidence, method="exact").low
    assert pytest.approx(highest, abs=CLOSE) == upper_bound(*count, confidence=confidence)
    assert pytest.approx(lowest, abs=CLOSE) == lower_bound(*count, confidence=confidence)


@CHEAP
@given(counts, st.floats(0.0001, 0.9999))
def test_the_binomial_tail_is_scipys(count: tuple[int, int], rate: float) -> None:
    """What everything else here rests on."""
    assert pytest.approx(stats.binom.cdf(*count, rate), abs=CLOSE) == at_most(*count, rate)


@CHEAP
@given(st.integers(0, 20), st.floats(0.01, 0.9), confidences)
def test_the_trials_that_are_needed_are_the_fewest(bad: int, highest: float, confidence: float) -> None:
    """One trial fewer would not show it."""
    needed = trials_needed(bad, highest=highest, confidence=confidence)
    assert needed is not None
    assert upper_bound(bad, needed, confidence=confidence) <= highest
    assert needed == max(bad, 1) or upper_bound(bad, needed - 1, confidence=confidence) > highest


@pytest.mark.parametrize(("highest", "expected"), [(0.5, 5), (0.2, 14), (0.1, 29), (0.05, 59), (0.01, 299)])
def test_the_trials_that_are_needed_without_a_bad_one(highest: float, expected: int) -> None:
    """At 95 %: ln 0.05 / ln(1 - rate), rounded up."""
    assert expected == math.ceil(math.log(0.05) / math.log1p(-highest))
    assert expected == trials_needed(0, highest=highest)


@CHEAP
@given(st.integers(0, 40), st.floats(-6.3, -0.01).map(lambda power: 10**power), confidences)
def test_the_trials_that_are_needed_are_found_up_to_a_million(bad: int, highest: float, confidence: float) -> None:
    """Told where there are so many at most, and only there: a million show it exactly where a number is told."""
    needed = trials_needed(bad, highest=highest, confidence=confidence)
    shown = upper_bound(bad, MOST_TRIALS, confidence=confidence) <= highest
    assert shown == (needed is not None)
    if needed is not None:
        assert upper_bound(bad, needed, confidence=confidence) <= highest
        assert needed == max(bad, 1) or upper_bound(bad, needed - 1, confidence=confidence) > highest


@pytest.mark.parametrize("bad", [0, 1, 7])
@pytest.mark.parametrize("trials", [1, 2, 524_288, 524_289, 999_999, 1_000_000, 1_000_001])
def test_the_trials_that_are_needed_at_the_edges_of_the_search(bad: int, trials: int) -> None:
    """The rate that so many trials show, just so: one of them fewer would not, and a million is the most."""
    total = bad + trials
    highest = upper_bound(bad, total)
    assert trials_needed(bad, highest=highest) == (total if total <= MOST_TRIALS else None)


@pytest.mark.parametrize("bad", [0, MOST_TRIALS, MOST_TRIALS + 1])
def test_no_number_of_trials_shows_a_rate_of_a_billionth(bad: int) -> None:
    """The search ends, also where there are as many bad trials."""
    assert trials_needed(bad, highest=1e-9) is None


@pytest.mark.parametrize("highest", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_that_cannot_be_asked_for_is_refused(highest: float) -> None:
    """Zero needs infinitely many trials, one needs none."""
    with pytest.raises(ValueError, match="highest rate"):
        trials_needed(0, highest=highest)


@pytest.mark.parametrize("trials", [1, 3, 8])
@pytest.mark.parametrize(("first", "second"), list(itertools.product([0.0, 0.1, 0.5, 0.9], repeat=2)))
def test_the_difference_of_two_rates_is_covered_at_least_as_often_as_promised(
    trials: int, first: float, second: float
) -> None:
    """Every possible outcome, weighed by its probability."""
    covered = sum(
        stats.binom.pmf(one, trials, first) * stats.binom.pmf(two, trials, second)
        for one in range(trials + 1)
        for two in range(trials + 1)
        if second - first in difference((one, trials), (two, trials), confidence=0.95)
    )
    assert covered >= 0.95


@pytest.mark.parametrize("pairs", [1, 4, 12])
@pytest.mark.parametrize(
    ("only_first", "only_second"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.7), (0.3, 0.3), (0.05, 0.9), (0.5, 0.5)]
)
def test_a_paired_difference_is_covered_at_least_as_often_as_promised(
    pairs: int, only_first: float, only_second: float
) -> None:
    """Every possible outcome of the pairs, weighed by its probability."""
    outcomes = [(one, two) for one in range(pairs + 1) for two in range(pairs + 1 - one)]
    same = max(0.0, 1 - only_first - only_second)
    chances = stats.multinomial.pmf(
        [(one, two, pairs - one - two) for one, two in outcomes], pairs, [only_first, only_second, same]
    )
    truth = only_second - only_first
    covered = sum(
        chance
        for (one, two), chance in zip(outcomes, chances, strict=True)
        if truth in paired_difference(one, two, pairs, confidence=0.95)
    )
    assert covered >= 0.95


def test_ten_of_ten_differs_from_none_of_ten_and_one_of_one_does_not_from_none_of_one() -> None:
    """One trial each cannot tell two rates apart."""
    assert difference((0, 10), (10, 10)).excludes_zero
    assert paired_difference(0, 10, 10).excludes_zero
    assert not difference((0, 1), (1, 1)).excludes_zero
    assert not paired_difference(0, 1, 1).excludes_zero


@CHEAP
@given(st.integers(1, 400), st.sampled_from([0.1, 0.5, 0.9, 0.99]), confidences)
def test_the_ranks_enclose_a_quantile_as_often_as_promised(count: int, quantile: float, confidence: float) -> None:
    """By scipy's binomial; and neither rank could be moved inwards without breaking its side's promise."""
    ranks = quantile_ranks(count, quantile, confidence=confidence)
    doubt = (1 - confidence) / 2
    if ranks is None:
        below_first, below_all = stats.binom.cdf(0, count, quantile), stats.binom.cdf(count - 1, count, quantile)
        assert below_first > doubt - CLOSE or below_all < 1 - doubt + CLOSE
        return
    low, high = ranks
    assert stats.binom.cdf(high, count, quantile) - stats.binom.cdf(low, count, quantile) >= confidence - CLOSE
    assert (
        stats.binom.cdf(low, count, quantile) <= doubt + CLOSE < stats.binom.cdf(low + 1, count, quantile) + 2 * CLOSE
    )
    assert stats.binom.cdf(high - 1, count, quantile) < 1 - doubt + CLOSE


@CHEAP
@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=200))
def test_the_interval_of_a_median_is_scipys(values: list[float]) -> None:
    """scipy's quantile_test inverts the same test."""
    found = quantile_interval(values, 0.5, confidence=0.95)
    expected = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert found is not None
    assert (expected.low, expected.high) == (found.low, found.high)


def test_six_pairs_are_the_fewest_for_an_interval() -> None:
    """Five that all point one way happen by chance in 6 % of all cases."""
    assert 6 == pairs_needed()
    assert median_difference([(0.0, 1.0)] * 5).interval is None
    assert Interval(1.0, 1.0) == median_difference([(0.0, 1.0)] * 6).interval


def test_two_that_never_arrived_do_not_differ() -> None:
    """Infinity minus infinity is no number, but two messages that never arrive are equally late."""
    found = median_difference([(math.inf, math.inf)] * 6)
    assert (0.0, False) == (found.median, found.significant)
    assert median_difference([(1.0, math.inf)] * 6).significant


def test_no_pairs_have_no_median() -> None:
    """Nothing is made up."""
    with pytest.raises(ValueError, match="no pairs"):
        median_difference([])
