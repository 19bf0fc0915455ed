"""The partition family on one page: per link and model, what each arm lost and how late the latest message came.

Left, losses as a share of what was owed during the outage: the messages acknowledged while the fault was on, times the
recipients. So a longer run does not make the loss look smaller, and more than 100 % means that the loss outlasts the
fault. Right, the worst delay from the intended send time of what did arrive; "never" stands for what did not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from harness.model.naming import link_name
from harness.model.results import RunSummary, ScenarioRow
from harness.model.words import FaultModel, LinkRole
from harness.report.drawing import Picture, figure_style, finish, new_figure
from harness.report.grouping import FamilyGroup
from harness.report.palette import INK, LOST, MUTED, OBSERVED, ArmStyle, arm_styles
from harness.report.wording import count, milliseconds, percent

WIDTH_INCHES = 9.2
_ARM_INCHES = 0.19
_GROUP_GAP = 0.55
_LINK_GAP = 0.9
_HEAD, _FOOT = 0.42, 0.78
_MOST_GROUPS = 40


@dataclass(frozen=True, slots=True)
class _Group:
    """One scenario: its rows, and where it stands (in bar heights from the top)."""

    name: str
    link: LinkRole | None
    rows: tuple[ScenarioRow, ...]
    top: float


def draw_comparison(summary: RunSummary, family: FamilyGroup) -> Picture:
    """The comparison over all scenarios of ``family``."""
    styles = styles_of(family)
    groups = _groups(family)
    length = groups[-1].top + len(groups[-1].rows) if groups else 1.0
    with figure_style():
        height = max(2.4, _HEAD + length * _ARM_INCHES + _FOOT)
        figure = new_figure(width=WIDTH_INCHES, height=height)
        bottom, share = _FOOT / height, (height - _HEAD - _FOOT) / height
        losses = figure.add_axes((0.155, bottom, 0.40, share))
        delays = figure.add_axes((0.60, bottom, 0.385, share))
        _draw_losses(losses, groups, styles, _shares_of(family, outage_shares(summary)))
        _draw_delays(delays, groups, styles)
        for axes in (losses, delays):
            axes.set_ylim(length + 0.25, -0.35)
            _draw_borders(axes, groups)
        _draw_names(losses, groups)
        _draw_legend(figure, styles)
        return finish(
            figure,
            name="comparison",
            title="What each arm lost, and how late the latest message came, per link and partition model",
            description=_describe(family),
        )


def outage_shares(summary: RunSummary) -> dict[tuple[str, str], float | None]:
    """Per (scenario, arm): lost messages as a share of those owed during the outage; ``None`` where none was."""
    owed: dict[tuple[str, str], int] = {}
    for result in summary.trials:
        for arm in result.arms:
            key = (result.trial.scenario.name, arm.arm)
            owed[key] = owed.get(key, 0) + arm.acknowledged_in_fault * arm.scopes
    shares: dict[tuple[str, str], float | None] = {}
    for row in summary.rows:
        during = owed.get((row.scenario, row.arm), 0)
        shares[row.scenario, row.arm] = row.lost / during if during else None
    return shares


def _shares_of(family: FamilyGroup, shares: dict[tuple[str, str], float | None]) -> dict[tuple[str, str], float | None]:
    """Those of ``shares`` that belong to ``family``: another family's must not set the axis."""
    return {(row.scenario, row.arm): shares[row.scenario, row.arm] for row in family.rows}


def styles_of(family: FamilyGroup) -> dict[str, ArmStyle]:
    """One style per arm name, the same in every scenario."""
    arms = {row.arm: row.primitive for row in family.rows}
    return dict(zip(arms, arm_styles(list(arms.values())), strict=True))


def _groups(family: FamilyGroup) -> list[_Group]:
    """One group per scenario, those of a link together, the control last."""
    groups: list[_Group] = []
    top = 0.0
    for group in family.groups[:_MOST_GROUPS]:
        if groups:
            top += _LINK_GAP if groups[-1].link is not group.link else _GROUP_GAP
        groups.append(_Group(group.scenario, group.link, group.rows, top))
        top += len(group.rows)
    return groups


def _draw_losses(
    axes: Axes, groups: list[_Group], styles: dict[str, ArmStyle], shares: dict[tuple[str, str], float | None]
) -> None:
    """Bars with their counts."""
    known = [share for share in shares.values() if share is not None]
    axes.set_xlim(0, max(1.0, max(known, default=0)) * 1.32)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}".replace("%", " %")))
    axes.set_title("lost, share of what was owed during the outage", loc="left", pad=8)
    for group in groups:
        for place, row in enumerate(group.rows):
            share = shares[row.scenario, row.arm]
            middle = group.top + place + 0.5
            _draw_loss(axes, row, share, middle=middle, style=styles[row.arm])
    axes.grid(axis="x")


