"""Latency before, during and after the fault, per arm, on one logarithmic axis.

Every owed message is a dot at its latency from the *intended* send time; within its column it stands where it was meant
to be sent, so that a queue that drains shows as a slope. Messages that never arrived stand in the band "never" above
the axis: leaving them out would make the arm that loses most look fastest. Bars are the judged p50 and p99.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from harness.model.accounts import ArmResult, LatencyQuantiles
from harness.model.results import PhaseSpan, TrialResult
from harness.model.words import Phase
from harness.report.drawing import Picture, figure_style, finish, new_figure
from harness.report.ledger_view import ArmLedger, LedgerView
from harness.report.palette import INK, LOST, MUTED, OBSERVED, ArmStyle, arm_styles
from harness.report.wording import count, milliseconds

WIDTH_INCHES = 9.2
HEIGHT_INCHES = 4.3
MAX_DOTS = 2_500
_STAGES = ((Phase.STEADY, "before", "steady"), (Phase.FAULT, "during", "fault"), (Phase.RECOVERY, "after", "recovery"))
_PHASES = list(Phase)
_SLOT = 0.86
_CROWDED = 4
"""With more arms than this their names are written upright."""
_NAMES_INCHES = 0.45
_LETTER_INCHES = 0.066
"""What a letter of an upright name takes."""
_TICKS_MS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Column:
    """One arm in one stage."""

    left: float
    style: ArmStyle
    arm: ArmResult
    phase: Phase
    position: Numbers
    """Where each message was meant to be sent, as a share of the phase."""
    latency_ms: Numbers
    """``inf``: never received."""

    @property
    def quantiles(self) -> LatencyQuantiles | None:
        """What the checker found for this arm and phase."""
        return next((known.from_intended for known in self.arm.latency if known.phase is self.phase), None)


def draw_latency(result: TrialResult, ledger: LedgerView) -> Picture:
    """The latencies of ``result``, its messages taken from ``ledger``."""
    with figure_style():
        crowded = len(result.arms) > _CROWDED
        names = _LETTER_INCHES * max(len(arm.arm) for arm in result.arms) if crowded else _NAMES_INCHES
        height = HEIGHT_INCHES + names - _NAMES_INCHES
        figure = new_figure(width=WIDTH_INCHES, height=height)
        bottom = (names + 0.47) / height
        axes = figure.add_axes((0.095, bottom, 0.895, 1 - bottom - 0.28 / height))
        columns = _columns(result, ledger)
        low, high = _limits(columns)
        never = high * (high / low) ** 0.10
        axes.set_yscale("log")
        axes.set_ylim(low, high * (high / low) ** 0.17)
        axes.set_xlim(-0.25, (len(result.arms) + 0.6) * len(_STAGES) - 0.35)
        _draw_frame(axes, result, low=low, high=high, never=never)
        for column in columns:
            _draw_column(axes, column, never=never)
        _draw_legend(figure)
        return finish(
            figure,
            name=f"latency-{result.trial.folder_name}",
            title=f"Latency before, during and after the fault in {result.trial.folder_name}",
            description=_describe(columns),
        )


def _columns(result: TrialResult, ledger: LedgerView) -> list[_Column]:
    """Arms side by side, three times."""
    styles = arm_styles([arm.primitive for arm in result.arms])
    spans = {span.phase: span for span in result.phases}
    columns = []
    for stage, (phase, _, _) in enumerate(_STAGES):
        for index, arm in enumerate(result.arms):
            left = stage * (len(result.arms) + 0.6) + index
            position, latency = _messages(ledger.arms[index], phase, spans.get(phase))
            columns.append(_Column(left, styles[index], arm, phase, position, latency))
    return columns


def _messages(ledger: ArmLedger, phase: Phase, span: PhaseSpan | None) -> tuple[Numbers, Numbers]:
    """Position within the phase and latency of each message of ``phase``; evenly thinned where there are too many."""
    rows = np.flatnonzero(ledger.phase == _PHASES.index(phase))
    rows = rows[:: max(1, math.ceil(len(rows) / MAX_DOTS))]
    if span is None or len(rows) == 0:
        return np.zeros(0), np.zeros(0)
    received = ledger.first_receive_ns[rows]
    latency = np.where(received >= 0, (received - ledger.intended_ns[rows]) / 1e6, np.inf)
    position = (ledger.intended_ns[rows] - span.begin_ns) / max(1, span.end_ns - span.begin_ns)
    return np.clip(position, 0, 1), np.maximum(latency, _TICKS_MS[0])


def _limits(columns: list[_Column]) -> tuple[float, float]:
    """Whole decades around everything that was delivered."""
    finite = np.concatenate([column.latency_ms[np.isfinite(column.latency_ms)] for column in columns])
    if len(finite) == 0:
        return 0.1, 10.0
    low = 10.0 ** math.floor(math.log10(float(finite.min())))
    high = 10.0 ** math.ceil(math.log10(float(finite.max())) + 0.05)
    return low, max(high, low * 100)


def _draw_frame(axes: Axes, result: TrialResult, *, low: float, high: float, never: float) -> None:
    """Axis, the band of the undelivered, and the three stages."""
    arms = len(result.arms)
    top = axes.get_ylim()[1]
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.set_yticks([tick for tick in _TICKS_MS if low <= tick <= high])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y")
    axes.set_xticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.axhspan(high * 1.0, top, color=OBSERVED, linewidth=0, alpha=0.6)
    axes.text(-0.008, never, "never", transform=axes.get_yaxis_transform(), ha="right", va="center", fontweight="bold")
    axes.set_ylabel("from intended send", color=MUTED)
    for stage, (_, name, phase) in enumerate(_STAGES):
        left = stage * (arms + 0.6)
        if stage:
            axes.axvline(left - 0.37, color=MUTED, linewidth=0.8)
        place = (left + (arms - (1 - _SLOT)) / 2, 1.015)
        axes.text(
            *place, f"{name} ({phase})", transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=9.5
        )
        for index, arm in enumerate(result.arms):
            _draw_arm_name(axes, arm.arm, left + index + _SLOT / 2, upright=arms > _CROWDED)


def _tick(value_ms: float) -> str:
    """A whole decade: ``0.1 ms``, ``10 s``."""
    return f"{value_ms / 1000:,g} s" if value_ms >= 1000 else f"{value_ms:g} ms"


def _draw_arm_name(axes: Axes, name: str, across: float, *, upright: bool) -> None:
    """The arm's name below its column, broken at its first hyphen where it is long."""
    label = name.replace("-", "-\n", 1) if len(name) > 9 and not upright else name
    axes.text(
        across,
        -0.025,
        label,
        transform=axes.get_xaxis_transform(),
        rotation=90 if upright else 0,
        ha="center",
        va="top",
        fontsize=8,
    )


