"""The timeline of one trial: what was sent, what arrived, what was lost, and when the link was cut.

On top the phases, and the fault as it was commanded (hatched) and as the sentinel observed it (solid). Below, per arm,
the rate of sending and of receiving, and a strip per recipient: every receive as a tick in the upper half, at the
moment it arrived; every lost message as a black tick in the lower half, at the moment it was sent. There, too, stands
what was received and had no effect, or more than one. With many arms the panels are low, so that they fit on a page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from harness.model.naming import fault_name
from harness.model.results import ArmResult, FaultWindow, TrialResult
from harness.model.values import FaultPlan
from harness.model.words import Fate
from harness.report.drawing import Picture, bare, figure_style, finish, new_figure
from harness.report.ledger_view import ArmLedger, LedgerView
from harness.report.palette import (
    COMMANDED,
    DOUBLED,
    GRID,
    INK,
    LOST,
    MUTED,
    OBSERVED,
    SENT,
    UNDONE,
    ArmStyle,
    arm_styles,
)
from harness.report.wording import count, primitive_name, scope_name

SECOND = 1e9
WIDTH_INCHES = 9.2
_PHASES_INCHES, _LANE_INCHES = 0.22, 0.2
_CROWDED = 4
"""With more arms than this, panels are low."""
_PANEL, _LOW_PANEL = 1.0, 0.42
_STRIP, _LOW_STRIP = 0.17, 0.13
_TITLE_GAP, _LOW_TITLE_GAP = 0.36, 0.29
_STRIP_GAP = 0.08
_FOOT = 0.78
_LEFT, _RIGHT = 0.98, 0.12
_MAX_SCOPES = 4
_BIN_WIDTHS = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_FEWEST_BINS, _MOST_BINS = 24, 110
_MESSAGES_PER_BIN = 12
_HEADROOM = 2.6
_TICKS_ACROSS = 900

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Span:
    """What the x axis covers, in seconds, and into how wide bins it is cut."""

    begin: float
    end: float
    bin_width: float

    @property
    def edges(self) -> Numbers:
        """The borders of the bins; the last bin reaches beyond the end rather than being cut short."""
        number = int(np.ceil((self.end - self.begin) / self.bin_width - 1e-9))
        return np.asarray(self.begin + self.bin_width * np.arange(max(1, number) + 1), dtype=np.float64)


def draw_timeline(result: TrialResult, ledger: LedgerView) -> Picture:
    """The timeline of ``result``, its messages taken from ``ledger``."""
    with figure_style():
        sizes = _sizes(len(result.arms))
        lanes = _lanes(result)
        scopes = [min(arm.scopes, _MAX_SCOPES) for arm in result.arms]
        head = 0.1 + _PHASES_INCHES + _LANE_INCHES * 2 * max(1, len(lanes))
        height = head + sum(sizes.above + sizes.panel + _STRIP_GAP + sizes.strip * number for number in scopes) + _FOOT
        figure = new_figure(width=WIDTH_INCHES, height=height)
        span = _span(result, ledger)
        _draw_head(_axes(figure, top=0.06, height=head - 0.1), result, lanes, span)
        top = head
        for index, style in enumerate(arm_styles([arm.primitive for arm in result.arms])):
            top += sizes.above
            last = index == len(result.arms) - 1
            _draw_arm(figure, result, ledger.arms[index], _Place(index, style, span, sizes, top, last))
            top += sizes.panel + _STRIP_GAP + sizes.strip * scopes[index]
        _draw_legend(figure, result, ledger)
        return finish(
            figure,
            name=f"timeline-{result.trial.folder_name}",
            title=f"Timeline of {result.trial.folder_name}",
            description=_describe(result),
        )


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Heights of the parts of one arm, in inches."""

    above: float
    panel: float
    strip: float


def _sizes(arms: int) -> _Sizes:
    """Low panels where there are many."""
    if arms > _CROWDED:
        return _Sizes(_LOW_TITLE_GAP, _LOW_PANEL, _LOW_STRIP)
    return _Sizes(_TITLE_GAP, _PANEL, _STRIP)


