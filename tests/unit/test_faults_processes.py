"""Faults of processes: what they do to workers, and what literal sightings prove. Times are milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from harness.faults.base import CallTimes, Evidence
from harness.faults.process_base import ProcessFault
from harness.faults.process_evidence import Sighting, Target, judge_crash
from harness.faults.processes import PROCESS_STYLES, make_process_fault
from harness.model.errors import UsageError
from harness.model.values import FaultPlan
from harness.model.words import PROCESS_FAULTS as PROCESS_MODELS
from harness.model.words import CrashPoint, CrashPointCode, FaultModel, LinkRole, Members, ProcessEvent, WorkerRole

MS = 1_000_000
INJECT, HEAL = CallTimes(100 * MS, 102 * MS), CallTimes(200 * MS, 202 * MS)
ONE, TWO, OTHER = (Target(WorkerRole.CONSUMER, arm, 0, member) for arm, member in ((0, 0), (0, 1), (1, 0)))
BORN, READY, DIED, ENDED, STOPPED, RAN = (
    ProcessEvent.STARTED,
    ProcessEvent.READY,
    ProcessEvent.DIED,
    ProcessEvent.ENDED,
    ProcessEvent.STOPPED,
    ProcessEvent.CONTINUED,
)


@dataclass
class Puppets:
    """Workers that do at once what they are told, or nothing; every deed is written down."""

    members: tuple[Target, ...] = (ONE, TWO, OTHER)
    obedient: bool = True
    deeds: list[str] = field(default_factory=list)
    state: dict[Target, ProcessEvent] = field(default_factory=dict)

    def targets(self, role: WorkerRole, members: Members) -> tuple[Target, ...]:
        return tuple(t for t in self.members if t.role is role and (members is Members.ALL or t.member == 0))

    def crash(self, target: Target, point: CrashPointCode) -> None:
        self._do(f"crash {int(point)}", target, DIED)

    def kill(self, target: Target) -> None:
        self._do("kill", target, DIED)

    def suspend(self, target: Target) -> None:
        self._do("suspend", target, STOPPED)

    def resume(self, target: Target) -> None:
        self._do("resume", target, RAN)

    def ask_to_stop(self, target: Target) -> None:
        self._do("stop", target, ENDED)

    def start(self, target: Target) -> None:
        self._do("start", target, READY)

    def last_seen(self, target: Target) -> ProcessEvent | None:
        return self.state.get(target, READY)

    def _do(self, deed: str, target: Target, then: ProcessEvent) -> None:
        self.deeds.append(f"{deed} {target}")
        if self.obedient:
            self.state[target] = then


def fault_of(model: FaultModel, *, seed: int = 1, members: Members = Members.ALL, vacant_ms: int = 400) -> ProcessFault:
    point = CrashPoint.AFTER_EFFECT if model is FaultModel.CRASH else None
    plan = FaultPlan(model=model, worker=WorkerRole.CONSUMER, members=members, point=point, vacant_ms=vacant_ms)
    return make_process_fault(plan, seed=seed, index=0)


def test_a_crash_is_ordered_and_the_dead_are_replaced_at_the_heal() -> None:
    """Each target is told its point; nobody is started before the heal."""
    puppets, fault = Puppets(), fault_of(FaultModel.CRASH)
    fault.inject(puppets, until_ns=0)
    fault.step(puppets, 1)
    assert [f"crash 2 {target}" for target in (ONE, TWO, OTHER)] == puppets.deeds
    assert not fault.settled(puppets)
    fault.heal(puppets)
    assert [f"start {target}" for target in (ONE, TWO, OTHER)] == puppets.deeds[3:]
    assert fault.settled(puppets)


def test_who_dies_only_after_the_heal_is_replaced_then() -> None:
    """A consumer without a message has nowhere to crash: its place is filled whenever it dies."""
    puppets, fault = Puppets(obedient=False), fault_of(FaultModel.CRASH, members=Members.FIRST)
    fault.inject(puppets, until_ns=0)
    fault.heal(puppets)
    assert [f"crash 2 {ONE}", f"crash 2 {OTHER}"] == puppets.deeds
    puppets.state[OTHER] = DIED
    fault.step(puppets, 1)
    fault.step(puppets, 2)
    assert [f"start {OTHER}"] == puppets.deeds[2:]


def test_the_moment_of_a_kill_comes_from_the_seed() -> None:
    """Within the first half of the phase, the same for one seed, another for another."""
    moments = [fault_of(FaultModel.KILL, seed=seed).due_ns(1_000, 2_000) for seed in (1, 1, 2)]
    assert moments[0] == moments[1] != moments[2]
    assert all(1_000 <= moment <= 1_500 for moment in moments)


def test_a_restart_takes_each_arm_s_workers_in_turn() -> None:
    """Arms go side by side; the second of an arm waits for the first to be ready and for its time."""
    puppets, fault = Puppets(), fault_of(FaultModel.RESTART, vacant_ms=0)
    before = fault_restarting(puppets, fault)
    assert [f"stop {ONE}", f"stop {OTHER}", f"start {ONE}", f"start {OTHER}"] == before
    assert not fault.settled(puppets)
    fault.step(puppets, 10**19)
    for now in range(5):
        fault.step(puppets, 10**19 + now)
    assert [f"stop {TWO}", f"start {TWO}"] == puppets.deeds[4:]
    assert fault.settled(puppets)


def fault_restarting(puppets: Puppets, fault: ProcessFault) -> list[str]:
    """Begin, and go on until only time can help; an hour is left for each."""
    fault.inject(puppets, until_ns=10**19)
    for _ in range(5):
        fault.step(puppets, 0)
    return list(puppets.deeds)


def test_a_place_stays_empty_for_as_long_as_a_service_takes_to_boot() -> None:
    """Four tenths of a second after the predecessor was seen to have ended, not before."""
    puppets, fault = Puppets(members=(ONE,)), fault_of(FaultModel.RESTART, vacant_ms=400)
    fault.inject(puppets, until_ns=10**19)
    for now_ms in (1, 2, 400):
        fault.step(puppets, now_ms * 1_000_000)
    assert [f"stop {ONE}"] == puppets.deeds
    fault.step(puppets, 402 * 1_000_000)
    assert [f"stop {ONE}", f"start {ONE}"] == puppets.deeds


def test_a_heal_hurries_a_restart_on() -> None:
    """What has not been restarted by the end of the phase follows without a pause."""
    puppets, fault = Puppets(), fault_of(FaultModel.RESTART, vacant_ms=0)
    fault_restarting(puppets, fault)
    fault.heal(puppets)
    for _ in range(8):
        fault.step(puppets, 0)
    assert fault.settled(puppets)


def test_a_worker_that_does_not_end_is_killed_for_the_restart() -> None:
    """The deploy does not wait for ever; that it was not in order is seen in its evidence."""
    puppets, fault = Puppets(members=(ONE,), obedient=False), fault_of(FaultModel.RESTART)
    fault.inject(puppets, until_ns=10**19)
    fault.step(puppets, 10**19)
    assert [f"stop {ONE}", f"kill {ONE}"] == puppets.deeds


def test_late_workers_are_withheld_and_started_at_the_heal() -> None:
    """Only this fault is on from the beginning."""
    puppets, fault = Puppets(), fault_of(FaultModel.LATE_START)
    fault.inject(puppets, until_ns=0)
    assert [] == puppets.deeds
    fault.heal(puppets)
    assert [f"start {target}" for target in (ONE, TWO, OTHER)] == puppets.deeds
    assert [FaultModel.LATE_START] == [model for model in FaultModel if model in PROCESS_MODELS and withholds(model)]


def withholds(model: FaultModel) -> bool:
    return fault_of(model).withholds


def test_every_process_fault_can_be_made_and_drawn() -> None:
    """The styles name exactly the models that strike processes."""
    assert set(PROCESS_MODELS) == set(PROCESS_STYLES)
    for model in PROCESS_MODELS:
        assert fault_of(model).style.description.endswith(".")
    with pytest.raises(UsageError, match="hold"):
        make_process_fault(FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS), seed=1, index=0)


def at(ms: float, event: ProcessEvent, target: Target = ONE, *, status: int = 0, point: int = 0) -> Sighting:
    return Sighting(int(ms * MS), target, event, status, point)


def dead(ms: float, target: Target = ONE, *, status: int = -9, point: int = 2) -> Sighting:
    return at(ms, DIED, target, status=status, point=point)


def again(ms: float, target: Target = ONE) -> list[Sighting]:
    return [at(ms - 1, BORN, target), at(ms, READY, target)]


def judged(model: FaultModel, sightings: Sequence[Sighting], members: tuple[Target, ...] = (ONE, TWO)) -> Evidence:
    """The evidence of a fault that struck ``members``."""
    fault = fault_of(model)
    fault.inject(Puppets(members=members), until_ns=0)
    return fault.evidence(sightings, inject=INJECT, heal=HEAL)


def proven(model: FaultModel, sightings: Sequence[Sighting]) -> tuple[float | None, float | None]:
    found = judged(model, sightings)
    begin, end = found.observed_from_ns, found.observed_to_ns
    return None if begin is None else begin / MS, None if end is None else end / MS


C, K, P, R, L = FaultModel.CRASH, FaultModel.KILL, FaultModel.PAUSE, FaultModel.RESTART, FaultModel.LATE_START
BEFORE = [*again(10), *again(10, TWO)]
BOTH_READY = [*again(250), *again(260, TWO)]

CASES = {
    "crash": (C, [*BEFORE, dead(110), dead(120, TWO), *BOTH_READY], (110, 260)),
    "crash, one without a message": (C, [*BEFORE, dead(110), *again(250)], (None, None)),
    "crash, one only after the heal": (C, [*BEFORE, dead(110), dead(210, TWO), *BOTH_READY], (None, None)),
    "crash at another point": (C, [*BEFORE, dead(110), dead(120, TWO, point=1), *BOTH_READY], (None, None)),
    "crash that nobody announced": (C, [*BEFORE, dead(110), dead(120, TWO, point=0), *BOTH_READY], (None, None)),
    "crash, never ready again": (C, [*BEFORE, dead(110), dead(120, TWO), *again(250)], (110, None)),
    "kill": (K, [*BEFORE, dead(150), dead(151, TWO), *BOTH_READY], (150, 260)),
    "kill, an error instead": (K, [*BEFORE, dead(150), dead(151, TWO, status=1), *BOTH_READY], (None, None)),
    "kill, another signal": (K, [*BEFORE, dead(150), dead(151, TWO, status=-15), *BOTH_READY], (None, None)),
    "kill, ended in order": (K, [*BEFORE, dead(150), at(151, ENDED, TWO), *BOTH_READY], (None, None)),
    "kill, nobody died": (K, BEFORE, (None, None)),
    "kill, died before": (K, [*BEFORE, dead(90), dead(91, TWO), *BOTH_READY], (None, None)),
    "pause": (P, [*BEFORE, at(101, STOPPED), at(101.5, STOPPED, TWO), at(203, RAN), at(204, RAN, TWO)], (101, 204)),
    "pause of one only": (P, [*BEFORE, at(101, STOPPED), at(203, RAN)], (None, None)),
    "pause that ended early": (
        P,
        [*BEFORE, at(101, STOPPED), at(101, STOPPED, TWO), at(150, RAN), at(203, RAN, TWO)],
        (None, None),
    ),
    "pause, died meanwhile": (
        P,
        [*BEFORE, at(101, STOPPED), at(101, STOPPED, TWO), dead(150), at(203, RAN, TWO)],
        (None, None),
    ),
    "pause, never continued": (P, [*BEFORE, at(101, STOPPED), at(101, STOPPED, TWO), at(203, RAN)], (101, None)),
    "restart": (R, [*BEFORE, at(105, ENDED), *again(130), at(140, ENDED, TWO), *again(170, TWO)], (105, 170)),
    "restart that takes longer than the phase": (
        R,
        [*BEFORE, at(105, ENDED), *again(130), at(240, ENDED, TWO), *again(270, TWO)],
        (105, 270),
    ),
    "restart of one only": (R, [*BEFORE, at(105, ENDED), *again(130)], (None, None)),
    "restart by force": (R, [*BEFORE, at(105, ENDED), *again(130), dead(140, TWO), *again(170, TWO)], (None, None)),
    "restart, not ready again": (R, [*BEFORE, at(105, ENDED), *again(130), at(140, ENDED, TWO)], (105, None)),
    "late start": (L, BOTH_READY, (100, 260)),
    "late start, one was there": (L, [*again(10), *BOTH_READY], (None, None)),
    "late start, one never came": (L, again(250), (100, None)),
}


@pytest.mark.parametrize(("model", "sightings", "expected"), CASES.values(), ids=CASES)
def test_what_sightings_prove(
    model: FaultModel, sightings: list[Sighting], expected: tuple[float | None, float | None]
) -> None:
    """Every target must have been struck as the name says and be well again: from the first to the last."""
    assert expected == proven(model, sightings)


@pytest.mark.parametrize("model", [K, P, L])
def test_a_fault_without_targets_proves_nothing(model: FaultModel) -> None:
    """Struck nobody, shown nothing."""
    assert judged(model, BEFORE, members=()).observed_from_ns is None


def test_the_sentence_tells_who_did_not_die() -> None:
    """What is missing is named."""
    found = judge_crash(CrashPointCode.AFTER_EFFECT)([ONE, TWO], [*BEFORE, dead(110)], INJECT, HEAL)
    assert "not shown: consumer-0-0-1 had not died before the heal" == found.sentence
