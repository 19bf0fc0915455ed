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
from matplotlib.patches import Patch

from harness.model.accounts import ArmResult
from harness.model.naming import fault_name
from harness.model.results import TrialResult
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
from harness.report.timeline_head import draw_head, head_inches, lanes_of, left_label
from harness.report.timeline_span import SECOND, Numbers, Span, span_of, thin
from harness.report.wording import count, primitive_name, scope_name

WIDTH_INCHES = 9.2
_CROWDED = 4
"""With more arms than this, panels are low."""
_PANEL, _LOW_PANEL = 1.0, 0.42
_STRIP, _LOW_STRIP = 0.17, 0.13
_TITLE_GAP, _LOW_TITLE_GAP = 0.36, 0.29
_STRIP_GAP = 0.08
_FOOT = 0.78
_LEFT, _RIGHT = 0.98, 0.12
_MAX_SCOPES = 4
_HEADROOM = 2.6


def draw_timeline(result: TrialResult, ledger: LedgerView) -> Picture:
    """The timeline of ``result``, its messages taken from ``ledger``."""
    with figure_style():
        sizes = _sizes(len(result.arms))
        lanes = lanes_of(result)
        scopes = [min(arm.scopes, _MAX_SCOPES) for arm in result.arms]
        head = head_inches(lanes)
        height = head + sum(sizes.above + sizes.panel + _STRIP_GAP + sizes.strip * number for number in scopes) + _FOOT
        figure = new_figure(width=WIDTH_INCHES, height=height)
        span = span_of(result, ledger)
        draw_head(_axes(figure, top=0.06, height=head - 0.1), result, lanes, span)
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
class _Place:
    """Where and how one arm is drawn."""

    index: int
    style: ArmStyle
    span: Span
    sizes: _Sizes
    top: float
    last: bool


def _axes(figure: Figure, *, top: float, height: float) -> Axes:
    """Axes over the full width, ``top`` inches below the upper edge."""
    width, total = figure.get_size_inches()
    box = (_LEFT / width, 1 - (top + height) / total, 1 - (_LEFT + _RIGHT) / width, height / total)
    axes: Axes = figure.add_axes(box)
    return axes


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
        left_label(strips, f"{name} (+{hidden} more)" if hidden else name, scope + 0.5)
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
    arrived = thin(ledger.first_receive_ns[mine & ledger.received], place.span)
    _ticks(axes, arrived, top=scope + 0.08, bottom=scope + 0.45, color=place.style.color, width=0.6)
    for chosen, color, width in (
        (ledger.fate_is(Fate.LOST), LOST, 0.8),
        (ledger.undone, UNDONE.color, 1.1),
        (ledger.doubled, DOUBLED.color, 1.1),
    ):
        times = thin(ledger.send_ns[mine & chosen], place.span)
        _ticks(axes, times, top=scope + 0.50, bottom=scope + 0.94, color=color, width=width)
    axes.axhline(scope + 1.0, color=GRID, linewidth=0.6)


def _ticks(axes: Axes, times: Numbers, *, top: float, bottom: float, color: str, width: float) -> None:
    """Upright ticks as one broken line: a collection of hundreds of lines takes many times as long to draw."""
    across = np.repeat(times, 3)
    down = np.tile([top, bottom, np.nan], len(times))
    axes.plot(across, down, color=color, linewidth=width, solid_capstyle="butt", rasterized=True)


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
