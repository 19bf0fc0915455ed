"""The head of a timeline: its phases, and per fault a lane with the windows as commanded and as observed."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from harness.model.naming import fault_name
from harness.model.results import FaultWindow, TrialResult
from harness.model.values import FaultPlan
from harness.report.drawing import bare
from harness.report.palette import COMMANDED, MUTED
from harness.report.timeline_span import SECOND, Span

_PHASES_INCHES, _LANE_INCHES = 0.22, 0.2


@dataclass(frozen=True, slots=True)
class Lane:
    """One fault: its windows, one per cycle where it comes and goes."""

    plan: FaultPlan
    windows: tuple[FaultWindow, ...]


def lanes_of(result: TrialResult) -> list[Lane]:
    """A lane per fault of the trial."""
    plans = list(dict.fromkeys(window.plan for window in result.faults))
    return [Lane(plan, tuple(known for known in result.faults if known.plan == plan)) for plan in plans]


def head_inches(lanes: list[Lane]) -> float:
    """The height that the head needs."""
    return 0.1 + _PHASES_INCHES + _LANE_INCHES * 2 * max(1, len(lanes))


def draw_head(axes: Axes, result: TrialResult, lanes: list[Lane], span: Span) -> None:
    """Phases as a row of words; each fault as two bars, and its name."""
    bare(axes)
    axes.set_xlim(span.begin, span.end)
    bottom = -2.0 * max(1, len(lanes))
    axes.set_ylim(bottom, 1.1)
    for phase in result.phases:
        begin, end = phase.begin_ns / SECOND, phase.end_ns / SECOND
        axes.plot([begin, begin], [0.1, 1.05], color=MUTED, linewidth=0.8)
        if (end - begin) / (span.end - span.begin) > 0.062:
            axes.text((begin + end) / 2, 0.57, phase.phase.value, ha="center", va="center", fontsize=8.5)
    left_label(axes, "phase", 0.57)
    for number, lane in enumerate(lanes):
        top = -2.0 * number
        for window in lane.windows:
            _draw_window(axes, window, top, span)
        left_label(axes, "commanded", top - 0.5)
        left_label(axes, "observed", top - 1.5)
        _name_lane(axes, lane, top, span)


def _draw_window(axes: Axes, window: FaultWindow, top: float, span: Span) -> None:
    """The fault as commanded and, below, as observed."""
    healed = window.heal_after_ns if window.heal_after_ns is not None else span.end * SECOND
    _bar(axes, top - 0.86, window.inject_before_ns / SECOND, healed / SECOND, hatched=True)
    if window.observed_from_ns is not None:
        seen = window.observed_to_ns if window.observed_to_ns is not None else span.end * SECOND
        _bar(axes, top - 1.86, window.observed_from_ns / SECOND, seen / SECOND, hatched=False)


def _name_lane(axes: Axes, lane: Lane, top: float, span: Span) -> None:
    """The fault's name beside its bars, on the side that has more room."""
    begins = [window.inject_before_ns / SECOND for window in lane.windows]
    ends = [(window.heal_after_ns or span.end * SECOND) / SECOND for window in lane.windows]
    before, after = min(begins) - span.begin, span.end - max(ends)
    gap = (span.end - span.begin) * 0.008
    where, align = (max(ends) + gap, "left") if after >= before else (min(begins) - gap, "right")
    axes.text(where, top - 0.5, fault_name(lane.plan), ha=align, va="center", fontsize=8)


def _bar(axes: Axes, bottom: float, begin: float, end: float, *, hatched: bool) -> None:
    """A fault window."""
    look = {"facecolor": "none", "hatch": "/////"} if hatched else {"facecolor": COMMANDED, "hatch": None}
    axes.add_patch(Rectangle((begin, bottom), end - begin, 0.72, edgecolor=COMMANDED, linewidth=0.8, **look))


def left_label(axes: Axes, word: str, height: float) -> None:
    """A label left of the axes at ``height`` in its own units."""
    where = axes.get_yaxis_transform()
    axes.text(-0.012, height, word, transform=where, ha="right", va="center", fontsize=8, color=MUTED)
