"""A contract set against trials: the same contract and the same trials give the same result.

The trial is the unit. With k broken of n conclusive trials a clause is

- *violated* when something must hold and k > 0; where ``max_violation_rate`` allows a share of broken trials, when
  k / n is above it;
- *error* when a trial went wrong;
- *inconclusive* when no trial tested it, one of them proves nothing, there are fewer than ``trials``, or the highest
  rate that k of n still allows is above ``max_violation_rate`` (then it says how many trials it takes); and when what
  was expected to break did not break in every trial;
- *held* otherwise, which means "not refuted", and is shown with its bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.check.bound import upper_bound
from harness.check.judge import EXIT_CODES
from harness.check.statistics import lower_bound, trials_needed
from harness.contract.clauses import Clause
from harness.contract.observe import Observation, observe, shown_value, worst
from harness.contract.result import ClauseOutcome, ContractResult
from harness.model.results import TrialResult
from harness.model.words import Stance, Verdict, merge_verdicts

ORDER = (Verdict.VIOLATED, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.HELD)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the runs hold: their trials, and why trials that were planned were not played (by scenario)."""

    trials: tuple[TrialResult, ...]
    skipped: Mapping[str, str]


def evaluate(
    clauses: Sequence[Clause],
    evidence: Evidence,
    *,
    contract: str,
    profile: str | None,
    runs: Sequence[str],
    notes: Sequence[str] = (),
) -> ContractResult:
    """Every clause, worst first, and the verdict of those that gate; no such clause is inconclusive."""
    outcomes = [judge_clause(clause, evidence) for clause in clauses]
    outcomes.sort(key=lambda one: (not one.gates, ORDER.index(one.verdict)))
    verdict = merge_verdicts([one.verdict for one in outcomes if one.gates])
    return ContractResult(
        contract=contract,
        profile=profile,
        runs=tuple(runs),
        notes=tuple(notes),
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        clauses=tuple(outcomes),
    )


def judge_clause(clause: Clause, evidence: Evidence) -> ClauseOutcome:
    """One clause, set against all trials of its scenario."""
    trials = [trial for trial in evidence.trials if trial.trial.scenario.name == clause.scenario]
    seen = [found for trial in trials if (found := observe(clause, trial)) is not None]
    broken = [one for one in seen if one.verdict is Verdict.VIOLATED]
    conclusive = len(broken) + sum(one.verdict is Verdict.HELD for one in seen)
    verdict, reason = _conclude(clause, seen, skipped=evidence.skipped.get(clause.scenario, ""))
    values = [one.value for one in seen if one.value is not None]
    return ClauseOutcome(
        clause=clause,
        text=clause.text,
        gates=clause.stance is not Stance.FREE,
        verdict=verdict,
        trials=conclusive,
        broken=len(broken),
        inconclusive=len(seen) - conclusive,
        lower_bound=lower_bound(len(broken), conclusive, confidence=clause.confidence) if conclusive else None,
        upper_bound=upper_bound(len(broken), conclusive, confidence=clause.confidence) if conclusive else None,
        needed_trials=_needed(clause, len(broken), conclusive),
        worst=worst(clause, values),
        violations=sum(one.violations for one in seen),
        samples=sum(one.samples for one in seen),
        reason=reason,
    )


def _conclude(clause: Clause, seen: Sequence[Observation], *, skipped: str) -> tuple[Verdict, str]:
    broken = [one for one in seen if one.verdict is Verdict.VIOLATED]
    conclusive = len(broken) + sum(one.verdict is Verdict.HELD for one in seen)
    if clause.stance is not Stance.EXPECTED_NOT_TO_HOLD and broken:
        limit = clause.max_violation_rate
        if limit is None or _above(len(broken), conclusive, limit):
            return Verdict.VIOLATED, _first(clause, broken, len(seen))
    doubt = _doubt(clause, seen, conclusive, skipped)
    if doubt is not None:
        return doubt
    if clause.stance is Stance.EXPECTED_NOT_TO_HOLD:
        return _expected(seen, broken)
    if clause.max_violation_rate is not None and clause.stance is Stance.REQUIRED:
        short = _rate_not_shown(clause, len(broken), conclusive)
        if short:
            return Verdict.INCONCLUSIVE, short
    return Verdict.HELD, _numbers(clause, seen)


