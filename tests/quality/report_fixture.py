"""A realistic run that never happened: 9 scenarios × 3 arms with ledgers and a summary that agrees with them.

The messages are drawn from a seed and treated as each partition model treats them, roughly as real servers did, so
that reports can be tested and looked at without servers. It serves the tests of the reporter only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.model.accounts import (
    ArmLatency,
    ArmResult,
    Cost,
    DurabilityTable,
    LatencyQuantiles,
    PublishAudit,
    RecoveryTimes,
    UnavailabilityWindow,
)
from harness.model.results import (
    ClauseResult,
    FaultWindow,
    GuaranteeSummary,
    PhaseSpan,
    RunSummary,
    ScenarioRow,
    TrialEnvironment,
    TrialResult,
)
from harness.model.values import Arm, Expectation, FaultPlan, Prediction, Scenario, Timeline, Trial, Workload
from harness.model.words import (
    DuplicateCause,
    Fate,
    FaultModel,
    Guarantee,
    LinkRole,
    LossPosition,
    Mechanism,
    Outcome,
    OutcomeCode,
    Phase,
    PredictionResult,
    Primitive,
    StackKind,
    Stance,
    Topology,
    Verdict,
    merge_verdicts,
)

SECOND = 1_000_000_000
FATES = list(Fate)
PHASES = list(Phase)
MECHANISMS = list(Mechanism)
LOST_VIEW = (FaultModel.DROP, FaultModel.DOWN, FaultModel.RESET)

ARMS = (
    Arm(name="pubsub", primitive=Primitive.PUBSUB, driver="pubsub", topology=Topology.FAN_OUT, scopes=2),
    Arm(name="stream-group", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT, scopes=2),
    Arm(
        name="stream-workers",
        primitive=Primitive.STREAMS,
        driver="stream_group",
        topology=Topology.WORK_QUEUE,
        scopes=1,
        consumers_per_scope=2,
    ),
)

ENVIRONMENT = TrialEnvironment(
    stack=StackKind.LOCAL,
    server="valkey 9.1.2",
    server_settings={"appendonly": "no", "save": "", "client-output-buffer-limit": "pubsub 32mb 8mb 60"},
    proxy_engine="toxiproxy 2.12.0",
    client="redis-py 8.1.0",
    client_settings={"as-shipped": {"retries": "10", "socket_timeout": "5 s", "keepalive": "30 s", "protocol": "3"}},
    python="3.11.7",
    platform="Linux 6.8 x86_64",
    cpu_count=2,
)

PREDICTION_REASONS = {
    Primitive.PUBSUB: "Pub/Sub keeps nothing for a subscriber that is not connected",
    Primitive.STREAMS: "the entry stays in the log and in the pending list until it is acknowledged",
}


@dataclass(frozen=True)
class Window:
    """The fault of a synthetic trial, in seconds."""

    link: LinkRole | None
    model: FaultModel
    begin: float
    end: float


def make_summary(
    *, seed: int = 7, timeline: Timeline | None = None, rate: float = 100.0, trials: int = 1, scenarios: int = 9
) -> tuple[RunSummary, dict[str, pd.DataFrame]]:
    """The summary and, per trial folder name, the ledger."""
    planned = [
        make_trial(scenario, seed + number, index, rate)
        for number in range(trials)
        for index, scenario in enumerate(partition_scenarios(timeline or Timeline(), rate)[:scenarios])
    ]
    results: list[TrialResult] = []
    ledgers: dict[str, pd.DataFrame] = {}
    for trial in planned:
        ledger = make_ledger(trial)
        ledgers[trial.folder_name] = ledger
        results.append(judge(trial, ledger))
    return summarise(results), ledgers


def write_run(folder: Path, summary: RunSummary, ledgers: dict[str, pd.DataFrame]) -> Path:
    """Lay the run out as a run folder that still has to be reported."""
    for name, ledger in ledgers.items():
        trial_folder = folder / "trials" / name
        trial_folder.mkdir(parents=True)
        ledger.to_parquet(trial_folder / "ledger.parquet", index=False)
    for result in summary.trials:
        path = folder / "trials" / result.trial.folder_name / "trial.json"
        path.write_text(result.trial.model_dump_json())
    return folder


def partition_scenarios(timeline: Timeline, rate: float) -> list[Scenario]:
    """The family: two links × four models, and the control."""
    plans: list[FaultPlan | None] = [
        FaultPlan(model=model, link=link)
        for link in (LinkRole.CONSUMERS, LinkRole.PRODUCERS)
        for model in (FaultModel.HOLD, FaultModel.DROP, FaultModel.DOWN, FaultModel.RESET)
    ]
    return [_scenario(plan, timeline, rate) for plan in [*plans, None]]


def _scenario(plan: FaultPlan | None, timeline: Timeline, rate: float) -> Scenario:
    name = "partition-control" if plan is None else f"partition-{plan.link.value}-{plan.model.value}"
    loses = plan is not None and plan.link is LinkRole.CONSUMERS and plan.model in LOST_VIEW
    stances = {arm.name: Stance.REQUIRED for arm in ARMS}
    if loses:
        stances["pubsub"] = Stance.EXPECTED_NOT_TO_HOLD
    return Scenario(
        name=name,
        family="partition",
        question="Which messages are lost when this link is cut?",
        mechanism="Pub/Sub pushes to whoever is connected; a stream keeps the entry until it is acknowledged.",
        story="The link is cut for some seconds while producers go on as planned, then it heals.",
        arms=ARMS,
        workload=Workload(rate_per_s=rate),
        timeline=timeline,
        faults=() if plan is None else (plan,),
        expectations=tuple(
            Expectation(arm=arm.name, guarantee=Guarantee.AT_LEAST_ONCE, stance=stances[arm.name]) for arm in ARMS
        ),
        predictions=tuple(
            Prediction(
                arm=arm.name,
                guarantee=Guarantee.AT_LEAST_ONCE,
                verdict=Verdict.VIOLATED if loses and arm.primitive is Primitive.PUBSUB else Verdict.HELD,
                reason=PREDICTION_REASONS[arm.primitive],
            )
            for arm in ARMS
        ),
    )


def make_trial(scenario: Scenario, seed: int, index: int, rate: float) -> Trial:
    del rate
    return Trial(run_id="20260101T000000Z-partition", token=f"{index:08x}", scenario=scenario, seed=seed, index=index)


def _window(trial: Trial) -> Window:
    timeline = trial.scenario.timeline
    begin = timeline.warm_up_s + timeline.steady_s + 0.0007
    if not trial.scenario.faults:
        return Window(None, FaultModel.NONE, begin, begin + timeline.outage_s)
    plan = trial.scenario.faults[0]
    return Window(plan.link, plan.model, begin, begin + timeline.outage_s)


def make_ledger(trial: Trial) -> pd.DataFrame:
    """One row per owed (message, scope), in the columns of a stored ledger."""
    draw = np.random.default_rng(trial.seed * 1_000 + trial.index)
    window = _window(trial)
    return pd.concat(
        [_arm_rows(trial, arm, window, draw) for arm in range(len(trial.scenario.arms))], ignore_index=True
    )


def _arm_rows(trial: Trial, index: int, window: Window, draw: np.random.Generator) -> pd.DataFrame:
    arm = trial.scenario.arms[index]
    timeline = trial.scenario.timeline
    traffic = timeline.traffic_s
    number = draw.poisson(trial.scenario.workload.rate_per_s * traffic)
    intended = np.sort(draw.uniform(0, traffic, number))
    send, outcome, code = _produce(intended, window, draw)
    frames = []
    for scope in range(arm.scopes):
        received = _receive(arm, outcome, code, window, draw)
        frames.append(_frame(index, scope, arm, window, timeline, intended, send, outcome, code, received))
    return pd.concat(frames, ignore_index=True)


def _produce(intended: np.ndarray, window: Window, draw: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Send time, outcome time and outcome code per message: one at a time, blocked while the producers' link is cut."""
    code = np.full(len(intended), OutcomeCode.ACKNOWLEDGED, dtype=np.uint8)
    cost = 0.00025 + draw.gamma(2.0, 0.00008, len(intended))
    send, outcome = np.empty_like(intended), np.empty_like(intended)
    free = 0.0
    for position, due in enumerate(intended):
        send[position] = begin = max(due, free) + 0.00005
        cut = window.link is LinkRole.PRODUCERS and window.begin <= begin < window.end
        if cut and window.model in (FaultModel.DOWN, FaultModel.RESET):
            outcome[position] = begin + 0.35
            reached = outcome[position] >= window.end
            code[position] = OutcomeCode.ACKNOWLEDGED if reached else OutcomeCode.REJECTED
        elif cut:
            outcome[position] = window.end + 0.004
            code[position] = OutcomeCode.INDETERMINATE if window.model is FaultModel.DROP else code[position]
        else:
            outcome[position] = begin + cost[position]
        free = outcome[position]
    return send, outcome, code


