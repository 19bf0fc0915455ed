"""What a change of masters does to an arm, on histories written down by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from literal_history import LiteralTrial, entry_id, pubsub_arm, stream_arm

from harness.history.journal import BarrierPart, EventKind
from harness.model.accounts import FailoverAudit, ReplicaLog
from harness.model.message import SENTINEL_BASE
from harness.model.values import Arm, FaultPlan
from harness.model.words import ContentCheck, ErrorKind, FaultModel, ReceiveTag, Verdict

HUNG = FaultPlan(model=FaultModel.HUNG_MASTER)
STRIKE, HEAL = 2_000, 5_000
"""The old master hangs from one to the other, and goes on at the heal; messages are sent every 10 ms from 100 on."""


def failover(tmp_path: Path, arm: Arm, *, fault: FaultPlan = HUNG, observed: bool = True) -> LiteralTrial:
    """Twenty messages that arrive, long before a failover; everybody has a connection from the beginning."""
    trial = LiteralTrial(tmp_path, [arm], faults=[fault])
    trial.sane()
    trial.fault(STRIKE, HEAL, observed=observed, healed=observed)
    trial.producer(EventKind.CONNECTED, 1, count=1)
    trial.consumer(EventKind.CONNECTED, 1, count=1)
    return trial


def audit(trial: LiteralTrial) -> FailoverAudit:
    """The account of the one arm."""
    trial.finish()
    found = trial.judge().result.arms[0].failover
    assert found is not None
    return found


def ended(trial: LiteralTrial, at: float, *, noticed: bool = True, who: str = "consumer") -> None:
    """The first connection is over."""
    note = trial.consumer if who == "consumer" else trial.producer
    note(EventKind.DISCONNECTED, at, count=1, detail=ErrorKind.EOF if noticed else ErrorKind.NONE)


def test_what_comes_over_an_old_connection_after_the_heal_a_deposed_master_acknowledged(tmp_path: Path) -> None:
    """Not what came before the heal, nor over a new connection, nor when the old master was long seen to follow."""
    trial = failover(tmp_path, pubsub_arm())
    for sequence, at in ((20, HEAL - 5), (21, HEAL + 20), (22, HEAL + 40), (23, HEAL + 110)):
        trial.send(sequence, at)
    ended(trial, HEAL + 120, who="producer")
    trial.producer(EventKind.CONNECTED, HEAL + 125, count=2)
    trial.send(24, HEAL + 126)
    for sequence in range(20, 25):
        trial.receive(sequence, HEAL + 200 + sequence)
    found = audit(trial)
    assert (2, None) == (found.deposed_acknowledged, found.deposed_gone)


def test_a_deposed_master_acknowledged_what_is_not_in_the_log_under_that_id(tmp_path: Path) -> None:
    """A late answer to what the new master has is no write that a deposed master took; a second entry of it is."""
    trial = failover(tmp_path, stream_arm())
    for sequence, at in ((20, HEAL - 5), (21, HEAL + 20), (22, HEAL + 40), (23, HEAL + 60)):
        trial.send(sequence, at, **({"entry": (9_999, 0)} if sequence == 22 else {}))
        trial.receive(sequence, at + 100)
        if sequence in (21, 22):
            trial.log(sequence)
    found = audit(trial)
    assert (2, 1) == (found.deposed_acknowledged, found.deposed_gone)


def test_two_masters_may_give_the_same_id(tmp_path: Path) -> None:
    """To different messages: the one of the deposed master is not the one in the log."""
    trial = failover(tmp_path, stream_arm(producers=2))
    for producer, at in ((0, HEAL + 20), (1, HEAL + 21)):
        trial.send(20, at, producer=producer, entry=(9_000, 0))
    trial.receive(20, HEAL + 100, producer=1, entry=(9_000, 0))
    trial.log(20, producer=1, entry=(9_000, 0))
    found = audit(trial)
    assert (1, 1) == (found.deposed_acknowledged, found.deposed_gone)


@pytest.mark.parametrize(("begun", "deposed"), [(HEAL - 1, 1), (HEAL + 1, 0)])
def test_what_came_over_a_connection_that_began_after_the_heal_the_new_master_acknowledged(
    tmp_path: Path, begun: float, deposed: int
) -> None:
    """That it is gone is another finding."""
    trial = failover(tmp_path, stream_arm())
    ended(trial, STRIKE + 1, who="producer")
    trial.producer(EventKind.CONNECTED, begun, count=2)
    trial.send(20, HEAL - 50)
    trial.send(21, HEAL + 20)
    found = audit(trial)
    assert (deposed, deposed) == (found.deposed_acknowledged, found.deposed_gone)


@pytest.mark.parametrize(("old_returns", "at", "deposed"), [(False, 50, 0), (True, 50, 1), (True, 500, 0)])
def test_a_master_that_is_dead_for_good_acknowledges_nothing(
    tmp_path: Path, old_returns: bool, at: float, deposed: int
) -> None:
    """Nor does one that came back, once it follows: what is gone although the new one acknowledged it has no reason."""
    trial = failover(tmp_path, stream_arm(), fault=FaultPlan(model=FaultModel.FAILOVER, old_returns=old_returns))
    trial.send(20, HEAL + at)
    found = audit(trial)
    assert (deposed, deposed) == (found.deposed_acknowledged, found.deposed_gone)


def test_what_takes_the_log_to_know_is_unknown_without_it(tmp_path: Path) -> None:
    """Nothing is said to be gone, or passed over, or more than the master has."""
    trial = failover(tmp_path, stream_arm())
    trial.send(20, HEAL + 20)
    trial.conductor(EventKind.REPLICA_READ, 9_700, scope=1, value=0)
    trial.finish(without=[BarrierPart.LOG_READ])
    result = trial.judge().result.arms[0]
    assert result.failover is not None
    found = result.failover
    assert (None, None, None) == (found.deposed_acknowledged, found.deposed_gone, found.skipped)
    assert result.lost_log_s is None
    assert (ReplicaLog(number=1, entries=0, gone=21),) == result.replicas


@pytest.mark.parametrize(("noticed", "never"), [(True, 0), (False, 1)])
def test_how_long_a_consumer_believes_in_its_connection(tmp_path: Path, noticed: bool, never: int) -> None:
    """From the strike to when it noticed; one that closes it in order had believed in it until then."""
    trial = failover(tmp_path, pubsub_arm())
    ended(trial, STRIKE + 1_500, noticed=noticed)
    found = audit(trial)
    assert (1_500_000_000, never) == (found.connected_ns, found.never_noticed)


def test_a_connection_that_never_ended_was_believed_in_to_the_end(tmp_path: Path) -> None:
    """And one that was over before the strike is nobody's."""
    trial = failover(tmp_path, pubsub_arm(scopes=2))
    trial.consumer(EventKind.CONNECTED, 1, count=1, scope=1)
    trial.consumer(EventKind.DISCONNECTED, STRIKE - 1, count=1, detail=ErrorKind.EOF, scope=1)
    found = audit(trial)
    assert ((9_900 - STRIKE) * 1_000_000, 1) == (found.connected_ns, found.never_noticed)


