"""From a measurement to a clause: what the scenario says about a guarantee, and what it predicted.

A guarantee that is *required* counts as measured. One that is *expected not to hold* is fine when it is violated, and
inconclusive when it held: then the fault probably did not work. One that is *free* is shown and gates nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar, assert_never

from harness.check.guarantees import Measurement
from harness.check.health import Weakness
from harness.check.naming import covers
from harness.model.accounts import ArmResult
from harness.model.results import ClauseResult
from harness.model.values import Expectation, Prediction, Scenario
from harness.model.words import Guarantee, Mechanism, PredictionResult, Stance, Verdict, merge_verdicts

Statement = TypeVar("Statement", Expectation, Prediction)
_AS_EXPECTED = "as expected: "
_DID_NOT_HAPPEN = "what was expected did not happen (did the fault work?): "
_CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})


def judge_clause(
    scenario: Scenario, result: ArmResult, guarantee: Guarantee, measurement: Measurement, doubts: Sequence[Weakness]
) -> ClauseResult:
    """One guarantee of one arm, seen through the scenario's stance and set against its prediction.

    A prediction that names a mechanism is confirmed only if that is why most of what was lost, stuck or left without
    effect (of durability: of what is gone from the log) is so; where nothing of the kind was found it is not tested.
    """
    expectation = _about(scenario.expectations, result.arm, guarantee)
    prediction = _about(scenario.predictions, result.arm, guarantee)
    clause = ClauseResult(
        arm=result.arm,
        guarantee=guarantee,
        stance=expectation.stance if expectation is not None else Stance.FREE,
        measured=measurement.verdict,
        verdict=measurement.verdict,
        violations=measurement.violations,
        samples=measurement.samples,
        reason=measurement.reason,
        predicted=prediction.verdict if prediction is not None else None,
        prediction_reason=prediction.reason if prediction is not None else "",
    )
    concluded = _conclude(_spoil(clause, doubts))
    if prediction is None or prediction.mechanism is None or concluded.prediction is not PredictionResult.CONFIRMED:
        return concluded
    found = gone_mechanisms_of([result]) if guarantee is Guarantee.DURABLE else mechanisms_of([result])
    shown = _shows(prediction.mechanism, found)
    return concluded.model_copy(update={"prediction": shown})


def _shows(mechanism: Mechanism, found: Counter[Mechanism]) -> PredictionResult:
    if not found:
        return PredictionResult.NOT_TESTED
    return PredictionResult.CONFIRMED if 2 * found[mechanism] > found.total() else PredictionResult.REFUTED


def mechanisms_of(results: Iterable[ArmResult]) -> Counter[Mechanism]:
    """Why what was lost, stuck or left without effect is so, over several results of an arm."""
    total: Counter[Mechanism] = Counter()
    for result in results:
        total.update(result.lost_by_mechanism)
        total.update(result.unsettled_by_mechanism)
    return total


def gone_mechanisms_of(results: Iterable[ArmResult]) -> Counter[Mechanism]:
    """Why what was acknowledged is gone from the log, over several results of an arm."""
    total: Counter[Mechanism] = Counter()
    for result in results:
        total.update(result.gone_by_mechanism)
    return total


def owed_deliveries(clauses: Iterable[ClauseResult], arms: Collection[str]) -> int:
    """How many deliveries of acknowledged messages some arms of a trial owed to those who were entitled to them."""
    return sum(one.samples for one in clauses if one.guarantee is Guarantee.AT_LEAST_ONCE and one.arm in arms)


def spoil_clause(clause: ClauseResult, doubt: str) -> ClauseResult:
    """The same clause, when something found later makes its trial prove nothing; an empty doubt is none.

    What is inconclusive for the want of the drain barrier, or of samples, is in doubt for this as well, and says so
    first. A clause that is in doubt already, or in error, stays as it is.
    """
    if not doubt or clause.doubted or clause.measured is Verdict.ERROR:
        return clause
    return _conclude(_spoil(clause, [Weakness(doubt, Verdict.INCONCLUSIVE)]))


def counted(clause: ClauseResult) -> str:
    """What was counted, without what the scenario's stance makes of it."""
    return clause.reason.removeprefix(_AS_EXPECTED).removeprefix(_DID_NOT_HAPPEN)


def gating(clauses: Iterable[ClauseResult]) -> list[Verdict]:
    """What the clauses contribute to the verdict of their trial: free ones are shown but never gate."""
    return [Verdict.HELD if clause.stance is Stance.FREE else clause.verdict for clause in clauses]


def _spoil(clause: ClauseResult, doubts: Sequence[Weakness]) -> ClauseResult:
    if not doubts:
        return clause
    worst = merge_verdicts([doubt.verdict for doubt in doubts])
    first = next(doubt for doubt in doubts if doubt.verdict is worst)
    reason = clause.reason if first.text in clause.reason else f"{first.text}; counted all the same: {counted(clause)}"
    return clause.model_copy(update={"measured": worst, "reason": reason, "doubted": True})


def _conclude(clause: ClauseResult) -> ClauseResult:
    """Fill in what follows from the measured verdict."""
    verdict, reason = _through(clause.stance, clause.measured, clause.reason)
    return clause.model_copy(
        update={"verdict": verdict, "reason": reason, "prediction": _compare(clause.predicted, clause.measured)}
    )


def _through(stance: Stance, measured: Verdict, reason: str) -> tuple[Verdict, str]:
    match stance:
        case Stance.REQUIRED:
            return measured, reason
        case Stance.EXPECTED_NOT_TO_HOLD:
            if measured is Verdict.VIOLATED:
                return Verdict.HELD, _AS_EXPECTED + reason
            if measured is Verdict.HELD:
                return Verdict.INCONCLUSIVE, _DID_NOT_HAPPEN + reason
            return measured, reason
        case Stance.FREE:
            return (Verdict.HELD if measured in _CONCLUSIVE else measured), reason
        case _:
            assert_never(stance)


def _compare(predicted: Verdict | None, measured: Verdict) -> PredictionResult:
    if predicted is None or measured not in _CONCLUSIVE:
        return PredictionResult.NOT_TESTED
    return PredictionResult.CONFIRMED if predicted is measured else PredictionResult.REFUTED


def _about(statements: Sequence[Statement], arm: str, guarantee: Guarantee) -> Statement | None:
    """What is said about this arm: under its own name first, else under the closest of its base names."""
    fitting = [one for one in statements if one.guarantee is guarantee and covers(one.arm, arm)]
    return max(fitting, key=lambda one: len(one.arm), default=None)