def _receive(arm: Arm, outcome: np.ndarray, code: np.ndarray, window: Window, draw: np.random.Generator) -> np.ndarray:
    """When a scope first received each message; NaN: never."""
    received = outcome + 0.00002 + draw.gamma(2.0, 0.00006, len(outcome))
    received[code != OutcomeCode.ACKNOWLEDGED] = np.nan
    if window.link is not LinkRole.CONSUMERS:
        return received
    back = window.end + (0.004 if window.model is FaultModel.HOLD else 0.06)
    cut = (outcome >= window.begin) & (outcome < back)
    if arm.primitive is Primitive.PUBSUB and window.model is not FaultModel.HOLD:
        received[cut] = np.nan
        return received
    queue = np.cumsum(np.full(int(cut.sum()), 0.00035))
    received[cut] = np.maximum(received[cut], back + queue)
    return received


def _frame(index, scope, arm, window, timeline, intended, send, outcome, code, received) -> pd.DataFrame:
    """The ledger rows of one scope."""
    number = len(intended)
    delivered = ~np.isnan(received)
    acknowledged = code == OutcomeCode.ACKNOWLEDGED
    lost = acknowledged & ~delivered
    fate = np.where(
        delivered, FATES.index(Fate.DELIVERED), np.where(lost, FATES.index(Fate.LOST), FATES.index(Fate.ABSENT))
    )
    silent = lost & (window.model is FaultModel.DROP)
    late = delivered & (received - intended > 0.1)
    edges = np.cumsum([timeline.warm_up_s, timeline.steady_s, timeline.outage_s, timeline.recovery_s])
    answer = np.where(acknowledged, np.where(lost & ~silent, 0, arm.scopes), -1)
    return pd.DataFrame(
        {
            "arm": np.full(number, index, np.uint8),
            "scope": np.full(number, scope, np.int8),
            "producer": np.zeros(number, np.uint16),
            "sequence": np.arange(number, dtype=np.uint32),
            "outcome": code,
            "fate": fate.astype(np.uint8),
            "mechanism": np.where(lost, 1 + MECHANISMS.index(Mechanism.NOT_CONNECTED), 0).astype(np.uint8),
            "phase": np.searchsorted(edges, intended, side="right").astype(np.uint8),
            "intended_ns": (intended * SECOND).astype(np.int64),
            "send_ns": (send * SECOND).astype(np.int64),
            "outcome_ns": (outcome * SECOND).astype(np.int64),
            "first_receive_ns": np.where(delivered, np.nan_to_num(received) * SECOND, -1).astype(np.int64),
            "receives": delivered.astype(np.uint16),
            "effects": delivered.astype(np.uint16),
            "log_entries": (acknowledged & (arm.primitive is Primitive.STREAMS)).astype(np.uint16),
            "publish_answer": (answer if arm.primitive is Primitive.PUBSUB else np.full(number, -1)).astype(np.int32),
            "flags": (late * 4 + (silent * 32)).astype(np.uint16),
            "position": np.where(lost, 1 + list(LossPosition).index(LossPosition.MIDDLE), 0).astype(np.uint8),
        }
    )


