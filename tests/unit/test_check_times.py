"""Latency, unavailability and recovery on literal histories."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from literal_history import DROP, MS, LiteralTrial, stream_arm

from harness.check.bound import at_most, upper_bound
from harness.check.dense import NEVER
from harness.check.latency import order_statistic_rank, quantiles
from harness.check.summary import scenario_rows
from harness.history.journal import EventKind
from harness.model.accounts import ArmResult, LatencyQuantiles
from harness.model.values import FaultPlan
from harness.model.words import ErrorKind, FaultModel, OutcomeCode, Phase


@pytest.mark.parametrize(
    ("count", "quantile", "rank"),
    [
        (1, (50, 100), None),
        (2, (50, 100), 0),
        (3, (50, 100), 1),
        (99, (99, 100), None),
        (100, (99, 100), 98),
        (101, (99, 100), 99),
        (999, (999, 1000), None),
        (1000, (999, 1000), 998),
    ],
)
def test_a_quantile_is_an_order_statistic(count: int, quantile: tuple[int, int], rank: int | None) -> None:
    """The smallest value that at least q do not exceed; nothing where fewer than 1/(1-q) support it."""
    assert rank == order_statistic_rank(count, quantile)


def test_undelivered_messages_are_infinite() -> None:
    """Two of four missing: the median is still a delivered one, the worst delivered one is told beside."""
    sample = np.array([NEVER, 3 * MS, NEVER, 1 * MS])
    expected = LatencyQuantiles(samples=4, undelivered=2, p50_ms=3.0, p99_ms=None, p999_ms=None, max_ms=3.0)
    assert expected == quantiles(sample)
    assert math.inf == quantiles(np.array([NEVER, NEVER, 1 * MS])).p50_ms


def test_latency_counts_from_the_intended_time(tmp_path: Path) -> None:
    """Sent 50 ms late: 51 ms from intended, 1 ms from send. Losses are in the sample, legal absences are not."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 150, intended=100)
    trial.receive(0, 151)
    trial.send(1, 200)
    trial.receive(1, 201)
    trial.send(2, 210, OutcomeCode.INDETERMINATE)
    trial.send(3, 220)
    trial.finish()
    whole = trial.result().latency[0]
    assert (3, 1, 51.0) == (whole.from_intended.samples, whole.from_intended.undelivered, whole.from_intended.max_ms)
    assert 1.0 == whole.from_send.max_ms


def test_latency_is_told_per_phase(tmp_path: Path) -> None:
    """By intended time, also when the phases of the sample do not follow one another (two scopes)."""
    trial = LiteralTrial(tmp_path, [stream_arm(scopes=2)])
    for sequence, at, takes in ((0, 60, 1), (1, 3_100, 7)):
        trial.send(sequence, at)
        trial.log(sequence)
        for scope in range(2):
            trial.receive(sequence, at + takes, scope=scope)
    trial.finish()
    found = {entry.phase: entry.from_intended.max_ms for entry in trial.result().latency}
    assert {None: 7.0, Phase.STEADY: 1.0, Phase.FAULT: 7.0} == found


def test_late_is_ten_times_the_steady_p99_and_a_tenth_of_a_second(tmp_path: Path) -> None:
    """100 ms is not late, a nanosecond more is not measured in this test, 101 ms is."""
    trial = LiteralTrial(tmp_path)
    for sequence, takes in enumerate((1, 100, 101)):
        trial.send(sequence, 3_100 + sequence)
        trial.receive(sequence, 3_100 + sequence + takes)
    trial.finish()
    assert 1 == trial.result().late


def outcomes(folder: Path, pattern: str) -> ArmResult:
    """Messages 10 ms apart; ``a`` acknowledged, ``x`` indeterminate; acknowledgements 0.25 ms after the send."""
    trial = LiteralTrial(folder)
    for sequence, letter in enumerate(pattern):
        code = OutcomeCode.ACKNOWLEDGED if letter == "a" else OutcomeCode.INDETERMINATE
        trial.send(sequence, 100 + 10 * sequence, code)
    trial.finish()
    return trial.result()


@pytest.mark.parametrize(
    ("pattern", "windows"),
    [
        ("aaaaaaaaaa", []),
        ("aaxxaaaaaaaa", [(120, 140.25)]),
        ("axaaaaaxaaaaaaa", [(110, 180.25)]),
        ("axaaaaaaxaaaaaaa", [(110, 120.25), (180, 190.25)]),
        ("aaaxaaaaa", [(130, None)]),
        ("xxx", [(100, None)]),
    ],
)
def test_unavailability_windows(tmp_path: Path, pattern: str, windows: list[tuple[float, float | None]]) -> None:
    """They end with an acknowledgement that five more follow; an open one is censored."""
    found = [
        (window.begin_ns / MS, None if window.end_ns is None else window.end_ns / MS)
        for window in outcomes(tmp_path, pattern).unavailability
    ]
    assert windows == found


def test_largest_gap_between_acknowledgements(tmp_path: Path) -> None:
    """What was not acknowledged does not end a gap."""
    assert 30 * MS == outcomes(tmp_path, "aaxxa").largest_gap_ns


def cut(folder: Path) -> ArmResult:
    """A stream whose consumer hears nothing from 1000 to 2000 ms, then catches up; producers are not disturbed."""
    trial = LiteralTrial(folder, [stream_arm()], faults=[DROP])
    trial.subscribe(1)
    for sequence in range(600):
        at = 100 + 5 * sequence
        trial.send(sequence, at)
        trial.log(sequence)
        arrives = at + 1 if not 1_000 <= at < 2_000 else 2_050 + (at - 1_000) / 100
        trial.receive(sequence, arrives)
    trial.consumer(EventKind.DISCONNECTED, 1_300, detail=ErrorKind.TIMEOUT, count=1)
    trial.subscribe(2_020, 2)
    trial.fault(1_000, 2_000)
    trial.phases(0, 50, 1_000, 2_000, 3_500, 9_900)
    trial.finish()
    return trial.result()


