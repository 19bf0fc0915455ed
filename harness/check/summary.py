"""Many trials condensed: one row per scenario and arm, and one line per guarantee with its bound.

The independent unit is the trial: messages lost in one fault are one event. So a guarantee is summed up as k of n
conclusive trials, with the rate that this still allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.check.bound import upper_bound
from harness.check.clauses import gating, gone_mechanisms_of, mechanisms_of
from harness.check.recovery import back_ms
from harness.model.accounts import ArmResult
from harness.model.results import ClauseResult, GuaranteeSummary, ScenarioRow, TrialResult
from harness.model.values import Scenario
from harness.model.words import (
    Dedup,
    Fate,
    FaultModel,
    Guarantee,
    Mechanism,
    Outcome,
    PredictionResult,
    Verdict,
    merge_verdicts,
)

_CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})


def scenario_rows(results: Sequence[TrialResult]) -> tuple[ScenarioRow, ...]:
    """The comparison table: one row per scenario and arm, in the order of the run."""
    rows = []
    for scenario, trials in _by_scenario(results).items():
        for name in dict.fromkeys(arm.arm for trial in trials for arm in trial.arms):
            rows.append(_row(scenario, name, trials))
    return tuple(rows)


def guarantee_summaries(results: Sequence[TrialResult]) -> tuple[GuaranteeSummary, ...]:
    """One line per scenario, arm and guarantee."""
    summaries = []
    for scenario, trials in _by_scenario(results).items():
        grouped: dict[tuple[str, Guarantee], list[ClauseResult]] = {}
        for trial in trials:
            for clause in trial.clauses:
                grouped.setdefault((clause.arm, clause.guarantee), []).append(clause)
        summaries += [_sum_up(scenario, clauses) for clauses in grouped.values()]
    return tuple(summaries)


def _by_scenario(results: Iterable[TrialResult]) -> dict[str, list[TrialResult]]:
    grouped: dict[str, list[TrialResult]] = {}
    for result in results:
        grouped.setdefault(result.trial.scenario.name, []).append(result)
    return grouped


def _sum_up(scenario: str, clauses: Sequence[ClauseResult]) -> GuaranteeSummary:
    conclusive = [clause for clause in clauses if clause.measured in _CONCLUSIVE]
    violated = sum(clause.measured is Verdict.VIOLATED for clause in conclusive)
    verdict = merge_verdicts([clause.verdict for clause in clauses])
    first = clauses[0]
    return GuaranteeSummary(
        scenario=scenario,
        arm=first.arm,
        guarantee=first.guarantee,
        stance=first.stance,
        trials=len(conclusive),
        violated=violated,
        inconclusive=len(clauses) - len(conclusive),
        upper_bound=upper_bound(violated, len(conclusive)) if conclusive else None,
        verdict=verdict,
        violations=sum(clause.violations for clause in clauses),
        samples=sum(clause.samples for clause in clauses),
        reason=next((clause.reason for clause in clauses if clause.verdict is verdict), first.reason),
        prediction=_merge_predictions([clause.prediction for clause in clauses]),
        predicted=first.predicted,
        prediction_reason=first.prediction_reason,
    )


def _merge_predictions(results: Sequence[PredictionResult]) -> PredictionResult:
    """Refuted once is refuted; confirmed needs at least one trial that tested it."""
    for result in (PredictionResult.REFUTED, PredictionResult.CONFIRMED):
        if result in results:
            return result
    return PredictionResult.NOT_TESTED


def _row(scenario_name: str, name: str, trials: Sequence[TrialResult]) -> ScenarioRow:
    scenario = trials[0].trial.scenario
    fault = scenario.faults[0] if scenario.faults else None
    arms = [arm for trial in trials for arm in trial.arms if arm.arm == name]
    clauses = [clause for trial in trials for clause in trial.clauses if clause.arm == name]
    attempted = _total(arms, lambda arm: arm.attempted)
    reasons, taken = mechanisms_of(arms), gone_mechanisms_of(arms)
    requests = _total(arms, lambda arm: arm.cost.producer_requests + arm.cost.acknowledgement_calls)
    return ScenarioRow(
        scenario=scenario_name,
        family=scenario.family,
        fault=fault,
        link=fault.link if fault is not None else None,
        model=fault.model if fault is not None else FaultModel.NONE,
        arm=name,
        primitive=arms[0].primitive,
        trials=len(arms),
        outage_s=scenario.timeline.outage_s if fault is not None else 0.0,
        attempted=attempted,
        acknowledged=_total(arms, lambda arm: arm.outcomes[Outcome.ACKNOWLEDGED]),
        rejected=_total(arms, lambda arm: arm.outcomes[Outcome.REJECTED]),
        indeterminate=_total(arms, lambda arm: arm.outcomes[Outcome.INDETERMINATE]),
        owed=_total(arms, lambda arm: arm.owed),
        delivered=_total(arms, lambda arm: arm.fates[Fate.DELIVERED]),
        lost=_total(arms, lambda arm: arm.fates[Fate.LOST]),
        duplicated=_total(arms, lambda arm: arm.duplicated),
        duplicate_effects=_total(arms, lambda arm: arm.duplicate_effects),
        missing_effects=_total(arms, lambda arm: arm.missing_effects),
        stuck=_total(arms, lambda arm: arm.fates[Fate.STUCK]),
        not_entitled=_total(arms, lambda arm: arm.fates[Fate.NOT_ENTITLED]),
        suppressed_effects=_total(arms, lambda arm: arm.suppressed_effects),
        false_dedup=_total(arms, lambda arm: arm.false_dedup),
        dead_lettered=_total(arms, lambda arm: arm.dead_lettered),
        late=_total(arms, lambda arm: arm.late),
        reordered=_total(arms, lambda arm: arm.reordered),
        unexplained=reasons[Mechanism.UNEXPLAINED],
        p50_ms=_worst(arm.latency[0].from_intended.p50_ms for arm in arms),
        p99_ms=_worst(arm.latency[0].from_intended.p99_ms for arm in arms),
        max_ms=_worst(arm.latency[0].from_intended.max_ms for arm in arms),
        recover_read_ms=_worst(back_ms(arm, "read", arm.recovery.read_from_heal_ns) for arm in arms),
        recover_write_ms=_worst(back_ms(arm, "write", arm.recovery.write_from_heal_ns) for arm in arms),
        requests_per_message=requests / attempted if attempted else None,
        server_bytes_per_message=_bytes_per_message(arms),
        dedup_requests_per_message=_dedup_requests(scenario, arms, attempted),
        dedup_bytes_per_message=_dedup_bytes(arms),
        handling_p50_us=_worst(arm.cost.handling_p50_us for arm in arms),
        main_mechanism=max(reasons or taken, key=(reasons or taken).__getitem__, default=None),
        persistence=scenario.persistence,
        gone=taken.total() if any(arm.durability is not None for arm in arms) else None,
        lost_log_s=_worst(arm.lost_log_s for arm in arms),
        verdict=_row_verdict(trials, clauses),
    )


def _row_verdict(trials: Sequence[TrialResult], clauses: Sequence[ClauseResult]) -> Verdict:
    """The arm's own clauses, and the soundness of the trials they come from."""
    soundness = [
        Verdict.ERROR if trial.verdict is Verdict.ERROR else Verdict.INCONCLUSIVE
        for trial in trials
        if trial.weaknesses
    ]
    return merge_verdicts([*gating(clauses), *soundness])


