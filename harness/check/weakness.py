"""When a trial proves nothing: the rules against vacuous passes.

A trial whose fault was not seen, or whose messages never met the fault, or whose harness was late, tells nothing
about Redis, whatever was counted in it. Each rule gives one sentence that says why, and names the way out where there
is one. What the journals themselves reveal is `harness.check.health`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.check.health import Weakness
from harness.check.timeline import Barrier, Timeline
from harness.model.accounts import ArmResult, FaultMet
from harness.model.naming import fault_name
from harness.model.results import TrialFacts
from harness.model.values import FaultPlan, Scenario
from harness.model.words import PROCESS_FAULTS, FaultModel, Guarantee, LinkRole, Primitive, Verdict, WorkerRole

_NEEDS_ACKNOWLEDGED = frozenset({Guarantee.AT_LEAST_ONCE, Guarantee.EFFECTIVELY_ONCE, Guarantee.DURABLE})
_UNANSWERED = frozenset({FaultModel.DOWN, FaultModel.RESET, FaultModel.REPLY_LOST})
_TAKES_WHAT_WAS = frozenset(
    {
        FaultModel.FAILOVER,
        FaultModel.HUNG_MASTER,
        FaultModel.SERVER_KILL,
        FaultModel.POWER_LOSS,
        FaultModel.OUT_OF_MEMORY,
        FaultModel.EVICTION,
        FaultModel.DISK_FULL,
    }
)
_NOTHING = "nothing was attempted while"
NOTHING_ATTEMPTED = f"{_NOTHING} the fault was on"


def trial_weaknesses(scenario: Scenario, facts: TrialFacts | None, timeline: Timeline) -> list[Weakness]:
    """What makes every clause of a trial inconclusive or an error, before any arm is looked at."""
    if facts is None:
        return [Weakness("the trial was killed before it could say how it went", Verdict.INCONCLUSIVE)]
    if facts.status == "error":
        return [Weakness(f"the trial went wrong: {facts.status_reason or 'no reason was given'}", Verdict.ERROR)]
    if facts.status == "skipped":
        return [Weakness(f"the trial was skipped{_because(facts.status_reason)}", Verdict.INCONCLUSIVE)]
    if facts.status == "interrupted":
        return [Weakness(f"the trial was interrupted{_because(facts.status_reason)}", Verdict.INCONCLUSIVE)]
    return [Weakness(text, Verdict.INCONCLUSIVE) for text in _unproven_faults(scenario, timeline)]


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _unproven_faults(scenario: Scenario, timeline: Timeline) -> Iterable[str]:
    planned = [plan for plan in scenario.faults if plan.model is not FaultModel.NONE]
    if len(timeline.faults) < len(planned):
        yield f"only {len(timeline.faults)} of {len(planned)} faults were injected"
    for fault in timeline.faults:
        name = fault_name(fault.plan)
        if fault.observed_from_ns is None:
            yield f"{name}: no effect of it was seen: {fault.evidence}"
        elif fault.observed_to_ns is None:
            yield f"{name}: it was not seen to end: {fault.evidence}"


def lateness_weakness(result: ArmResult, *, limit_ms: float) -> str:
    """Why an arm's own lateness spoils it; empty when it does not."""
    if result.own_lateness_p99_ms <= limit_ms:
        return ""
    return (
        f"{result.arm}: the harness itself was {result.own_lateness_p99_ms:.1f} ms late (p99, limit {limit_ms:g} ms): "
        "give the machine less to do, or a lower --rate"
    )


def barrier_weakness(arm: str, barrier: Barrier) -> str:
    """Why absence is not proven for an arm; empty when it is."""
    if barrier.reached:
        return ""
    return f"{arm}: the drain barrier was not reached: {'; '.join(barrier.missing)}"


