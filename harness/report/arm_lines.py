"""A line of a table with a column per arm: its label, and a cell of each arm."""

from __future__ import annotations

from collections.abc import Callable

from harness.model.accounts import ArmResult
from harness.report.wording import MISSING

Line = tuple[str, tuple[str, ...]]
Lines = tuple[Line, ...]
Cell = Callable[[ArmResult], str]


def line(arms: tuple[ArmResult, ...], label: str, cell: Cell) -> Line:
    """One line over all arms."""
    return label, tuple(cell(arm) for arm in arms)


def used(arms: tuple[ArmResult, ...], cells: list[tuple[str, Cell]]) -> Lines:
    """Lines in which at least one arm has something."""
    lines = [line(arms, label, cell) for label, cell in cells]
    return tuple(known for known in lines if any(cell not in ("0", MISSING) for cell in known[1]))