def _quantiles(latency_ms: np.ndarray) -> LatencyQuantiles:
    number = len(latency_ms)
    finite = latency_ms[np.isfinite(latency_ms)]

    def quantile(q: float) -> float | None:
        if number < 1 / (1 - q):
            return None
        return float(np.sort(latency_ms)[min(number - 1, int(np.ceil(q * number)) - 1)])

    return LatencyQuantiles(
        samples=number,
        undelivered=number - len(finite),
        p50_ms=quantile(0.5),
        p99_ms=quantile(0.99),
        p999_ms=quantile(0.999),
        max_ms=float(finite.max()) if len(finite) else None,
    )


def _latencies(rows: pd.DataFrame) -> tuple[ArmLatency, ...]:
    received = rows["first_receive_ns"].to_numpy().astype(float)
    received[received < 0] = np.inf
    found = []
    for phase in (None, *PHASES[:4]):
        chosen = np.ones(len(rows), bool) if phase is None else rows["phase"].to_numpy() == PHASES.index(phase)
        from_intended = _quantiles(((received - rows["intended_ns"]) / 1e6)[chosen].to_numpy())
        from_send = _quantiles(((received - rows["send_ns"]) / 1e6)[chosen].to_numpy())
        found.append(ArmLatency(phase=phase, from_intended=from_intended, from_send=from_send))
    return tuple(found)


