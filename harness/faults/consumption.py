"""Faults of consumption: handlers that take too long, and messages that no handler survives.

Both happen inside the consumers, so their evidence is what consumers wrote down: how long each handling really took,
and which handlings failed. The order to be slow, and the poison in the schedule, prove nothing by themselves.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.evidence import duration
from harness.faults.process_evidence import Target
from harness.model.words import FaultModel

CONSUMPTION_STYLES: Final = {
    FaultModel.SLOW: DrawStyle(
        label="slow",
        description="Consumers take long over each message and fall behind; at the heal they work as usual again.",
    ),
    FaultModel.POISON: DrawStyle(
        label="poison",
        description="Some messages fail every time they are handled; after the heal no more of them are sent.",
    ),
}


@dataclass(frozen=True, slots=True)
class Handling:
    """One handling of a message, as its consumer measured it; ``t_ns`` is its end."""

    t_ns: int
    target: Target
    took_ns: int
    slow: bool
    """Whether the consumer was told to be slow then."""


@dataclass(frozen=True, slots=True)
class ScopeEvent:
    """A failed handling, or an effect, in a scope."""

    t_ns: int
    arm: int
    scope: int


def judge_slow(
    targets: Sequence[Target], handlings: Sequence[Handling], *, least_ns: int, inject: CallTimes, heal: CallTimes
) -> Evidence:
    """Every consumer measured handlings of ``least_ns`` and more before the heal, none shorter, and one after it."""
    if not targets:
        return _nothing("there was nobody to be slow")
    begins, ends, took = [], [], []
    for target in targets:
        own = sorted((h for h in handlings if h.target == target), key=lambda h: h.t_ns)
        slow = [h for h in own if h.slow and inject.before_ns <= h.t_ns <= heal.before_ns]
        if not slow:
            return _nothing(f"{target} noted no slow handling before the heal")
        quick = [h for h in slow if h.took_ns < least_ns]
        if quick:
            return _nothing(f"{target} took {duration(quick[0].took_ns)} over a message, not {duration(least_ns)}")
        begins.append(max(inject.before_ns, slow[0].t_ns - slow[0].took_ns))
        took += [h.took_ns for h in slow]
        usual = (h.t_ns for h in own if not h.slow and h.t_ns >= heal.before_ns and h.took_ns < least_ns)
        ends.append(next(usual, None))
    sentence = (
        f"{len(targets)} of {len(targets)} took {duration(int(statistics.median(took)))} over a message (median of "
        f"{len(took)}, at least {duration(min(took))})"
    )
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return Evidence(min(begins), None, f"{sentence}; but only {len(known)} of {len(ends)} were quick again")
    after = duration(max(known) - heal.before_ns)
    return Evidence(min(begins), max(known), f"{sentence}; the last was quick again {after} after the heal began")


def judge_poison(
    scopes: Sequence[tuple[int, int]],
    failures: Sequence[ScopeEvent],
    effects: Sequence[ScopeEvent],
    *,
    inject: CallTimes,
    heal: CallTimes,
) -> Evidence:
    """In every scope (arm, scope) a handling failed before the heal, and an effect was made after it."""
    begins, ends = [], []
    for arm, scope in scopes:
        failed = _moments(failures, arm, scope)
        inside = [moment for moment in failed if inject.before_ns <= moment <= heal.before_ns]
        early = [moment for moment in failed if moment < inject.before_ns]
        if early or not inside:
            what = "a handling failed before the fault" if early else "no handling failed before the heal"
            return _nothing(f"{what} in scope {scope} of arm {arm}")
        begins.append(inside[0])
        ends.append(next((moment for moment in _moments(effects, arm, scope) if moment >= heal.before_ns), None))
    if not begins:
        return _nothing("there was no scope to be poisoned")
    sentence = f"{len(failures)} handlings failed, in each of {len(scopes)} scopes"
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return Evidence(min(begins), None, f"{sentence}; but only {len(known)} made an effect after the heal")
    after = duration(max(known) - heal.before_ns)
    return Evidence(min(begins), max(known), f"{sentence}; all of them made effects again {after} after the heal began")


def _moments(events: Sequence[ScopeEvent], arm: int, scope: int) -> list[int]:
    return sorted(event.t_ns for event in events if (event.arm, event.scope) == (arm, scope))


def _nothing(what: str) -> Evidence:
    return Evidence(None, None, f"not shown: {what}")
