"""Whatever happens, the accounts add up, and one planted violation is found, exactly once, by its own name."""

from __future__ import annotations

import math
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from literal_history import LiteralTrial, clause, pubsub_arm, required, stream_arm

from harness.check.bound import at_most, upper_bound
from harness.check.dense import MessageIndex, Tally
from harness.check.latency import order_statistic_rank, quantiles
from harness.history.checksum import crc32_of_rows
from harness.history.journal import EventKind
from harness.model.message import SENTINEL_BASE
from harness.model.words import ContentCheck, Fate, Guarantee, OutcomeCode, Primitive, ReceiveTag, Verdict

BOUNDED = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
CHEAP = settings(max_examples=150, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Happening:
    """Everything that happened to one message of one scope."""

    outcomes: list[OutcomeCode]
    receives: list[tuple[int, ContentCheck]]
    effects: int
    entries: int


happenings = st.builds(
    Happening,
    outcomes=st.lists(st.sampled_from(OutcomeCode), max_size=2),
    receives=st.lists(st.tuples(st.integers(1, 900), st.sampled_from(ContentCheck)), max_size=3),
    effects=st.integers(0, 2),
    entries=st.integers(0, 2),
)


def enact(trial: LiteralTrial, happened: list[Happening]) -> None:
    """Write a history in which anything may have happened to any message."""
    streams = trial.trial.scenario.arms[0].primitive is Primitive.STREAMS
    for sequence, one in enumerate(happened):
        at = 100.0 + 10 * sequence
        trial.attempt(sequence, at)
        for number, code in enumerate(one.outcomes):
            trial.outcome(sequence, at + 1 + number, code)
        for later, check in one.receives:
            trial.receive(sequence, at + later, detail=check, effect=False)
        for number in range(one.effects):
            trial.effect(sequence, at + 950 + number)
        for number in range(one.entries if streams else 0):
            trial.log(sequence, entry=(1_000 + sequence, number + 1))
    trial.finish()


@BOUNDED
@given(st.lists(happenings, max_size=12), st.booleans())
def test_fates_add_up_whatever_happened(happened: list[Happening], streams: bool) -> None:
    """Each message has one fate; positions, mechanisms and causes add up to what they split."""
    with tempfile.TemporaryDirectory() as folder:
        trial = LiteralTrial(Path(folder), [stream_arm() if streams else pubsub_arm()])
        enact(trial, happened)
        result = trial.result()
    assert len(happened) == result.attempted == sum(result.outcomes.values())
    assert result.owed + result.foreign_receives == sum(result.fates.values())
    assert result.fates[Fate.LOST] == sum(result.lost_by_position.values()) == sum(result.lost_by_mechanism.values())
    intact = sum(check is ContentCheck.INTACT for one in happened for _, check in one.receives)
    arrived = sum(any(check is ContentCheck.INTACT for _, check in one.receives) for one in happened)
    assert intact - arrived == result.duplicated == sum(result.duplicates_by_cause.values())


def lose(trial: LiteralTrial, sequence: int) -> None:
    """Nothing of it arrived, and it is gone."""
    for kind in (EventKind.RECEIVE, EventKind.ACK):
        trial.without("consumer-0-0-0", kind=kind, sequence=sequence)
    trial.without("effects-0", sequence=sequence)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=sequence)


def repeat(trial: LiteralTrial, sequence: int) -> None:
    """It arrives again."""
    trial.receive(sequence, 5_000, effect=False, ack=False)


def repeat_effect(trial: LiteralTrial, sequence: int) -> None:
    """Its effect is made again."""
    trial.effect(sequence, 5_000)


def damage(trial: LiteralTrial, sequence: int) -> None:
    """A damaged copy arrives."""
    trial.receive(sequence, 5_000, effect=False, ack=False, detail=ContentCheck.DAMAGED)


def invent(trial: LiteralTrial, sequence: int) -> None:
    """A message arrives that nobody sent."""
    trial.receive(1_000 + sequence, 5_000, effect=False, ack=False, code=ReceiveTag.FRESH)


def overtake(trial: LiteralTrial, sequence: int) -> None:
    """It arrives after all others."""
    for record in trial._actors["consumer-0-0-0"].records:
        if record.get("sequence") == sequence and record["kind"] is not EventKind.SUBSCRIBED:
            record["t_ns"] += 5_000_000_000
    for record in trial._actors["effects-0"].records:
        if record["sequence"] == sequence:
            record["t_ns"] += 5_000_000_000


PLANTS: list[tuple[Callable[[LiteralTrial, int], None], Guarantee, set[Guarantee]]] = [
    (lose, Guarantee.AT_LEAST_ONCE, {Guarantee.EFFECTIVELY_ONCE, Guarantee.DURABLE}),
    (repeat, Guarantee.AT_MOST_ONCE, set()),
    (repeat_effect, Guarantee.EFFECTIVELY_ONCE, set()),
    (damage, Guarantee.AT_MOST_ONCE, {Guarantee.AT_LEAST_ONCE}),
    (invent, Guarantee.AT_MOST_ONCE, {Guarantee.AT_LEAST_ONCE}),
    (overtake, Guarantee.ORDERED, set()),
]