def _above(broken: int, conclusive: int, limit: float) -> bool:
    """Whether ``broken`` of ``conclusive`` trials are a higher rate than ``limit``, taken as the decimal that it was.

    As a product of floats, 0.29 of 100 trials were less than 29 of them.
    """
    return Fraction(broken, conclusive) > Fraction(repr(limit))


def _doubt(clause: Clause, seen: Sequence[Observation], conclusive: int, skipped: str) -> tuple[Verdict, str] | None:
    """Why the clause cannot be held, whatever was counted."""
    for verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE):
        weak = [one for one in seen if one.verdict is verdict]
        if weak:
            return verdict, f"in {weak[0].trial}: {weak[0].reason}{_more(len(weak), len(seen))}"
    if not seen:
        return (
            Verdict.INCONCLUSIVE,
            f"zero trials: {skipped or f'no run here played {clause.scenario} with {clause.arm}'}",
        )
    if conclusive < clause.trials and clause.stance is not Stance.FREE:
        return Verdict.INCONCLUSIVE, f"{_trials(conclusive)}, and the contract asks for {clause.trials:,}"
    return None


def _expected(seen: Sequence[Observation], broken: Sequence[Observation]) -> tuple[Verdict, str]:
    unbroken = [one for one in seen if one.verdict is Verdict.HELD]
    if unbroken:
        where = f"in {unbroken[0].trial}: {unbroken[0].reason}{_more(len(unbroken), len(seen))}"
        return Verdict.INCONCLUSIVE, f"what was expected to break did not (did the fault work?) {where}"
    return Verdict.HELD, f"as expected: {broken[0].reason}{_more(len(broken), len(seen))}"


def _rate_not_shown(clause: Clause, broken: int, conclusive: int) -> str:
    """Why these trials do not show that the rate is as low as the contract allows; empty when they do."""
    limit = clause.max_violation_rate
    assert limit is not None
    bound = upper_bound(broken, conclusive, confidence=clause.confidence)
    if bound <= limit:
        return ""
    needed = _needed(clause, broken, conclusive)
    takes = "more than a million trials" if needed is None else f"needs {needed:,} trials"
    return (
        f"{broken} of {_trials(conclusive)} violated still allow a rate of {bound * 100:.3g} %, and the contract"
        f" {limit * 100:.3g} % (confidence {clause.confidence * 100:g} %): {takes}"
        f" {'without one more violation' if broken else 'without a violation'}"
    )


def _needed(clause: Clause, broken: int, conclusive: int) -> int | None:
    limit = clause.max_violation_rate
    if limit is None or clause.stance is not Stance.REQUIRED:
        return None
    if conclusive and upper_bound(broken, conclusive, confidence=clause.confidence) <= limit:
        return None
    return trials_needed(broken, highest=limit, confidence=clause.confidence)


def _first(clause: Clause, broken: Sequence[Observation], seen: int) -> str:
    """What broke, where first."""
    one = broken[0]
    what = one.reason if clause.guarantee is not None else shown_value(clause, one.value)
    return f"{what} in {one.trial}{_more(len(broken), seen)}"


def _numbers(clause: Clause, seen: Sequence[Observation]) -> str:
    """The numbers of a clause that held."""
    samples = sum(one.samples for one in seen)
    if clause.guarantee is None:
        value = worst(clause, [one.value for one in seen if one.value is not None])
        return f"{'worst of all trials: ' if len(seen) > 1 else ''}{shown_value(clause, value)}, {samples:,} samples"
    if len(seen) == 1:
        return seen[0].reason
    return f"{sum(one.violations for one in seen):,} violations in {samples:,} samples"


def _more(found: int, seen: int) -> str:
    return f" (and {found - 1:,} more of {seen:,} trials)" if found > 1 else ""


def _trials(number: int) -> str:
    return f"{number:,} conclusive trial{'' if number == 1 else 's'}"
