"""What makes a schedule smaller, and every smaller one that is a single step away, boldest first.

Each step lowers `size`, which is compared field by field, so shrinking always comes to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.model.values import Arm, FaultPlan, Scenario
from harness.model.words import Members

LEAST_OUTAGE_S = 0.5
LEAST_CALM_S = 0.5
LEAST_RECOVERY_S = 1.0
LEAST_RATE_PER_S = 5.0
_CALM = (("recovery_s", LEAST_RECOVERY_S), ("steady_s", LEAST_CALM_S), ("warm_up_s", LEAST_CALM_S))

Size = tuple[float, ...]
Step = Callable[[Scenario], Iterator[Scenario]]


def size(scenario: Scenario) -> Size:
    """Faults, what they are made of, consumers, seconds of outage, seconds in all, messages a second."""
    arm, timeline = scenario.arms[0], scenario.timeline
    return (
        len(scenario.faults),
        sum(_weight(plan, arm) for plan in scenario.faults),
        arm.scopes * arm.consumers_per_scope,
        timeline.outage_s,
        timeline.traffic_s,
        scenario.workload.rate_per_s,
    )


def _weight(plan: FaultPlan, arm: Arm) -> int:
    """What is more than the least of a fault: coming back, and striking all where one would do."""
    everybody = plan.worker is not None and plan.members is Members.ALL and arm.consumers_per_scope > 1
    return plan.cycles - 1 + int(everybody)


def fewer_faults(scenario: Scenario) -> Iterator[Scenario]:
    """Each fault alone, then all but one."""
    faults = scenario.faults
    if len(faults) > 1:
        for plan in faults:
            yield _changed(scenario, faults=(plan,))
    if len(faults) > 2:
        for left_out in range(len(faults)):
            yield _changed(scenario, faults=tuple(plan for n, plan in enumerate(faults) if n != left_out))


def plainer_faults(scenario: Scenario) -> Iterator[Scenario]:
    """A fault that came and went is on once; one that struck all workers of a place strikes the first."""
    for number, plan in enumerate(scenario.faults):
        changes: list[dict[str, object]] = [{"cycles": 1}] if plan.cycles > 1 else []
        if _weight(plan.model_copy(update={"cycles": 1}), scenario.arms[0]):
            changes.append({"members": Members.FIRST})
        for change in changes:
            plainer = (*scenario.faults[:number], plan.model_copy(update=change), *scenario.faults[number + 1 :])
            yield _changed(scenario, faults=plainer)


def fewer_consumers(scenario: Scenario) -> Iterator[Scenario]:
    """One recipient; one consumer of it."""
    arm = scenario.arms[0]
    for field in ("scopes", "consumers_per_scope"):
        if getattr(arm, field) > 1:
            yield _changed(scenario, arms=(arm.model_copy(update={field: 1}),))


def shorter_outage(scenario: Scenario) -> Iterator[Scenario]:
    """As short as may be, a quarter, half."""
    now = scenario.timeline.outage_s
    for seconds in _lower(now, LEAST_OUTAGE_S):
        yield _changed(scenario, timeline=scenario.timeline.model_copy(update={"outage_s": seconds}))


def less_calm(scenario: Scenario) -> Iterator[Scenario]:
    """Less traffic around the outage: all of it as short as may be, then each part."""
    timeline = scenario.timeline
    short = {field: least for field, least in _CALM if getattr(timeline, field) > least}
    if len(short) > 1:
        yield _changed(scenario, timeline=timeline.model_copy(update=short))
    for field, least in short.items():
        yield _changed(scenario, timeline=timeline.model_copy(update={field: least}))


def lower_rate(scenario: Scenario) -> Iterator[Scenario]:
    """As few messages as may be, a quarter, half."""
    for rate in _lower(scenario.workload.rate_per_s, LEAST_RATE_PER_S):
        yield _changed(scenario, workload=scenario.workload.model_copy(update={"rate_per_s": rate}))


STEPS: tuple[Step, ...] = (fewer_faults, fewer_consumers, plainer_faults, shorter_outage, less_calm, lower_rate)
"""In this order: what is gone first need not be played with later."""


def _lower(now: float, least: float) -> list[float]:
    values = {least, *(round(max(least, now / part), 1) for part in (4, 2))}
    return sorted(value for value in values if value < now)


def _changed(scenario: Scenario, **changes: object) -> Scenario:
    return scenario.model_copy(update=changes)


def expected_messages(scenario: Scenario) -> int:
    """How many messages the schedule's traffic holds on average."""
    return round(scenario.timeline.traffic_s * scenario.workload.rate_per_s)
