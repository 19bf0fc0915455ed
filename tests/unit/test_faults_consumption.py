"""Slow and poison: what literal notes of consumers prove. Times are milliseconds; the fault is on from 100 to 200."""

from __future__ import annotations

import pytest

from harness.faults.base import CallTimes, Evidence
from harness.faults.consumption import CONSUMPTION_STYLES, Handling, ScopeEvent, judge_poison, judge_slow
from harness.faults.process_evidence import Target
from harness.model.words import FaultModel, WorkerRole

MS = 1_000_000
INJECT, HEAL = CallTimes(100 * MS, 102 * MS), CallTimes(200 * MS, 202 * MS)
ONE, TWO = (Target(WorkerRole.CONSUMER, 0, 0, member) for member in (0, 1))


def slow(at: float, took: float, target: Target = ONE) -> Handling:
    return Handling(int(at * MS), target, int(took * MS), slow=True)


def quick(at: float, took: float = 1, target: Target = ONE) -> Handling:
    return Handling(int(at * MS), target, int(took * MS), slow=False)


def span(evidence: Evidence) -> tuple[float | None, float | None]:
    begin, end = evidence.observed_from_ns, evidence.observed_to_ns
    return None if begin is None else begin / MS, None if end is None else end / MS


SLOW = {
    "both": ([slow(130, 21), slow(140, 22, TWO), quick(203), quick(210, 1, TWO)], (109, 210)),
    "begun before the order": ([slow(110, 20), slow(140, 22, TWO), quick(203), quick(210, 1, TWO)], (100, 210)),
    "one handled nothing": ([slow(130, 21), quick(203), quick(210, 1, TWO)], (None, None)),
    "told and not slow": ([slow(130, 21), slow(140, 2, TWO), quick(203), quick(210, 1, TWO)], (None, None)),
    "slow without being told": ([quick(130, 21), quick(140, 22, TWO), quick(203), quick(210, 1, TWO)], (None, None)),
    "only after the heal": ([slow(230, 21), slow(240, 22, TWO)], (None, None)),
    "never quick again": ([slow(130, 21), slow(140, 22, TWO), quick(203), quick(250, 30, TWO)], (109, None)),
    "nothing noted": ([], (None, None)),
}


@pytest.mark.parametrize(("handlings", "expected"), SLOW.values(), ids=SLOW)
def test_slow_is_what_was_measured(handlings: list[Handling], expected: tuple[float | None, float | None]) -> None:
    """Each consumer's own times count: all of them long while the fault is on, short after it."""
    found = judge_slow([ONE, TWO], handlings, least_ns=20 * MS, inject=INJECT, heal=HEAL)
    assert expected == span(found)


def test_slowness_of_nobody_is_nothing() -> None:
    """Without consumers there is no slow consumer."""
    assert (None, None) == span(judge_slow([], [slow(130, 21)], least_ns=MS, inject=INJECT, heal=HEAL))


def at(ms: float, scope: int = 0) -> ScopeEvent:
    return ScopeEvent(int(ms * MS), 0, scope)


POISON = {
    "both scopes": ([at(120), at(130, 1), at(230)], [at(150), at(210), at(220, 1)], (120, 220)),
    "one scope without": ([at(120)], [at(210), at(220, 1)], (None, None)),
    "failed before the fault": ([at(90), at(120), at(130, 1)], [at(210), at(220, 1)], (None, None)),
    "failed only afterwards": ([at(220), at(230, 1)], [at(210), at(220, 1)], (None, None)),
    "a scope does nothing any more": ([at(120), at(130, 1)], [at(210), at(190, 1)], (120, None)),
    "nothing failed": ([], [at(210), at(220, 1)], (None, None)),
}


@pytest.mark.parametrize(("failures", "effects", "expected"), POISON.values(), ids=POISON)
def test_poison_is_what_failed(
    failures: list[ScopeEvent], effects: list[ScopeEvent], expected: tuple[float | None, float | None]
) -> None:
    """From the first failure to the moment at which every scope has made an effect again."""
    assert expected == span(judge_poison([(0, 0), (0, 1)], failures, effects, inject=INJECT, heal=HEAL))


def test_both_can_be_drawn() -> None:
    """A label and a sentence each."""
    assert {FaultModel.SLOW, FaultModel.POISON} == set(CONSUMPTION_STYLES)
    assert all(style.description.endswith(".") for style in CONSUMPTION_STYLES.values())
