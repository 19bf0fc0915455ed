"""What a failover explains of what is gone from the log: literal histories, exact mechanisms."""

from __future__ import annotations

from pathlib import Path

import pytest
from literal_history import LiteralTrial, clause, required, stream_arm

from harness.history.journal import EventKind
from harness.model.accounts import ArmResult
from harness.model.values import FaultPlan
from harness.model.words import ErrorKind, Fate, FaultModel, Guarantee, Mechanism, OutcomeCode, Verdict

KILLED = FaultPlan(model=FaultModel.FAILOVER)
BACK = FaultPlan(model=FaultModel.FAILOVER, old_returns=True)
HUNG = FaultPlan(model=FaultModel.HUNG_MASTER)
STRIKE, LED_ON = 2_000, 5_000
"""The master is struck, which takes 1 ms; clients are led to the new one. Its evidence, that the old one follows, comes
1 ms later. An answer may be written down a tenth of a second late."""
UNREPLICATED, UNEXPLAINED = Mechanism.UNREPLICATED, Mechanism.UNEXPLAINED


def one_gone(
    tmp_path: Path,
    fault: FaultPlan,
    *,
    acknowledged: float,
    received: bool = True,
    observed: bool = True,
    healed: bool = True,
) -> LiteralTrial:
    """Twenty messages in good order, one that no log holds, and one that was refused in the fault."""
    trial = LiteralTrial(
        tmp_path,
        [stream_arm()],
        faults=[fault],
        expectations=[required("stream-group", Guarantee.DURABLE)],
    )
    trial.sane()
    trial.attempt(20, acknowledged - 1)
    trial.outcome(20, acknowledged)
    if received:
        trial.receive(20, acknowledged)
    trial.send(21, STRIKE + 100, OutcomeCode.REJECTED)
    trial.fault(STRIKE, LED_ON, observed=observed, healed=healed)
    trial.finish()
    return trial


def found(trial: LiteralTrial) -> ArmResult:
    """Exactly one is gone, whatever the reason."""
    result = trial.result()
    assert 1 == sum(result.gone_by_mechanism.values())
    return result


@pytest.mark.parametrize(
    ("fault", "acknowledged", "expected"),
    [
        (KILLED, STRIKE - 500, UNREPLICATED),
        (KILLED, STRIKE + 5, UNREPLICATED),
        (KILLED, LED_ON, UNREPLICATED),
        (KILLED, LED_ON + 0.5, UNEXPLAINED),
        (BACK, STRIKE - 500, UNREPLICATED),
        (BACK, LED_ON + 101, UNREPLICATED),
        (BACK, LED_ON + 101.5, UNEXPLAINED),
        (HUNG, STRIKE - 500, UNREPLICATED),
        (HUNG, LED_ON + 101, UNREPLICATED),
        (HUNG, LED_ON + 101.5, UNEXPLAINED),
        (FaultPlan(model=FaultModel.SERVER_PAUSE), STRIKE - 500, UNEXPLAINED),
    ],
    ids=[
        "killed: before",
        "killed: its last reply",
        "killed: its last reply, written down very late",
        "killed: by the new master",
        "back: before",
        "back: until it follows",
        "back: by the new master",
        "hung: before",
        "hung: until it follows",
        "hung: by the new master",
        "no failover",
    ],
)
def test_what_a_replica_never_got(tmp_path: Path, fault: FaultPlan, acknowledged: float, expected: Mechanism) -> None:
    """A dead master acknowledges nothing; one that lives may, until a moment after it follows.

    What the new master acknowledged itself cannot have been lost by the change.
    """
    result = found(one_gone(tmp_path, fault, acknowledged=acknowledged))
    assert {expected: 1} == result.gone_by_mechanism
    assert 21 == result.fates[Fate.DELIVERED]


@pytest.mark.parametrize(
    ("begun", "ended", "expected"),
    [
        (LED_ON - 1, None, UNREPLICATED),
        (LED_ON + 10, LED_ON + 5, UNEXPLAINED),
        (LED_ON + 10, LED_ON + 60, UNREPLICATED),
        (LED_ON + 60, LED_ON + 5, UNREPLICATED),
    ],
    ids=["an old one stands", "only a new one", "both stood", "the new one began later"],
)
@pytest.mark.parametrize("fault", [BACK, HUNG])
def test_a_connection_that_began_later_leads_to_the_new_master(
    tmp_path: Path, fault: FaultPlan, begun: float, ended: float | None, expected: Mechanism
) -> None:
    """What came 50 ms after the heal by no other one was the new master's to keep."""
    trial = one_gone(tmp_path, fault, acknowledged=LED_ON + 50)
    trial.producer(EventKind.CONNECTED, 1, count=1)
    trial.producer(EventKind.CONNECTED, begun, count=2)
    if ended is not None:
        trial.producer(EventKind.DISCONNECTED, ended, count=1, detail=ErrorKind.EOF)
    assert {expected: 1} == found(trial).gone_by_mechanism


