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
from harness.model.words import Dedup, Guarantee, PredictionResult, Verdict
from harness.report.grouping import ScenarioGroup, scenario_groups
from harness.report.wording import Mark, Tone, count

_FINDINGS = {"false": Tone.BAD, "open": Tone.UNSURE, "shown": Tone.NEUTRAL, "true": Tone.GOOD}
"""In the order in which they are told."""
_OF_LOSSES = (Guarantee.AT_LEAST_ONCE, Guarantee.DURABLE)
_WORDS = {"shown": "measured"}
"""Where the summary's word is not the reader's."""


def finding_mark(claim: ClaimResult) -> Mark:
    """Whether a claim of the source document is borne out."""
    return Mark(_WORDS.get(claim.finding, claim.finding), _FINDINGS[claim.finding])


def claims_sentence(claims: Sequence[ClaimResult]) -> str:
    """``12 claims: 2 false, 7 true, 3 only measured``."""
    numbers = {word: sum(known.finding == word for known in claims) for word in _FINDINGS}
    parts = [f"{number} {_WORDS.get(word, word)}" for word, number in numbers.items() if number]
    return f"{len(claims):,} claim{'s' if len(claims) != 1 else ''}: {', '.join(parts)}"


def sorted_claims(claims: Sequence[ClaimResult]) -> list[ClaimResult]:
    """False ones first, then what stayed open, what only has numbers, and what is true; else as in the run."""
    order = list(_FINDINGS)
    return sorted(claims, key=lambda known: order.index(known.finding))


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One arm in an incident: its row, and what the source document says that such an arm lost."""

    row: ScenarioRow
    claimed: str
    """A number, ``some`` where it gives none, or nothing where it does not speak of this arm."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A scenario of which the source document says that messages were lost, or that none would have been."""

    group: ScenarioGroup
    lines: tuple[IncidentLine, ...]


def incidents(summary: RunSummary) -> list[Incident]:
    """The scenarios of which the source document tells a loss, each arm beside what is said of it."""
    return [
        Incident(group, tuple(IncidentLine(row, _claimed(group, row.arm)) for row in group.rows))
        for group in scenario_groups(summary)
        if any(claim.claimed_loss is not None for claim in group.claims)
    ]


def _claimed(group: ScenarioGroup, arm: str) -> str:
    claims = [claim for claim in group.claims if claim.arm in (arm, None) and claim.guarantee in _OF_LOSSES]
    losses = [claim.claimed_loss for claim in claims if claim.claimed_loss is not None]
    if losses:
        return count(losses[0])
    return "some" if any(claim.holds_when is Verdict.VIOLATED for claim in claims) else ""


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
