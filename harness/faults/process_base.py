"""What a fault of processes is, and the cast as such a fault sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.process_evidence import Sighting, Target
from harness.model.values import FaultPlan
from harness.model.words import CrashPointCode, Members, ProcessEvent, WorkerRole

GONE: Final = (ProcessEvent.ENDED, ProcessEvent.DIED)


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


def targets_of(plan: FaultPlan, workers: Workers) -> tuple[Target, ...]:
    """The places that ``plan`` strikes."""
    assert plan.worker is not None, f"{plan.model} without a worker does not validate"
    return workers.targets(plan.worker, plan.members)
