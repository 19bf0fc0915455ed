"""How a scenario script says what it believes: statements about arms, and the scenario made of them.

A statement is one guarantee of one arm, with the reason. `holds` requires it: a violation makes the run fail.
`breaks` expects that it does not hold, and names the mechanism where there is one to name: a run in which it held is
inconclusive (did the fault work?). `guess` only predicts, for what chance decides; nothing depends on it but whether
we were right.

    SCENARIO = fault_scenario(
        name="crash_before_effect",
        family="crash",
        ...
        arms=select_arms("pubsub", "stream-group", scopes=1),
        faults=[FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.BEFORE_EFFECT)],
        statements=[
            holds("stream-group", Guarantee.AT_LEAST_ONCE, "it is still pending, and claimed"),
            breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed", Mechanism.NOT_CONNECTED),
        ],
    )
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.model.values import (
    Arm,
    Expectation,
    FaultPlan,
    Limits,
    Prediction,
    Scenario,
    SourceClaim,
    Timeline,
    Workload,
)
from harness.model.words import Guarantee, Mechanism, Persistence, Primitive, Stance, Verdict
from harness.plan.arms import named_arm

SHORT = Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=2.0, recovery_s=2.5)
"""Seven seconds of traffic: enough for a crash, a restart and the claims after it."""
PERFECT = (Guarantee.AT_LEAST_ONCE, Guarantee.AT_MOST_ONCE, Guarantee.EFFECTIVELY_ONCE, Guarantee.ORDERED)
"""What every arm keeps while nothing is injected; see `perfect`."""

CRASH_ARMS = (
    "pubsub",
    "stream-read",
    "stream-read-checkpoint-first",
    "stream-group",
    "stream-group-ack-first",
    "stream-group-noack",
    "stream-group-set-nx",
    "stream-group-lua",
    "stream-group-window",
)
"""Every way to consume that a crash treats differently."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a script says about one guarantee of one arm."""

    arm: str
    guarantee: Guarantee
    stance: Stance
    verdict: Literal[Verdict.HELD, Verdict.VIOLATED]
    reason: str
    mechanism: Mechanism | None = None

    def expectation(self) -> Expectation:
        """How it gates."""
        return Expectation(arm=self.arm, guarantee=self.guarantee, stance=self.stance)

    def prediction(self) -> Prediction:
        """What it foretells."""
        return Prediction(
            arm=self.arm,
            guarantee=self.guarantee,
            verdict=self.verdict,
            reason=self.reason,
            mechanism=self.mechanism,
        )


def holds(arm: str, guarantee: Guarantee, reason: str) -> Statement:
    """``arm`` must keep ``guarantee``."""
    return Statement(arm, guarantee, Stance.REQUIRED, Verdict.HELD, reason)


def breaks(arm: str, guarantee: Guarantee, reason: str, mechanism: Mechanism | None = None) -> Statement:
    """``arm`` is expected not to keep ``guarantee``; were it kept, the fault would be in doubt."""
    return Statement(arm, guarantee, Stance.EXPECTED_NOT_TO_HOLD, Verdict.VIOLATED, reason, mechanism)


def guess(arm: str, guarantee: Guarantee, verdict: Literal[Verdict.HELD, Verdict.VIOLATED], reason: str) -> Statement:
    """A prediction that nothing depends on."""
    return Statement(arm, guarantee, Stance.FREE, verdict, reason)


def select_arms(*names: str, scopes: int | None = None) -> tuple[Arm, ...]:
    """The arms called ``names``; with ``scopes`` each has that many recipients instead of its own number."""
    found = [named_arm(name) for name in names]
    return tuple(found if scopes is None else (arm.model_copy(update={"scopes": scopes}) for arm in found))


def fault_scenario(
    *,
    name: str,
    family: str,
    story: str,
    question: str,
    mechanism: str,
    arms: Sequence[Arm],
    faults: Sequence[FaultPlan],
    statements: Sequence[Statement],
    timeline: Timeline = SHORT,
    workload: Workload | None = None,
    limits: Limits | None = None,
    server_settings: Mapping[str, str] | None = None,
    persistence: Persistence = Persistence.OFF,
    replicated: bool = False,
    wired: bool = False,
    beside: str = "",
    claims: Sequence[SourceClaim] = (),
    slow: bool = False,
    real_time: tuple[float, float] | None = None,
) -> Scenario:
    """A scenario whose expectations and predictions come from its statements."""
    return Scenario(
        name=name,
        family=family,
        story=story,
        question=question,
        mechanism=mechanism,
        arms=tuple(arms),
        faults=tuple(faults),
        expectations=tuple(statement.expectation() for statement in statements),
        predictions=tuple(statement.prediction() for statement in statements),
        timeline=timeline,
        workload=workload or Workload(rate_per_s=60.0),
        limits=limits or Limits(),
        server_settings=dict(server_settings or {}),
        persistence=persistence,
        replicated=replicated,
        wired=wired,
        beside=beside,
        claims=tuple(claims),
        slow=slow,
        real_time=real_time,
    )


def perfect(arm: Arm) -> tuple[Guarantee, ...]:
    """What ``arm`` keeps while nothing is injected. A stream is durable as well: what it trims as told is no loss."""
    return (*PERFECT, Guarantee.DURABLE) if arm.primitive is Primitive.STREAMS else PERFECT


def family_control(
    *,
    name: str,
    family: str,
    story: str,
    question: str,
    arms: Sequence[Arm],
    imperfect: Mapping[str, Sequence[Guarantee]] | None = None,
    timeline: Timeline = SHORT,
    workload: Workload | None = None,
    persistence: Persistence = Persistence.OFF,
    claims: Sequence[SourceClaim] = (),
    replicated: bool = False,
    wired: bool = False,
) -> Scenario:
    """The no-fault control of a family: every arm must be perfect, but for what ``imperfect`` excuses."""
    excused = imperfect or {}
    statements = [
        holds(arm.name, guarantee, "nothing is injected")
        for arm in arms
        for guarantee in perfect(arm)
        if guarantee not in excused.get(arm.name, ())
    ]
    return fault_scenario(
        name=name,
        family=family,
        story=story,
        question=question,
        mechanism="nothing is injected",
        arms=arms,
        faults=(),
        statements=statements,
        timeline=timeline,
        workload=workload,
        persistence=persistence,
        claims=claims,
        replicated=replicated,
        wired=wired,
    )
