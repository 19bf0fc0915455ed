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
meant. After the heal `step` goes on until every place is taken again. What such a fault is and what it may do to the
cast stands in `harness.faults.process_base`; the restart, which takes its time, in `harness.faults.deploy`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.deploy import RestartFault
from harness.faults.process_base import GONE, ProcessFault, Workers, targets_of
from harness.faults.process_evidence import (
    Sighting,
    Target,
    judge_crash,
    judge_kill,
    judge_late_start,
    judge_pause,
)
from harness.model.errors import UsageError
from harness.model.values import FaultPlan
from harness.model.words import CrashPoint, CrashPointCode, FaultModel, ProcessEvent

_POINTS: Final = {
    CrashPoint.BEFORE_EFFECT: CrashPointCode.BEFORE_EFFECT,
    CrashPoint.AFTER_EFFECT: CrashPointCode.AFTER_EFFECT,
    CrashPoint.AFTER_ACK: CrashPointCode.AFTER_ACK,
}


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
        self._targets = targets_of(self.plan, workers)
        for target in self._targets:
            self.strike(workers, target)

    def step(self, workers: Workers, now_ns: int) -> None:  # noqa: ARG002  # it waits for deaths, not for a time
        """After the heal: fill each place whose process is seen to be gone, also one that dies only now."""
        for target in tuple(self._vacant):
            if workers.last_seen(target) in GONE:
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
        self._targets = targets_of(self.plan, workers)
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
        self._targets = targets_of(self.plan, workers)

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
