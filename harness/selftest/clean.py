"""Builds a trial's folder without running one: every record a perfect trial would leave, ready to be spoilt.

`build` simulates one Pub/Sub arm (two subscribers) and two Streams arms (fan-out to two groups; one group shared by
three consumers) through a `hold` of the consumers' link: nothing is lost, what the outage delays arrives after it, in
order. The result is a `Book` of notes, one per journal record::

    book = build(messages=40, seed=7)
    book.write(folder)
"""

from __future__ import annotations

import random
from itertools import count
from typing import Any

from harness.history.journal import BarrierPart, EventKind
from harness.model.results import TrialEnvironment, TrialFacts
from harness.model.values import Arm, Expectation, FaultPlan, Scenario, Timeline, Trial, Workload
from harness.model.words import (
    FaultModel,
    Guarantee,
    LinkRole,
    Phase,
    Primitive,
    ProbeResult,
    StackKind,
    Stance,
    Topology,
)
from harness.selftest.arm_script import ArmScript, open_pages
from harness.selftest.book import Book, Note, Pages
from harness.selftest.moments import (
    END_MS,
    HEAL_NS,
    INJECT_NS,
    MILLISECOND,
    OBSERVED_FROM_NS,
    OBSERVED_TO_NS,
    ORIGIN_NS,
    PHASES_MS,
    TOKEN,
)


def make_trial(*, producers: int = 2, seed: int = 1, control: bool = False) -> Trial:
    """The plan: every guarantee is required of every arm, so that a clause's verdict is what was measured."""
    arms = (
        Arm(name="pubsub", primitive=Primitive.PUBSUB, driver="pubsub", topology=Topology.FAN_OUT),
        Arm(name="stream-fan-out", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT),
        Arm(
            name="stream-queue",
            primitive=Primitive.STREAMS,
            driver="stream_group",
            topology=Topology.WORK_QUEUE,
            scopes=1,
            consumers_per_scope=3,
        ),
    )
    scenario = Scenario(
        name="synthetic",
        family="synthetic",
        question="What does the checker see in a history whose faults are known?",
        mechanism="none: the journals are made up",
        arms=tuple(arm.model_copy(update={"producers": producers}) for arm in arms),
        workload=Workload(rate_per_s=50),
        timeline=Timeline(warm_up_s=0.3, steady_s=0.6, outage_s=0.6, recovery_s=0.8),
        faults=() if control else (FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS),),
        expectations=tuple(
            Expectation(arm=arm.name, guarantee=guarantee, stance=Stance.REQUIRED)
            for arm in arms
            for guarantee in Guarantee
            if arm.primitive is Primitive.STREAMS or guarantee is not Guarantee.DURABLE
        ),
    )
    return Trial(run_id="synthetic", token=TOKEN, scenario=scenario, seed=seed, index=0)


def make_facts() -> TrialFacts:
    """What the conductor would have said of a complete trial."""
    environment = TrialEnvironment(
        stack=StackKind.LOCAL,
        server="synthetic 1.0",
        proxy_engine="none",
        client="none",
        python="3.11",
        platform="none",
        cpu_count=1,
    )
    return TrialFacts(environment=environment, status="complete", evidence=("pings stopped and came back",))


def build(*, messages: int = 40, producers: int = 2, seed: int = 1, control: bool = False) -> Book:
    """A perfect trial: ``messages`` per producer and arm."""
    book = Book(make_trial(producers=producers, seed=seed, control=control), make_facts())
    conductor = open_pages(book, "conductor", actor=0, arm=0, scope=-1, role="conductor")
    actors = count(1)
    _conduct(conductor, control=control)
    for index, arm in enumerate(book.trial.scenario.arms):
        ArmScript(book, index, arm, actors=actors, control=control).play(messages, random.Random(seed * 31 + index))
    return book


def _conduct(pages: Pages, *, control: bool) -> None:
    """Phases, the fault and the sentinel's probes of both links."""

    def note(kind: EventKind, t_ns: int, **values: Any) -> None:
        pages.notes.append(Note(kind, t_ns, 0, -1, 0, **values))

    for number, begin_ms in enumerate((*PHASES_MS.values(), END_MS)):
        note(EventKind.PHASE, ORIGIN_NS + begin_ms * MILLISECOND, code=number)
    if not control:
        note(EventKind.INJECT, INJECT_NS, aux_ns=INJECT_NS + MILLISECOND)
        note(EventKind.EFFECT_OBSERVED, OBSERVED_FROM_NS)
        note(EventKind.HEAL, HEAL_NS, aux_ns=HEAL_NS + MILLISECOND)
        note(EventKind.HEAL_OBSERVED, OBSERVED_TO_NS)
    for link in range(len(LinkRole)):
        for t_ns in range(ORIGIN_NS + 50 * MILLISECOND, ORIGIN_NS + PHASES_MS[Phase.DRAIN] * MILLISECOND, 20_000_000):
            struck = link == list(LinkRole).index(LinkRole.CONSUMERS) and INJECT_NS < t_ns < HEAL_NS and not control
            result = ProbeResult.SILENT if struck else ProbeResult.ANSWERED
            note(EventKind.PROBE, t_ns, aux_ns=0 if struck else t_ns + 200_000, code=result, detail=link, count=1)
    note(EventKind.BARRIER, ORIGIN_NS + 2_410 * MILLISECOND, code=BarrierPart.PRODUCERS_DONE, value=1)
