"""Literal histories and the fates that DEFINITIONS gives them: empty, sane, pathological."""

from __future__ import annotations

from pathlib import Path

import pytest
from literal_history import MS, LiteralTrial, pubsub_arm, stream_arm

from harness.check.ledger_table import COLUMNS, read_ledger, write_ledger
from harness.history.journal import BarrierPart, EventKind
from harness.model.accounts import ArmResult
from harness.model.errors import InvalidFileError
from harness.model.words import (
    ContentCheck,
    DuplicateCause,
    Fate,
    LossPosition,
    Mechanism,
    Outcome,
    OutcomeCode,
    ReceiveTag,
    Verdict,
)


def fates(result: ArmResult) -> dict[Fate, int]:
    """Only those that occurred."""
    return {fate: count for fate, count in result.fates.items() if count}


def streams(folder: Path, **arm: int) -> LiteralTrial:
    """A trial of one Streams arm."""
    return LiteralTrial(folder, [stream_arm(**arm)])


def lose(trial: LiteralTrial, *sequences: int) -> None:
    """Take all that scope 0 of arm 0 noted about these messages out of the journals."""
    for sequence in sequences:
        for kind in (EventKind.RECEIVE, EventKind.ACK):
            trial.without("consumer-0-0-0", kind=kind, sequence=sequence)
        trial.without("effects-0", sequence=sequence)


# empty ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("arm", [pubsub_arm(), stream_arm()])
def test_empty_trial_owes_nothing(tmp_path: Path, arm: object) -> None:
    """No message: nothing owed, nothing lost, and no percentile."""
    trial = LiteralTrial(tmp_path, [arm])  # type: ignore[list-item]  # one of the two arms above
    trial.finish()
    result = trial.result()
    assert (0, 0, {}) == (result.attempted, result.owed, fates(result))
    assert (None, None) == (result.latency[0].from_intended.p50_ms, result.largest_gap_ns)


# sane ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [pubsub_arm, stream_arm])
def test_sane_trial_delivers_everything_and_counts_no_sentinel(tmp_path: Path, make: object) -> None:
    """Two producers, two scopes, twenty messages each."""
    assert callable(make)
    trial = LiteralTrial(tmp_path, [make(scopes=2, producers=2)])
    trial.sane(20)
    trial.finish()
    result = trial.result()
    assert (40, 80, {Fate.DELIVERED: 80}) == (result.attempted, result.owed, fates(result))
    assert (0, 0, 0, 0) == (result.duplicated, result.reordered, result.missing_effects, result.foreign_receives)
    assert 40 == result.cost.producer_requests


def test_absent_messages_are_legal(tmp_path: Path) -> None:
    """Indeterminate, rejected, and without an outcome: not received, not lost."""
    trial = LiteralTrial(tmp_path)
    trial.subscribe(1)
    trial.send(0, 100, OutcomeCode.INDETERMINATE)
    trial.send(1, 110, OutcomeCode.REJECTED, writes=0)
    trial.attempt(2, 120)
    trial.finish()
    result = trial.result()
    assert {Fate.ABSENT: 3} == fates(result)
    assert {Outcome.ACKNOWLEDGED: 0, Outcome.REJECTED: 1, Outcome.INDETERMINATE: 2} == result.outcomes


