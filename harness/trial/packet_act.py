"""Packets of a link's wire that are dropped, on their way through a trial.

Seen by the link's sentinel, which lives where the link's workers live. After the heal its connection, like theirs,
stays silent until TCP sends again, for up to as long as the outage was: the fault is over when an answer came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.faults.base import Evidence, Probe
from harness.faults.links import Links
from harness.faults.packets import PacketDrop
from harness.model.errors import TrialError
from harness.model.values import FaultPlan
from harness.trial.acts import NOTHING_DONE
from harness.trial.once import OnceAct


def packet_drop(plan: FaultPlan, links: Links) -> PacketDrop:
    """The fault of ``plan``."""
    route = links.wire(plan.struck_link)
    return PacketDrop(route.wire, route.role, plan.direction)


@dataclass(slots=True)
class PacketAct(OnceAct[PacketDrop]):
    """Packets dropped for the phase."""

    probes: Callable[[], Sequence[Probe]]

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
