"""What a dead server took as a picture: by how it persists, by how it died, for both primitives.

One column per way to die. Above, messages: what Pub/Sub lost, and what is gone from the stream's log although it was
acknowledged, on an axis that is logarithmic above one. Below, the seconds of acknowledged log that are gone; Pub/Sub
keeps no log. Every bar has its number; what no sound trial proves has a question mark instead of a bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from harness.model.results import ScenarioRow
from harness.model.words import FaultModel, Persistence, Primitive
from harness.report.drawing import Picture, figure_style, finish, new_figure
from harness.report.palette import INK, MUTED, ArmStyle, arm_styles
from harness.report.server_losses import TITLE, DeathCounts, death_counts
from harness.report.wording import count

_WIDTH_INCHES, _HEIGHT_INCHES = 9.2, 5.2
_BAR: Final = 0.38
_DEATHS: Final = {
    FaultModel.SERVER_KILL: "crash (SIGKILL): the page cache survives",
    FaultModel.POWER_LOSS: "power loss: only what was on the disk survives",
}
_PROFILES: Final = list(Persistence)


def draw_persistence(rows: Sequence[ScenarioRow], *, name: str) -> Picture:
    """The picture of the deaths among ``rows``, of which there has to be one."""
    found = death_counts(rows)
    with figure_style():
        figure = new_figure(width=_WIDTH_INCHES, height=_HEIGHT_INCHES)
        models = [model for model in _DEATHS if any(it.fault is model for it in found)]
        grid = figure.subplots(2, len(models), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 2))
        for across, model in enumerate(models):
            chosen = [it for it in found if it.fault is model]
            _draw_messages(grid[0][across], chosen)
            _draw_seconds(grid[1][across], chosen)
            grid[0][across].set_title(_DEATHS[model], loc="left")
        grid[0][0].set_ylabel("acknowledged messages lost")
        grid[1][0].set_ylabel("seconds of log lost")
        _draw_legend(figure)
        figure.subplots_adjust(left=0.08, right=0.985, top=0.93, bottom=0.13, hspace=0.12, wspace=0.06)
        return finish(figure, name=name, title=TITLE, description=_describe(found))


def _styles() -> tuple[ArmStyle, ArmStyle]:
    pubsub, streams = arm_styles([Primitive.PUBSUB, Primitive.STREAMS])
    return pubsub, streams


def _draw_messages(axes: Axes, found: Sequence[DeathCounts]) -> None:
    pubsub, streams = _styles()
    for it in found:
        place = _PROFILES.index(it.persistence)
        _draw_bar(axes, place - _BAR / 2, it.pubsub_lost, pubsub)
        _draw_bar(axes, place + _BAR / 2, it.gone, streams)
    most = max((number for it in found for number in (it.pubsub_lost, it.gone) if number), default=1)
    axes.set_yscale("symlog", linthresh=1, linscale=0.4)
    axes.set_ylim(0, max(axes.get_ylim()[1], 4.0 * max(10, most)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.grid(visible=True)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(_PROFILES) - 0.4)


def _draw_seconds(axes: Axes, found: Sequence[DeathCounts]) -> None:
    _, streams = _styles()
    for it in found:
        _draw_bar(axes, _PROFILES.index(it.persistence), it.seconds, streams)
    most = max((it.seconds for it in found if it.seconds), default=0.5)
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.35 * most))
    axes.yaxis.grid(visible=True)
    axes.set_xticks(range(len(_PROFILES)), [profile.value for profile in _PROFILES])
    axes.tick_params(axis="x", length=0)


def _draw_bar(axes: Axes, place: float, number: float | None, style: ArmStyle) -> None:
    """A bar with its number on top; nothing lost is a 0 on the line, and nothing known a question mark."""
    if number:
        axes.bar(place, number, width=_BAR, color=style.color, hatch=style.hatch, edgecolor="white", linewidth=0)
    words = "?" if number is None else count(number) if isinstance(number, int) else f"{number:.2f}"
    axes.annotate(
        words,
        (place, number or 0),
        xytext=(0, 2.5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8,
        color=MUTED if number is None else INK,
    )


def _draw_legend(figure: Figure) -> None:
    pubsub, streams = _styles()
    handles: list[Patch | Line2D] = [
        Patch(facecolor=pubsub.color, hatch=pubsub.hatch, edgecolor="white", label="Pub/Sub: never received"),
        Patch(facecolor=streams.color, hatch=streams.hatch, edgecolor="white", label="Streams: gone from the log"),
        Line2D([], [], marker="$?$", linestyle="none", color=MUTED, label="not proven"),
    ]
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False)


def _describe(found: Sequence[DeathCounts]) -> str:
    """The figure in words."""
    return "; ".join(
        f"{it.persistence.value} under {it.fault.value}: Pub/Sub lost {_word(it.pubsub_lost)}, Streams "
        f"{_word(it.gone)} from the log, {'an unknown time' if it.seconds is None else f'{it.seconds:.2f} s'} of it"
        for it in found
    )


def _word(number: int | None) -> str:
    return "an unproven number" if number is None else count(number)
