"""The numbers of one trial as small tables with a column per arm: labels and cells, ready to be shown.

Nothing is counted here; cells are `TrialResult`'s own numbers, worded. A line is left out where no arm has it, and a
table without lines is empty and not shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.model.naming import ordinal
from harness.model.results import ArmResult, LatencyQuantiles, TrialResult, UnavailabilityWindow
from harness.model.words import DuplicateCause, Fate, LossPosition, Mechanism, Outcome, Phase
from harness.report.wording import MISSING, count, microseconds, milliseconds, nanoseconds, percent

Line = tuple[str, tuple[str, ...]]
Lines = tuple[Line, ...]
Cell = Callable[[ArmResult], str]


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
        fates=_used(arms, [(fate.value, _fate_cell(fate)) for fate in Fate]),
        fates_total=_line(arms, "owed", lambda arm: count(arm.owed)),
        outcomes=_outcomes(arms),
        losses=_losses(arms),
        repeats=_repeats(arms),
        undone=_undone(arms),
        load=_load(arms),
        publish=_publish(arms),
        durability=_durability(arms),
        latencies=_latencies(arms),
        recoveries=_recoveries(arms) if result.faults else (),
        unavailable=_used(arms, [("windows", _windows), ("largest gap", lambda arm: nanoseconds(arm.largest_gap_ns))]),
        costs=_costs(arms),
    )


def _line(arms: tuple[ArmResult, ...], label: str, cell: Cell) -> Line:
    """One line over all arms."""
    return label, tuple(cell(arm) for arm in arms)


def _used(arms: tuple[ArmResult, ...], cells: list[tuple[str, Cell]]) -> Lines:
    """Lines in which at least one arm has something."""
    lines = [_line(arms, label, cell) for label, cell in cells]
    return tuple(line for line in lines if any(cell not in ("0", MISSING) for cell in line[1]))


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
        _line(arms, "attempted", lambda arm: count(arm.attempted)),
        *(_line(arms, outcome.value, _outcome_cell(outcome)) for outcome in Outcome),
        *_used(
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
    return _used(
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
        _line(arms, "duplicated deliveries", lambda arm: count(arm.duplicated)),
        *_used(arms, [(f"by {cause.value}", _cause_cell(cause)) for cause in DuplicateCause]),
        _line(arms, "duplicate effects", lambda arm: count(arm.duplicate_effects)),
        _line(arms, "missing effects", lambda arm: count(arm.missing_effects)),
        _line(arms, "reordered", lambda arm: count(arm.reordered)),
        _line(arms, "late", lambda arm: count(arm.late)),
        *_used(arms, [("stuck, effect done", lambda arm: count(arm.stuck_effect_done))]),
    )


def _undone(arms: tuple[ArmResult, ...]) -> Lines:
    """What was received and not done, and what recovery and dedup had to do with it."""
    return _used(
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
        _line(arms, f"{ordinal(place + 1)} busiest" if place else "busiest", _share(place)) for place in range(most)
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
        _line(arms, "receivers answered, sum", lambda arm: count(arm.publish.answers_sum if arm.publish else None)),
        _line(arms, "first deliveries", lambda arm: count(arm.publish.received_sum if arm.publish else None)),
        _line(arms, "answered 0 receivers", lambda arm: count(arm.publish.no_receiver if arm.publish else None)),
        _line(arms, "answered too many", lambda arm: count(arm.publish.overstated if arm.publish else None)),
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

    return tuple(_line(arms, label, cell(name)) for label, name in names.items())


def _latencies(arms: tuple[ArmResult, ...]) -> Lines:
    phases: list[Phase | None] = [Phase.STEADY, Phase.FAULT, Phase.RECOVERY, None]
    lines = [_line(arms, phase.value if phase else "whole trial", _latency_cell(phase)) for phase in phases]
    from_send = _line(arms, "whole trial, from actual send", _latency_cell(None, from_send=True))
    lateness = _line(arms, "harness's own lateness, p99", lambda arm: milliseconds(arm.own_lateness_p99_ms))
    return (*lines, from_send, lateness)


def _latency_cell(phase: Phase | None, *, from_send: bool = False) -> Cell:
    def cell(arm: ArmResult) -> str:
        known = next((entry for entry in arm.latency if entry.phase is phase), None)
        if known is None:
            return MISSING
        return _quantiles(known.from_send if from_send else known.from_intended)

    return cell


def _quantiles(known: LatencyQuantiles) -> str:
    """``0.71 ms / 2.95 s / 3.02 s``."""
    return " / ".join(milliseconds(value) for value in (known.p50_ms, known.p99_ms, known.max_ms))


def _recoveries(arms: tuple[ArmResult, ...]) -> Lines:
    names = {
        "first error seen, from injection": "detect_ns",
        "subscribed again, from heal": "resubscribe_from_heal_ns",
        "write, from injection": "write_from_inject_ns",
        "write, from heal": "write_from_heal_ns",
        "read, from injection": "read_from_inject_ns",
        "read, from heal": "read_from_heal_ns",
        "backlog gone, from injection": "backlog_from_inject_ns",
        "backlog gone, from heal": "backlog_from_heal_ns",
    }

    def cell(name: str) -> Cell:
        return lambda arm: nanoseconds(getattr(arm.recovery, name))

    return tuple(_line(arms, label, cell(name)) for label, name in names.items())


def _windows(arm: ArmResult) -> str:
    """The arm's unavailability windows, the first few by name."""
    shown = ", ".join(_window(window) for window in arm.unavailability[:3])
    more = len(arm.unavailability) - 3
    return (f"{shown}, {more} more" if more > 0 else shown) or "0"


def _window(window: UnavailabilityWindow) -> str:
    """``3.00 s at 3.1 s``."""
    begin = f"{window.begin_ns / 1e9:.1f} s"
    return (
        f"open from {begin}" if window.end_ns is None else f"{nanoseconds(window.end_ns - window.begin_ns)} at {begin}"
    )


def _costs(arms: tuple[ArmResult, ...]) -> Lines:
    return (
        _line(arms, "requests written by producers", lambda arm: count(arm.cost.producer_requests)),
        *_used(
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
