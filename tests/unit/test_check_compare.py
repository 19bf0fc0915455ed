"""Two runs against each other: what is worse, what is only different, and what these trials cannot say."""

from __future__ import annotations

import math

import pytest
from contract_trials import HELD, INCONCLUSIVE, VIOLATED, arm_result, run_summary, trial_result

from harness.check.compare import compare_arms, compare_runs
from harness.check.comparison import Change, Comparison, GuaranteeChange
from harness.model.accounts import RecoveryTimes
from harness.model.errors import UsageError
from harness.model.results import RunSummary
from harness.model.words import Guarantee, Stance, Verdict

ALO = Guarantee.AT_LEAST_ONCE
REQUIRED, EXPECTED, FREE = Stance.REQUIRED, Stance.EXPECTED_NOT_TO_HOLD, Stance.FREE


def run(measured: list[Verdict], *, stance: Stance = FREE, first_seed: int = 1, lost: int = 0) -> RunSummary:
    """A run of one trial per verdict on at least once."""
    return run_summary(
        *(
            trial_result(arm_result(lost=lost), seed=first_seed + number, measured={ALO: one}, stance=stance)
            for number, one in enumerate(measured)
        )
    )


def compared(one: RunSummary, two: RunSummary) -> Comparison:
    return compare_runs(one, two, names=("a", "b"))


def at_least_once(comparison: Comparison) -> GuaranteeChange:
    return next(change for change in comparison.guarantees if change.guarantee is ALO)


TABLE = [
    # stance, first side, second side, change, exit code
    (REQUIRED, [HELD], [HELD], Change.SAME, 0),
    (REQUIRED, [HELD], [VIOLATED], Change.WORSE, 1),
    (REQUIRED, [HELD] * 30, [HELD] * 29 + [VIOLATED], Change.WORSE, 1),
    (REQUIRED, [VIOLATED], [HELD], Change.SAME, 0),
    (REQUIRED, [VIOLATED] * 10, [HELD] * 10, Change.BETTER, 0),
    (REQUIRED, [VIOLATED], [VIOLATED], Change.SAME, 0),
    (REQUIRED, [HELD], [INCONCLUSIVE], Change.UNKNOWN, 3),
    (REQUIRED, [INCONCLUSIVE], [HELD], Change.UNKNOWN, 3),
    (REQUIRED, [HELD, HELD], [HELD, INCONCLUSIVE], Change.UNKNOWN, 3),
    (REQUIRED, [HELD, HELD], [VIOLATED, INCONCLUSIVE], Change.WORSE, 1),
    (EXPECTED, [VIOLATED], [VIOLATED], Change.SAME, 0),
    (EXPECTED, [VIOLATED], [HELD], Change.UNKNOWN, 3),
    (EXPECTED, [VIOLATED] * 10, [HELD] * 10, Change.UNKNOWN, 3),
    (EXPECTED, [VIOLATED] * 3, [VIOLATED] * 2 + [HELD], Change.UNKNOWN, 3),
    (EXPECTED, [VIOLATED, HELD], [HELD, VIOLATED], Change.SAME, 0),
    (EXPECTED, [VIOLATED] * 27 + [HELD] * 3, [VIOLATED] * 26 + [HELD] * 4, Change.SAME, 0),
    (FREE, [HELD], [VIOLATED], Change.SAME, 0),
    (FREE, [VIOLATED] * 10, [HELD] * 10, Change.BETTER, 0),
    (FREE, [HELD] * 10, [VIOLATED] * 10, Change.WORSE, 1),
    (FREE, [HELD], [INCONCLUSIVE], Change.UNKNOWN, 0),
    (FREE, [VIOLATED] * 2 + [HELD] * 8, [VIOLATED] * 3 + [HELD] * 7, Change.SAME, 0),
]


