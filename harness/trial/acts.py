"""What is done with one fault of a scenario, from before the traffic to its evidence, whatever kind it is.

`harness.trial.faulting` walks all acts of a trial through the same moments: `Act.open` before the first message,
`Act.begin` when the fault phase begins, `Act.step` every few hundredths of a second, `Act.heal` when it ends,
`Act.release` on every path, `Act.evidence` once `Act.settled`. Each control call is journalled with its times, so a
fault that comes and goes leaves several; a reader takes the first injection and the last heal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from harness.faults.base import CallTimes, DrawStyle, Evidence, Fault, Link, Probe
from harness.faults.cycles import judge_cycles
from harness.faults.process_base import ProcessFault, Workers
from harness.faults.process_evidence import Sighting, Target
from harness.faults.scout import Scout
from harness.history.journal import EventKind, Journal


class Act(Protocol):
    """One fault on its way through a trial."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""

    def withheld(self) -> Sequence[Target]:
        """Who is not to be started with the others."""

    def open(self) -> None:
        """The traffic is about to begin."""

    def begin(self, begin_ns: int, end_ns: int) -> None:
        """The fault phase begins and will last until ``end_ns``."""

    def step(self, now_ns: int) -> None:
        """A moment has passed."""

    def heal(self) -> None:
        """The fault phase ends."""

    def release(self) -> None:
        """Whatever happened: nothing of the fault may stay. Idempotent."""

    def settled(self) -> bool:
        """Whether what the heal began has come to its end."""

    def evidence(self) -> Evidence:
        """What was seen of it; nothing, where it was not injected and healed."""


@dataclass(slots=True)
class CallBook:
    """Journals the control calls of one fault, and keeps them."""

    journal: Journal
    index: int
    injects: list[CallTimes] = field(default_factory=list)
    heals: list[CallTimes] = field(default_factory=list)

    @property
    def is_on(self) -> bool:
        """Whether it was injected more often than healed."""
        return len(self.injects) > len(self.heals)

    def inject(self, times: CallTimes) -> None:
        """An injecting call has returned."""
        self.injects.append(times)
        self._note(EventKind.INJECT, times)

    def heal(self, times: CallTimes) -> None:
        """A healing call has returned."""
        self.heals.append(times)
        self._note(EventKind.HEAL, times)

    def _note(self, kind: EventKind, times: CallTimes) -> None:
        self.journal.write(kind, t_ns=times.before_ns, aux_ns=times.after_ns, detail=self.index)


NOTHING_DONE = Evidence(None, None, "not injected and healed, so nothing was observed")


@dataclass(slots=True)
class LinkAct:
    """A fault of a link: on for the phase or, with cycles, on and off for equal times, off at its end."""

    fault: Fault
    link: Link
    book: CallBook
    probes: Callable[[], Sequence[Probe]]
    scout: Scout | None = None
    _toggles_ns: list[int] = field(default_factory=list)
    _touched: bool = False
    """Whether the link may be broken: from before an injection, which may fail half-way, until a heal has succeeded."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return self.fault.style

    def withheld(self) -> Sequence[Target]:
        """Nobody."""
        return ()

    def open(self) -> None:
        """Nothing: links are broken in the fault phase only."""

    def begin(self, begin_ns: int, end_ns: int) -> None:
        """Inject; with n cycles there are n stretches with it and n - 1 without, all of one length."""
        stretches = 2 * self.fault.plan.cycles - 1
        self._toggles_ns = [begin_ns + (end_ns - begin_ns) * n // stretches for n in range(1, stretches)]
        self._inject()

    def step(self, now_ns: int) -> None:
        """Turn it off or on when it is time."""
        if self._toggles_ns and now_ns >= self._toggles_ns[0]:
            self._toggles_ns.pop(0)
            if self.book.is_on:
                self._heal()
            else:
                self._inject()

    def heal(self) -> None:
        """Turn it off for good."""
        self._toggles_ns.clear()
        if self._touched:
            self._heal()

    def release(self) -> None:
        """The same: a link must not stay broken."""
        self.heal()

    def settled(self) -> bool:
        """Always: the link's sentinel has had the recovery phase to see it."""
        return True

    def evidence(self) -> Evidence:
        """What the link's sentinel proves, of every cycle."""
        if not self.book.injects or self.book.is_on:
            return NOTHING_DONE
        cycles = list(zip(self.book.injects, self.book.heals, strict=True))
        scouting = None if self.scout is None else self.scout.scouting()
        judge = partial(self.fault.evidence, scouting=scouting)
        return judge_cycles(judge, self.probes(), cycles, planned=self.fault.plan.cycles)

    def _inject(self) -> None:
        self._touched = True
        self.book.inject(self.fault.inject(self.link))
        if self.scout is not None and self.fault.needs.dead_subscriber:
            self.scout.leave()

    def _heal(self) -> None:
        times = self.fault.heal(self.link)
        self._touched = False  # not before: a heal that fails is still due on the way out
        self.book.heal(times)


@dataclass(slots=True)
class ProcessAct:
    """A fault of processes."""

    fault: ProcessFault
    workers: Workers
    book: CallBook
    sightings: Callable[[], Sequence[Sighting]]
    _span: tuple[int, int] | None = None

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return self.fault.style

    def withheld(self) -> Sequence[Target]:
        """Those who come late."""
        plan = self.fault.plan
        if not self.fault.withholds or plan.worker is None:
            return ()
        return self.workers.targets(plan.worker, plan.members)

    def open(self) -> None:
        """Whoever comes late is missing from now on."""
        if self.fault.withholds:
            self._inject(until_ns=time.monotonic_ns())

    def begin(self, begin_ns: int, end_ns: int) -> None:
        """Strike now, or when the fault says."""
        self._span = (begin_ns, end_ns)
        self.step(time.monotonic_ns())

    def step(self, now_ns: int) -> None:
        """Strike when it is time; then let the fault go on."""
        if self._span is not None and not self.book.injects and now_ns >= self.fault.due_ns(*self._span):
            self._inject(until_ns=self._span[1])
        if self.book.injects:
            self.fault.step(self.workers, now_ns)

    def heal(self) -> None:
        """Begin to fill the places again."""
        if self.book.is_on:
            before_ns = time.monotonic_ns()
            self.fault.heal(self.workers)
            self.book.heal(CallTimes(before_ns, time.monotonic_ns()))

    def release(self) -> None:
        """Nothing: the cast ends with the trial, also those of it who stand still."""

    def settled(self) -> bool:
        """Whether every place is taken and at work again."""
        return not self.book.injects or self.fault.settled(self.workers)

    def evidence(self) -> Evidence:
        """What was seen of the processes proves."""
        if not self.book.injects or self.book.is_on:
            return NOTHING_DONE
        return self.fault.evidence(self.sightings(), inject=self.book.injects[0], heal=self.book.heals[-1])

    def _inject(self, *, until_ns: int) -> None:
        before_ns = time.monotonic_ns()
        self.fault.inject(self.workers, until_ns=until_ns)
        self.book.inject(CallTimes(before_ns, time.monotonic_ns()))
