"""Fault × arm as a picture: every cell says what was lost, what was done twice and what was never done, and why.

A cell holds up to three bars, always in the same place: lost on top, effects doubled in the middle, effects missing
below. Their length is the number on a logarithmic scale, since a crash strikes a handful of messages and a pause
hundreds; the number stands beside. A cell in which nothing went wrong holds a pale ring, one that was not tried is
hatched away. The letter in the corner is the mechanism behind most of it.
"""

from __future__ import annotations

import math
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from harness.report.drawing import Picture, bare, figure_style, finish, new_figure
from harness.report.matrix import Matrix, MatrixCell
from harness.report.palette import DOUBLED, GRID, INK, LOSS, MUTED, UNDONE
from harness.report.wording import count

WIDTH_INCHES = 9.2
_NAMES_INCHES = 1.75
_ROW_INCHES = 0.52
_MARGIN = 0.08
_MOST_STEPS = 20
_LETTER_INCHES = 0.049
"""What a letter of a name takes across and upwards, at 45 degrees."""
_NARROWEST_CELL, _WIDEST_CELL = 0.6, 1.15
_LEGEND_LINE = 0.2
_STYLES = ((LOSS, "lost"), (DOUBLED, "effects doubled"), (UNDONE, "effects missing (the lost among them)"))
_BAR_SHARE = 0.52
"""How much of a cell's width the longest bar takes; the number needs the rest."""


def draw_matrix(matrix: Matrix, *, name: str) -> Picture:
    """The picture of ``matrix``."""
    words = _mechanism_words(matrix)
    with figure_style():
        width, cell = _widths(matrix.arms)
        above = 0.15 + _LETTER_INCHES * max(len(arm) for arm in matrix.arms)
        foot = 0.42 + _LEGEND_LINE * len(words)
        height = above + _ROW_INCHES * len(matrix.rows) + foot
        figure = new_figure(width=width, height=height)
        left = _NAMES_INCHES / width
        axes = figure.add_axes(
            (left, foot / height, cell * len(matrix.arms) / width, _ROW_INCHES * len(matrix.rows) / height)
        )
        axes.set_xlim(0, len(matrix.arms))
        axes.set_ylim(len(matrix.rows), 0)
        bare(axes)
        highest = max(
            (number for row in matrix.rows for cell_ in row.cells if cell_ for number in cell_.counts), default=1
        )
        for down, row in enumerate(matrix.rows):
            for across, found in enumerate(row.cells):
                _draw_cell(axes, found, matrix, across=across, down=down, highest=max(10, highest))
        _draw_names(axes, matrix)
        _draw_legend(figure, words, height=height)
        return finish(
            figure,
            name=name,
            title="What each arm lost, doubled and left undone under each fault",
            description=_describe(matrix),
        )


def _draw_cell(axes: Axes, cell: MatrixCell | None, matrix: Matrix, *, across: int, down: int, highest: int) -> None:
    """One cell with its frame."""
    hatch = "///" if cell is None else None
    axes.add_patch(
        Rectangle((across, down), 1, 1, zorder=0, facecolor="none", edgecolor=GRID, linewidth=0.8, hatch=hatch)
    )
    if cell is None:
        return
    if cell.perfect:
        axes.plot([across + 0.5], [down + 0.5], marker="o", color=GRID, markerfacecolor="none", markersize=6)
    for place, (number, (style, _)) in enumerate(zip(cell.counts, _STYLES, strict=True)):
        if number == 0:
            continue
        middle = down + 0.2 + place * 0.3
        length = _BAR_SHARE * math.log10(1 + number) / math.log10(1 + highest)
        axes.barh(
            middle,
            length,
            left=across + 0.05,
            height=0.23,
            color=style.color,
            hatch=style.hatch,
            edgecolor="white",
            linewidth=0,
        )
        size = 7.5 if number < 1_000 else 6.5
        axes.text(across + 0.08 + length, middle + 0.01, count(number), va="center", fontsize=size)
    if cell.mechanism is not None and not cell.perfect:
        # Where no bar is, no number can be in the letter's way.
        place = next((place for place in (1, 0, 2) if cell.counts[place] == 0), 1)
        letter = matrix.letters.get(cell.mechanism, "")
        where = (across + 0.94, down + 0.2 + place * 0.3)
        axes.text(*where, letter, ha="right", va="center", fontsize=8, style="italic", color=MUTED)


