"""What can be learnt from the log afterwards: orders rebuilt from it, and the past from the fault on."""

from __future__ import annotations

from pathlib import Path

from literal_history import DROP, LiteralTrial, entry_id, pubsub_arm, stream_arm

from harness.history.journal import BarrierPart, EventKind
from harness.model.accounts import ReplayAudit
from harness.model.message import EVENT_TYPES


def test_the_log_of_a_sane_trial_tells_every_order(tmp_path: Path) -> None:
    """Twenty messages of three steps each: seven orders, the last one unfinished, the same in both scopes."""
    trial = LiteralTrial(tmp_path, [stream_arm(scopes=2)])
    trial.sane(20)
    trial.finish()
    assert 3 == len(EVENT_TYPES)
    assert ReplayAudit(orders=7, rebuilt=7, differing=0) == trial.result().replay


def test_pubsub_has_nothing_to_replay(tmp_path: Path) -> None:
    """Its orders are counted; none can be rebuilt."""
    trial = LiteralTrial(tmp_path, [pubsub_arm()], faults=[DROP])
    trial.sane(20)
    trial.fault(3_000, 4_000)
    trial.finish()
    assert ReplayAudit(orders=7) == trial.result().replay


def test_a_trimmed_entry_leaves_its_order_untold(tmp_path: Path) -> None:
    """Message 4 is the second step of the second order; its effect happened all the same."""
    trial = LiteralTrial(tmp_path, [stream_arm()])
    trial.sane(20)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=4)
    trial.finish()
    assert ReplayAudit(orders=7, rebuilt=6, differing=1) == trial.result().replay


def test_a_missing_effect_is_another_state(tmp_path: Path) -> None:
    """The log knows a step that was never done."""
    trial = LiteralTrial(tmp_path, [stream_arm(scopes=2)])
    trial.sane(20)
    trial.without("effects-0", sequence=7, scope=1)
    trial.finish()
    assert ReplayAudit(orders=7, rebuilt=7, differing=1) == trial.result().replay


def test_a_replay_from_the_fault_on_brings_what_was_acknowledged_since(tmp_path: Path) -> None:
    """Messages are sent every 10 ms from 100 ms on: 15 of 20 begin at 150 ms or later; one of them is gone."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[DROP])
    trial.sane(20)
    trial.fault(150, 200)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=12)
    trial.finish()
    replay = trial.result().replay
    assert replay is not None
    assert (15, 14) == (replay.owed_since_fault, replay.replayed_since_fault)


def test_a_second_entry_of_a_message_is_no_second_message(tmp_path: Path) -> None:
    """A producer's retry: the log holds it twice, the replay brings one message."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[DROP])
    trial.sane(20)
    trial.fault(150, 200)
    trial.log(12, entry=(entry_id(13, 0)[0], 99))
    trial.finish()
    replay = trial.result().replay
    assert replay is not None
    assert (15, 15, 7) == (replay.owed_since_fault, replay.replayed_since_fault, replay.rebuilt)


def test_a_log_that_was_not_read_tells_nothing(tmp_path: Path) -> None:
    """No audit, rather than a wrong one."""
    trial = LiteralTrial(tmp_path, [stream_arm()])
    trial.sane(20)
    trial.finish(without=[BarrierPart.LOG_READ])
    assert trial.result().replay is None