def _draw_loss(axes: Axes, row: ScenarioRow, share: float | None, *, middle: float, style: ArmStyle) -> None:
    """One bar; zero is drawn as a marker, since a bar of no length looks like a missing one."""
    if row.lost == 0:
        axes.plot([0], [middle], marker=style.marker, color=style.color, markersize=4.5, clip_on=False, zorder=3)
        axes.text(0.018, middle, "0", va="center", fontsize=7.5, color=MUTED)
        return
    length = 0.0 if share is None else share
    axes.barh(middle, length, height=0.8, color=style.color, hatch=style.hatch, edgecolor="white", linewidth=0)
    words = count(row.lost) if share is None else f"{count(row.lost)} ({percent(share)})"
    axes.text(length + 0.015, middle, words, va="center", fontsize=8, fontweight="bold")


def _draw_delays(axes: Axes, groups: list[_Group], styles: dict[str, ArmStyle]) -> None:
    """The worst delay of each row as a dot on a logarithmic axis, with a column of its own for "never"."""
    finite = [row.max_ms for group in groups for row in group.rows if row.max_ms is not None and row.max_ms > 0]
    low = 10.0 ** math.floor(math.log10(min(finite, default=0.1)))
    high = max(low * 100, 10.0 ** math.ceil(math.log10(max(finite, default=10.0)) + 0.02))
    never = high * (high / low) ** 0.14
    axes.set_xscale("log")
    axes.set_xlim(low, high * (high / low) ** 0.25)
    ticks = [10.0**power for power in range(round(math.log10(low)), round(math.log10(high)) + 1)]
    axes.set_xticks([*ticks, never])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: "never" if value > high * 1.01 else _tick(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x")
    axes.axvspan(high, axes.get_xlim()[1], color=OBSERVED, linewidth=0, alpha=0.6)
    axes.set_title("worst delay, from intended send", loc="left", pad=8)
    for group in groups:
        for place, row in enumerate(group.rows):
            _draw_delay(axes, row, group.top + place + 0.5, styles[row.arm], low=low, never=never)


def _draw_delay(axes: Axes, row: ScenarioRow, middle: float, style: ArmStyle, *, low: float, never: float) -> None:
    """One row of the right panel."""
    if row.max_ms is not None and row.max_ms > 0:
        axes.plot([low, row.max_ms], [middle, middle], color=MUTED, linewidth=0.7, alpha=0.5)
        axes.plot([row.max_ms], [middle], marker=style.marker, color=style.color, markersize=5.5)
    if row.lost:
        axes.plot([never], [middle], marker="X", color=LOST, markersize=6, markeredgewidth=0)


def _tick(value_ms: float) -> str:
    """A whole decade in few characters."""
    return f"{value_ms / 1000:,g} s" if value_ms >= 1000 else f"{value_ms:g} ms"


def _draw_borders(axes: Axes, groups: list[_Group]) -> None:
    """A line between the links; no ticks, the names stand on the left."""
    axes.set_yticks([])
    axes.spines["left"].set_color(MUTED)
    for before, after in pairwise(groups):
        if before.link is not after.link:
            border = after.top - _LINK_GAP / 2
            axes.axhline(border, color=MUTED, linewidth=0.8)


def _draw_names(axes: Axes, groups: list[_Group]) -> None:
    """The model beside each group and the link above the first of its groups."""
    repeated = len({(group.link, group.rows[0].model) for group in groups}) < len(groups)
    where = axes.get_yaxis_transform()
    for place, group in enumerate(groups):
        middle = group.top + len(group.rows) / 2
        model = group.rows[0].model
        name = group.name if repeated else ("no fault" if model is FaultModel.NONE else model.value)
        axes.text(-0.03, middle, name, transform=where, ha="right", va="center", fontsize=9 if len(name) < 16 else 7)
        first = place == 0 or groups[place - 1].link is not group.link
        if first and group.link is not None and not repeated:
            same = [other for other in groups if other.link is group.link]
            centre = (same[0].top + same[-1].top + len(same[-1].rows)) / 2
            words = link_name(group.link)
            axes.text(-0.29, centre, words, transform=where, rotation=90, ha="center", va="center", color=MUTED)


def _draw_legend(figure: Figure, styles: dict[str, ArmStyle]) -> None:
    """Arms with hatch and marker."""
    handles = [
        Line2D([], [], linewidth=1.0, label=arm, marker=style.marker, color=style.color, markersize=6.0)
        for arm, style in styles.items()
    ]
    handles.append(Line2D([], [], marker="X", linestyle="none", color=LOST, label="some were lost: never"))
    figure.legend(handles=handles, loc="lower center", ncols=min(5, len(handles)), frameon=False, labelcolor=INK)


def _describe(family: FamilyGroup) -> str:
    """The figure in words."""
    parts = [
        f"{group.fault}, {row.arm}: lost {count(row.lost)}, worst delay {milliseconds(row.max_ms)}"
        for group in family.groups
        for row in group.rows
    ]
    return "; ".join(parts[:60]) + "."