def test_indeterminate_but_delivered_is_recovered(tmp_path: Path) -> None:
    """Legal; a flag on delivered."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100, OutcomeCode.INDETERMINATE)
    trial.receive(0, 101)
    trial.finish()
    result = trial.result()
    assert ({Fate.DELIVERED: 1}, 1) == (fates(result), result.recovered)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([OutcomeCode.REJECTED, OutcomeCode.ACKNOWLEDGED], Outcome.ACKNOWLEDGED),
        ([OutcomeCode.ACKNOWLEDGED, OutcomeCode.INDETERMINATE], Outcome.ACKNOWLEDGED),
        ([OutcomeCode.INDETERMINATE, OutcomeCode.REJECTED], Outcome.INDETERMINATE),
        ([OutcomeCode.REJECTED, OutcomeCode.REJECTED], Outcome.REJECTED),
        ([OutcomeCode.REJECTED, None], Outcome.INDETERMINATE),
    ],
)
def test_several_attempts_merge(tmp_path: Path, codes: list[OutcomeCode | None], expected: Outcome) -> None:
    """Acknowledged if any was, else indeterminate if any was, else rejected; no outcome is indeterminate."""
    trial = LiteralTrial(tmp_path)
    for number, code in enumerate(codes):
        trial.attempt(0, 100 + number * 10)
        if code is not None:
            trial.outcome(0, 105 + number * 10, code)
    trial.finish()
    assert 1 == trial.result().outcomes[expected]


# pathological --------------------------------------------------------------------------------------------------
def test_pubsub_loss_in_a_gap_is_not_connected(tmp_path: Path) -> None:
    """Connection 1 ends, connection 2 begins; what was sent between is lost and explained."""
    trial = LiteralTrial(tmp_path)
    trial.sane(10)
    lose(trial, 4, 5, 6)
    for record in trial._actors["consumer-0-0-0"].records:
        if record["kind"] is EventKind.RECEIVE and record["sequence"] >= 7:
            record["count"] = 2
    trial.subscribe(165, 2)
    trial.finish()
    result = trial.result()
    assert {Fate.DELIVERED: 7, Fate.LOST: 3} == fates(result)
    assert {Mechanism.NOT_CONNECTED: 3} == result.lost_by_mechanism
    assert (0, 3, 0) == (result.lost_contract_view, result.lost_silently, result.lost_detectably)
    assert 3 == result.lost_by_position[LossPosition.MIDDLE]


def test_pubsub_loss_within_one_connection_is_unexplained(tmp_path: Path) -> None:
    """First in, first out per connection: a hole between two receives of it is beyond at-most-once."""
    trial = LiteralTrial(tmp_path)
    trial.sane(10)
    lose(trial, 4)
    trial.finish()
    result = trial.result()
    assert ({Mechanism.UNEXPLAINED: 1}, 1) == (result.lost_by_mechanism, result.lost_contract_view)


def test_a_late_note_of_the_last_receive_hides_no_gap(tmp_path: Path) -> None:
    """The gap begins when the last message that arrived was sent, even if it was written down after resubscribing."""
    trial = LiteralTrial(tmp_path)
    trial.subscribe(1)
    trial.send(0, 100)
    trial.send(1, 110)
    trial.send(2, 200)
    trial.subscribe(150, 2)
    trial.receive(0, 151, count=1)
    trial.receive(2, 201, count=2)
    trial.finish()
    assert {Mechanism.NOT_CONNECTED: 1} == trial.result().lost_by_mechanism


@pytest.mark.parametrize(
    ("gone", "expected"),
    [([0, 1], LossPosition.PREFIX), ([3, 5], LossPosition.MIDDLE), ([8, 9], LossPosition.POSTFIX)],
)
def test_position_of_losses(tmp_path: Path, gone: list[int], expected: LossPosition) -> None:
    """Before the first, between, or after the last that the scope received of that producer."""
    trial = LiteralTrial(tmp_path)
    trial.sane(10)
    lose(trial, *gone)
    trial.finish()
    assert len(gone) == trial.result().lost_by_position[expected]


def test_loss_that_publish_told_is_detectable(tmp_path: Path) -> None:
    """PUBLISH answered 0: the sender could know."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100, answer=0)
    trial.send(1, 110, answer=2)
    trial.finish()
    result = trial.result()
    assert (1, 1) == (result.lost_detectably, result.lost_silently)
    assert result.publish is not None
    assert (2, 0, 1, 1) == (
        result.publish.answers_sum,
        result.publish.received_sum,
        result.publish.no_receiver,
        result.publish.overstated,
    )