def _draw_names(axes: Axes, matrix: Matrix) -> None:
    """Faults on the left, arms slanted above."""
    for down, row in enumerate(matrix.rows):
        struck, _, deed = row.name.partition(" · ")
        words = [struck, *textwrap.wrap(deed, 26)] if deed else textwrap.wrap(row.name, 26)
        lines = len(words)
        for place, text in enumerate(words):
            strong = place > 0 or not deed
            axes.text(
                -0.08,
                down + 0.5 + (place - (lines - 1) / 2) * 0.27,
                text,
                ha="right",
                va="center",
                fontsize=8.5 if strong else 7.5,
                color=INK if strong else MUTED,
            )
    for across, arm in enumerate(matrix.arms):
        axes.text(
            across + 0.35,
            -0.1,
            arm,
            rotation=45,
            ha="left",
            va="bottom",
            rotation_mode="anchor",
            fontsize=8,
        )


def _widths(arms: tuple[str, ...]) -> tuple[float, float]:
    """The figure's width and a cell's, in inches: the page, less what the slanted names of the last arms need on the
    right; with very many arms the figure grows instead of the cells becoming too narrow for their numbers."""
    margin, width = _MARGIN, WIDTH_INCHES
    cell = _WIDEST_CELL
    for _ in range(_MOST_STEPS):
        cell = min(_WIDEST_CELL, (width - _NAMES_INCHES - margin) / len(arms))
        if cell < _NARROWEST_CELL:
            cell = _NARROWEST_CELL
            width = _NAMES_INCHES + cell * len(arms) + margin
        reach = max((place + 0.35) * cell + _LETTER_INCHES * len(arm) for place, arm in enumerate(arms))
        if _NAMES_INCHES + reach <= width:
            break
        margin += _MARGIN
    return width, cell


def _mechanism_words(matrix: Matrix) -> list[str]:
    """The letters explained, in lines that fit below the matrix."""
    text = "  ·  ".join(
        f"{letter}\N{NO-BREAK SPACE}{mechanism.value.replace(' ', chr(0xA0))}"
        for mechanism, letter in matrix.letters.items()
    )
    return textwrap.wrap(text, 125, break_long_words=False, break_on_hyphens=False) if text else []


def _draw_legend(figure: Figure, words: list[str], *, height: float) -> None:
    """What bars, ring and letters mean."""
    handles: list[Patch | Line2D] = [
        Patch(facecolor=style.color, hatch=style.hatch, edgecolor="white", label=label) for style, label in _STYLES
    ]
    handles.append(
        Line2D([], [], marker="o", linestyle="none", color=MUTED, markerfacecolor="none", markersize=6, label="nothing")
    )
    handles.append(Patch(facecolor="none", hatch="///", edgecolor=GRID, label="not tried"))
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, (0.02 + _LEGEND_LINE * len(words)) / height),
        ncols=len(handles),
        frameon=False,
        labelcolor=INK,
    )
    for place, line in enumerate(words):
        y = (_LEGEND_LINE * (len(words) - place) - 0.06) / height
        figure.text(0.5, y, line, ha="center", va="center", fontsize=8, style="italic", color=MUTED)


def _describe(matrix: Matrix) -> str:
    """The figure in words: every cell in which something went wrong."""
    parts = [
        f"{row.name}, {arm}: lost {count(cell.lost)}, effects doubled {count(cell.doubled)}, missing"
        f" {count(cell.missing)}{f', mostly by {cell.mechanism.value}' if cell.mechanism else ''}"
        for row in matrix.rows
        for arm, cell in zip(matrix.arms, row.cells, strict=True)
        if cell is not None and not cell.perfect
    ]
    return ("; ".join(parts[:120]) if parts else "Nothing was lost, doubled or left undone in any cell") + "."
