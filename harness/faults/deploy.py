"""The fault that is none: a deploy, in which one worker after the other ends in order and is started anew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.process_base import GONE, Workers, targets_of
from harness.faults.process_evidence import Sighting, Target, judge_restart
from harness.model.values import FaultPlan
from harness.model.words import ProcessEvent

STOP_DEADLINE_NS: Final = 8_000_000_000
"""How long a restart waits for a worker that was told to end; then it is killed, and the restart is unproven."""


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
            if workers.last_seen(self.current) in GONE:
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
        self._targets = targets_of(self.plan, workers)
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