def _dedup_requests(scenario: Scenario, arms: Sequence[ArmResult], attempted: int) -> float | None:
    """Requests that dedup took on top, per message; ``None`` where there is no dedup."""
    name = arms[0].arm
    dedups = any(arm.name == name and arm.dedup is not Dedup.NONE for arm in scenario.arms)
    return _total(arms, lambda arm: arm.cost.dedup_requests) / attempted if dedups and attempted else None


def _dedup_bytes(arms: Sequence[ArmResult]) -> float | None:
    """What the marks take at the end, per message; ``None`` where it was not asked."""
    kept = [(arm.cost.dedup_memory_bytes, arm.attempted) for arm in arms if arm.cost.dedup_memory_bytes is not None]
    attempted = sum(count for _, count in kept)
    return sum(size for size, _ in kept) / attempted if attempted else None


def _total(arms: Iterable[ArmResult], count: Callable[[ArmResult], int]) -> int:
    return sum(count(arm) for arm in arms)


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _bytes_per_message(arms: Sequence[ArmResult]) -> float | None:
    """Memory of the stream over its entries, where one is kept."""
    kept = [
        (arm.cost.server_memory_bytes, arm.log_entries)
        for arm in arms
        if arm.cost.server_memory_bytes is not None and arm.log_entries
    ]
    entries = sum(count for _, count in kept)
    return sum(size for size, _ in kept) / entries if entries else None
