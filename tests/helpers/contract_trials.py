"""Judged trials for the contract's tests, said in one line each: what one arm of one trial came to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from harness.check.clauses import gating
from harness.contract.evaluate import Evidence
from harness.contract.names import KnownNames
from harness.model.accounts import ArmLatency, ArmResult, Cost, LatencyQuantiles, RecoveryTimes, UnavailabilityWindow
from harness.model.results import ClauseResult, FaultWindow, PhaseSpan, RunSummary, TrialEnvironment, TrialResult
from harness.model.values import Arm, FaultPlan, Scenario, Trial
from harness.model.words import (
    Fate,
    FaultModel,
    Guarantee,
    LinkRole,
    Outcome,
    Phase,
    Primitive,
    StackKind,
    Stance,
    Topology,
    Verdict,
    merge_verdicts,
)

SECOND = 1_000_000_000
ARMS = {
    "pubsub": Arm(name="pubsub", primitive=Primitive.PUBSUB, driver="pubsub", topology=Topology.FAN_OUT),
    "group": Arm(name="group", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT),
}
KNOWN = KnownNames(
    families={"cut": "partition", "stall": "partition", "crash": "crashes"},
    arms=tuple(ARMS),
    primitive_of=lambda name: ARMS[name].primitive if name in ARMS else None,
)
ENVIRONMENT = TrialEnvironment(
    stack=StackKind.LOCAL,
    server="valkey 9.1.2",
    proxy_engine="toxiproxy 2.12.0",
    client="redis-py 8.1.0",
    python="3.11",
    platform="Linux",
    cpu_count=2,
)
HELD, VIOLATED, INCONCLUSIVE, ERROR = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.ERROR


def arm_result(
    *,
    arm: str = "group",
    lost: int = 0,
    unread: int = 0,
    phantoms: int = 0,
    duplicated: int = 0,
    duplicate_effects: int = 0,
    attempted: int = 1000,
    p99_ms: float | None = 5.0,
    recovery: RecoveryTimes | None = None,
    away: tuple[UnavailabilityWindow, ...] = (),
) -> ArmResult:
    """One arm with these numbers; everything else is unremarkable. ``phantoms`` are foreign: on top of what is owed."""
    quantiles = LatencyQuantiles(
        samples=attempted, undelivered=lost + unread, p50_ms=1.0, p99_ms=p99_ms, p999_ms=None, max_ms=9.0
    )
    missing = lost + unread
    fates = dict.fromkeys(Fate, 0) | {Fate.LOST: lost, Fate.UNREAD: unread, Fate.DELIVERED: attempted - missing}
    fates[Fate.PHANTOM] = phantoms
    return ArmResult(
        barrier_reached=True,
        arm=arm,
        primitive=ARMS[arm].primitive,
        scopes=1,
        attempted=attempted,
        outcomes=dict.fromkeys(Outcome, 0) | {Outcome.ACKNOWLEDGED: attempted},
        wire_attempts=attempted,
        owed=attempted,
        fates=fates,
        lost_by_mechanism={},
        lost_by_position={},
        duplicated=duplicated,
        duplicates_by_cause={},
        duplicate_effects=duplicate_effects,
        missing_effects=missing,
        reordered=0,
        late=0,
        recovered=0,
        log_entries=None,
        log_duplicates=None,
        durability=None,
        publish=None,
        acknowledged_in_fault=1,
        attempted_in_fault=1,
        latency=tuple(
            ArmLatency(phase=phase, from_intended=quantiles, from_send=quantiles) for phase in (None, Phase.FAULT)
        ),
        unavailability=away,
        largest_gap_ns=None,
        recovery=recovery or RecoveryTimes(),
        own_lateness_p99_ms=1.0,
        cost=Cost(producer_requests=attempted, acknowledgement_calls=0, server_memory_bytes=None),
    )


def trial_result(
    *arms: ArmResult,
    scenario: str = "cut",
    seed: int = 1,
    measured: dict[Guarantee, Verdict] | None = None,
    samples: int = 1000,
    stance: Stance = Stance.FREE,
    outage_s: float = 3.0,
    run: str = "run",
    missed: Sequence[str] = (),
    faults: tuple[FaultWindow, ...] = (),
) -> TrialResult:
    """One trial. What is not in ``measured`` follows from the arm's counts.

    ``missed``: arms whose drain barrier was not reached.
    """
    arms = arms or (arm_result(),)
    arms = tuple(arm.model_copy(update={"barrier_reached": arm.arm not in missed}) for arm in arms)
    planned = Scenario(
        name=scenario,
        family=KNOWN.families.get(scenario, "partition"),
        question="?",
        mechanism="-",
        arms=tuple(ARMS[arm.arm] for arm in arms),
        faults=(FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS),),
    )
    planned = planned.model_copy(update={"timeline": planned.timeline.model_copy(update={"outage_s": outage_s})})
    clauses = tuple(
        _clause(arm, guarantee, (measured or {}).get(guarantee), samples, stance, reached=arm.arm not in missed)
        for arm in arms
        for guarantee in Guarantee
    )
    token = hashlib.sha256(f"{run} {scenario} {seed}".encode()).hexdigest()[:8]
    return TrialResult(
        trial=Trial(run_id=run, token=token, scenario=planned, seed=seed, index=seed),
        environment=ENVIRONMENT,
        status="complete",
        verdict=merge_verdicts(gating(clauses)),
        phases=(
            PhaseSpan(phase=Phase.STEADY, begin_ns=0, end_ns=4 * SECOND),
            PhaseSpan(phase=Phase.FAULT, begin_ns=4 * SECOND, end_ns=10 * SECOND),
            PhaseSpan(phase=Phase.DRAIN, begin_ns=10 * SECOND, end_ns=60 * SECOND),
        ),
        faults=faults,
        barrier_reached=not missed,
        arms=arms,
        clauses=clauses,
        history_rows=1,
    )


def fault_window(*, inject_s: float = 4, heal_s: float | None = 7) -> FaultWindow:
    """A fault that was seen to come and to go; ``None``: it was never healed. The traffic lasts for ten seconds."""
    heal_ns = None if heal_s is None else round(heal_s * SECOND)
    return FaultWindow(
        plan=FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS),
        inject_before_ns=round(inject_s * SECOND),
        inject_after_ns=round(inject_s * SECOND),
        heal_before_ns=heal_ns,
        heal_after_ns=heal_ns,
        observed_from_ns=round(inject_s * SECOND),
        observed_to_ns=heal_ns,
        evidence="seen",
    )


def _clause(
    arm: ArmResult, guarantee: Guarantee, measured: Verdict | None, samples: int, stance: Stance, *, reached: bool
) -> ClauseResult:
    """One guarantee, measured as the checker does: what was seen stands, what is missing only with the barrier."""
    positive = {
        Guarantee.AT_LEAST_ONCE: arm.fates[Fate.PHANTOM],
        Guarantee.AT_MOST_ONCE: arm.duplicated,
        Guarantee.EFFECTIVELY_ONCE: arm.duplicate_effects,
    }.get(guarantee, 0)
    absent = {
        Guarantee.AT_LEAST_ONCE: arm.fates[Fate.LOST],
        Guarantee.EFFECTIVELY_ONCE: arm.missing_effects,
    }.get(guarantee, 0)
    count, reason = positive + absent, f"{positive + absent} of {samples} counted"
    found = VIOLATED if positive or (absent and reached) else HELD
    if found is HELD and not reached:
        found, reason = INCONCLUSIVE, f"the drain barrier was not reached (-), so absence is not proven; {reason}"
    found = measured if measured is not None else found
    return ClauseResult(
        arm=arm.arm,
        guarantee=guarantee,
        stance=stance,
        measured=found,
        verdict=HELD if stance is Stance.FREE else found,
        violations=count,
        samples=samples,
        reason=reason,
    )


def evidence(*trials: TrialResult, skipped: dict[str, str] | None = None) -> Evidence:
    """These trials as the evidence for a contract."""
    return Evidence(trials, skipped or {})


def run_summary(*trials: TrialResult, planned: int | None = None) -> RunSummary:
    """A run of these trials, condensed by the checker itself."""
    from harness.check.judge import EXIT_CODES
    from harness.check.summary import guarantee_summaries, scenario_rows

    verdict = merge_verdicts([trial.verdict for trial in trials])
    return RunSummary(
        run_id="run",
        name="run",
        created_utc="2026-01-01T00:00:00+00:00",
        harness_version="0",
        repeat_command="harness run",
        partial=planned is not None and planned > len(trials),
        planned_trials=planned or len(trials),
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        answer="-",
        rows=scenario_rows(trials),
        guarantees=guarantee_summaries(trials),
        trials=trials,
    )
