"""One clause in one trial: was the demand met, by which number, and how many samples stand behind it?

Limits are judged only where the guarantee they rest on was judged as well: a count means nothing in a trial whose fault
was not seen. A value that was not observed meets no limit, and *no limit is kept where absence is not proven*: without
the drain barrier more may have been lost, doubled or delivered late than was counted, whatever else was refuted.
*Beyond* its limit a value stands without the barrier where nothing that is still to come can take it back:

- duplicated, duplicate effects: each was seen, and none goes away;
- reads, writes, backlog back: what was seen came late, and what is still missing makes it later; what was not back in
  time is described in `harness.contract.reading`;
- available: the windows without an acknowledgement lie within the traffic, before the drain began.

It does not where what is missing is counted, which may still come: losses (nothing is called one before the barrier),
missing effects, and the p99, in which an undelivered message is infinitely late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.check.clauses import counted
from harness.contract.clauses import COUNTS, RECOVERIES, Clause, Quantity
from harness.contract.reading import Reading, read_quantity
from harness.model.accounts import ArmResult
from harness.model.results import ClauseResult, TrialResult
from harness.model.words import Fate, Guarantee, Stance, Verdict

CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})
STANDING = RECOVERIES | {Quantity.DUPLICATED, Quantity.DUPLICATE_EFFECTS, Quantity.AVAILABLE}
"""What stands beyond its limit without the drain barrier."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one trial says about a clause. ``HELD``: the demand was met; ``VIOLATED``: it was not."""

    trial: str
    verdict: Verdict
    value: float | None
    violations: int
    samples: int
    reason: str


def observe(clause: Clause, trial: TrialResult) -> Observation | None:
    """What ``trial`` says about ``clause``; ``None``: it had no such arm."""
    arm = next((arm for arm in trial.arms if arm.arm == clause.arm), None)
    if arm is None and trial.arms:
        return None
    name = trial.trial.folder_name
    basis = _basis(clause)
    judged = next((one for one in trial.clauses if (one.arm, one.guarantee) == (clause.arm, basis)), None)
    if arm is None or judged is None:
        reason = trial.status_reason or f"{basis} was not judged for {clause.arm}"
        return Observation(name, Verdict.INCONCLUSIVE, None, 0, 0, f"{trial.status}: {reason}")
    if clause.guarantee is not None:
        return _guarantee(clause, name, judged)
    if judged.measured not in CONCLUSIVE and not (clause.quantity in STANDING and _only_unproven(judged, arm)):
        return Observation(name, judged.measured, None, 0, judged.samples, counted(judged))
    return _limit(clause, trial, arm, judged)


def _basis(clause: Clause) -> Guarantee:
    """The guarantee of which the checker's judgement a clause rests on."""
    if clause.guarantee is not None:
        return clause.guarantee
    match clause.quantity:
        case Quantity.DUPLICATED:
            return Guarantee.AT_MOST_ONCE
        case Quantity.DUPLICATE_EFFECTS | Quantity.MISSING_EFFECTS:
            return Guarantee.EFFECTIVELY_ONCE
        case _:
            return Guarantee.AT_LEAST_ONCE


def _guarantee(clause: Clause, trial: str, judged: ClauseResult) -> Observation:
    verdict, reason = judged.measured, counted(judged)
    # A refutation of what must hold stands on one sample; everything else that would pass needs enough of them.
    passes = verdict is Verdict.HELD or (verdict is Verdict.VIOLATED and clause.stance is not Stance.REQUIRED)
    if passes and judged.samples < clause.min_samples:
        verdict, reason = Verdict.INCONCLUSIVE, _too_few(judged.samples, clause.min_samples)
    return Observation(trial, verdict, None, judged.violations, judged.samples, reason)


def _limit(clause: Clause, trial: TrialResult, arm: ArmResult, judged: ClauseResult) -> Observation:
    name, reading, limit = trial.trial.folder_name, read_quantity(clause, trial, arm, judged), clause.limit
    assert limit is not None
    if reading.value is None:
        return Observation(name, Verdict.INCONCLUSIVE, None, 0, reading.samples, reading.missing)
    proven = arm.barrier_reached
    met = reading.value >= limit if clause.quantity is Quantity.AVAILABLE else reading.value <= limit
    if not met and (proven or clause.quantity in STANDING):
        return Observation(name, Verdict.VIOLATED, reading.value, 1, reading.samples, "")
    doubt = _unread(judged, arm) if proven else "the drain barrier was not reached, so absence is not proven"
    if doubt:
        reason = f"{doubt}; counted so far: {shown_value(clause, reading.value)}"
        return Observation(name, Verdict.INCONCLUSIVE, None, 0, reading.samples, reason)
    return _met(clause, name, reading)


def _met(clause: Clause, trial: str, reading: Reading) -> Observation:
    if reading.samples < clause.min_samples:
        reason = _too_few(reading.samples, clause.min_samples)
        return Observation(trial, Verdict.INCONCLUSIVE, reading.value, 0, reading.samples, reason)
    return Observation(trial, Verdict.HELD, reading.value, 0, reading.samples, "")


def _only_unproven(judged: ClauseResult, arm: ArmResult) -> bool:
    """Whether nothing but the drain barrier keeps a guarantee from being judged."""
    alone = judged.measured is Verdict.INCONCLUSIVE and not judged.doubted
    return alone and not arm.barrier_reached and judged.samples > 0


def _unread(judged: ClauseResult, arm: ArmResult) -> str:
    """Why a limit is not kept although the drain came to its end: what makes at-least-once doubtful, losses or not."""
    unread = arm.fates[Fate.UNREAD] + arm.fates[Fate.NEVER_READ]
    if not unread or judged.guarantee is not Guarantee.AT_LEAST_ONCE:
        return ""
    return f"{unread:,} are still in the log and unread"


def _too_few(samples: int, least: int) -> str:
    return f"{samples:,} samples, and at least {least:,} are asked for: send more messages, or ask for fewer"


def worst(clause: Clause, values: list[float]) -> float | None:
    """The value that is hardest on the clause."""
    if clause.quantity is Quantity.AVAILABLE:
        return min(values, default=None)
    return max(values, default=None)


def shown_value(clause: Clause, value: float | None) -> str:
    """A value in the unit of its limit."""
    if value is None:
        return "not observed"
    if clause.quantity is Quantity.AVAILABLE:
        return f"{value * 100:.4g} %"
    if clause.quantity in COUNTS:
        return f"{value:,.0f}"
    if math.isinf(value):
        return "not back by the end" if clause.quantity in RECOVERIES else "never"
    return f"{value:,.0f} ms"
