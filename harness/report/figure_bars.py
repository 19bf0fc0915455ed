"""A family on one page: per scenario and arm what was lost, done twice and never done, and how late the latest came.

The panels share their rows; one that would say nothing is left out. Counts stand on an axis that is linear up to one
and logarithmic above, since a crash strikes a handful of messages and a partition hundreds; the number itself stands at
the end of each bar. Zero is a small dot, so that it can't be taken for a missing bar. Where the source document claims
a loss, a diamond marks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory

from harness.model.results import ScenarioRow
from harness.report.drawing import Picture, figure_style, finish, new_figure
from harness.report.grouping import FamilyGroup, ScenarioGroup
from harness.report.palette import CLAIMED, DOUBLED, FORGOTTEN, GRID, INK, LOSS, MUTED, UNDONE, CountStyle
from harness.report.wording import count, milliseconds, plural

WIDTH_INCHES = 9.2
_ARM_INCHES = 0.185
_GROUP_GAP = 2.3
"""Room for a scenario's name above its rows, in rows."""
_HEAD, _FOOT = 0.3, 0.62
_NAMES_INCHES = 1.85
_MOST_ROWS = 220


@dataclass(frozen=True, slots=True)
class _Panel:
    """One column of bars."""

    title: str
    number: Callable[[ScenarioRow], int]
    style: CountStyle


@dataclass(frozen=True, slots=True)
class _Block:
    """One scenario, ``top`` rows below the upper edge."""

    group: ScenarioGroup
    top: float


_PANELS = (
    _Panel("lost", lambda row: row.lost, LOSS),
    _Panel("gone from the log", lambda row: row.gone or 0, FORGOTTEN),
    _Panel("effects doubled", lambda row: row.duplicate_effects, DOUBLED),
    _Panel("effects missing", lambda row: row.missing_effects, UNDONE),
)


def draw_bars(family: FamilyGroup, *, name: str) -> Picture:
    """The comparison of ``family``."""
    blocks = _blocks(family)
    length = blocks[-1].top + len(blocks[-1].group.rows)
    panels = _panels(family)
    with figure_style():
        height = _HEAD + length * _ARM_INCHES + _FOOT
        figure = new_figure(width=WIDTH_INCHES, height=height)
        highest = max(10, *(panel.number(row) for row in family.rows for panel in panels), *_claimed(blocks))
        *counts, delays = _axes(figure, height, number=len(panels) + 1)
        for panel, axes in zip(panels, counts, strict=True):
            _draw_counts(axes, panel, blocks, highest=highest)
        _draw_delays(delays, blocks)
        for axes in (*counts, delays):
            axes.set_ylim(length + 0.3, 0)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            _draw_grid(axes, blocks)
        _draw_names(figure, counts[0], blocks)
        _draw_legend(figure, panels, claimed=bool(_claimed(blocks)))
        return finish(
            figure,
            name=name,
            title=f"{family.title}: what each arm lost, doubled and left undone",
            description=_describe(family),
        )


def _claimed(blocks: list[_Block]) -> list[int]:
    """The losses that the source document claims."""
    return [block.group.claimed_loss for block in blocks if block.group.claimed_loss is not None]


def _blocks(family: FamilyGroup) -> list[_Block]:
    """The scenarios below each other, as many as a page may be long."""
    blocks: list[_Block] = []
    top = 0.0
    for group in family.groups:
        top += _GROUP_GAP
        if blocks and top + len(group.rows) > _MOST_ROWS:
            break
        blocks.append(_Block(group, top))
        top += len(group.rows)
    return blocks


def _panels(family: FamilyGroup) -> list[_Panel]:
    """The panels that say something: what is zero everywhere, or the same as what is lost, is left out."""
    lost, *others = _PANELS
    return [
        lost,
        *(
            panel
            for panel in others
            if any(panel.number(row) for row in family.rows)
            and any(panel.number(row) != row.lost for row in family.rows)
        ),
    ]


def _axes(figure: Figure, height: float, *, number: int) -> list[Axes]:
    """So many panels side by side."""
    left, right, gap = _NAMES_INCHES / WIDTH_INCHES, 0.02, 0.018
    width = (1 - left - right + gap) / number - gap
    bottom, share = _FOOT / height, (height - _HEAD - _FOOT) / height
    return [figure.add_axes((left + place * (width + gap), bottom, width, share)) for place in range(number)]


def _draw_grid(axes: Axes, blocks: list[_Block]) -> None:
    """Lines only behind the rows, so that none runs through a name; the first is the axis."""
    for place, tick in enumerate(axes.get_xticks()):
        for block in blocks:
            ends = [block.top, block.top + len(block.group.rows)]
            color, width = (MUTED, 0.8) if place == 0 else (GRID, 0.6)
            axes.plot([tick, tick], ends, color=color, linewidth=width, zorder=0.5)


