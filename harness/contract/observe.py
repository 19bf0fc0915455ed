"""One clause in one trial: was the demand met, by which number, and how many samples stand behind it?

Limits are judged only where the guarantee they rest on was judged as well: a count of losses means nothing in a trial
whose fault was not seen, or whose absence was not proven. A value that was not observed meets no limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from harness.check.clauses import counted
from harness.contract.clauses import COUNTS, Clause, Quantity
from harness.model.accounts import ArmResult, RecoveryTimes
from harness.model.results import ClauseResult, TrialResult
from harness.model.words import Fate, Guarantee, Phase, Stance, Verdict

_RECOVERED = {"read": "reads", "write": "writes", "backlog": "a backlog"}
CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})


@dataclass(frozen=True, slots=True)
class Observation:
    """What one trial says about a clause. ``HELD``: the demand was met; ``VIOLATED``: it was not."""

    trial: str
    verdict: Verdict
    value: float | None
    violations: int
    samples: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Reading:
    value: float | None
    samples: int
    missing: str = ""
    """Why there is no value."""


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
    if judged.measured not in CONCLUSIVE:
        return Observation(name, judged.measured, None, 0, judged.samples, counted(judged))
    return _limit(clause, name, _read(clause, trial, arm, judged))


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


def _limit(clause: Clause, trial: str, reading: _Reading) -> Observation:
    value, limit = reading.value, clause.limit
    assert limit is not None
    if value is None:
        return Observation(trial, Verdict.INCONCLUSIVE, None, 0, reading.samples, reading.missing)
    met = value >= limit if clause.quantity is Quantity.AVAILABLE else value <= limit
    if met and reading.samples < clause.min_samples:
        reason = _too_few(reading.samples, clause.min_samples)
        return Observation(trial, Verdict.INCONCLUSIVE, value, 0, reading.samples, reason)
    return Observation(trial, Verdict.HELD if met else Verdict.VIOLATED, value, int(not met), reading.samples, "")


def _too_few(samples: int, least: int) -> str:
    return f"{samples:,} samples, and at least {least:,} are asked for: send more messages, or ask for fewer"


def _read(clause: Clause, trial: TrialResult, arm: ArmResult, judged: ClauseResult) -> _Reading:
    """The value that a limit is set on."""
    assert clause.quantity is not None
    match clause.quantity:
        case Quantity.LOST:
            return _Reading(arm.fates[Fate.LOST], judged.samples)
        case Quantity.DUPLICATED:
            return _Reading(arm.duplicated, judged.samples)
        case Quantity.DUPLICATE_EFFECTS:
            return _Reading(arm.duplicate_effects, judged.samples)
        case Quantity.MISSING_EFFECTS:
            return _Reading(arm.missing_effects, judged.samples)
        case Quantity.READ_RECOVERY:
            return _recovery("read", arm.recovery, arm.recovery.read_from_heal_ns, judged.samples)
        case Quantity.WRITE_RECOVERY:
            return _recovery("write", arm.recovery, arm.recovery.write_from_heal_ns, judged.samples)
        case Quantity.BACKLOG_RECOVERY:
            return _recovery("backlog", arm.recovery, arm.recovery.backlog_from_heal_ns, judged.samples)
        case Quantity.P99:
            return _p99(arm, clause.phase)
        case Quantity.AVAILABLE:
            return _available(trial, arm)
        case _:
            assert_never(clause.quantity)


def _recovery(what: str, times: RecoveryTimes, value_ns: int | None, samples: int) -> _Reading:
    """Of what was not back by the end nobody knows how long it would have taken: no limit is met or missed."""
    if value_ns is not None:
        return _Reading(value_ns / 1e6, samples)
    back = "it was not back by the end of the trial" if what in times.not_back else "the fault did not interrupt it"
    return _Reading(None, samples, f"no recovery of {_RECOVERED[what]} was observed: {back}")


def _p99(arm: ArmResult, phase: Phase | None) -> _Reading:
    found = next((one.from_intended for one in arm.latency if one.phase is phase), None)
    if found is None:
        return _Reading(None, 0, "no message was owed")
    if found.p99_ms is None:
        return _Reading(None, found.samples, f"{found.samples:,} messages cannot support a p99: at least 100 can")
    return _Reading(found.p99_ms, found.samples)


def _available(trial: TrialResult, arm: ArmResult) -> _Reading:
    """The share of the traffic's time in which the worst producer was outside of its windows."""
    traffic = [span for span in trial.phases if span.phase is not Phase.DRAIN]
    begin = min((span.begin_ns for span in traffic), default=0)
    end = max((span.end_ns for span in traffic), default=0)
    if end <= begin or not arm.attempted:
        return _Reading(None, arm.attempted, "nothing was sent")
    away: dict[int, int] = {}
    counted_to: dict[int, int] = {}
    for window in sorted(arm.unavailability, key=lambda it: it.begin_ns):
        # A window that is still open lasts at least to the end. A producer that is behind its schedule may open one,
        # by an intended time, within its last.
        last = end if window.end_ns is None else min(window.end_ns, end)
        first = max(window.begin_ns, counted_to.get(window.producer, begin))
        away[window.producer] = away.get(window.producer, 0) + max(0, last - first)
        counted_to[window.producer] = max(first, last)
    return _Reading(1 - max(away.values(), default=0) / (end - begin), arm.attempted)


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
    return "never" if math.isinf(value) else f"{value:,.0f} ms"
