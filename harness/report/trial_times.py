"""The times of one trial as lines with a column per arm: latency, recovery, unavailability."""

from __future__ import annotations

from harness.model.accounts import ArmResult, LatencyQuantiles, UnavailabilityWindow
from harness.model.words import Phase
from harness.report.arm_lines import Cell, Lines, line, used
from harness.report.wording import MISSING, NEVER, milliseconds, nanoseconds


def latency_lines(arms: tuple[ArmResult, ...]) -> Lines:
    """Half of the messages, all but one in a hundred, and the slowest, phase by phase."""
    phases: list[Phase | None] = [Phase.STEADY, Phase.FAULT, Phase.RECOVERY, None]
    lines = [line(arms, phase.value if phase else "whole trial", _latency_cell(phase)) for phase in phases]
    from_send = line(arms, "whole trial, from actual send", _latency_cell(None, from_send=True))
    lateness = line(arms, "harness's own lateness, p99", lambda arm: milliseconds(arm.own_lateness_p99_ms))
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


def recovery_lines(arms: tuple[ArmResult, ...]) -> Lines:
    """How soon things were well again, from injection and from heal."""
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
        what = name.partition("_")[0]
        return lambda arm: NEVER if what in arm.recovery.not_back else nanoseconds(getattr(arm.recovery, name))

    return tuple(line(arms, label, cell(name)) for label, name in names.items())


def unavailable_lines(arms: tuple[ArmResult, ...]) -> Lines:
    """When the producers got nothing acknowledged."""
    return used(arms, [("windows", _windows), ("largest gap", lambda arm: nanoseconds(arm.largest_gap_ns))])


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