def _draw_counts(axes: Axes, panel: _Panel, blocks: list[_Block], *, highest: int) -> None:
    """One panel of bars with their numbers."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.45)
    axes.set_xlim(0, highest**1.42)
    decades = [10**power for power in range(math.ceil(math.log10(highest)) + 1) if 10**power <= highest * 1.5]
    axes.xaxis.set_major_locator(FixedLocator([0, *decades[:: 2 if len(decades) > 4 else 1]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_title(panel.title, loc="left", pad=4)
    for block in blocks:
        for place, row in enumerate(block.group.rows):
            _draw_count(axes, panel, panel.number(row), middle=block.top + place + 0.5)
        if panel.style is LOSS and block.group.claimed_loss is not None:
            _draw_claim(axes, block)


def _draw_count(axes: Axes, panel: _Panel, number: int, *, middle: float) -> None:
    """One bar; zero is a dot."""
    if number == 0:
        axes.plot([0.0], [middle], marker="o", color=MUTED, markersize=2.6, clip_on=False, zorder=3)
        return
    style = panel.style
    axes.barh(middle, number, height=0.72, color=style.color, hatch=style.hatch, edgecolor="white", linewidth=0)
    axes.annotate(
        count(number), (number, middle), xytext=(3, -0.3), textcoords="offset points", va="center", fontsize=7.5
    )


def _draw_claim(axes: Axes, block: _Block) -> None:
    """The claimed loss, over all rows of its scenario."""
    claimed = float(block.group.claimed_loss or 0)
    ends = [block.top + 0.1, block.top + len(block.group.rows) - 0.1]
    axes.plot([claimed, claimed], ends, color=CLAIMED, linewidth=1.0, linestyle=(0, (2, 1.5)), zorder=4)
    axes.plot([claimed], [ends[0]], marker="D", color=CLAIMED, markersize=4.5, zorder=5, clip_on=False)


def _draw_delays(axes: Axes, blocks: list[_Block]) -> None:
    """The worst delay of what did arrive, on a logarithmic axis."""
    known = [row.max_ms for block in blocks for row in block.group.rows if row.max_ms]
    low = 10.0 ** math.floor(math.log10(min(known, default=1.0)))
    high = max(low * 100, max(known, default=10.0))
    axes.set_xscale("log")
    axes.set_xlim(low, high * (high / low) ** 0.38)
    ticks = [10.0**power for power in range(round(math.log10(low)), math.floor(math.log10(high) + 1e-9) + 1)]
    axes.set_xticks(ticks[:: 2 if len(ticks) > 3 else 1])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.set_title("worst delay of what arrived", loc="left", pad=4)
    for block in blocks:
        for place, row in enumerate(block.group.rows):
            if not row.max_ms:
                continue
            middle = block.top + place + 0.5
            axes.plot([low, row.max_ms], [middle, middle], color=MUTED, linewidth=0.7, alpha=0.5)
            axes.plot([row.max_ms], [middle], marker="o", color=MUTED, markersize=3.6)
            axes.annotate(
                milliseconds(row.max_ms),
                (row.max_ms, middle),
                xytext=(5, -0.3),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
            )


def _tick(value_ms: float) -> str:
    """A whole decade in few characters."""
    return f"{value_ms / 1000:,g} s" if value_ms >= 1000 else f"{value_ms:g} ms"


def _draw_names(figure: Figure, axes: Axes, blocks: list[_Block]) -> None:
    """The fault above its rows, over the whole width; the arm left of each row."""
    across_figure = blended_transform_factory(figure.transFigure, axes.transData)
    beside = axes.get_yaxis_transform()
    for block in blocks:
        line = [block.top - 1.75] * 2
        axes.plot([0.008, 0.992], line, transform=across_figure, color=GRID, linewidth=0.8, clip_on=False)
        place = (0.01, block.top - 0.62)
        name = block.group.fault
        axes.text(*place, name, transform=across_figure, va="center", fontsize=9, fontweight="bold")
        place = (0.99, block.top - 0.62)
        name = block.group.scenario
        axes.text(*place, name, transform=across_figure, ha="right", va="center", fontsize=7.5, color=MUTED)
        for number, row in enumerate(block.group.rows):
            size = 8 if len(row.arm) < 24 else 7
            middle = block.top + number + 0.5
            axes.text(-0.02, middle, row.arm, transform=beside, ha="right", va="center", fontsize=size)


def _draw_legend(figure: Figure, panels: list[_Panel], *, claimed: bool) -> None:
    """What the marks mean."""
    handles: list[Patch | Line2D] = [
        Patch(facecolor=panel.style.color, hatch=panel.style.hatch, edgecolor="white", label=panel.title)
        for panel in panels
    ]
    handles.append(Line2D([], [], marker="o", linestyle="none", color=MUTED, markersize=2.6, label="none"))
    if claimed:
        handles.append(
            Line2D(
                [],
                [],
                marker="D",
                color=CLAIMED,
                linewidth=1.0,
                linestyle=(0, (2, 1.5)),
                markersize=4.5,
                label="loss claimed",
            )
        )
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, labelcolor=INK)


def _describe(family: FamilyGroup) -> str:
    """The figure in words."""
    parts = [
        f"{group.fault}, {row.arm}: {plural(row.lost, 'message')} lost, {count(row.duplicate_effects)} effects doubled,"
        f" {count(row.missing_effects)} missing"
        for group in family.groups
        for row in group.rows
    ]
    return "; ".join(parts[:80]) + "."
