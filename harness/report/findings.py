"""What a run says beyond its tables: claims, incidents, predictions, dedup and skipped trials, ready to be shown.

Everything here is a selection of the summary's own numbers; only the sums over the scenarios of a dedup strategy are
new, and they are sums of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from harness.model.results import ClaimResult, GuaranteeSummary, RunSummary, ScenarioRow
from harness.model.values import Arm, Prediction, Scenario
from harness.model.words import Dedup, PredictionResult
from harness.report.grouping import ScenarioGroup, scenario_groups
from harness.report.wording import Mark, Tone

_FINDINGS = {"true": Tone.GOOD, "false": Tone.BAD, "shown": Tone.NEUTRAL, "open": Tone.UNSURE}


def finding_mark(claim: ClaimResult) -> Mark:
    """Whether a claim of the source document is borne out."""
    return Mark(claim.finding, _FINDINGS[claim.finding])


def claims_sentence(claims: Sequence[ClaimResult]) -> str:
    """``12 claims: 7 true, 2 false, 3 shown``."""
    parts = [f"{number} {word}" for word in _FINDINGS if (number := sum(known.finding == word for known in claims))]
    return f"{len(claims):,} claim{'s' if len(claims) != 1 else ''}: {', '.join(parts)}"


def incidents(summary: RunSummary) -> list[ScenarioGroup]:
    """The scenarios of which the source document says how many messages were lost."""
    return [group for group in scenario_groups(summary) if group.claimed_loss is not None]


def predictions(summary: RunSummary, result: PredictionResult) -> list[GuaranteeSummary]:
    """The predictions of which the run says ``result``."""
    return [known for known in summary.guarantees if known.prediction is result and known.predicted is not None]


def predicted_words(summary: RunSummary, known: GuaranteeSummary) -> str:
    """What was predicted, with the mechanism where one was named: ``violated by NOACK``."""
    if known.predicted is None:
        return "nothing"
    scenario = next((r.trial.scenario for r in summary.trials if r.trial.scenario.name == known.scenario), None)
    prediction = _prediction(scenario, known) if scenario else None
    if prediction is None or prediction.mechanism is None:
        return known.predicted.value
    return f"{known.predicted.value} by {prediction.mechanism.value}"


def _prediction(scenario: Scenario, known: GuaranteeSummary) -> Prediction | None:
    """The prediction behind a result; it names the arm by its base, without preset and release."""
    names = {arm.name: {arm.name, _base(arm)} for arm in scenario.arms}
    return next(
        (
            prediction
            for prediction in scenario.predictions
            if prediction.guarantee is known.guarantee and prediction.arm in names.get(known.arm, {known.arm})
        ),
        None,
    )


def _base(arm: Arm) -> str:
    """The arm's name without client preset and release."""
    return arm.name.removesuffix(f"@{arm.client_release}").removesuffix(f"-{arm.client}")


@dataclass(frozen=True, slots=True)
class DedupLine:
    """One strategy over all scenarios in which it was tried."""

    strategy: Dedup
    arms: tuple[str, ...]
    scenarios: int
    attempted: int
    suppressed: int
    duplicate_effects: int
    missing_effects: int
    false_dedup: int
    requests_each: float | None
    bytes_each: float | None
    handling_us: float | None
    """The median over scenarios."""


def dedup_lines(summary: RunSummary) -> list[DedupLine]:
    """What each strategy did and took, and the same arms without any, in the scenarios that try both."""
    found: dict[Dedup, list[ScenarioRow]] = {}
    rows = {(row.scenario, row.arm): row for row in summary.rows}
    scenarios = {result.trial.scenario.name: result.trial.scenario for result in summary.trials}
    for scenario in scenarios.values():
        for arm in _compared(scenario):
            row = rows.get((scenario.name, arm.name))
            if row is not None:
                found.setdefault(arm.dedup, []).append(row)
    return [_dedup_line(strategy, found[strategy]) for strategy in Dedup if strategy in found]


def _compared(scenario: Scenario) -> list[Arm]:
    """The arms with dedup, and those that equal one of them but for having none."""
    plain = {_without_dedup(arm) for arm in scenario.arms if arm.dedup is not Dedup.NONE}
    return [arm for arm in scenario.arms if arm.dedup is not Dedup.NONE or _without_dedup(arm) in plain]


def _without_dedup(arm: Arm) -> str:
    """The arm's settings without its name and dedup, as text that can be compared."""
    return arm.model_dump_json(exclude={"name", "dedup", "dedup_window_ms"})


def _dedup_line(strategy: Dedup, rows: list[ScenarioRow]) -> DedupLine:
    handling = [row.handling_p50_us for row in rows if row.handling_p50_us is not None]
    return DedupLine(
        strategy=strategy,
        arms=tuple(dict.fromkeys(row.arm for row in rows)),
        scenarios=len({row.scenario for row in rows}),
        attempted=sum(row.attempted for row in rows),
        suppressed=sum(row.suppressed_effects for row in rows),
        duplicate_effects=sum(row.duplicate_effects for row in rows),
        missing_effects=sum(row.missing_effects for row in rows),
        false_dedup=sum(row.false_dedup for row in rows),
        requests_each=_each([(row.dedup_requests_per_message, row.attempted) for row in rows]),
        bytes_each=_each([(row.dedup_bytes_per_message, row.attempted) for row in rows]),
        handling_us=median(handling) if handling else None,
    )


def _each(known: list[tuple[float | None, int]]) -> float | None:
    """The mean per message over scenarios of different length."""
    weighted = [(value, weight) for value, weight in known if value is not None]
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total else None
