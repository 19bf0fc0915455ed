"""Fault trials against their no-fault control: without the fault, the same arms must be perfect.

Every family has a control scenario with the arms of the family. An arm of a fault trial is compared with the control's
arm of the same name, else with that of its name without preset and release; what was not perfect there proves nothing
here, and neither does an arm that no control of the family has. A trial with replicas, or with wires, is compared with
a control that has them too: a single server says nothing about replication, and a proxy nothing about namespaces.
Perfect is what the arm promises: an arm that subscribes twice gets everything twice by design, and makes as many
effects; a group created at ``$`` is owed nothing earlier; a log is trimmed as far as its retention says. None of this
is held against a control; nor is a guarantee that the control's scenario itself expects not to hold. But an arm of
which nothing was acknowledged shows nothing, however little went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.check.naming import base_name, without_preset
from harness.model.accounts import ArmResult
from harness.model.results import SkippedTrial, TrialResult
from harness.model.values import Trial
from harness.model.words import DuplicateCause, Fate, Guarantee, Mechanism, Outcome, Stance, Verdict

_ABOUT: Mapping[str, Guarantee] = {
    "lost": Guarantee.AT_LEAST_ONCE,
    "stuck": Guarantee.AT_LEAST_ONCE,
    "unread": Guarantee.AT_LEAST_ONCE,
    "never read": Guarantee.AT_LEAST_ONCE,
    "without effect": Guarantee.EFFECTIVELY_ONCE,
    "duplicate effects": Guarantee.EFFECTIVELY_ONCE,
    "duplicated": Guarantee.AT_MOST_ONCE,
    "rejected but delivered": Guarantee.AT_MOST_ONCE,
    "gone from the log": Guarantee.DURABLE,
    "reordered": Guarantee.ORDERED,
}
"""Which guarantee excuses a fault of the control, where the scenario expects that it does not hold."""


def imperfection(control: TrialResult, name: str) -> str:
    """What is wrong with a no-fault control as far as one of its arms goes; empty when it is perfect."""
    folder = control.trial.folder_name
    if control.status != "complete":
        return f"{folder} is not complete"
    for arm in control.arms:
        if arm.arm != name:
            continue
        if not arm.outcomes[Outcome.ACKNOWLEDGED]:
            return f"{folder}: nothing of {arm.arm} was acknowledged"
        wrong = [f"{count:,} {word}" for word, count in _faults(control, arm).items() if count]
        if wrong:
            return f"{folder}: {arm.arm} had {', '.join(wrong)}"
    if not control.barrier_reached:
        return f"{folder} did not reach its drain barrier"
    return f"{folder} is in error" if control.verdict is Verdict.ERROR else ""


def _faults(control: TrialResult, arm: ArmResult) -> dict[str, int]:
    """What must not happen without a fault, and how often it did; what the scenario expects is left out."""
    overlaps = arm.duplicates_by_cause.get(DuplicateCause.OVERLAP, 0)
    found = {
        "lost": arm.fates[Fate.LOST],
        "stuck": arm.fates[Fate.STUCK],
        "unread": arm.fates[Fate.UNREAD],
        "never read": arm.fates[Fate.NEVER_READ],
        "without effect": arm.unsettled_effects + arm.dead_lettered,
        "duplicate effects": max(0, arm.duplicate_effects - overlaps),
        "duplicated": arm.duplicated - overlaps,
        "rejected but delivered": arm.fates[Fate.REJECTED_BUT_DELIVERED],
        "gone from the log": _gone(arm),
        "phantom": arm.fates[Fate.PHANTOM],
        "unexplained": arm.lost_by_mechanism.get(Mechanism.UNEXPLAINED, 0),
        "reordered": arm.reordered,
    }
    excused = {
        clause.guarantee
        for clause in control.clauses
        if clause.arm == arm.arm and clause.stance is Stance.EXPECTED_NOT_TO_HOLD
    }
    return {word: count for word, count in found.items() if _ABOUT.get(word) not in excused}


def _gone(arm: ArmResult) -> int:
    """Acknowledged messages that the log lost of itself; 0 of an arm without a log, and of one that was not read."""
    table = arm.durability
    if table is None:
        return 0
    return table.gone_with_effect + table.gone_without_effect - table.trimmed_by_configuration


def control_doubts(
    trial: Trial, controls: Sequence[TrialResult], skipped: Sequence[SkippedTrial] = ()
) -> dict[str, str]:
    """Per arm of a fault trial, why it cannot be compared with nothing; arms with a perfect control are not in it."""
    if trial.scenario.is_control:
        return {}
    family = trial.scenario.family
    own = [control for control in controls if control.trial.scenario.control_key == trial.scenario.control_key]
    arms = [arm.name for arm in trial.scenario.arms]
    if not own:
        reason = next((f" ({one.reason})" for one in skipped if one.scenario == f"{family}_control"), "")
        doubt = f"the run has no no-fault control of the family {family}{reason}: run it together with the control"
        return dict.fromkeys(arms, doubt)
    doubts = {arm: _doubt_of(arm, own) for arm in arms}
    return {arm: doubt for arm, doubt in doubts.items() if doubt}


def _doubt_of(arm: str, controls: Sequence[TrialResult]) -> str:
    known = {one.arm for control in controls for one in control.arms}
    closest = (arm, arm.partition("@")[0], without_preset(arm), base_name(arm))
    namesake = next((name for name in closest if name in known), None)
    if namesake is None:
        return f"no no-fault control has the arm {arm}: there is nothing to compare it with"
    compared = [control for control in controls if namesake in {one.arm for one in control.arms}]
    wrong = next((found for control in compared if (found := imperfection(control, namesake))), "")
    return f"the no-fault control was not perfect: {wrong}" if wrong else ""