def test_unread_is_lag_and_gone_is_lost(tmp_path: Path) -> None:
    """Acknowledged and not received: in the log unread, gone from it lost, and the 2 x 2 tells durability."""
    trial = streams(tmp_path)
    trial.sane(10)
    lose(trial, 4, 5)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=5)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=7)
    trial.finish()
    result = trial.result()
    assert {Fate.DELIVERED: 8, Fate.UNREAD: 1, Fate.LOST: 1} == fates(result)
    assert {Mechanism.UNEXPLAINED: 1} == result.lost_by_mechanism
    assert result.durability is not None
    assert (7, 1, 1, 1) == (
        result.durability.in_log_with_effect,
        result.durability.in_log_without_effect,
        result.durability.gone_with_effect,
        result.durability.gone_without_effect,
    )


@pytest.mark.parametrize(("handed_out", "expected"), [(1_009, Fate.LOST), (1_003, Fate.UNREAD)])
def test_an_entry_that_its_group_went_past_is_lost(tmp_path: Path, handed_out: int, expected: Fate) -> None:
    """In the log, but behind the group's last delivered id and not pending: nobody will be handed it."""
    trial = streams(tmp_path)
    trial.sane(10)
    lose(trial, 4)
    trial.conductor(EventKind.GROUP, 9_100, arm=0, scope=0, entry=(handed_out, 1))
    trial.finish()
    assert {Fate.DELIVERED: 9, expected: 1} == fates(trial.result())


def test_a_missing_journal_is_no_empty_one(tmp_path: Path) -> None:
    """A complete trial whose consumer left no journal is in error, not one that lost everything."""
    trial = LiteralTrial(tmp_path)
    trial.sane(5)
    trial.finish()
    del trial._actors["consumer-0-0-0"]
    assert Verdict.ERROR is trial.judge().result.verdict


def test_absence_from_a_log_that_was_not_read_is_no_loss(tmp_path: Path) -> None:
    """LOG_READ was not reached: unread, whatever the log would have said."""
    trial = streams(tmp_path)
    trial.sane(10)
    lose(trial, 4)
    trial.without("conductor", kind=EventKind.LOG_ENTRY)
    trial.finish(without=[BarrierPart.LOG_READ])
    assert {Fate.DELIVERED: 9, Fate.UNREAD: 1} == fates(trial.result())


def test_never_read_needs_a_scope_without_consumers(tmp_path: Path) -> None:
    """The only consumer's last sign of life came before the acknowledgement."""
    trial = streams(tmp_path)
    trial.subscribe(1)
    for sequence, at in ((0, 100), (1, 200)):
        trial.send(sequence, at)
        trial.log(sequence)
    trial.receive(0, 101)
    trial.finish()
    assert {Fate.DELIVERED: 1, Fate.NEVER_READ: 1} == fates(trial.result())


def test_group_at_dollar_is_not_entitled(tmp_path: Path) -> None:
    """Entries up to the group's start are reported and never lost; they are owed to nobody."""
    trial = streams(tmp_path)
    trial.sane(10)
    lose(trial, 0, 1)
    trial.conductor(EventKind.GROUP_START, 5, arm=0, scope=0, entry=(1_001, 1))
    trial.finish()
    result = trial.result()
    assert {Fate.DELIVERED: 8, Fate.NOT_ENTITLED: 2} == fates(result)
    assert (8, 0) == (result.latency[0].from_intended.samples, result.missing_effects)


@pytest.mark.parametrize("tombstone", [False, True])
def test_trimmed_entries_have_a_mechanism(tmp_path: Path, tombstone: bool) -> None:
    """The log begins after them: trimmed unread; a shell came back: trimmed while pending."""
    trial = streams(tmp_path)
    trial.sane(10)
    lose(trial, 0)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=0)
    if tombstone:
        trial.consumer(EventKind.TOMBSTONE, 500, entry=(1_000, 1))
    trial.finish()
    expected = Mechanism.TRIMMED_PENDING if tombstone else Mechanism.TRIMMED_UNREAD
    assert {expected: 1} == trial.result().lost_by_mechanism