def test_an_entry_that_comes_again_after_the_strike_is_redelivered(tmp_path: Path) -> None:
    """Taken back: its XACK had succeeded before. A second entry of the same message is the producer's affair."""
    trial = failover(tmp_path, stream_arm())
    for sequence in (20, 21):
        trial.send(sequence, STRIKE - 100)
        trial.receive(sequence, STRIKE - 90, ack=False)
        trial.log(sequence)
    trial.receive(20, HEAL + 100)
    trial.receive(21, HEAL + 100, code=ReceiveTag.CLAIMED)  # it was pending: any server gives it again
    trial.receive(19, HEAL + 101)
    trial.receive(17, HEAL + 101, code=ReceiveTag.CLAIMED)
    trial.receive(18, HEAL + 102, entry=(7_777, 0))
    found = audit(trial)
    assert (3, 2) == (found.redelivered, found.taken_back)


def test_what_the_group_has_gone_past_is_skipped(tmp_path: Path) -> None:
    """In the log, never given to anybody, before the last delivered id."""
    trial = failover(tmp_path, stream_arm())
    trial.send(20, STRIKE - 100)
    trial.log(20)
    trial.send(21, HEAL + 100)
    trial.receive(21, HEAL + 101)
    trial.log(21)
    trial.conductor(EventKind.GROUP, 9_000, scope=0, entry=(5_000, 0), value=0)
    assert audit(trial).skipped == 1