@pytest.mark.parametrize(("stance", "first", "second", "change", "code"), TABLE)
def test_the_truth_table(
    stance: Stance, first: list[Verdict], second: list[Verdict], change: Change, code: int
) -> None:
    """Required: one violation where there was none is worse. Else the interval of the difference must exclude zero.

    What was expected to break and breaks in fewer trials is no progress: nobody knows whether the fault worked.
    """
    only = {guarantee: HELD for guarantee in Guarantee if guarantee is not ALO}
    one, two = (
        run_summary(*(trial_result(seed=seed, measured={**only, ALO: m}, stance=stance) for seed, m in enumerate(side)))
        for side in (first, second)
    )
    found = at_least_once(compared(one, two))
    assert change is found.change
    assert code == compared(one, two).exit_code


def test_a_difference_that_is_none_says_so() -> None:
    """Three of ten after two of ten."""
    found = at_least_once(compared(run([VIOLATED] * 2 + [HELD] * 8), run([VIOLATED] * 3 + [HELD] * 7)))
    assert "not significant: the interval of the difference holds zero" == found.reason
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def test_trials_of_the_same_seed_are_paired_and_others_are_not() -> None:
    """Eight pairs that agree but for one tell more than sixteen trials that have nothing to do with another."""
    paired = at_least_once(compared(run([HELD] * 8), run([HELD] * 7 + [VIOLATED])))
    apart = at_least_once(compared(run([HELD] * 8), run([HELD] * 7 + [VIOLATED], first_seed=50)))
    assert (8, 0) == (paired.pairs, apart.pairs)


def test_what_only_one_side_has_is_unknown() -> None:
    """A scenario that was not played again has not been shown to be as good as before."""
    first = run_summary(trial_result(), trial_result(scenario="stall"))
    found = compared(first, run_summary(trial_result()))
    assert (3, ("stall · group: not on the second side",)) == (found.exit_code, found.unknown)
    assert 0 == compared(run_summary(trial_result()), first).exit_code


def test_what_was_played_otherwise_is_not_compared() -> None:
    """Another outage is another question."""
    found = compared(run_summary(trial_result()), run_summary(trial_result(outage_s=1.0)))
    assert 3 == found.exit_code
    assert "not played alike: timeline" in found.unknown[0]
    assert () == found.guarantees


def test_runs_with_nothing_in_common_are_a_mistake() -> None:
    """Of the command line."""
    with pytest.raises(UsageError, match="no scenario in common"):
        compared(run_summary(trial_result()), run_summary(trial_result(scenario="stall")))


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        (0, 5, "new: there was none"),
        (5, 0, "gone: there is none any more"),
        (5, 5, "equal"),
        (5, 6, "not significant: 1 pair of trials with one seed, and an interval takes 6"),
    ],
)
def test_counts_are_shown_with_what_they_prove(first: int, second: int, note: str) -> None:
    """Zero is exact; two numbers of one trial each are just two numbers."""
    one, two = (run_summary(trial_result(arm_result(lost=lost))) for lost in (first, second))
    (found,) = [change for change in compared(one, two).counts if change.what == "lost"]
    assert (first, 1000, second, 1000, note) == (
        found.first,
        found.first_of,
        found.second,
        found.second_of,
        found.note,
    )


def slow(times: list[float]) -> RunSummary:
    return run_summary(*(trial_result(arm_result(p99_ms=time), seed=seed) for seed, time in enumerate(times)))


def test_times_inform_and_never_gate() -> None:
    """Twice as slow in six of six pairs is significant, and no reason to be red."""
    found = compared(slow([5, 6, 7, 8, 9, 10]), slow([10, 12, 14, 16, 18, 20]))
    p99 = next(change for change in found.times if change.what == "p99")
    assert (True, 6, 7.5, 7.5, 15.0) == (p99.significant, p99.pairs, p99.difference_ms, p99.first_ms, p99.second_ms)
    assert (5.0, 10.0) == (p99.low_ms, p99.high_ms)
    assert 0 == found.exit_code


@pytest.mark.parametrize(
    ("first", "second"), [([5, 6, 7, 8, 9], [50, 60, 70, 80, 90]), ([5, 6, 7, 8, 9, 10], [50, 60, 70, 80, 90, 9])]
)
def test_a_time_that_may_be_chance_is_not_significant(first: list[float], second: list[float]) -> None:
    """Five pairs are too few, and of six all have to point one way."""
    p99 = next(change for change in compared(slow(first), slow(second)).times if change.what == "p99")
    assert not p99.significant
    assert "not significant" in p99.note


