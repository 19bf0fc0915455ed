"""Packets of a link's wire that are dropped, on their way through a trial.

Seen by the link's sentinel, which lives where the link's workers live. After the heal its connection, like theirs,
stays silent until TCP sends again, for up to as long as the outage was: the fault is over when an answer came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.faults.base import DrawStyle, Evidence, Probe
from harness.faults.links import Links
from harness.faults.packets import PacketDrop
from harness.faults.process_evidence import Target
from harness.faults.server_base import Deed
from harness.model.errors import TrialError
from harness.model.values import FaultPlan
from harness.trial.acts import NOTHING_DONE, CallBook


def packet_drop(plan: FaultPlan, links: Links) -> PacketDrop:
    """The fault of ``plan``."""
    route = links.wire(plan.struck_link)
    return PacketDrop(route.wire, route.role, plan.direction)


@dataclass(slots=True)
class PacketAct:
    """Packets dropped for the phase."""

    fault: PacketDrop
    book: CallBook
    probes: Callable[[], Sequence[Probe]]
    _injected: list[Deed] = field(default_factory=list)
    _healed: list[Deed] = field(default_factory=list)
    _touched: bool = False

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return self.fault.style

    def withheld(self) -> Sequence[Target]:
        """Nobody."""
        return ()

    def open(self) -> None:
        """Nothing: packets are dropped in the fault phase only."""

    def begin(self, begin_ns: int, end_ns: int) -> None:  # noqa: ARG002  # the protocol's signature
        """Drop from now on."""
        self._touched = True
        deed = self.fault.inject()
        self._injected.append(deed)
        self.book.inject(deed.times)

    def step(self, now_ns: int) -> None:
        """Nothing: it is on until the heal."""

    def heal(self) -> None:
        """Drop no more."""
        if not self._touched:
            return
        self._touched = False
        deed = self.fault.heal()
        self._healed.append(deed)
        self.book.heal(deed.times)

    def release(self) -> None:
        """The same, where the fault phase was not walked to its end. A wire that is gone drops no more either."""
        with contextlib.suppress(TrialError):
            self.heal()

    def settled(self) -> bool:
        """Whether the sentinel has been answered since the heal."""
        if not self._healed:
            return True
        healed_ns = self._healed[-1].times.before_ns
        return any(probe.answered_ns is not None and probe.answered_ns >= healed_ns for probe in self.probes())

    def evidence(self) -> Evidence:
        """What the sentinel saw, and what the kernel counted."""
        if not self._injected or not self._healed:
            return NOTHING_DONE
        return self.fault.evidence(self.probes(), inject=self._injected[0], heal=self._healed[-1])