def _arm_result(trial: Trial, index: int, rows: pd.DataFrame) -> ArmResult:
    arm, window = trial.scenario.arms[index], _window(trial)
    first = rows[rows["scope"] == 0]
    fates = {fate: int((rows["fate"] == code).sum()) for code, fate in enumerate(FATES)}
    lost = rows["fate"] == FATES.index(Fate.LOST)
    silently = int((lost & (rows["flags"] & 32 > 0)).sum())
    outcomes = {
        Outcome.ACKNOWLEDGED: int((first["outcome"] == OutcomeCode.ACKNOWLEDGED).sum()),
        Outcome.REJECTED: int((first["outcome"] == OutcomeCode.REJECTED).sum()),
        Outcome.INDETERMINATE: int((first["outcome"] == OutcomeCode.INDETERMINATE).sum()),
    }
    begin, end = window.begin * SECOND, window.end * SECOND
    in_fault = (first["send_ns"] < end) & (first["outcome_ns"] >= begin)
    if window.link is None:
        in_fault &= False
    streams = arm.primitive is Primitive.STREAMS
    blocked = window.link is LinkRole.PRODUCERS
    return ArmResult(
        barrier_reached=True,
        arm=arm.name,
        primitive=arm.primitive,
        scopes=arm.scopes,
        attempted=len(first),
        outcomes=outcomes,
        wire_attempts=len(first) + (3 if blocked else 0),
        owed=len(rows),
        fates=fates,
        lost_by_mechanism={Mechanism.NOT_CONNECTED: int(lost.sum())} if lost.any() else {},
        lost_by_position={LossPosition.MIDDLE: int(lost.sum())} if lost.any() else {},
        lost_silently=silently,
        lost_detectably=int(lost.sum()) - silently,
        duplicated=0,
        duplicates_by_cause={DuplicateCause.REDELIVERY: 0},
        duplicate_effects=0,
        missing_effects=int(lost.sum()),
        reordered=0,
        late=int((rows["flags"] & 4 > 0).sum()),
        recovered=0,
        log_entries=outcomes[Outcome.ACKNOWLEDGED] if streams else None,
        log_duplicates=0 if streams else None,
        durability=DurabilityTable(in_log_with_effect=outcomes[Outcome.ACKNOWLEDGED]) if streams else None,
        publish=None
        if streams
        else PublishAudit(
            answers_sum=int(first["publish_answer"].clip(lower=0).sum()),
            received_sum=fates[Fate.DELIVERED],
            no_receiver=int((first["publish_answer"] == 0).sum()),
            overstated=silently // arm.scopes,
        ),
        acknowledged_in_fault=int((in_fault & (first["outcome"] == OutcomeCode.ACKNOWLEDGED)).sum()),
        attempted_in_fault=int(in_fault.sum()),
        latency=_latencies(rows),
        unavailability=(UnavailabilityWindow(producer=0, begin_ns=int(begin), end_ns=int(end + 5e6)),)
        if blocked
        else (),
        largest_gap_ns=int(end - begin) if blocked else int(60e6),
        recovery=RecoveryTimes()
        if window.link is None
        else RecoveryTimes(
            detect_ns=int(2e6),
            write_from_heal_ns=int(5e6) if blocked else 0,
            read_from_heal_ns=int(62e6),
            backlog_from_heal_ns=int(210e6),
        ),
        own_lateness_p99_ms=0.4,
        cost=Cost(
            producer_requests=len(first) + (3 if blocked else 0),
            acknowledgement_calls=fates[Fate.DELIVERED] if streams else 0,
            server_memory_bytes=len(first) * 212 if streams else None,
            worker_cpu_ms=310.0,
        ),
    )