@pytest.mark.parametrize(("idle_ms", "expected"), [(3_000, Fate.STUCK), (10, Fate.DELIVERED)])
def test_stuck_is_pending_past_the_threshold(tmp_path: Path, idle_ms: int, expected: Fate) -> None:
    """Received, acknowledged to the producer, and still pending after stuck_after_ms (3 s)."""
    trial = streams(tmp_path)
    trial.send(0, 100)
    trial.receive(0, 101, ack=False)
    trial.log(0)
    trial.conductor(EventKind.PENDING, 200, arm=0, scope=0, producer=0, sequence=0, aux_ns=idle_ms * MS)
    trial.finish()
    result = trial.result()
    assert ({expected: 1}, int(expected is Fate.STUCK)) == (fates(result), result.stuck_effect_done)


def test_rejected_but_delivered_comes_before_delivered(tmp_path: Path) -> None:
    """A message that was said to be refused arrived."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100, OutcomeCode.REJECTED)
    trial.receive(0, 101)
    trial.finish()
    assert {Fate.REJECTED_BUT_DELIVERED: 1} == fates(trial.result())


def test_damaged_copy_makes_a_phantom_of_its_message(tmp_path: Path) -> None:
    """Even when an intact copy arrived as well."""
    trial = LiteralTrial(tmp_path)
    trial.sane(5)
    trial.receive(2, 130, detail=ContentCheck.DAMAGED, effect=False)
    trial.finish()
    result = trial.result()
    assert ({Fate.PHANTOM: 1, Fate.DELIVERED: 4}, 0) == (fates(result), result.foreign_receives)


@pytest.mark.parametrize(
    "stray",
    [
        {"sequence": 5},
        {"sequence": 0, "producer": 7},
        {"sequence": 0, "detail": ContentCheck.FOREIGN},
        {"sequence": 0, "producer": 65_535, "detail": ContentCheck.DAMAGED},
    ],
)
def test_foreign_receives_are_counted_on_top(tmp_path: Path, stray: dict[str, int]) -> None:
    """Never attempted, of an unknown producer, of a foreign run, unreadable: phantoms without an owed row."""
    trial = LiteralTrial(tmp_path)
    trial.sane(5)
    trial.receive(at=130, effect=False, **stray)
    trial.finish()
    result = trial.result()
    assert (1, {Fate.PHANTOM: 1, Fate.DELIVERED: 5}, 5) == (result.foreign_receives, fates(result), result.owed)
    assert 0 == result.duplicated


def test_a_hole_in_the_sequences_is_no_message(tmp_path: Path) -> None:
    """Sequence 1 was never attempted: not owed, and a receive of it is foreign."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100)
    trial.send(2, 110)
    for sequence in (0, 1, 2):
        trial.receive(sequence, 120 + sequence, effect=False)
    trial.finish()
    result = trial.result()
    assert (2, 2, 1) == (result.attempted, result.owed, result.foreign_receives)
    assert {Fate.DELIVERED: 2, Fate.PHANTOM: 1} == fates(result)


def test_absurd_sequences_are_refused(tmp_path: Path) -> None:
    """One record cannot make the checker allocate two thousand million messages."""
    trial = LiteralTrial(tmp_path)
    trial.send((1 << 31) - 1, 100)
    trial.finish()
    with pytest.raises(InvalidFileError, match="attempted sequence"):
        trial.judge()


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"entry": (5_000, 1)}, DuplicateCause.PRODUCER_RETRY),
        ({"code": ReceiveTag.CLAIMED, "ack_first": False}, DuplicateCause.REDELIVERY),
        ({"code": ReceiveTag.OWN_PENDING, "ack_first": False}, DuplicateCause.REDELIVERY),
        ({"code": ReceiveTag.CLAIMED}, DuplicateCause.AFTER_ACK),
    ],
)
def test_duplicates_have_a_cause(tmp_path: Path, extra: dict[str, object], expected: DuplicateCause) -> None:
    """Another entry: the producer's retry; the same one again: redelivery, or after its XACK."""
    told = dict(extra)
    trial = streams(tmp_path)
    trial.send(0, 100)
    trial.log(0)
    trial.receive(0, 101, ack=told.pop("ack_first", True))
    trial.receive(0, 150, effect=False, ack=False, **told)
    if "entry" in told:
        trial.log(0, entry=told["entry"])
    trial.finish()
    result = trial.result()
    assert (1, 1) == (result.duplicated, result.duplicates_by_cause[expected])