def _draw_column(axes: Axes, column: _Column, *, never: float) -> None:
    """Dots, the band above them, and the two quantiles."""
    delivered = np.isfinite(column.latency_ms)
    across = column.left + column.position * _SLOT
    dots = Line2D(across[delivered], column.latency_ms[delivered], linestyle="none", marker=column.style.marker)
    dots.set(color=column.style.color, markersize=3.2, markeredgewidth=0, alpha=0.55, rasterized=True, zorder=2)
    axes.add_line(dots)
    height = np.full(int((~delivered).sum()), never * 0.83)
    axes.plot(across[~delivered], height, color=LOST, marker="|", linestyle="none", markersize=6, rasterized=True)
    quantiles = column.quantiles
    if quantiles is None:
        return
    if quantiles.undelivered:
        text = f"{count(quantiles.undelivered)} of {count(quantiles.samples)}"
        axes.text(column.left + _SLOT / 2, never * 1.12, text, ha="center", va="bottom", fontsize=7.5)
    _draw_quantile(axes, column, quantiles.p50_ms, line="-")
    _draw_quantile(axes, column, quantiles.p99_ms, line=(0, (2, 1)))


def _draw_quantile(
    axes: Axes, column: _Column, value: float | None, *, line: str | tuple[int, tuple[int, int]]
) -> None:
    """A bar across the column; nothing where it falls among the undelivered or is not supported by the sample."""
    if value is None or math.isinf(value):
        return
    ends = [column.left - 0.02, column.left + _SLOT + 0.02]
    axes.plot(ends, [value, value], color="white", linewidth=2.6, zorder=3, solid_capstyle="butt")
    axes.plot(ends, [value, value], color=INK, linewidth=1.5, linestyle=line, zorder=4)


def _draw_legend(figure: Figure) -> None:
    """What the marks mean."""
    handles = [
        Line2D([], [], color=MUTED, marker="o", linestyle="none", markersize=4, label="one message"),
        Line2D([], [], color=INK, linewidth=1.5, label="p50"),
        Line2D([], [], color=INK, linewidth=1.5, linestyle=(0, (2, 1)), label="p99"),
        Line2D([], [], color=LOST, marker="|", linestyle="none", markersize=7, label="never delivered"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False)


def _describe(columns: list[_Column]) -> str:
    """The figure in words."""
    parts = []
    for column in columns:
        quantiles = column.quantiles
        if quantiles is None:
            continue
        words = f"p50 {milliseconds(quantiles.p50_ms)}, p99 {milliseconds(quantiles.p99_ms)}"
        parts.append(
            f"{column.arm.arm} in {column.phase.value}: {words}, {count(quantiles.undelivered)} never delivered"
        )
    return "Latency from intended send. " + "; ".join(parts) + "."