def test_without_a_failover_there_is_no_account(tmp_path: Path) -> None:
    """Nor where nobody saw it."""
    for number, trial in enumerate(
        (
            failover(tmp_path / "0", stream_arm(), fault=FaultPlan(model=FaultModel.SERVER_KILL)),
            failover(tmp_path / "1", stream_arm(), observed=False),
        )
    ):
        trial.finish()
        assert trial.judge().result.arms[0].failover is None, number


def test_a_replica_is_set_against_acknowledgements_and_against_the_master(tmp_path: Path) -> None:
    """What it lacks, what it has and the master has not, without sentinels; one that does not follow has no number."""
    trial = failover(tmp_path, stream_arm())
    trial.send(20, STRIKE - 100)
    for sequence in range(1, 20):
        trial.conductor(EventKind.REPLICA_ENTRY, 9_600, scope=1, sequence=sequence, entry=entry_id(sequence))
    trial.conductor(EventKind.REPLICA_ENTRY, 9_600, scope=1, sequence=77, entry=(9_999, 0))
    trial.conductor(EventKind.REPLICA_READ, 9_700, scope=1, value=20)
    trial.conductor(EventKind.REPLICA_READ, 9_700, scope=2, value=-1)
    trial.finish()
    found = trial.judge().result.arms[0].replicas
    assert (ReplicaLog(number=1, entries=20, gone=2, missing=1, surplus=1), ReplicaLog(number=2)) == found


@pytest.mark.parametrize(
    ("told", "noted", "expected"),
    [
        (3, 3, ""),
        (3, 2, "stream-group: replica 1 had 3 entries when it was read, but 2 were noted"),
        (2, 3, "stream-group: replica 1 had 2 entries when it was read, but 3 were noted"),
        (0, 0, ""),
        (3, 0, "stream-group: replica 1 had 3 entries when it was read, but 0 were noted"),
        (-1, 0, ""),
        (-1, 2, "stream-group: replica 1 did not follow and was not read, but 2 entries of it were noted"),
    ],
)
def test_as_many_entries_of_a_replica_are_noted_as_it_had(tmp_path: Path, told: int, noted: int, expected: str) -> None:
    """Sentinels and damaged entries count, those of another replica do not; a hole makes the trial worthless."""
    trial = failover(tmp_path, stream_arm())
    fields: list[dict[str, Any]] = [{"sequence": 1}, {"sequence": SENTINEL_BASE}, {"detail": ContentCheck.DAMAGED}]
    for number, entry in enumerate(fields[:noted]):
        trial.conductor(EventKind.REPLICA_ENTRY, 9_600, scope=1, entry=(5_000 + number, 0), **entry)
    trial.conductor(EventKind.REPLICA_ENTRY, 9_600, scope=2, sequence=1, entry=entry_id(1))
    trial.conductor(EventKind.REPLICA_READ, 9_700, scope=1, value=told)
    trial.conductor(EventKind.REPLICA_READ, 9_700, scope=2, value=1)
    trial.finish()
    result = trial.judge().result
    assert [expected] * bool(expected) == [text for text in result.weaknesses if "replica" in text]
    assert bool(expected) == (result.verdict is Verdict.ERROR)