@dataclass(frozen=True, slots=True)
class _Lane:
    """One fault: its windows, one per cycle where it comes and goes."""

    plan: FaultPlan
    windows: tuple[FaultWindow, ...]


def _lanes(result: TrialResult) -> list[_Lane]:
    """A lane per fault of the trial."""
    plans = list(dict.fromkeys(window.plan for window in result.faults))
    return [_Lane(plan, tuple(known for known in result.faults if known.plan == plan)) for plan in plans]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and how one arm is drawn."""

    index: int
    style: ArmStyle
    span: _Span
    sizes: _Sizes
    top: float
    last: bool


def _axes(figure: Figure, *, top: float, height: float) -> Axes:
    """Axes over the full width, ``top`` inches below the upper edge."""
    width, total = figure.get_size_inches()
    box = (_LEFT / width, 1 - (top + height) / total, 1 - (_LEFT + _RIGHT) / width, height / total)
    axes: Axes = figure.add_axes(box)
    return axes


def _span(result: TrialResult, ledger: LedgerView) -> _Span:
    """From the first phase to the last; where the trial has none, from zero to the last thing that happened."""
    ends = [phase.end_ns for phase in result.phases]
    ends += [int(arm.first_receive_ns.max(initial=0)) for arm in ledger.arms]
    ends += [int(arm.send_ns.max(initial=0)) for arm in ledger.arms]
    begin = min((phase.begin_ns for phase in result.phases), default=0) / SECOND
    end = max(max(ends, default=0) / SECOND, begin + 0.1)
    return _Span(begin, end, choose_bin_width(end - begin, result.trial.scenario.workload.rate_per_s))


def choose_bin_width(length_s: float, rate_per_s: float) -> float:
    """The narrowest round width with enough messages in a bin to be more than noise, between 24 and 110 bins in all."""
    filled = _MESSAGES_PER_BIN / max(rate_per_s, 1e-9)
    wanted = max(length_s / _MOST_BINS, min(filled, length_s / _FEWEST_BINS))
    return next((width for width in _BIN_WIDTHS if width >= wanted), wanted)


def _draw_head(axes: Axes, result: TrialResult, lanes: list[_Lane], span: _Span) -> None:
    """Phases as a row of words; each fault as two bars, and its name where there is more than one."""
    bare(axes)
    axes.set_xlim(span.begin, span.end)
    bottom = -2.0 * max(1, len(lanes))
    axes.set_ylim(bottom, 1.1)
    for phase in result.phases:
        begin, end = phase.begin_ns / SECOND, phase.end_ns / SECOND
        axes.plot([begin, begin], [0.1, 1.05], color=MUTED, linewidth=0.8)
        if (end - begin) / (span.end - span.begin) > 0.062:
            axes.text((begin + end) / 2, 0.57, phase.phase.value, ha="center", va="center", fontsize=8.5)
    _left_label(axes, "phase", 0.57)
    for number, lane in enumerate(lanes):
        top = -2.0 * number
        for window in lane.windows:
            _draw_window(axes, window, top, span)
        _left_label(axes, "commanded", top - 0.5)
        _left_label(axes, "observed", top - 1.5)
        _name_lane(axes, lane, top, span)


def _draw_window(axes: Axes, window: FaultWindow, top: float, span: _Span) -> None:
    """The fault as commanded and, below, as observed."""
    healed = window.heal_after_ns if window.heal_after_ns is not None else span.end * SECOND
    _bar(axes, top - 0.86, window.inject_before_ns / SECOND, healed / SECOND, hatched=True)
    if window.observed_from_ns is not None:
        seen = window.observed_to_ns if window.observed_to_ns is not None else span.end * SECOND
        _bar(axes, top - 1.86, window.observed_from_ns / SECOND, seen / SECOND, hatched=False)


def _name_lane(axes: Axes, lane: _Lane, top: float, span: _Span) -> None:
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


def _left_label(axes: Axes, word: str, height: float) -> None:
    """A label left of the axes at ``height`` in its own units."""
    where = axes.get_yaxis_transform()
    axes.text(-0.012, height, word, transform=where, ha="right", va="center", fontsize=8, color=MUTED)


def _draw_arm(figure: Figure, result: TrialResult, ledger: ArmLedger, place: _Place) -> None:
    """The rate panel of one arm and its strips."""
    arm = result.arms[place.index]
    panel = _axes(figure, top=place.top, height=place.sizes.panel)
    _draw_rates(panel, ledger, arm, place, scheduled=result.trial.scenario.workload.rate_per_s)
    _shade(panel, result)
    panel.set_title(_arm_title(arm), loc="left", pad=4, color=INK)
    shown = min(arm.scopes, _MAX_SCOPES)
    strips = _axes(figure, top=place.top + place.sizes.panel + _STRIP_GAP, height=place.sizes.strip * shown)
    bare(strips)
    strips.set_xlim(place.span.begin, place.span.end)
    strips.set_ylim(shown, 0)
    for scope in range(shown):
        name = scope_name(result.trial.scenario.arms[place.index], scope)
        hidden = arm.scopes - shown if scope == shown - 1 else 0
        _left_label(strips, f"{name} (+{hidden} more)" if hidden else name, scope + 0.5)
        _draw_strip(strips, ledger, scope, place)
    _shade(strips, result)
    _time_axis(strips, labelled=place.last)


def _arm_title(arm: ArmResult) -> str:
    """Name and the counts that matter, as judged."""
    found = [f"lost {count(arm.fates.get(Fate.LOST, 0))} of {count(arm.owed)} owed", f"late {count(arm.late)}"]
    if arm.duplicate_effects:
        found.append(f"effects doubled {count(arm.duplicate_effects)}")
    if arm.missing_effects > arm.fates.get(Fate.LOST, 0):
        found.append(f"missing {count(arm.missing_effects)}")
    return "  ·  ".join([arm.arm, primitive_name(arm.primitive), *found])


def _draw_rates(axes: Axes, ledger: ArmLedger, arm: ArmResult, place: _Place, *, scheduled: float) -> None:
    """Sent and received per second; what is far above the schedule is cut off and its height written."""
    edges = place.span.edges
    one_scope = ledger.scope == 0
    sent = rate_per_bin(ledger.send_ns[one_scope], edges)
    received = rate_per_bin(ledger.first_receive_ns[ledger.received], edges) / max(1, arm.scopes)
    highest = max(float(sent.max(initial=0)), float(received.max(initial=0)), 1.0)
    top = min(highest * 1.15, max(scheduled, 1.0) * _HEADROOM)
    axes.stairs(np.minimum(received, top * 1.5), edges, fill=True, color=place.style.color, alpha=0.28, linewidth=0)
    axes.stairs(np.minimum(received, top * 1.5), edges, color=place.style.color, linewidth=1.5, baseline=None)
    axes.stairs(np.minimum(sent, top * 1.5), edges, color=SENT, linewidth=1.0, linestyle=(0, (3, 1.5)), baseline=None)
    axes.set_xlim(place.span.begin, place.span.end)
    axes.set_ylim(0, top)
    low = place.sizes.panel < _PANEL
    axes.locator_params(axis="y", nbins=2 if low else 3)
    axes.set_ylabel("msg/s" if low else "messages/s", color=MUTED, fontsize=8)
    axes.yaxis.set_label_coords(-0.068, 0.5)
    axes.grid(axis="y")
    axes.tick_params(bottom=False, labelbottom=False)
    axes.spines["bottom"].set_color(GRID)
    _mark_peak(axes, np.maximum(received, sent), edges, top)


def _mark_peak(axes: Axes, rates: Numbers, edges: Numbers, top: float) -> None:
    """Write how high the highest bin goes where the panel cuts it off, beside the bins that reach up there."""
    if rates.max() <= top:
        return
    high = rates > top * 0.75
    first = last = int(rates.argmax())
    while last + 1 < len(rates) and high[last + 1]:
        last += 1
    while first > 0 and high[first - 1]:
        first -= 1
    fits_right = float(edges[last + 1]) < edges[0] + (edges[-1] - edges[0]) * 0.87
    where, offset, align = (edges[last + 1], 4, "left") if fits_right else (edges[first], -4, "right")
    text = f"up to {rates.max():,.0f}/s"
    axes.annotate(
        text, (where, top), xytext=(offset, -2), textcoords="offset points", ha=align, va="top", fontsize=8, color=INK
    )


def rate_per_bin(times_ns: npt.NDArray[np.int64], edges: Numbers) -> Numbers:
    """Events per second in each bin."""
    found, _ = np.histogram(times_ns / SECOND, bins=edges)
    return np.asarray(found / np.diff(edges), dtype=np.float64)


def _draw_strip(axes: Axes, ledger: ArmLedger, scope: int, place: _Place) -> None:
    """One recipient: receives in the upper half, losses in the lower half."""
    mine = ledger.scope == scope
    arrived = _thin(ledger.first_receive_ns[mine & ledger.received], place.span)
    lost = _thin(ledger.send_ns[mine & ledger.fate_is(Fate.LOST)], place.span)
    axes.vlines(arrived, scope + 0.08, scope + 0.45, color=place.style.color, linewidth=0.6, rasterized=True)
    axes.vlines(lost, scope + 0.50, scope + 0.94, color=LOST, linewidth=0.8, rasterized=True)
    for wrong, style in ((ledger.undone, UNDONE), (ledger.doubled, DOUBLED)):
        times = _thin(ledger.send_ns[mine & wrong], place.span)
        if len(times):
            axes.vlines(times, scope + 0.50, scope + 0.94, color=style.color, linewidth=1.1, rasterized=True)
    axes.axhline(scope + 1.0, color=GRID, linewidth=0.6)


def _thin(times_ns: npt.NDArray[np.int64], span: _Span) -> Numbers:
    """One tick per distinguishable place: more would only be drawn over each other."""
    step = (span.end - span.begin) / _TICKS_ACROSS
    return np.asarray(np.unique(np.round(times_ns / SECOND / step)) * step, dtype=np.float64)


def _shade(axes: Axes, result: TrialResult) -> None:
    """The observed fault behind everything."""
    for window in result.faults:
        if window.observed_from_ns is None:
            continue
        end = window.observed_to_ns / SECOND if window.observed_to_ns is not None else axes.get_xlim()[1]
        axes.axvspan(window.observed_from_ns / SECOND, end, color=OBSERVED, linewidth=0, zorder=0)


def _time_axis(axes: Axes, *, labelled: bool) -> None:
    """Ticks below an arm's last strip; numbers only below the last arm."""
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(bottom=True, labelbottom=labelled, color=MUTED)
    if labelled:
        axes.set_xlabel("seconds since the trial began")