def test_two_arms_of_one_run_are_paired_by_trial_and_gate_nothing() -> None:
    """Both met the same fault at the same moment."""
    trials = [
        trial_result(arm_result(arm="pubsub", lost=40 + seed), arm_result(arm="group"), seed=seed) for seed in range(10)
    ]
    found = compare_arms(run_summary(*trials), "pubsub", "group")
    change = at_least_once(found)
    assert (10, 10, 0, 10) == (change.first_violated, change.first_trials, change.second_violated, change.pairs)
    assert (Change.BETTER, False, 0) == (change.change, change.gates, found.exit_code)
    assert 0 == compare_arms(run_summary(*trials), "group", "pubsub").exit_code
    with pytest.raises(UsageError, match="no scenario of the run has both pubsub and grup"):
        compare_arms(run_summary(*trials), "pubsub", "grup")


def test_a_trial_that_proves_nothing_lends_its_numbers_to_nobody() -> None:
    """Neither its counts nor its times are compared."""
    weak = run_summary(trial_result(arm_result(lost=9, p99_ms=99.0), measured={ALO: INCONCLUSIVE}))
    found = compared(run_summary(trial_result()), weak)
    assert ((), [0]) == (found.times, [change.second for change in found.counts if change.what == "lost"] or [0])


def test_a_stricter_confidence_takes_more_pairs() -> None:
    """As for a gate on many times: what six pairs show at 95 % they do not show at 99.9 %."""
    one, two = slow([5, 6, 7, 8, 9, 10]), slow([10, 12, 14, 16, 18, 20])
    found = compare_runs(one, two, names=("a", "b"), time_confidence=0.999)
    assert not any(time.significant for time in found.times)
    assert all("an interval takes 11" in time.note for time in found.times)


def test_what_was_never_back_is_the_slowest() -> None:
    """It is not left out, which would let the side that recovers worse look faster."""

    def reading(times_ms: list[float]) -> RunSummary:
        recoveries = (
            RecoveryTimes(not_back=("read",)) if math.isinf(ms) else RecoveryTimes(read_from_heal_ns=int(ms * 1e6))
            for ms in times_ms
        )
        return run_summary(*(trial_result(arm_result(recovery=it), seed=seed) for seed, it in enumerate(recoveries)))

    found = compared(reading([1_000] * 8), reading([500] * 2 + [math.inf] * 6))
    reads = next(change for change in found.times if change.what == "reads back")
    assert (8, 1_000, math.inf, math.inf) == (reads.pairs, reads.first_ms, reads.second_ms, reads.difference_ms)
    unable = compared(reading([1_000] * 8), reading([math.inf] * 8))
    assert "reads back" in {change.what for change in unable.times if change.significant}


def test_infinite_differences_of_both_signs_cancel() -> None:
    """Half of the pairs got infinitely slower and half infinitely faster: no difference, and no number that is none."""

    def slow(*p99_ms: float) -> RunSummary:
        return run_summary(*(trial_result(arm_result(p99_ms=one), seed=seed) for seed, one in enumerate(p99_ms)))

    found = next(it for it in compared(slow(math.inf, 5), slow(5, math.inf)).times if it.what == "p99")
    assert (2, 0.0, False) == (found.pairs, found.difference_ms, found.significant)


@pytest.mark.parametrize("partial", ["first", "second"])
def test_trials_that_are_missing_decide_nothing(partial: str) -> None:
    """Of 30 planned one is here, and held: as if the others were inconclusive."""
    trials = [trial_result(seed=seed, measured={ALO: HELD}, stance=REQUIRED) for seed in range(30)]
    whole, part = run_summary(*trials), run_summary(trials[0], planned=30)
    found = compared(part, whole) if partial == "first" else compared(whole, part)
    assert 3 == found.exit_code
    assert (f"the {partial} side is partial: 1 of 30 planned trials are here",) == found.unknown
