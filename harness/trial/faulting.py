"""Injects the scenario's faults, heals them on every path, and collects the sentinels' evidence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from harness.faults.base import CallTimes, Fault, Probe
from harness.faults.links import Links
from harness.faults.registry import make_fault
from harness.faults.sentinel import Sentinel
from harness.history.journal import EventKind, Journal
from harness.model.values import Scenario, link_roles
from harness.model.words import FaultModel, LinkRole
from harness.stack.base import ServerAddress

SENTINEL_DEADLINE_S = 10.0
FIRST_ANSWER_DEADLINE_S = 10.0


@dataclass(slots=True)
class _Planned:
    """One fault of the scenario and how far it has got."""

    fault: Fault
    index: int
    inject: CallTimes | None = None
    heal: CallTimes | None = None
    touched: bool = False


class Faulting:
    """All faults of one trial, with a sentinel on every link."""

    def __init__(self, scenario: Scenario, links: Links, journal: Journal) -> None:
        self._links = links
        self._roles = link_roles(scenario)
        self._journal = journal
        self._planned = [_Planned(make_fault(plan), index) for index, plan in enumerate(scenario.faults)]
        self._sentinels: dict[LinkRole, Sentinel] = {}

    def start_sentinels(self, address: ServerAddress) -> None:
        """Put a sentinel on each link and wait until each has been answered once."""
        for role in self._roles:
            sentinel = Sentinel(self._links.link(role), address, on_probe=self._note_probe)
            self._sentinels[role] = sentinel
            sentinel.start()
        began_ns = time.monotonic_ns()
        for sentinel in self._sentinels.values():
            sentinel.wait_answered(after_ns=began_ns, deadline_s=FIRST_ANSWER_DEADLINE_S)

    def inject(self) -> None:
        """Inject every fault."""
        for planned in self._planned:
            if planned.fault.plan.model is FaultModel.NONE:
                continue
            planned.touched = True
            planned.inject = planned.fault.inject(self._links.link(planned.fault.plan.struck_link))
            self._note_call(EventKind.INJECT, planned, planned.inject)

    def heal(self) -> None:
        """Heal every fault that was begun and not healed yet."""
        for planned in self._planned:
            if planned.touched and planned.heal is None:
                planned.heal = planned.fault.heal(self._links.link(planned.fault.plan.struck_link))
                self._note_call(EventKind.HEAL, planned, planned.heal)

    def collect_evidence(self) -> tuple[str, ...]:
        """Judge the probes, journal what was observed, and return one sentence per fault."""
        return tuple(self._evidence_of(planned) for planned in self._planned)

    def stop_sentinels(self) -> None:
        """End the sentinels. Idempotent."""
        for sentinel in self._sentinels.values():
            sentinel.stop()

    def probes(self) -> Mapping[LinkRole, list[Probe]]:
        """All probes so far, per link."""
        return {role: list(sentinel.probes()) for role, sentinel in self._sentinels.items()}

    def _evidence_of(self, planned: _Planned) -> str:
        if planned.inject is None or planned.heal is None:
            return f"{planned.fault.style.label}: not injected and healed, so nothing was observed"
        probes = self._sentinels[planned.fault.plan.struck_link].probes()
        evidence = planned.fault.evidence(probes, inject=planned.inject, heal=planned.heal)
        for kind, moment_ns in (
            (EventKind.EFFECT_OBSERVED, evidence.observed_from_ns),
            (EventKind.HEAL_OBSERVED, evidence.observed_to_ns),
        ):
            if moment_ns is not None:
                self._journal.write(kind, t_ns=moment_ns, detail=planned.index)
        return evidence.sentence

    def _note_call(self, kind: EventKind, planned: _Planned, times: CallTimes) -> None:
        self._journal.write(kind, t_ns=times.before_ns, aux_ns=times.after_ns, detail=planned.index)

    def _note_probe(self, probe: Probe) -> None:
        self._journal.write(
            EventKind.PROBE,
            t_ns=probe.sent_ns,
            aux_ns=probe.answered_ns or 0,
            code=probe.result,
            detail=list(LinkRole).index(probe.link),
            count=probe.connection,
        )
