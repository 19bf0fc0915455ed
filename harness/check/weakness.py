"""When a trial proves nothing: the rules against vacuous passes.

A trial whose fault was not seen, or whose messages never met the fault, or whose harness was late, tells nothing
about Redis, whatever was counted in it. Each rule gives one sentence that says why, and names the way out where there
is one. What the journals themselves reveal is `harness.check.health`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.check.health import Weakness
from harness.check.timeline import Barrier, Timeline
from harness.model.results import ArmResult, TrialFacts, TrialResult
from harness.model.values import FaultPlan, Scenario, Trial
from harness.model.words import Fate, FaultModel, Guarantee, LinkRole, Mechanism, Verdict

_NEEDS_ACKNOWLEDGED = frozenset({Guarantee.AT_LEAST_ONCE, Guarantee.EFFECTIVELY_ONCE, Guarantee.DURABLE})
_REFUSING = frozenset({FaultModel.DOWN, FaultModel.RESET})


def trial_weaknesses(scenario: Scenario, facts: TrialFacts | None, timeline: Timeline) -> list[Weakness]:
    """What makes every clause of a trial inconclusive or an error, before any arm is looked at."""
    if facts is None:
        return [Weakness("the trial was killed before it could say how it went", Verdict.INCONCLUSIVE)]
    if facts.status == "error":
        return [Weakness(f"the trial went wrong: {facts.status_reason or 'no reason was given'}", Verdict.ERROR)]
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
        name = f"{fault.plan.model} on the {fault.plan.link}' link"
        if fault.observed_from_ns is None:
            yield f"{name} had no effect that the sentinel could see: {fault.evidence}"
        elif fault.observed_to_ns is None:
            yield f"{name} was not seen to end: {fault.evidence}"


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

    Something must have been attempted while the fault was on, and acknowledged at any time. Where the producers' own
    link refuses connections, a client that gives up gets nothing acknowledged, which still tests what does not speak
    of acknowledged messages.
    """
    if not faults:
        return ""
    if result.attempted_in_fault == 0:
        return "nothing was attempted while the fault was on"
    if result.acknowledged_in_fault:
        return ""
    refusing = all(plan.link is LinkRole.PRODUCERS and plan.model in _REFUSING for plan in faults)
    if refusing and guarantee not in _NEEDS_ACKNOWLEDGED:
        return ""
    return "nothing that was attempted while the fault was on was ever acknowledged"


def imperfection(control: TrialResult) -> str:
    """What is wrong with a no-fault control; empty when it is perfect."""
    if control.status != "complete":
        return f"{control.trial.folder_name} is not complete"
    for arm in control.arms:
        faults = {
            "lost": arm.fates[Fate.LOST],
            "duplicated": arm.duplicated,
            "phantom": arm.fates[Fate.PHANTOM],
            "unexplained": arm.lost_by_mechanism.get(Mechanism.UNEXPLAINED, 0),
            "reordered": arm.reordered,
        }
        wrong = [f"{count:,} {word}" for word, count in faults.items() if count]
        if wrong:
            return f"{control.trial.folder_name}: {arm.arm} had {', '.join(wrong)}"
    if not control.barrier_reached:
        return f"{control.trial.folder_name} did not reach its drain barrier"
    if control.verdict is Verdict.ERROR:
        return f"{control.trial.folder_name} is in error"
    return ""


def control_weakness(trial: Trial, controls: Sequence[TrialResult]) -> str:
    """Why a fault trial cannot be compared with nothing; empty when its family's control is perfect."""
    if trial.scenario.is_control:
        return ""
    family = trial.scenario.family
    own = [control for control in controls if control.trial.scenario.family == family]
    if not own:
        return f"the run has no no-fault control of the family {family}: run it together with the control"
    wrong = next((found for control in own if (found := imperfection(control))), "")
    return f"the no-fault control was not perfect: {wrong}" if wrong else ""