@pytest.mark.parametrize(
    ("begun", "ended", "acknowledged", "expected"),
    [
        (STRIKE + 10, STRIKE + 5, STRIKE + 101, UNREPLICATED),
        (STRIKE + 10, STRIKE + 5, STRIKE + 101.5, UNEXPLAINED),
        (STRIKE + 10, STRIKE + 150, STRIKE + 149, UNREPLICATED),
        (STRIKE - 10, STRIKE - 15, STRIKE + 149, UNREPLICATED),
        (STRIKE + 10, STRIKE + 5, LED_ON, UNEXPLAINED),
    ],
    ids=["at once", "over a new one", "the old one stood", "begun before", "long after, over a new one"],
)
def test_a_dead_master_answers_over_no_connection_that_it_did_not_have(
    tmp_path: Path, begun: float, ended: float, acknowledged: float, expected: Mechanism
) -> None:
    """Its last answer may be written down late; over a connection that began later it was the new master's."""
    trial = one_gone(tmp_path, KILLED, acknowledged=acknowledged)
    trial.producer(EventKind.CONNECTED, 1, count=1)
    trial.producer(EventKind.CONNECTED, begun, count=2)
    trial.producer(EventKind.DISCONNECTED, ended, count=1, detail=ErrorKind.EOF)
    assert {expected: 1} == found(trial).gone_by_mechanism


def test_what_is_older_than_what_survived_was_not_cut_off(tmp_path: Path) -> None:
    """Its id is lower than that of an entry that was acknowledged before the strike, whoever sent it first."""
    trial = one_gone(tmp_path, KILLED, acknowledged=STRIKE - 500)
    trial.send(22, STRIKE - 505, takes=10)
    trial.receive(22, STRIKE - 490)
    trial.log(22)
    trial.conductor(EventKind.LOG_READ, 9_500, arm=0, value=22, aux_ns=22_000)
    assert {UNEXPLAINED: 1} == found(trial).gone_by_mechanism


def test_what_nobody_had_read_is_lost_by_it(tmp_path: Path) -> None:
    """One loss, by the same mechanism in the delivery's account and in the log's."""
    result = found(one_gone(tmp_path, KILLED, acknowledged=STRIKE - 500, received=False))
    assert ({UNREPLICATED: 1}, {UNREPLICATED: 1}) == (result.lost_by_mechanism, result.gone_by_mechanism)
    assert (1, 20) == (result.fates[Fate.LOST], result.fates[Fate.DELIVERED])


@pytest.mark.parametrize("fault", [KILLED, BACK, HUNG])
def test_a_failover_that_nobody_saw_explains_nothing(tmp_path: Path, fault: FaultPlan) -> None:
    """It is a finding, and the trial proves nothing."""
    trial = one_gone(tmp_path, fault, acknowledged=STRIKE - 500, observed=False, healed=False)
    assert {UNEXPLAINED: 1} == found(trial).gone_by_mechanism
    assert Verdict.INCONCLUSIVE is clause(trial.judge(), Guarantee.DURABLE).verdict


@pytest.mark.parametrize(("fault", "expected"), [(KILLED, UNEXPLAINED), (BACK, UNREPLICATED), (HUNG, UNREPLICATED)])
def test_a_failover_that_was_not_seen_to_end(tmp_path: Path, fault: FaultPlan, expected: Mechanism) -> None:
    """A master that was never seen to follow may have gone on to acknowledge; clients were led away from a dead one."""
    trial = one_gone(tmp_path, fault, acknowledged=LED_ON + 1_000, healed=False)
    assert {expected: 1} == found(trial).gone_by_mechanism
    assert Verdict.INCONCLUSIVE is clause(trial.judge(), Guarantee.DURABLE).verdict


def test_what_a_failover_took_refutes_durability(tmp_path: Path) -> None:
    """A mechanism is an explanation, no excuse."""
    judged = one_gone(tmp_path, KILLED, acknowledged=STRIKE - 500).judge()
    found_clause = clause(judged, Guarantee.DURABLE)
    assert (Verdict.VIOLATED, 1) == (found_clause.verdict, found_clause.violations)