@pytest.mark.parametrize(("plant", "guarantee", "also"), PLANTS, ids=[plant[0].__name__ for plant in PLANTS])
@settings(BOUNDED, max_examples=8)
@given(sequence=st.integers(0, 18), streams=st.booleans())
def test_a_single_planted_violation_is_found(
    plant: Callable[[LiteralTrial, int], None],
    guarantee: Guarantee,
    also: set[Guarantee],
    sequence: int,
    streams: bool,
) -> None:
    """The guarantee is violated, by one; nothing else is, but what follows from it."""
    with tempfile.TemporaryDirectory() as folder:
        arm = stream_arm() if streams else pubsub_arm()
        trial = LiteralTrial(Path(folder), [arm], expectations=[required(arm.name, guarantee)])
        trial.sane(20)
        plant(trial, sequence)
        trial.finish()
        judged = trial.judge()
    assert (Verdict.VIOLATED, 1) == (clause(judged, guarantee).measured, clause(judged, guarantee).violations)
    assert Verdict.VIOLATED is judged.result.verdict
    violated = {one.guarantee for one in judged.result.clauses if one.measured is Verdict.VIOLATED}
    applicable = {one.guarantee for one in judged.result.clauses}
    assert ({guarantee} | also) & applicable == violated


@CHEAP
@given(st.integers(1, 300).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_upper_bound_is_where_the_tail_is_five_percent(case: tuple[int, int]) -> None:
    """And it grows with the number of bad trials, and is never below the share that was seen."""
    bad, trials = case
    bound = upper_bound(bad, trials)
    assert bad / trials <= bound <= 1.0
    if bad < trials:
        assert math.isclose(0.05, at_most(bad, trials, bound), rel_tol=1e-6)
        assert bound < upper_bound(bad + 1, trials)
    if bad == 0:
        assert math.isclose(1 - 0.05 ** (1 / trials), bound, rel_tol=1e-12)


@CHEAP
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=1_200))
def test_quantiles_are_those_of_the_sorted_sample(sample: list[int]) -> None:
    """At least q of the sample do not exceed the quantile, and no smaller value has that."""
    found = quantiles(np.array(sample, dtype=np.int64))
    ordered = sorted(sample)
    for value, part, whole in ((found.p50_ms, 50, 100), (found.p99_ms, 99, 100), (found.p999_ms, 999, 1_000)):
        if len(sample) * (whole - part) < whole:
            assert value is None
        else:
            assert ordered[math.ceil(len(sample) * part / whole) - 1] / 1e6 == value
    assert ordered[-1] / 1e6 == found.max_ms


class _Unkind(np.ndarray[Any, Any]):
    """An array whose `partition` does all that it may: whatever lies on one side of the rank is in reverse order."""

    def partition(self, kth: int) -> None:  # type: ignore[override]  # one rank is all that is asked for
        self.sort()
        self[:kth] = self[:kth][::-1].copy()
        self[kth + 1 :] = self[kth + 1 :][::-1].copy()


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 999, 1_000, 5_000, 100_000])
@pytest.mark.parametrize("kind", [np.ndarray, _Unkind])
def test_quantiles_do_not_depend_on_how_an_array_is_partitioned(count: int, kind: type[Any]) -> None:
    """Which elements lie where beside the rank differs from processor to processor, and from size to size."""
    sample = np.random.default_rng(count).integers(0, 10**12, count)
    ordered = np.sort(sample)
    found = quantiles(sample.copy().view(kind))
    for value, part, whole in ((found.p50_ms, 50, 100), (found.p99_ms, 99, 100), (found.p999_ms, 999, 1_000)):
        rank = order_statistic_rank(count, (part, whole))
        assert value == (None if rank is None else ordered[rank] / 1e6)
    assert ordered[-1] / 1e6 == found.max_ms


@CHEAP
@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.integers(0, 12), st.just(SENTINEL_BASE))), max_size=60))
def test_dense_addresses_count_like_a_dictionary(records: list[tuple[int, int]]) -> None:
    """Whatever order and repetition: known messages are counted, unknown ones are foreign, sentinels are nothing."""
    lengths = {0: 10, 2: 4}
    index = MessageIndex.of_lengths(lengths)
    tally = Tally(index.size)
    located = index.locate(
        np.array([producer for producer, _ in records], dtype=np.uint16),
        np.array([sequence for _, sequence in records], dtype=np.uint32),
    )
    tally.add(located)
    tally.check("records")
    expected = [records.count((entry.producer, n)) for entry in index.ranges for n in range(entry.length)]
    assert expected == tally.counts.tolist()
    ordinary = [record for record in records if record[1] < SENTINEL_BASE]
    assert located.foreign == len(ordinary) - sum(expected)


@CHEAP
@given(st.lists(st.binary(min_size=60, max_size=60), min_size=1, max_size=20))
def test_checksums_are_those_of_zlib(rows: list[bytes]) -> None:
    """For any content."""
    array = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), 60)
    assert [zlib.crc32(row) for row in rows] == crc32_of_rows(array).tolist()