def test_a_successor_subscribes_again_with_its_first_subscription(tmp_path: Path) -> None:
    """The consumer died with the fault; the process that took its place was there 60 ms after the heal."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[DROP])
    trial.sane(20)
    trial.fault(120, 200)
    fresh = trial.actor("consumer-0-0-fresh1", number=1_901, role="consumer", scope=0)
    successor = trial.actor("consumer-0-0-0r1", number=1_900, role="consumer", scope=0)
    trial._note(successor, EventKind.SUBSCRIBED, 260, {"count": 1})
    trial._note(fresh, EventKind.SUBSCRIBED, 8_000, {"count": 1})
    trial.finish()
    assert 60 * MS == trial.result().recovery.resubscribe_from_heal_ns


def test_recovery_times(tmp_path: Path) -> None:
    """From injection and from heal; what was not interrupted has no time to recover."""
    times = cut(tmp_path).recovery
    assert (300 * MS, 20 * MS) == (times.detect_ns, times.resubscribe_from_heal_ns)
    assert (None, None) == (times.write_from_heal_ns, times.write_from_inject_ns)
    assert times.read_from_heal_ns is not None
    assert 1 * MS == times.read_from_heal_ns
    assert times.backlog_from_heal_ns is not None
    assert 50 * MS <= times.backlog_from_heal_ns <= 80 * MS
    assert () == times.not_back


@pytest.mark.parametrize(
    ("asks", "write_ms", "read_ms"), [(True, (1_200, 0), (1_205, 0)), (False, (3_000, 0), (3_005, 5))]
)
def test_who_asks_sentinels_does_not_wait_for_the_heal(
    tmp_path: Path, asks: bool, write_ms: tuple[int, int], read_ms: tuple[int, int]
) -> None:
    """Dead from 1000 ms on; who asks is refused for 1.2 s, and whose address is led on at the heal for 3 s."""
    arm = stream_arm().model_copy(update={"asks_sentinel": asks})
    trial = LiteralTrial(tmp_path, [arm], faults=[FaultPlan(model=FaultModel.FAILOVER)])
    trial.subscribe(1)
    back = 2_200 if asks else 4_000
    for sequence in range(600):
        at = 100 + 10 * sequence
        code = OutcomeCode.REJECTED if 1_000 <= at < back else OutcomeCode.ACKNOWLEDGED
        trial.send(sequence, at, code)
        if code is OutcomeCode.ACKNOWLEDGED:
            trial.log(sequence)
            trial.receive(sequence, at + 5)
    trial.fault(1_000, 4_000)
    trial.phases(0, 50, 1_000, 4_000, 6_500, 9_900)
    trial.finish()
    times = trial.result().recovery
    assert write_ms == (whole_ms(times.write_from_inject_ns), whole_ms(times.write_from_heal_ns))
    assert read_ms == (whole_ms(times.read_from_inject_ns), whole_ms(times.read_from_heal_ns))


def whole_ms(span_ns: int | None) -> int | None:
    """An outcome comes a quarter of a millisecond after its send."""
    return None if span_ns is None else span_ns // MS


def test_what_was_interrupted_and_is_not_back_is_told(tmp_path: Path) -> None:
    """It has no time to recover, as what was never interrupted; what tells them apart is this."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[DROP])
    trial.subscribe(1)
    for sequence in range(300):
        code = OutcomeCode.ACKNOWLEDGED if sequence < 180 else OutcomeCode.INDETERMINATE
        trial.send(sequence, 100 + 5 * sequence, code)
        trial.log(sequence)
        trial.receive(sequence, 101 + 5 * sequence)
    trial.fault(1_000, 1_200)
    trial.phases(0, 50, 1_000, 1_200, 1_700, 9_900)
    trial.finish()
    judged = trial.judge().result
    times = judged.arms[0].recovery
    (row,) = scenario_rows([judged])
    assert (math.inf, None) == (row.recover_write_ms, row.recover_read_ms)
    assert (None, ("write",)) == (times.write_from_heal_ns, times.not_back)


def test_no_fault_has_no_recovery(tmp_path: Path) -> None:
    """A control has nothing to recover from."""
    trial = LiteralTrial(tmp_path)
    trial.sane(10)
    trial.finish()
    assert None is trial.result().recovery.read_from_heal_ns


@pytest.mark.parametrize(
    ("bad", "trials", "expected"), [(0, 1, 0.95), (0, 8, 0.3123), (0, 30, 0.0950), (1, 10, 0.3942), (3, 3, 1.0)]
)
def test_upper_bound(bad: int, trials: int, expected: float) -> None:
    """The values of the tables."""
    assert expected == round(upper_bound(bad, trials), 4)


@pytest.mark.parametrize(("bad", "trials"), [(0, 0), (3, 2), (-1, 5)])
def test_upper_bound_of_nonsense_is_refused(bad: int, trials: int) -> None:
    """No trials, or more bad ones than there were."""
    with pytest.raises(ValueError, match="trials"):
        upper_bound(bad, trials)


def test_the_tail_of_the_binomial() -> None:
    """Of two fair coins at most one is heads in three of four cases."""
    assert math.isclose(0.75, at_most(1, 2, 0.5))