def _clauses(trial: Trial, arms: tuple[ArmResult, ...]) -> tuple[ClauseResult, ...]:
    stances = {(known.arm, known.guarantee): known.stance for known in trial.scenario.expectations}
    predicted = {(known.arm, known.guarantee): known for known in trial.scenario.predictions}
    found = []
    for arm in arms:
        for guarantee in Guarantee:
            if guarantee is Guarantee.DURABLE and arm.primitive is Primitive.PUBSUB:
                continue
            stance = stances.get((arm.arm, guarantee), Stance.FREE)
            breaks = guarantee in (Guarantee.AT_LEAST_ONCE, Guarantee.EFFECTIVELY_ONCE)
            violations = arm.fates[Fate.LOST] if breaks else 0
            measured = Verdict.VIOLATED if violations else Verdict.HELD
            verdict = measured
            if stance is Stance.EXPECTED_NOT_TO_HOLD:
                verdict = Verdict.HELD if violations else Verdict.INCONCLUSIVE
            if stance is Stance.FREE:
                verdict = Verdict.HELD
            prediction = predicted.get((arm.arm, guarantee))
            result = PredictionResult.NOT_TESTED
            if prediction is not None:
                result = PredictionResult.CONFIRMED if prediction.verdict is measured else PredictionResult.REFUTED
            reason = f"{violations:,} of {arm.owed:,} lost" if violations else f"0 of {arm.owed:,} refute it"
            found.append(
                ClauseResult(
                    arm=arm.arm,
                    guarantee=guarantee,
                    stance=stance,
                    measured=measured,
                    verdict=verdict,
                    violations=violations,
                    samples=arm.owed,
                    reason=reason,
                    prediction=result,
                    predicted=None if prediction is None else prediction.verdict,
                    prediction_reason="" if prediction is None else prediction.reason,
                )
            )
    return tuple(found)


def judge(trial: Trial, ledger: pd.DataFrame) -> TrialResult:
    arms = tuple(_arm_result(trial, index, ledger[ledger["arm"] == index]) for index in range(len(trial.scenario.arms)))
    clauses = _clauses(trial, arms)
    window = _window(trial)
    timeline = trial.scenario.timeline
    edges = np.cumsum([0, timeline.warm_up_s, timeline.steady_s, timeline.outage_s, timeline.recovery_s, 0.8])
    begin, end = int(window.begin * SECOND), int(window.end * SECOND)
    faults = tuple(
        FaultWindow(
            plan=plan,
            inject_before_ns=begin,
            inject_after_ns=begin + 400_000,
            heal_before_ns=end,
            heal_after_ns=end + 500_000,
            observed_from_ns=begin + 21_000_000,
            observed_to_ns=end + 34_000_000,
            evidence=f"the sentinel on the {plan.link.value}' link got no answer to 148 pings in a row, then answers"
            if plan.link
            else "the process table shows 2 processes killed by signal 9 and 2 new ones ready",
        )
        for plan in trial.scenario.faults
    )
    return TrialResult(
        trial=trial,
        environment=ENVIRONMENT,
        status="complete",
        verdict=merge_verdicts([clause.verdict for clause in clauses]),
        phases=tuple(
            PhaseSpan(phase=phase, begin_ns=int(edges[place] * SECOND), end_ns=int(edges[place + 1] * SECOND))
            for place, phase in enumerate(PHASES)
        ),
        faults=faults,
        barrier_reached=True,
        arms=arms,
        clauses=clauses,
        history_rows=12_345,
    )


