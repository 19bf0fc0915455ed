"""Faults of processes: workers that crash, are killed, stand still, are replaced in turn, or come late.

They are what faults of links are, with workers in the place of a link: inject, heal, and evidence. What was done to a
process is not believed but seen in the process table (`Sighting`), and judged by a pure function over what was seen
(`harness.faults.process_evidence`).

=============  =============================================  ===============================================
fault          while it is on                                 the heal
=============  =============================================  ===============================================
crash          consumers SIGKILL themselves at an exact point  new processes take their places
kill           SIGKILL, at a moment drawn from the seed        new processes take their places
pause          SIGSTOP: they exist and do nothing              SIGCONT
restart        one after the other ends and is started anew    none is left to be restarted
late-start     they have not been started                      they are started
=============  =============================================  ===============================================

A fault names places in the cast (`Target`); whoever works there now, the first process or one that took over, is
meant. After the heal `step` goes on until every place is taken again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.process_evidence import (
    Sighting,
    Target,
    judge_crash,
    judge_kill,
    judge_late_start,
    judge_pause,
    judge_restart,
)
from harness.model.errors import UsageError
from harness.model.values import FaultPlan
from harness.model.words import CrashPoint, CrashPointCode, FaultModel, Members, ProcessEvent, WorkerRole

STOP_DEADLINE_NS: Final = 8_000_000_000
"""How long a restart waits for a worker that was told to end; then it is killed, and the restart is unproven."""
_GONE: Final = (ProcessEvent.ENDED, ProcessEvent.DIED)
_POINTS: Final = {
    CrashPoint.BEFORE_EFFECT: CrashPointCode.BEFORE_EFFECT,
    CrashPoint.AFTER_EFFECT: CrashPointCode.AFTER_EFFECT,
    CrashPoint.AFTER_ACK: CrashPointCode.AFTER_ACK,
}


class Workers(Protocol):
    """The cast, as a fault of processes sees it. Nothing here waits for more than a signal to be delivered."""

    def targets(self, role: WorkerRole, members: Members) -> tuple[Target, ...]:
        """The places that a fault names, arm by arm."""

    def crash(self, target: Target, point: CrashPointCode) -> None:
        """Tell a consumer to kill itself at ``point`` of its next message."""

    def kill(self, target: Target) -> None:
        """SIGKILL."""

    def suspend(self, target: Target) -> None:
        """SIGSTOP."""

    def resume(self, target: Target) -> None:
        """SIGCONT."""

    def ask_to_stop(self, target: Target) -> None:
        """Tell it to end in order."""

    def start(self, target: Target) -> None:
        """Start a process in this place, the first or a new one."""

    def last_seen(self, target: Target) -> ProcessEvent | None:
        """What the process in this place was last seen to do; ``None``: there has never been one."""


class ProcessFault(Protocol):
    """One thing that happens to processes. Made for one trial: it keeps what it has done so far."""

    @property
    def plan(self) -> FaultPlan:
        """What this fault was planned as."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""

    @property
    def withholds(self) -> bool:
        """Whether its targets are not to be started with the others: it is on from the trial's beginning."""

    def due_ns(self, begin_ns: int, end_ns: int) -> int:
        """When, within the fault phase, it is to be injected."""

    def inject(self, workers: Workers, *, until_ns: int) -> None:
        """Strike; a fault that takes its time has until ``until_ns``."""

    def step(self, workers: Workers, now_ns: int) -> None:
        """Go on, from the injection until `settled`. Called every few hundredths of a second."""

    def heal(self, workers: Workers) -> None:
        """Mend it, as far as that can be done now; `step` does the rest."""

    def settled(self, workers: Workers) -> bool:
        """Whether every place is taken and at work again."""

    def evidence(self, sightings: Sequence[Sighting], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """Say from what was seen of the processes whether the fault took effect and ended. Pure."""


@dataclass(slots=True)
class ReplacingFault:
    """Crash and kill: processes die, and new ones take their places at the heal."""

    plan: FaultPlan
    style: DrawStyle
    strike: Callable[[Workers, Target], None]
    judge: Callable[[Sequence[Target], Sequence[Sighting], CallTimes, CallTimes], Evidence]
    delay: float = 0.0
    """When it strikes, as a share of the fault phase."""
    withholds: bool = False
    _targets: tuple[Target, ...] = ()
    _vacant: list[Target] = field(default_factory=list)
    """Healed and not started anew yet."""

    def due_ns(self, begin_ns: int, end_ns: int) -> int:
        """At its share of the phase."""
        return begin_ns + int(self.delay * (end_ns - begin_ns))

    def inject(self, workers: Workers, *, until_ns: int) -> None:  # noqa: ARG002  # it strikes at once
        """Strike every target."""
        self._targets = _targets_of(self.plan, workers)
        for target in self._targets:
            self.strike(workers, target)

    def step(self, workers: Workers, now_ns: int) -> None:  # noqa: ARG002  # it waits for deaths, not for a time
        """After the heal: fill each place whose process is seen to be gone, also one that dies only now."""
        for target in tuple(self._vacant):
            if workers.last_seen(target) in _GONE:
                self._vacant.remove(target)
                workers.start(target)

    def heal(self, workers: Workers) -> None:
        """Start new processes in the places of the dead."""
        self._vacant = list(self._targets)
        self.step(workers, 0)

    def settled(self, workers: Workers) -> bool:
        """Whether somebody is ready in every place."""
        return all(workers.last_seen(target) is ProcessEvent.READY for target in self._targets)

    def evidence(self, sightings: Sequence[Sighting], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """What was seen of this fault's targets proves."""
        return self.judge(self._targets, sightings, inject, heal)


@dataclass(slots=True)
class PauseFault:
    """The processes exist, hold their connections and do nothing."""

    plan: FaultPlan
    style: DrawStyle
    withholds: bool = False
    _targets: tuple[Target, ...] = ()

    def due_ns(self, begin_ns: int, end_ns: int) -> int:  # noqa: ARG002  # at once
        """At the beginning of the phase."""
        return begin_ns

    def inject(self, workers: Workers, *, until_ns: int) -> None:  # noqa: ARG002  # it strikes at once
        """SIGSTOP to every target."""
        self._targets = _targets_of(self.plan, workers)
        for target in self._targets:
            workers.suspend(target)

    def step(self, workers: Workers, now_ns: int) -> None:
        """Nothing: the system keeps them stopped."""

    def heal(self, workers: Workers) -> None:
        """SIGCONT to every target."""
        for target in self._targets:
            workers.resume(target)

    def settled(self, workers: Workers) -> bool:
        """Whether none is stopped any more."""
        return all(workers.last_seen(target) is not ProcessEvent.STOPPED for target in self._targets)

    def evidence(self, sightings: Sequence[Sighting], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """What was seen of this fault's targets proves."""
        return judge_pause(self._targets, sightings, inject, heal)


@dataclass(slots=True)
class _Lane:
    """The deploy of one arm: its workers in turn, the next when the one before is ready and its time has come."""

    waiting: list[Target]
    pause_ns: int
    next_ns: int
    vacant_ns: int
    """How long a place stays empty before its successor is started."""
    current: Target | None = None
    stopping_since_ns: int | None = None
    empty_since_ns: int | None = None

    def step(self, workers: Workers, now_ns: int, *, hurry: bool) -> None:
        """Do what can be done now."""
        if self.current is None:
            if self.waiting and (hurry or now_ns >= self.next_ns):
                self.current, self.next_ns = self.waiting.pop(0), self.next_ns + self.pause_ns
                self.stopping_since_ns = now_ns
                workers.ask_to_stop(self.current)
        elif self.stopping_since_ns is not None:
            if workers.last_seen(self.current) in _GONE:
                self.stopping_since_ns, self.empty_since_ns = None, now_ns
            elif now_ns - self.stopping_since_ns > STOP_DEADLINE_NS:
                workers.kill(self.current)
        elif self.empty_since_ns is not None:
            if now_ns - self.empty_since_ns >= self.vacant_ns:
                self.empty_since_ns = None
                workers.start(self.current)
        elif workers.last_seen(self.current) is ProcessEvent.READY:
            self.current = None

    @property
    def done(self) -> bool:
        return self.current is None and not self.waiting


@dataclass(slots=True)
class RestartFault:
    """A deploy: one worker of each arm at a time ends in order and is started anew, spread over the fault phase."""

    plan: FaultPlan
    style: DrawStyle
    withholds: bool = False
    _targets: tuple[Target, ...] = ()
    _lanes: list[_Lane] = field(default_factory=list)
    _healed: bool = False

    def due_ns(self, begin_ns: int, end_ns: int) -> int:  # noqa: ARG002  # at once
        """At the beginning of the phase."""
        return begin_ns

    def inject(self, workers: Workers, *, until_ns: int) -> None:
        """Stop the first worker of every arm: arms are compared, so each goes through its deploy at the same time."""
        self._targets = _targets_of(self.plan, workers)
        arms: dict[int, list[Target]] = {}
        for target in self._targets:
            arms.setdefault(target.arm, []).append(target)
        now_ns = time.monotonic_ns()
        vacant_ns = self.plan.vacant_ms * 1_000_000
        self._lanes = [
            _Lane(each, pause_ns=(until_ns - now_ns) // len(each), next_ns=now_ns, vacant_ns=vacant_ns)
            for each in arms.values()
        ]
        self.step(workers, now_ns)

    def step(self, workers: Workers, now_ns: int) -> None:
        """Go on with the deploy of every arm."""
        for lane in self._lanes:
            lane.step(workers, now_ns, hurry=self._healed)

    def heal(self, workers: Workers) -> None:
        """Whoever has not been restarted yet is, without further pauses."""
        self._healed = True
        self.step(workers, time.monotonic_ns())

    def settled(self, workers: Workers) -> bool:  # noqa: ARG002  # the lanes know
        """Whether every arm is through."""
        return all(lane.done for lane in self._lanes)

    def evidence(self, sightings: Sequence[Sighting], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """What was seen of this fault's targets proves."""
        return judge_restart(self._targets, sightings, inject, heal)


@dataclass(slots=True)
class LateStartFault:
    """The processes are not there before the heal: on from the trial's beginning, whatever the fault phase."""

    plan: FaultPlan
    style: DrawStyle
    withholds: bool = True
    _targets: tuple[Target, ...] = ()

    def due_ns(self, begin_ns: int, end_ns: int) -> int:  # noqa: ARG002  # it is on long before
        """At the beginning of the phase, at the latest."""
        return begin_ns

    def inject(self, workers: Workers, *, until_ns: int) -> None:  # noqa: ARG002  # nothing is to be done
        """Nothing but to know who is missing."""
        self._targets = _targets_of(self.plan, workers)

    def step(self, workers: Workers, now_ns: int) -> None:
        """Nothing: whoever is not there stays away by himself."""

    def heal(self, workers: Workers) -> None:
        """Start them."""
        for target in self._targets:
            workers.start(target)

    def settled(self, workers: Workers) -> bool:
        """Whether all of them are ready."""
        return all(workers.last_seen(target) is ProcessEvent.READY for target in self._targets)

    def evidence(self, sightings: Sequence[Sighting], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """What was seen of this fault's targets proves."""
        return judge_late_start(self._targets, sightings, inject, heal)


def make_process_fault(plan: FaultPlan, *, seed: int, index: int) -> ProcessFault:
    """The fault that ``plan`` asks for; chance comes from the trial's ``seed`` and the fault's ``index`` in it.

    Raises:
        UsageError: the plan's model is no fault of processes.
    """
    style = PROCESS_STYLES.get(plan.model)
    if style is None:
        raise UsageError(f'"{plan.model}" is no fault of processes', fix="see FaultModel for what strikes processes")
    match plan.model:
        case FaultModel.CRASH:
            assert plan.point is not None, "a plan without a point does not validate"
            point = _POINTS[plan.point]
            judge = judge_crash(point)
            return ReplacingFault(plan, style, lambda workers, target: workers.crash(target, point), judge)
        case FaultModel.KILL:
            delay = random.Random(f"{seed}/kill/{index}").uniform(0.0, 0.5)
            return ReplacingFault(plan, style, lambda workers, target: workers.kill(target), judge_kill, delay)
        case FaultModel.PAUSE:
            return PauseFault(plan, style)
        case FaultModel.RESTART:
            return RestartFault(plan, style)
        case _:
            return LateStartFault(plan, style)


def _targets_of(plan: FaultPlan, workers: Workers) -> tuple[Target, ...]:
    assert plan.worker is not None, f"{plan.model} without a worker does not validate"
    return workers.targets(plan.worker, plan.members)


PROCESS_STYLES: Final = {
    FaultModel.CRASH: DrawStyle(
        label="crash",
        description="Consumers kill themselves (SIGKILL) at an exact point of their work; "
        "at the heal new processes take their places.",
    ),
    FaultModel.KILL: DrawStyle(
        label="kill",
        description="Processes are killed (SIGKILL) at a moment nobody chose; at the heal new ones take their places.",
    ),
    FaultModel.PAUSE: DrawStyle(
        label="pause",
        description="Processes are stopped (SIGSTOP), with their connections open, and continued at the heal.",
    ),
    FaultModel.RESTART: DrawStyle(
        label="restart",
        description="A deploy: one process of each arm after the other ends in order and is started anew.",
    ),
    FaultModel.LATE_START: DrawStyle(
        label="late-start",
        description="Processes are not started before the heal.",
    ),
}
