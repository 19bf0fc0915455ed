"""A run of every family that never happened: what crashes, slowness and incidents do, roughly as real servers did.

Built on `report_fixture`: the same messages and ledgers, and per arm the counts that a scenario is said to cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from report_fixture import FATES, judge, make_ledger, make_trial, partition_scenarios, summarise

from harness.model.accounts import ArmResult, Cost
from harness.model.results import ClaimResult, ClauseResult, RunSummary, SkippedTrial, TrialResult
from harness.model.values import (
    Arm,
    Expectation,
    FaultPlan,
    Prediction,
    Scenario,
    SourceClaim,
    StreamSettings,
    Timeline,
    Workload,
)
from harness.model.words import (
    AckPolicy,
    CrashPoint,
    Dedup,
    Direction,
    DuplicateCause,
    Fate,
    FaultModel,
    Guarantee,
    LinkRole,
    Mechanism,
    Members,
    PredictionResult,
    Primitive,
    Recovery,
    Stance,
    Topology,
    Verdict,
    WorkerRole,
)

PUBSUB, STREAMS = Primitive.PUBSUB, Primitive.STREAMS
CONSUMER, PRODUCER = WorkerRole.CONSUMER, WorkerRole.PRODUCER


def _arm(name: str, *, shared: bool = False, dedup: Dedup = Dedup.NONE, **settings: object) -> Arm:
    primitive = PUBSUB if "pubsub" in name else STREAMS
    driver = "stream_read" if name.startswith("stream-read") else "stream_group" if primitive is STREAMS else "pubsub"
    return Arm(
        name=name,
        primitive=primitive,
        driver=driver,
        topology=Topology.WORK_QUEUE if shared else Topology.FAN_OUT,
        scopes=1 if shared else 2,
        consumers_per_scope=3 if shared else 1,
        dedup=dedup,
        stream=StreamSettings.model_validate(settings),
    )


ARMS = {
    arm.name: arm
    for arm in (
        _arm("pubsub"),
        _arm("stream-group"),
        _arm("stream-group-ack-first", ack=AckPolicy.BEFORE_EFFECT),
        _arm("stream-group-noack", ack=AckPolicy.NOACK),
        _arm("stream-group-no-recovery", recovery=Recovery.NONE),
        _arm("stream-group-set-nx", dedup=Dedup.SET_NX),
        _arm("stream-group-lua", dedup=Dedup.LUA),
        _arm("stream-group-window", dedup=Dedup.WINDOW),
        _arm("stream-read-checkpoint-first"),
        _arm("stream-queue", shared=True),
        _arm("stream-group-maxlen"),
        _arm("stream-group-dead-letter", dead_letter_after=3),
    )
}
CRASH_ARMS = tuple(list(ARMS)[:10])


@dataclass(frozen=True)
class Damage:
    """What a scenario does to one arm."""

    lost: int = 0
    stuck: int = 0
    doubled: int = 0
    undone: int = 0
    """Received, not pending, and without effect."""
    duplicated: int = 0
    suppressed: int = 0
    false_dedup: int = 0
    dead: int = 0
    refused: int = 0
    mechanism: Mechanism | None = None


@dataclass(frozen=True)
class Told:
    """One scenario and what it does."""

    name: str
    family: str
    question: str
    faults: tuple[FaultPlan, ...]
    arms: tuple[str, ...]
    damages: dict[str, Damage] = field(default_factory=dict)
    claims: tuple[SourceClaim, ...] = ()


def _crash(point: CrashPoint) -> FaultPlan:
    return FaultPlan(model=FaultModel.CRASH, worker=CONSUMER, point=point)


AWAY, BEFORE, AFTER = Mechanism.NOT_CONNECTED, Mechanism.CRASH_BEFORE_EFFECT, Mechanism.CRASH_BEFORE_ACK
TOLD = (
    Told(
        "crash_before_effect",
        "crash",
        "What becomes of the message that a consumer dies on?",
        (_crash(CrashPoint.BEFORE_EFFECT),),
        CRASH_ARMS,
        {
            "pubsub": Damage(lost=612, undone=2, mechanism=AWAY),
            "stream-group-ack-first": Damage(undone=20, mechanism=BEFORE),
            "stream-group-noack": Damage(undone=17, mechanism=Mechanism.NOACK),
            "stream-group-no-recovery": Damage(stuck=20, mechanism=Mechanism.NO_CLAIMER),
            "stream-group-set-nx": Damage(undone=2, suppressed=2, false_dedup=2, duplicated=20, mechanism=BEFORE),
            "stream-group": Damage(duplicated=20),
            "stream-group-lua": Damage(duplicated=20),
            "stream-group-window": Damage(duplicated=20),
            "stream-read-checkpoint-first": Damage(undone=19, mechanism=BEFORE),
            "stream-queue": Damage(duplicated=28),
        },
    ),
    Told(
        "crash_after_effect",
        "crash",
        "Is an effect done twice when a consumer dies before its XACK?",
        (_crash(CrashPoint.AFTER_EFFECT),),
        CRASH_ARMS,
        {
            "pubsub": Damage(lost=633, mechanism=AWAY),
            "stream-group": Damage(doubled=2, duplicated=20),
            "stream-group-ack-first": Damage(undone=18, mechanism=BEFORE),
            "stream-group-noack": Damage(undone=15, mechanism=Mechanism.NOACK),
            "stream-group-no-recovery": Damage(stuck=20, undone=0, mechanism=AFTER),
            "stream-group-set-nx": Damage(suppressed=2, duplicated=20),
            "stream-group-lua": Damage(suppressed=2, duplicated=20),
            "stream-group-window": Damage(suppressed=1, doubled=1, duplicated=20),
            "stream-queue": Damage(doubled=3, duplicated=27),
        },
    ),
    Told(
        "crash_after_ack",
        "crash",
        "Is anything left to do after the XACK?",
        (_crash(CrashPoint.AFTER_ACK),),
        CRASH_ARMS[:8],
        {
            "pubsub": Damage(lost=598, mechanism=AWAY),
            "stream-group-no-recovery": Damage(stuck=18, mechanism=Mechanism.NO_CLAIMER),
        },
    ),
    Told(
        "crash_kill_consumers",
        "crash",
        "What does a SIGKILL at any moment cost?",
        (FaultPlan(model=FaultModel.KILL, worker=CONSUMER),),
        CRASH_ARMS,
        {"pubsub": Damage(lost=1_610, mechanism=AWAY), "stream-group": Damage(doubled=1, duplicated=11)},
    ),
    Told(
        "crash_zombie",
        "crash",
        "What does a consumer do that was stopped, taken over from and woken up?",
        (FaultPlan(model=FaultModel.PAUSE, worker=CONSUMER, members=Members.FIRST),),
        CRASH_ARMS,
        {
            "stream-queue": Damage(doubled=10, duplicated=10, refused=10),
            "stream-group-noack": Damage(undone=0),
        },
    ),
    Told(
        "crash_kill_producers",
        "crash",
        "Does a producer that dies double its last message?",
        (FaultPlan(model=FaultModel.KILL, worker=PRODUCER),),
        ("pubsub", "stream-group", "stream-queue"),
    ),
    Told("crash_control", "crash", "Is everything perfect while nothing dies?", (), CRASH_ARMS),
    Told(
        "link_replies_only",
        "link",
        "What if only the replies are swallowed?",
        (FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS, direction=Direction.REPLIES),),
        ("pubsub", "stream-group", "stream-queue"),
        {"pubsub": Damage(lost=590, mechanism=AWAY)},
    ),
    Told(
        "link_flapping",
        "link",
        "What does a link that comes and goes cost?",
        (FaultPlan(model=FaultModel.DOWN, link=LinkRole.CONSUMERS, cycles=5),),
        ("pubsub", "stream-group", "stream-queue"),
        {"pubsub": Damage(lost=415, mechanism=AWAY)},
    ),
    Told(
        "link_both",
        "link",
        "Producers and consumers are cut off together.",
        tuple(FaultPlan(model=FaultModel.DROP, link=link) for link in (LinkRole.PRODUCERS, LinkRole.CONSUMERS)),
        ("pubsub", "stream-group", "stream-queue"),
        {"pubsub": Damage(lost=41, mechanism=AWAY)},
    ),
    Told("link_control", "link", "Is everything perfect?", (), ("pubsub", "stream-group", "stream-queue")),
    Told(
        "consume_trimmed",
        "consume",
        "What does a slow consumer miss of a stream that is trimmed?",
        (FaultPlan(model=FaultModel.SLOW, worker=CONSUMER, handling_ms=80),),
        ("pubsub", "stream-group", "stream-group-maxlen"),
        {
            "pubsub": Damage(lost=221, mechanism=Mechanism.OUTPUT_BUFFER_KILL),
            "stream-group-maxlen": Damage(lost=338, mechanism=Mechanism.TRIMMED_UNREAD),
        },
    ),
    Told(
        "consume_poison",
        "consume",
        "What does one message that always fails do to the others?",
        (FaultPlan(model=FaultModel.POISON, every=20),),
        ("stream-group", "stream-group-dead-letter"),
        {
            "stream-group": Damage(stuck=30, duplicated=210, mechanism=Mechanism.NO_CLAIMER),
            "stream-group-dead-letter": Damage(dead=30, duplicated=60),
        },
    ),
    Told("consume_control", "consume", "Is everything perfect?", (), ("pubsub", "stream-group")),
    Told(
        "incident_partition",
        "incident",
        "Twelve minutes without a network: how many orders are lost?",
        (FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS),),
        ("pubsub", "stream-group", "stream-read-checkpoint-first"),
        {"pubsub": Damage(lost=640, mechanism=AWAY)},
        (
            SourceClaim(
                row="incident: network partition",
                text="A twelve-minute partition lost 14,700 orders.",
                arm="pubsub",
                guarantee=Guarantee.AT_LEAST_ONCE,
                holds_when=Verdict.VIOLATED,
                claimed_loss=14_700,
            ),
            SourceClaim(row="latency", text="Pub/Sub delivers in under a millisecond."),
        ),
    ),
    Told(
        "incident_rolling_restart",
        "incident",
        "A deploy restarts every consumer in turn: what is missed?",
        (FaultPlan(model=FaultModel.RESTART, worker=CONSUMER),),
        ("pubsub", "stream-group"),
        {"pubsub": Damage(lost=188, mechanism=AWAY)},
        (
            SourceClaim(
                row="acknowledgement",
                text="Streams deliver exactly once.",
                arm="stream-group",
                guarantee=Guarantee.EFFECTIVELY_ONCE,
                holds_when=Verdict.HELD,
            ),
        ),
    ),
    Told("incident_control", "incident", "Is everything perfect?", (), ("pubsub", "stream-group")),
)


def make_families(
    *, seed: int = 7, partition: bool = True, only: tuple[str, ...] = ()
) -> tuple[RunSummary, dict[str, pd.DataFrame]]:
    """The summary and, per trial folder name, the ledger; ``only``: these families."""
    told = [known for known in TOLD if not only or known.family in only]
    scenarios = [_scenario(known) for known in told]
    if partition and (not only or "partition" in only):
        scenarios = [*scenarios, *partition_scenarios(Timeline(), 100.0)]
    damages = {known.name: known.damages for known in told}
    results, ledgers = [], {}
    for index, scenario in enumerate(scenarios):
        trial = make_trial(scenario, seed, index, 100.0)
        ledger = make_ledger(trial)
        result = judge(trial, ledger)
        damaged = damages.get(scenario.name)
        if damaged is not None:
            ledger = _harm_ledger(ledger, scenario, damaged)
            result = _harm(result, damaged)
        ledgers[trial.folder_name] = ledger
        results.append(result)
    summary = summarise(results)
    return summary.model_copy(
        update={
            "name": "all",
            "repeat_command": "harness run all --seed 7",
            "skipped": () if only else SKIPPED,
            "claims": tuple(_claims(results)),
            "planned_trials": len(results) + (0 if only else len(SKIPPED)),
        }
    ), ledgers


SKIPPED = (
    SkippedTrial(
        scenario="link_bandwidth",
        seed=7,
        reason="the engine toxiproxy 2.12.0 has no bandwidth on connections that exist",
    ),
    SkippedTrial(
        scenario="consume_idempotent_add", seed=7, reason="the server (valkey 9.1.2) does not know XADD with IDMP"
    ),
)


def _scenario(told: Told) -> Scenario:
    stances = {
        name: Stance.EXPECTED_NOT_TO_HOLD
        if (d := told.damages.get(name)) and (d.lost or d.stuck or d.undone)
        else Stance.REQUIRED
        for name in told.arms
    }
    return Scenario(
        name=told.name,
        family=told.family,
        question=told.question,
        mechanism="A group keeps what was delivered in its pending list until it is acknowledged.",
        story="Something is broken for some seconds while producers go on as planned, then it heals.",
        arms=tuple(ARMS[name] for name in told.arms),
        workload=Workload(rate_per_s=100.0),
        timeline=Timeline(),
        faults=told.faults,
        expectations=tuple(
            Expectation(arm=name, guarantee=Guarantee.AT_LEAST_ONCE, stance=stance) for name, stance in stances.items()
        ),
        predictions=tuple(
            Prediction(
                arm=name,
                guarantee=Guarantee.AT_LEAST_ONCE,
                verdict=Verdict.HELD if stance is Stance.REQUIRED else Verdict.VIOLATED,
                reason="what was delivered and not acknowledged stays pending",
                mechanism=told.damages[name].mechanism if name in told.damages else None,
            )
            for name, stance in stances.items()
        ),
        claims=told.claims,
    )


def _harm(result: TrialResult, damages: dict[str, Damage]) -> TrialResult:
    arms = tuple(_harm_arm(arm, damages.get(arm.arm, Damage())) for arm in result.arms)
    by_name = {arm.arm: arm for arm in arms}
    clauses = tuple(_harm_clause(clause, by_name[clause.arm]) for clause in result.clauses)
    return result.model_copy(update={"arms": arms, "clauses": clauses})


def _harm_arm(arm: ArmResult, damage: Damage) -> ArmResult:
    known = ARMS[arm.arm]
    lost, stuck = damage.lost, damage.stuck
    delivered = sum(arm.fates.values()) - lost - stuck
    fates = dict.fromkeys(Fate, 0) | {Fate.DELIVERED: delivered, Fate.LOST: lost, Fate.STUCK: stuck}
    unsettled = stuck + damage.undone
    load = (
        {f"consumer-{n}": (arm.attempted // 3) + (11, -4, -7)[n] for n in range(3)}
        if known.consumers_per_scope > 1
        else {}
    )
    dedup = known.dedup is not Dedup.NONE
    return arm.model_copy(
        update={
            "fates": fates,
            "lost_by_mechanism": {damage.mechanism: lost} if damage.mechanism and lost else {},
            "unsettled_by_mechanism": {damage.mechanism: unsettled} if damage.mechanism and unsettled else {},
            "unsettled_effects": damage.undone,
            "duplicated": damage.duplicated,
            "duplicates_by_cause": {DuplicateCause.REDELIVERY: damage.duplicated},
            "duplicate_effects": damage.doubled,
            "missing_effects": lost + stuck + damage.undone,
            "suppressed_effects": damage.suppressed,
            "false_dedup": damage.false_dedup,
            "dead_lettered": damage.dead,
            "failed_handlings": damage.dead * 3,
            "refused_acknowledgements": damage.refused,
            "load": load,
            "cost": Cost(
                producer_requests=arm.cost.producer_requests,
                acknowledgement_calls=arm.cost.acknowledgement_calls,
                server_memory_bytes=arm.cost.server_memory_bytes,
                worker_cpu_ms=310.0,
                dedup_requests=arm.owed if dedup else 0,
                dedup_memory_bytes=arm.owed * 96 if dedup else None,
                handling_p50_us=210.0 + 90.0 * dedup if known.primitive is STREAMS else 14.0,
            ),
        }
    )


def _harm_clause(clause: ClauseResult, arm: ArmResult) -> ClauseResult:
    violations = {
        Guarantee.AT_LEAST_ONCE: arm.fates[Fate.LOST] + arm.fates[Fate.STUCK],
        Guarantee.AT_MOST_ONCE: arm.duplicated,
        Guarantee.EFFECTIVELY_ONCE: arm.missing_effects + arm.duplicate_effects,
    }.get(clause.guarantee, 0)
    measured = Verdict.VIOLATED if violations else Verdict.HELD
    verdict = measured
    if clause.stance is Stance.EXPECTED_NOT_TO_HOLD:
        verdict = Verdict.HELD if violations else Verdict.INCONCLUSIVE
    if clause.stance is Stance.FREE:
        verdict = Verdict.HELD
    prediction = clause.prediction
    if clause.predicted is not None:
        prediction = PredictionResult.CONFIRMED if clause.predicted is measured else PredictionResult.REFUTED
    return clause.model_copy(
        update={
            "violations": violations,
            "measured": measured,
            "verdict": verdict,
            "prediction": prediction,
            "reason": f"{violations:,} of {arm.owed:,} refute it",
        }
    )


def _harm_ledger(ledger: pd.DataFrame, scenario: Scenario, damages: dict[str, Damage]) -> pd.DataFrame:
    """Losses fall into the fault phase, so that figures show them where they belong."""
    ledger = ledger.copy()
    ledger["fate"] = FATES.index(Fate.DELIVERED)
    ledger["first_receive_ns"] = ledger["outcome_ns"] + 300_000
    ledger["effects"] = 1
    for index, arm in enumerate(scenario.arms):
        damage = damages.get(arm.name, Damage())
        rows = ledger.index[(ledger["arm"] == index) & (ledger["phase"] == 2)]
        ledger.loc[rows[: damage.lost], "fate"] = FATES.index(Fate.LOST)
        ledger.loc[rows[: damage.lost], "first_receive_ns"] = -1
        rows = rows[damage.lost :]
        ledger.loc[rows[: damage.stuck], "fate"] = FATES.index(Fate.STUCK)
        undone = damage.stuck + damage.undone
        ledger.loc[rows[:undone], "effects"] = 0
        ledger.loc[rows[undone : undone + damage.doubled], "effects"] = 2
    return ledger


def _claims(results: list[TrialResult]) -> list[ClaimResult]:
    found = []
    for result in results:
        for claim in result.trial.scenario.claims:
            arm = next((arm for arm in result.arms if arm.arm == claim.arm), None)
            finding = "shown" if claim.guarantee is None else "true"
            if claim.guarantee is Guarantee.EFFECTIVELY_ONCE:
                finding = "false"
            found.append(
                ClaimResult.model_validate(
                    {
                        "claim": claim,
                        "scenario": result.trial.scenario.name,
                        "arm": claim.arm or "",
                        "finding": finding,
                        "measured": f"{arm.arm} lost {arm.fates[Fate.LOST]:,} of {arm.owed:,} owed messages."
                        if arm
                        else "p50 from intended send was 0.46 ms for pubsub and 0.51 ms for stream-group.",
                        "evidence": f"trials/{result.trial.folder_name}",
                    }
                )
            )
    return found