def _draw_legend(figure: Figure, result: TrialResult, ledger: LedgerView) -> None:
    """What the marks mean, in one row at the bottom."""
    handles = [
        Line2D([], [], color=SENT, linestyle=(0, (3, 1.5)), label="sent"),
        Patch(facecolor=GRID, edgecolor=MUTED, linewidth=1.2, label="received per recipient"),
        Line2D([], [], color=LOST, marker="|", linestyle="none", markersize=8, label="lost message"),
    ]
    for wrong, style, label in (
        (any(arm.undone.any() for arm in ledger.arms), UNDONE, "no effect"),
        (any(arm.doubled.any() for arm in ledger.arms), DOUBLED, "two effects"),
    ):
        if wrong:
            handles.append(Line2D([], [], color=style.color, marker="|", linestyle="none", markersize=8, label=label))
    if result.faults:
        handles += [
            Patch(facecolor="none", edgecolor=COMMANDED, hatch="/////", label="fault commanded"),
            Patch(facecolor=OBSERVED, edgecolor=MUTED, linewidth=0.4, label="fault observed"),
        ]
    figure.legend(
        handles=handles, loc="lower center", ncols=len(handles), frameon=False, handlelength=1.6, columnspacing=1.2
    )


def _describe(result: TrialResult) -> str:
    """The figure in words."""
    faults = ", ".join(fault_name(window.plan) for window in result.faults)
    counts = "; ".join(
        f"{arm.arm} lost {count(arm.fates.get(Fate.LOST, 0))} of {count(arm.owed)} owed messages" for arm in result.arms
    )
    return f"Send and receive rates over time per arm under {faults or 'no fault'}: {counts}."