@pytest.mark.parametrize(("writes", "expected"), [(2, DuplicateCause.PRODUCER_RETRY), (1, DuplicateCause.REDELIVERY)])
def test_pubsub_duplicates_by_writes(tmp_path: Path, writes: int, expected: DuplicateCause) -> None:
    """Written to the socket twice: the client's retry made the second copy."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100, writes=writes)
    trial.receive(0, 101)
    trial.receive(0, 102)
    trial.finish()
    result = trial.result()
    assert (1, 1, 1) == (result.duplicated, result.duplicates_by_cause[expected], result.duplicate_effects)


def test_more_copies_than_a_byte_can_count(tmp_path: Path) -> None:
    """Three hundred receives of one message are 299 duplicates."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100)
    for number in range(300):
        trial.receive(0, 101 + number, effect=False)
    trial.finish()
    assert 299 == trial.result().duplicated


def test_suppressed_effects_are_none(tmp_path: Path) -> None:
    """An effect that was suppressed as a duplicate did not happen: E = 0 is missing."""
    trial = LiteralTrial(tmp_path)
    trial.send(0, 100)
    trial.receive(0, 101, effect=False)
    trial.effect(0, 102, detail=1)
    trial.finish()
    result = trial.result()
    assert (1, 0) == (result.missing_effects, result.duplicate_effects)


# order ---------------------------------------------------------------------------------------------------------
def arrive(trial: LiteralTrial, *order: int) -> None:
    """Messages are sent in order and arrive in this one, all in one reply."""
    for sequence in sorted(set(order)):
        trial.send(sequence, 100 + sequence)
    for sequence in order:
        trial.receive(sequence, 200)


@pytest.mark.parametrize(
    ("order", "expected"),
    [([0, 1, 2, 3], 0), ([0, 2, 1, 3], 1), ([3, 0, 1, 2], 3), ([0, 3], 0), ([0, 1, 0, 2], 0)],
)
def test_reordered_counts_first_deliveries_overtaken(tmp_path: Path, order: list[int], expected: int) -> None:
    """Even within one reply; gaps and redeliveries never count."""
    trial = LiteralTrial(tmp_path)
    arrive(trial, *order)
    trial.finish()
    assert expected == trial.result().reordered


def test_order_is_per_consumer_lane(tmp_path: Path) -> None:
    """Two consumers share a scope: each in order is in order, however they interleave."""
    trial = streams(tmp_path, consumers=2)
    for sequence in range(4):
        trial.send(sequence, 100 + sequence)
        trial.log(sequence)
    for sequence, member, at in ((1, 1, 200), (0, 0, 201), (3, 1, 202), (2, 0, 203)):
        trial.receive(sequence, at, member=member)
    trial.finish()
    result = trial.result()
    assert ({Fate.DELIVERED: 4}, 0) == (fates(result), result.reordered)


# ledger --------------------------------------------------------------------------------------------------------
def test_ledger_has_one_row_per_owed_message_and_scope(tmp_path: Path) -> None:
    """Sentinels and holes are not in it; what did not happen is -1."""
    trial = LiteralTrial(tmp_path, [pubsub_arm(scopes=2), stream_arm()])
    trial.sane(6)
    lose(trial, 3)
    trial.finish()
    path = tmp_path / "ledger.parquet"
    write_ledger(path, trial.judge().ledger)
    frame = read_ledger(path)
    assert list(COLUMNS) == list(frame.columns)
    assert 6 * 2 + 6 == len(frame)
    lost = frame[frame["fate"] == list(Fate).index(Fate.LOST)]
    assert [(0, 0, 3, -1, 0)] == list(
        zip(lost["arm"], lost["scope"], lost["sequence"], lost["first_receive_ns"], lost["receives"], strict=True)
    )


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    """With the file and the fix."""
    path = tmp_path / "ledger.parquet"
    path.write_text("nothing")
    with pytest.raises(InvalidFileError, match="not a whole ledger"):
        read_ledger(path)
