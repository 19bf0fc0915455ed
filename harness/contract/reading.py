"""The value that a limit is set on, in one trial: what was counted, and how many samples stand behind it.

Times to recover need more than a number. *Not interrupted*: there was nothing to recover from. *Not back by the end*:
nobody knows how long it would have taken, but it took longer than what was waited for. That is certain from the heal
to the end of the traffic, less the time that being back takes to be seen: back is the first acknowledgement or
delivery that `SUSTAINED` others follow (for a backlog, the first of `CALM` timely deliveries), and the traffic may have
ended before they came. Where a scope was given none of the drain's sentinels, its reads were not back when the last
one was sent that the server acknowledged; a producer that died sent none, which blames no reader. A limit that is
shorter than that was missed, by a value without end; one that is not was neither met nor missed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from harness.check.availability import SUSTAINED
from harness.check.backlog import CALM
from harness.contract.clauses import Clause, Quantity
from harness.model.accounts import ArmResult, Service
from harness.model.results import ClauseResult, TrialResult
from harness.model.words import Fate, Phase

_RECOVERED: dict[Service, str] = {"read": "reads", "write": "writes", "backlog": "a backlog"}
_SLACK = 3
"""How many times longer than on average the last few messages may take: their gaps are drawn by chance."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value with the samples behind it; ``None``: it was not observed, and ``missing`` says why."""

    value: float | None
    samples: int
    missing: str = ""


def read_quantity(clause: Clause, trial: TrialResult, arm: ArmResult, judged: ClauseResult) -> Reading:
    """The value of the quantity that ``clause`` limits; ``judged``: the guarantee that it rests on."""
    assert clause.quantity is not None
    match clause.quantity:
        case Quantity.LOST:
            return Reading(arm.fates[Fate.LOST], judged.samples)
        case Quantity.DUPLICATED:
            return Reading(arm.duplicated, judged.samples)
        case Quantity.DUPLICATE_EFFECTS:
            return Reading(arm.duplicate_effects, judged.samples)
        case Quantity.MISSING_EFFECTS:
            return Reading(arm.missing_effects, judged.samples)
        case Quantity.READ_RECOVERY:
            return _recovery("read", clause, trial, arm, judged)
        case Quantity.WRITE_RECOVERY:
            return _recovery("write", clause, trial, arm, judged)
        case Quantity.BACKLOG_RECOVERY:
            return _recovery("backlog", clause, trial, arm, judged)
        case Quantity.P99:
            return _p99(arm, clause.phase)
        case Quantity.AVAILABLE:
            return _available(trial, arm)
        case _:
            assert_never(clause.quantity)


def _recovery(what: Service, clause: Clause, trial: TrialResult, arm: ArmResult, judged: ClauseResult) -> Reading:
    assert clause.limit is not None
    times = arm.recovery
    from_heal_ns = {
        "read": times.read_from_heal_ns,
        "write": times.write_from_heal_ns,
        "backlog": times.backlog_from_heal_ns,
    }[what]
    if from_heal_ns is not None:
        return Reading(from_heal_ns / 1e6, judged.samples)
    if what not in times.not_back:
        reason = _not_told(what, trial, arm)
    elif _waited_ms(what, trial, arm) > clause.limit:
        return Reading(math.inf, judged.samples)
    else:
        reason = "it was not back by the end of the trial, which came too soon to say that the limit was missed"
    return Reading(None, judged.samples, f"no recovery of {_RECOVERED[what]} was observed: {reason}")


def _not_told(what: Service, trial: TrialResult, arm: ArmResult) -> str:
    """Why there is no time to recover, of what is not known to have been away."""
    times = arm.recovery
    if not trial.faults:
        return "no fault was injected"
    if _healed_ns(trial) is None:
        return "the fault was not healed"
    back = times.read_from_heal_ns is not None or times.write_from_heal_ns is not None
    if what == "backlog" and (back or {"read", "write"} & set(times.not_back)):
        return "too few messages of the steady phase arrived for a p99 to compare with: send more of them"
    return "the fault did not interrupt it"


def _healed_ns(trial: TrialResult) -> int | None:
    """When the last fault began to be healed; ``None`` where there is none, or one never was."""
    heals = [fault.heal_before_ns for fault in trial.faults]
    known = [heal for heal in heals if heal is not None]
    return max(known) if known and len(known) == len(heals) else None


def _waited_ms(what: Service, trial: TrialResult, arm: ArmResult) -> float:
    """For how long after the heal it was certainly not back; 0 where that cannot be said."""
    healed_ns, scenario = _healed_ns(trial), trial.trial.scenario
    described = next((one for one in scenario.arms if one.name == arm.arm), None)
    if healed_ns is None or described is None:
        return 0.0
    ends = [span.end_ns for span in trial.phases if span.phase is not Phase.DRAIN]
    if what != "write" and arm.deaf_until_ns is not None:
        ends.append(arm.deaf_until_ns)
    end_ns = max(ends, default=healed_ns)
    to_be_seen = (CALM if what == "backlog" else SUSTAINED) + 1
    slack_ms = 1_000 * _SLACK * to_be_seen * described.producers / scenario.workload.rate_per_s
    return max(0.0, (end_ns - healed_ns) / 1e6 - slack_ms)


def _p99(arm: ArmResult, phase: Phase | None) -> Reading:
    found = next((one.from_intended for one in arm.latency if one.phase is phase), None)
    if found is None:
        return Reading(None, 0, "no message was owed")
    if found.p99_ms is None:
        return Reading(None, found.samples, f"{found.samples:,} messages cannot support a p99: at least 100 can")
    return Reading(found.p99_ms, found.samples)


def _available(trial: TrialResult, arm: ArmResult) -> Reading:
    """The share of the traffic's time in which the worst producer was outside of its windows."""
    traffic = [span for span in trial.phases if span.phase is not Phase.DRAIN]
    begin = min((span.begin_ns for span in traffic), default=0)
    end = max((span.end_ns for span in traffic), default=0)
    if end <= begin or not arm.attempted:
        return Reading(None, arm.attempted, "nothing was sent")
    away: dict[int, int] = {}
    counted_to: dict[int, int] = {}
    for window in sorted(arm.unavailability, key=lambda it: it.begin_ns):
        # A window that is still open lasts at least to the end. A producer that is behind its schedule may open one,
        # by an intended time, within its last.
        last = end if window.end_ns is None else min(window.end_ns, end)
        first = max(window.begin_ns, counted_to.get(window.producer, begin))
        away[window.producer] = away.get(window.producer, 0) + max(0, last - first)
        counted_to[window.producer] = max(first, last)
    # Divided once, so that a share that is just its limit is not a hair below it.
    return Reading((end - begin - max(away.values(), default=0)) / (end - begin), arm.attempted)
