"""The numbers of one trial as small tables with a column per arm: labels and cells, ready to be shown.

Nothing is counted here; cells are `TrialResult`'s own numbers, worded. A line is left out where no arm has it, and a
table without lines is empty and not shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.accounts import ArmResult
from harness.model.naming import ordinal
from harness.model.results import TrialResult
from harness.model.words import DuplicateCause, Fate, LossPosition, Mechanism, Outcome
from harness.report.arm_lines import Cell, Line, Lines, line, used
from harness.report.trial_failover import failover_table
from harness.report.trial_times import latency_lines, recovery_lines, unavailable_lines
from harness.report.wording import MISSING, count, microseconds, milliseconds, percent


@dataclass(frozen=True, slots=True)
class TrialTables:
    """The tables of one trial."""

    fates: Lines
    fates_total: Line
    outcomes: Lines
    losses: Lines
    repeats: Lines
    undone: Lines
    load: Lines
    publish: Lines
    durability: Lines
    failovers: Lines
    latencies: Lines
    recoveries: Lines
    unavailable: Lines
    costs: Lines


def lost_of(arm: ArmResult) -> int:
    """How many owed messages the arm lost."""
    return arm.fates.get(Fate.LOST, 0)


def trial_tables(result: TrialResult) -> TrialTables:
    """All tables of ``result``."""
    arms = result.arms
    return TrialTables(
        fates=used(arms, [(fate.value, _fate_cell(fate)) for fate in Fate]),
        fates_total=line(arms, "owed", lambda arm: count(arm.owed)),
        outcomes=_outcomes(arms),
        losses=_losses(arms),
        repeats=_repeats(arms),
        undone=_undone(arms),
        load=_load(arms),
        publish=_publish(arms),
        durability=_durability(arms),
        failovers=failover_table(arms),
        latencies=latency_lines(arms),
        recoveries=recovery_lines(arms) if result.faults else (),
        unavailable=unavailable_lines(arms),
        costs=_costs(arms),
    )


def _fate_cell(fate: Fate) -> Cell:
    return lambda arm: count(arm.fates.get(fate, 0))


def _outcome_cell(outcome: Outcome) -> Cell:
    return lambda arm: count(arm.outcomes.get(outcome, 0))


def _mechanism_cell(mechanism: Mechanism) -> Cell:
    return lambda arm: count(arm.lost_by_mechanism.get(mechanism, 0))


def _position_cell(position: LossPosition) -> Cell:
    return lambda arm: count(arm.lost_by_position.get(position, 0))


def _cause_cell(cause: DuplicateCause) -> Cell:
    return lambda arm: count(arm.duplicates_by_cause.get(cause, 0))


def _outcomes(arms: tuple[ArmResult, ...]) -> Lines:
    return (
        line(arms, "attempted", lambda arm: count(arm.attempted)),
        *(line(arms, outcome.value, _outcome_cell(outcome)) for outcome in Outcome),
        *used(
            arms,
            [
                ("attempted during the fault", lambda arm: count(arm.attempted_in_fault)),
                ("of these acknowledged", lambda arm: count(arm.acknowledged_in_fault)),
                ("not acknowledged, yet delivered", lambda arm: count(arm.recovered)),
                ("entries in the log", lambda arm: count(arm.log_entries)),
                ("of these twice", lambda arm: count(arm.log_duplicates)),
            ],
        ),
    )


def _losses(arms: tuple[ArmResult, ...]) -> Lines:
    return used(
        arms,
        [
            *((mechanism.value, _mechanism_cell(mechanism)) for mechanism in Mechanism),
            *((f"in the {position.value} of a sequence", _position_cell(position)) for position in LossPosition),
            ("silently", lambda arm: count(arm.lost_silently)),
            ("PUBLISH answered 0", lambda arm: count(arm.lost_detectably)),
            ("although subscribed throughout", lambda arm: count(arm.lost_contract_view)),
        ],
    )


def _repeats(arms: tuple[ArmResult, ...]) -> Lines:
    return (
        line(arms, "duplicated deliveries", lambda arm: count(arm.duplicated)),
        *used(arms, [(f"by {cause.value}", _cause_cell(cause)) for cause in DuplicateCause]),
        line(arms, "duplicate effects", lambda arm: count(arm.duplicate_effects)),
        line(arms, "missing effects", lambda arm: count(arm.missing_effects)),
        line(arms, "reordered", lambda arm: count(arm.reordered)),
        line(arms, "late", lambda arm: count(arm.late)),
        *used(arms, [("stuck, effect done", lambda arm: count(arm.stuck_effect_done))]),
    )


def _undone(arms: tuple[ArmResult, ...]) -> Lines:
    """What was received and not done, and what recovery and dedup had to do with it."""
    return used(
        arms,
        [
            *((f"stuck or not done: {mechanism.value}", _unsettled_cell(mechanism)) for mechanism in Mechanism),
            ("received, and nothing will ever bring the effect", lambda arm: count(arm.unsettled_effects)),
            ("effects that dedup held back", lambda arm: count(arm.suppressed_effects)),
            ("of these falsely: it was never done", lambda arm: count(arm.false_dedup)),
            ("handler failed", lambda arm: count(arm.failed_handlings)),
            ("dead letters", lambda arm: count(arm.dead_lettered)),
            ("XACKs refused: somebody else had acknowledged", lambda arm: count(arm.refused_acknowledgements)),
        ],
    )


def _unsettled_cell(mechanism: Mechanism) -> Cell:
    return lambda arm: count(arm.unsettled_by_mechanism.get(mechanism, 0))


def _load(arms: tuple[ArmResult, ...]) -> Lines:
    """How the members of a scope shared its work, the busiest first."""
    most = max((len(arm.load) for arm in arms), default=0)
    return tuple(
        line(arms, f"{ordinal(place + 1)} busiest" if place else "busiest", _share(place)) for place in range(most)
    )


def _share(place: int) -> Cell:
    def cell(arm: ArmResult) -> str:
        members = sorted(arm.load.items(), key=lambda member: -member[1])
        if place >= len(members):
            return MISSING
        name, effects = members[place]
        return f"{name} {count(effects)} ({percent(effects / max(1, sum(arm.load.values())))})"

    return cell


def _publish(arms: tuple[ArmResult, ...]) -> Lines:
    if all(arm.publish is None for arm in arms):
        return ()
    return (
        line(arms, "receivers answered, sum", lambda arm: count(arm.publish.answers_sum if arm.publish else None)),
        line(arms, "first deliveries", lambda arm: count(arm.publish.received_sum if arm.publish else None)),
        line(arms, "answered 0 receivers", lambda arm: count(arm.publish.no_receiver if arm.publish else None)),
        line(arms, "answered too many", lambda arm: count(arm.publish.overstated if arm.publish else None)),
    )


def _durability(arms: tuple[ArmResult, ...]) -> Lines:
    if all(arm.durability is None for arm in arms):
        return ()
    names = {
        "in the log, with effect": "in_log_with_effect",
        "in the log, no effect": "in_log_without_effect",
        "gone, with effect": "gone_with_effect",
        "gone, no effect": "gone_without_effect",
        "trimmed as configured": "trimmed_by_configuration",
    }

    def cell(name: str) -> Cell:
        return lambda arm: count(getattr(arm.durability, name) if arm.durability else None)

    return (*(line(arms, label, cell(name)) for label, name in names.items()), *_replay(arms))


def _replay(arms: tuple[ArmResult, ...]) -> Lines:
    """What could be learnt from the log afterwards."""
    names = {
        "orders": "orders",
        "of these rebuilt from the log": "rebuilt",
        "rebuilt to another state than their effects": "differing",
        "acknowledged since the fault began": "owed_since_fault",
        "of these replayed from the log": "replayed_since_fault",
    }

    def cell(name: str) -> Cell:
        return lambda arm: count(getattr(arm.replay, name) if arm.replay else None)

    return used(arms, [(label, cell(name)) for label, name in names.items()])


def _costs(arms: tuple[ArmResult, ...]) -> Lines:
    return (
        line(arms, "requests written by producers", lambda arm: count(arm.cost.producer_requests)),
        *used(
            arms,
            [
                ("XACK calls", lambda arm: count(arm.cost.acknowledgement_calls)),
                ("server memory at the end, bytes", lambda arm: count(arm.cost.server_memory_bytes)),
                ("workers' processor time", lambda arm: milliseconds(arm.cost.worker_cpu_ms)),
                ("requests for dedup", lambda arm: count(arm.cost.dedup_requests)),
                ("memory of dedup's marks, bytes", lambda arm: count(arm.cost.dedup_memory_bytes)),
                ("handling of one message, p50", lambda arm: microseconds(arm.cost.handling_p50_us)),
            ],
        ),
    )