def summarise(results: list[TrialResult]) -> RunSummary:
    names = list(dict.fromkeys(result.trial.scenario.name for result in results))
    rows, guarantees = [], []
    for name in names:
        chosen = [result for result in results if result.trial.scenario.name == name]
        for place in range(len(chosen[0].arms)):
            rows.append(_row(chosen, place))
        guarantees.extend(_guarantees(chosen))
    return RunSummary(
        run_id=results[0].trial.run_id,
        name="partition",
        created_utc="2026-01-01T00:00:00Z",
        harness_version="0.1.0",
        repeat_command="harness run partition --seed 7",
        partial=False,
        planned_trials=len(results),
        verdict=Verdict.HELD,
        exit_code=0,
        answer=(
            "When the consumers' link is cut so that connections close, Pub/Sub loses what is sent meanwhile and"
            " Streams deliver it after the heal; when bytes are only held back, neither loses anything."
        ),
        rows=tuple(rows),
        guarantees=tuple(guarantees),
        trials=tuple(results),
    )


def _worst(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None


def _row(results: list[TrialResult], place: int) -> ScenarioRow:
    arms = [result.arms[place] for result in results]
    trial = results[0].trial
    window = _window(trial)
    whole = [arm.latency[0].from_intended for arm in arms]
    attempted = sum(arm.attempted for arm in arms)
    memory = [arm.cost.server_memory_bytes for arm in arms if arm.cost.server_memory_bytes is not None]
    at_least_once = [
        clause.verdict
        for result in results
        for clause in result.clauses
        if clause.arm == arms[0].arm and clause.guarantee is Guarantee.AT_LEAST_ONCE
    ]
    return ScenarioRow(
        scenario=trial.scenario.name,
        family=trial.scenario.family,
        link=window.link,
        model=window.model,
        fault=next(iter(trial.scenario.faults), None),
        arm=arms[0].arm,
        primitive=arms[0].primitive,
        trials=len(results),
        outage_s=trial.scenario.timeline.outage_s,
        attempted=attempted,
        acknowledged=sum(arm.outcomes[Outcome.ACKNOWLEDGED] for arm in arms),
        rejected=sum(arm.outcomes[Outcome.REJECTED] for arm in arms),
        indeterminate=sum(arm.outcomes[Outcome.INDETERMINATE] for arm in arms),
        owed=sum(arm.owed for arm in arms),
        delivered=sum(arm.fates[Fate.DELIVERED] for arm in arms),
        lost=sum(arm.fates[Fate.LOST] for arm in arms),
        duplicated=sum(arm.duplicated for arm in arms),
        duplicate_effects=sum(arm.duplicate_effects for arm in arms),
        missing_effects=sum(arm.missing_effects for arm in arms),
        stuck=sum(arm.fates[Fate.STUCK] for arm in arms),
        not_entitled=sum(arm.fates[Fate.NOT_ENTITLED] for arm in arms),
        suppressed_effects=sum(arm.suppressed_effects for arm in arms),
        false_dedup=sum(arm.false_dedup for arm in arms),
        dead_lettered=sum(arm.dead_lettered for arm in arms),
        late=sum(arm.late for arm in arms),
        reordered=0,
        unexplained=0,
        p50_ms=_worst([quantiles.p50_ms for quantiles in whole]),
        p99_ms=_worst([quantiles.p99_ms for quantiles in whole]),
        max_ms=_worst([quantiles.max_ms for quantiles in whole]),
        recover_read_ms=_worst([_ms(arm.recovery.read_from_heal_ns) for arm in arms]),
        recover_write_ms=_worst([_ms(arm.recovery.write_from_heal_ns) for arm in arms]),
        requests_per_message=sum(arm.cost.producer_requests for arm in arms) / attempted,
        server_bytes_per_message=sum(memory) / attempted if memory else None,
        dedup_requests_per_message=sum(arm.cost.dedup_requests for arm in arms) / attempted or None,
        dedup_bytes_per_message=sum(arm.cost.dedup_memory_bytes or 0 for arm in arms) / attempted or None,
        handling_p50_us=_worst([arm.cost.handling_p50_us for arm in arms]),
        main_mechanism=_main_mechanism(arms),
        verdict=merge_verdicts(at_least_once),
    )


def _main_mechanism(arms: list[ArmResult]) -> Mechanism | None:
    found: dict[Mechanism, int] = {}
    for arm in arms:
        for known in (arm.lost_by_mechanism, arm.unsettled_by_mechanism):
            for mechanism, number in known.items():
                found[mechanism] = found.get(mechanism, 0) + number
    return max(found, key=found.__getitem__, default=None)


def _ms(value: int | None) -> float | None:
    return None if value is None else value / 1e6


def _guarantees(results: list[TrialResult]) -> list[GuaranteeSummary]:
    found = []
    for place, clause in enumerate(results[0].clauses):
        same = [result.clauses[place] for result in results]
        violated = sum(one.measured is Verdict.VIOLATED for one in same)
        number = len(same)
        found.append(
            GuaranteeSummary(
                scenario=results[0].trial.scenario.name,
                arm=clause.arm,
                guarantee=clause.guarantee,
                stance=clause.stance,
                trials=number,
                violated=violated,
                inconclusive=0,
                upper_bound=1.0 if violated == number else 1 - 0.05 ** (1 / number),
                verdict=merge_verdicts([one.verdict for one in same]),
                violations=sum(one.violations for one in same),
                samples=sum(one.samples for one in same),
                reason=clause.reason,
                prediction=clause.prediction,
                predicted=clause.predicted,
                prediction_reason=clause.prediction_reason,
            )
        )
    return found


def spoil(summary: RunSummary) -> RunSummary:
    """The same run with one violated requirement, one refuted prediction, one error and weaknesses: the bad day."""
    guarantees = list(summary.guarantees)
    place = next(
        index
        for index, known in enumerate(guarantees)
        if known.arm == "stream-group" and known.guarantee is Guarantee.AT_LEAST_ONCE
    )
    bad = {
        "verdict": Verdict.VIOLATED,
        "violated": guarantees[place].trials,
        "upper_bound": 1.0,
        "violations": 4,
        "reason": "4 of 1,800 lost: trimmed unread 3, unexplained 1",
        "prediction": PredictionResult.REFUTED,
    }
    guarantees[place] = guarantees[place].model_copy(update=bad)
    unsure = {"verdict": Verdict.INCONCLUSIVE, "trials": 0, "inconclusive": 1, "upper_bound": None}
    unsure["reason"] = "the drain barrier was not reached, so absence is not proven"
    guarantees[place + 5] = guarantees[place + 5].model_copy(update=unsure)
    trials = list(summary.trials)
    weak = ("the drain barrier was not reached by group 2 within 20 s", "own lateness p99 was 81 ms, limit 50 ms")
    trials[0] = trials[0].model_copy(update={"verdict": Verdict.VIOLATED, "weaknesses": weak})
    failed = {"status": "error", "status_reason": "toxiproxy stopped answering (wedged) during the heal <b>&</b>"}
    trials[1] = trials[1].model_copy(update={"verdict": Verdict.ERROR, **failed})
    return summary.model_copy(
        update={
            "guarantees": tuple(guarantees),
            "trials": tuple(trials),
            "verdict": Verdict.VIOLATED,
            "exit_code": 1,
            "partial": True,
            "planned_trials": summary.planned_trials + 1,
        }
    )
