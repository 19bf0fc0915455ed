"""Injects the scenario's faults, heals them on every path, and collects their evidence.

All faults of a scenario share its fault phase: they begin and are healed together, links before processes, so that a
process that takes over finds a link that works.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from harness.faults.base import Probe
from harness.faults.links import Links
from harness.faults.process_evidence import Sighting, Target
from harness.faults.processes import make_process_fault
from harness.faults.registry import make_fault
from harness.faults.scout import Scout
from harness.faults.sentinel import Sentinel
from harness.history.journal import EventKind, Journal
from harness.model.errors import NotPossible
from harness.model.values import FaultPlan, Trial, link_roles
from harness.model.words import (
    FAILOVERS,
    LINK_FAULTS,
    PACKET_FAULTS,
    PROCESS_FAULTS,
    SERVER_FAULTS,
    FaultModel,
    LinkRole,
)
from harness.stack.base import RunningStack
from harness.stack.private import join_network
from harness.trial.acts import Act, CallBook, LinkAct, ProcessAct
from harness.trial.casting import Casting
from harness.trial.consumption_acts import PoisonAct, SlowAct
from harness.trial.failover_act import FailoverAct, make_failover_act
from harness.trial.packet_act import PacketAct, packet_drop
from harness.trial.server_acts import ServerAct, make_server_fault

FIRST_ANSWER_DEADLINE_S = 10.0
SETTLE_DEADLINE_S = 30.0
"""How long after the recovery phase a fault may take to be over, before the drain begins all the same."""


class Faulting:
    """All faults of one trial, with a sentinel on every link, and with eyes on the server where it is struck itself."""

    def __init__(
        self,
        trial: Trial,
        *,
        stack: RunningStack,
        links: Links,
        casting: Casting,
        journal: Journal,
        sightings: Callable[[], Sequence[Sighting]],
    ) -> None:
        self._trial = trial
        self._stack = stack
        self._links = links
        self._casting = casting
        self._journal = journal
        self._sightings = sightings
        self._sentinels: dict[LinkRole, Sentinel] = {}
        planned = enumerate(trial.scenario.faults)
        acts = [(index, self._act(plan, index)) for index, plan in planned if plan.model is not FaultModel.NONE]
        self._acts: dict[int, Act] = dict(acts)
        self._in_order = sorted(self._acts.values(), key=lambda act: not isinstance(act, LinkAct))

    def withheld(self) -> frozenset[Target]:
        """Who is not to be started with the others."""
        return frozenset(target for act in self._in_order for target in act.withheld())

    def start_sentinels(self) -> None:
        """Put a sentinel on each link, and a scout where a fault needs one, and wait until each has had an answer."""
        address = self._stack.server
        for role in link_roles(self._trial.scenario):
            padding = max((act.fault.needs.ping_padding for act in self._link_acts(role)), default=0)
            sentinel = self._make_sentinel(role, padding)
            self._sentinels[role] = sentinel
            sentinel.start()
        began_ns = time.monotonic_ns()
        for sentinel in self._sentinels.values():
            sentinel.wait_answered(after_ns=began_ns, deadline_s=FIRST_ANSWER_DEADLINE_S)
        for act in self._link_acts():
            if act.fault.needs.scout:
                act.scout = Scout(act.link, address)
                act.scout.start()
        for server_act in self._server_acts():
            server_act.watch()

    def open(self) -> None:
        """The traffic is about to begin."""
        for act in self._in_order:
            act.open()

    def inject(self, begin_ns: int, end_ns: int) -> None:
        """The fault phase, from ``begin_ns`` to ``end_ns``, begins."""
        for act in self._in_order:
            act.begin(begin_ns, end_ns)

    def step(self) -> None:
        """A moment has passed."""
        now_ns = time.monotonic_ns()
        for act in self._in_order:
            act.step(now_ns)

    def heal(self) -> None:
        """The fault phase ends: heal every fault that was begun."""
        for act in self._in_order:
            act.heal()

    def release(self) -> None:
        """On every path: no link stays broken, also where another one's heal fails. Idempotent."""
        with ExitStack() as releasing:
            for act in reversed(self._in_order):
                releasing.callback(act.release)

    def settled(self) -> bool:
        """Whether everything that the heal began has come to its end."""
        return all(act.settled() for act in self._in_order)

    def collect_evidence(self) -> tuple[str, ...]:
        """Judge what was seen, journal when it was observed, and return one sentence per fault of the scenario."""
        return tuple(
            self._evidence_of(index, self._acts[index]) if index in self._acts else "no fault, so nothing to observe"
            for index in range(len(self._trial.scenario.faults))
        )

    def stop_sentinels(self) -> None:
        """End the sentinels and scouts. Idempotent."""
        for act in self._link_acts():
            if act.scout is not None:
                act.scout.stop()
        for server_act in self._server_acts():
            server_act.stop_watching()
        for sentinel in self._sentinels.values():
            sentinel.stop()

    def _make_sentinel(self, role: LinkRole, padding_bytes: int) -> Sentinel:
        """It goes the way of the role's workers."""
        network = self._links.network(role)
        return Sentinel(
            self._links.route(role),
            self._stack.server,
            padding_bytes=padding_bytes,
            on_probe=self._note_probe,
            enter=None if network is None else partial(join_network, network),
        )

    def _link_acts(self, role: LinkRole | None = None) -> list[LinkAct]:
        acts = [act for act in self._in_order if isinstance(act, LinkAct)]
        return [act for act in acts if role is None or act.link.role is role]

    def _server_acts(self) -> list[ServerAct | FailoverAct]:
        return [act for act in self._in_order if isinstance(act, ServerAct | FailoverAct)]

    def _act(self, plan: FaultPlan, index: int) -> Act:
        book = CallBook(self._journal, index)
        if plan.model in LINK_FAULTS:
            role = plan.struck_link
            return LinkAct(make_fault(plan), self._links.link(role), book, partial(self._probes_of, role))
        if plan.model is FaultModel.SLOW:
            return SlowAct(plan, self._casting, book)
        if plan.model is FaultModel.POISON:
            return PoisonAct(plan, self._casting, book)
        if plan.model in FAILOVERS:
            return make_failover_act(plan, self._stack, self._links, book)
        if plan.model in PACKET_FAULTS:
            return PacketAct(packet_drop(plan, self._links), book, partial(self._probes_of, plan.struck_link))
        if plan.model in SERVER_FAULTS:
            return ServerAct(make_server_fault(plan, self._stack), book, self._stack.server, self._note_probe)
        if plan.model not in PROCESS_FAULTS:
            raise NotPossible(f"no trial can play the fault {plan.model} yet", fix="choose another fault")
        fault = make_process_fault(plan, seed=self._trial.seed, index=index)
        return ProcessAct(fault, self._casting, book, self._sightings)

    def _probes_of(self, role: LinkRole) -> Sequence[Probe]:
        return self._sentinels[role].probes()

    def _evidence_of(self, index: int, act: Act) -> str:
        evidence = act.evidence()
        for kind, moment_ns in (
            (EventKind.EFFECT_OBSERVED, evidence.observed_from_ns),
            (EventKind.HEAL_OBSERVED, evidence.observed_to_ns),
        ):
            if moment_ns is not None:
                self._journal.write(kind, t_ns=moment_ns, detail=index)
        return f"{act.style.label}: {evidence.sentence}" if len(self._acts) > 1 else evidence.sentence

    def _note_probe(self, probe: Probe) -> None:
        self._journal.write(
            EventKind.PROBE,
            t_ns=probe.sent_ns,
            aux_ns=probe.answered_ns or 0,
            code=probe.result,
            detail=list(LinkRole).index(probe.link),
            count=probe.connection,
        )