def empty_window(guarantee: Guarantee, result: ArmResult, faults: Sequence[FaultPlan]) -> str:
    """Why a clause was not put to the test by the fault; empty when it was.

    Something must have been attempted while the fault was on, and acknowledged. Where the fault leaves the producers
    alone, that must have been while it was on: a message that is only acknowledged after the heal may have reached the
    server after it, and has met nothing. Where it stands between producers and server, or strikes the server, a call
    that was under way while it was on has met it, and counts whenever it was acknowledged. Where the producers' own
    link keeps them from learning the answer, a client that gives up gets nothing acknowledged, which still tests what
    does not speak of acknowledged messages. A fault of the server may refuse everything while it is on; it threatens
    what a stream had acknowledged before it, so there must be such messages. Pub/Sub keeps nothing that it could take.
    Of several faults each must have been met, and named is the first that was not; where all leave the producers alone,
    something must have been acknowledged while each was on. What had to be acknowledged is asked of all of them
    together where they are of different kinds.
    Where the producers themselves are struck down, that they attempt nothing meanwhile *is* the fault, and what they
    had been promised before is at stake; who starts late had been promised nothing.
    """
    if not faults:
        return ""
    if all(_stops_producers(plan) for plan in faults):
        return _nothing_at_stake(guarantee, result, faults)
    if result.attempted_in_fault == 0:
        return NOTHING_ATTEMPTED
    met = _met_each(result, faults)
    for plan, fault in met:
        if not fault.attempted and not _stops_producers(plan):
            return f"{_NOTHING} {fault_name(plan)} was on"
    if all(_leaves_producers(plan) for plan in faults) and result.acknowledged_in_fault:
        if not result.acknowledged_while_on:
            return "nothing was acknowledged before the fault was over"
        late = [fault_name(plan) for plan, fault in met if not fault.acknowledged_while_on]
        return f"nothing was acknowledged before {late[0]} was over" if late else ""
    if result.acknowledged_in_fault:
        return ""
    keeps = result.primitive is Primitive.STREAMS or guarantee not in _NEEDS_ACKNOWLEDGED
    if all(plan.model in _TAKES_WHAT_WAS for plan in faults) and keeps and result.acknowledged_before_fault:
        return ""
    refusing = all(plan.link is LinkRole.PRODUCERS and plan.model in _UNANSWERED for plan in faults)
    if refusing and guarantee not in _NEEDS_ACKNOWLEDGED:
        return ""
    return "nothing that was attempted while the fault was on was ever acknowledged"


def _met_each(result: ArmResult, faults: Sequence[FaultPlan]) -> list[tuple[FaultPlan, FaultMet]]:
    """What met each of several faults; nothing where not all were injected, which is told elsewhere."""
    planned = [plan for plan in faults if plan.model is not FaultModel.NONE]
    if len(planned) < 2 or len(planned) != len(result.each_fault):
        return []
    return list(zip(planned, result.each_fault, strict=True))


def _stops_producers(plan: FaultPlan) -> bool:
    return plan.worker is WorkerRole.PRODUCER and plan.model in PROCESS_FAULTS


def _leaves_producers(plan: FaultPlan) -> bool:
    """Whether what the fault strikes is on the consumers' side: their link, their processes, or their handling."""
    return (
        plan.link in (LinkRole.CONSUMERS, LinkRole.ONE_CONSUMER)
        or plan.worker is WorkerRole.CONSUMER
        or plan.model is FaultModel.POISON
    )


def _nothing_at_stake(guarantee: Guarantee, result: ArmResult, faults: Sequence[FaultPlan]) -> str:
    """Why a fault of the producers themselves had nothing to break; empty where it had."""
    if guarantee not in _NEEDS_ACKNOWLEDGED or any(plan.model is FaultModel.LATE_START for plan in faults):
        return ""
    promised = result.acknowledged_before_fault or result.acknowledged_in_fault
    return "" if promised else "nothing was acknowledged before the producers were struck down"


def silent_window(result: ArmResult, faults: Sequence[FaultPlan]) -> str:
    """Why an arm as a whole was not put to the test; empty when something was attempted, or had not to be."""
    found = empty_window(Guarantee.AT_MOST_ONCE, result, faults)
    return f"{result.arm}: {found}" if found.startswith(_NOTHING) else ""
