"""Fault × arm: the crash family as a matrix, whose cells hold what was lost, done twice and never done.

Mechanisms are long words, so a matrix gives each a letter and explains the letters once.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from harness.model.naming import short_name
from harness.model.results import ScenarioRow
from harness.model.words import Mechanism
from harness.report.grouping import FamilyGroup, ScenarioGroup

MATRIX_FAMILIES = frozenset({"crash"})
"""Families that are shown as a matrix: all their scenarios ask the same of nearly the same arms."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One arm under one fault."""

    lost: int
    doubled: int
    """Effects beyond the first."""
    missing: int
    """Acknowledged, owed, and yet without effect; what was lost is among them."""
    stuck: int
    mechanism: Mechanism | None

    @property
    def perfect(self) -> bool:
        """Nothing lost, nothing done twice, nothing left undone."""
        return self.lost == self.doubled == self.missing == 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """In the order in which they are shown."""
        return self.lost, self.doubled, self.missing


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One fault: a cell per arm, ``None`` where that arm was not tried."""

    group: ScenarioGroup
    name: str
    short: str
    """The name in as few and short words as possible, for a narrow column."""
    cells: tuple[MatrixCell | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All faults of a family against all its arms."""

    arms: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    letters: dict[Mechanism, str]


def make_matrix(family: FamilyGroup) -> Matrix:
    """The matrix of ``family``."""
    arms = family.arms
    faults = [group.fault for group in family.groups]
    shorts = [short_name(group.faults) for group in family.groups]
    rows = tuple(
        MatrixRow(
            group,
            group.fault if faults.count(group.fault) == 1 else group.scenario,
            short if shorts.count(short) == 1 else group.scenario.replace("_", " "),
            _cells(group, arms),
        )
        for group, short in zip(family.groups, shorts, strict=True)
    )
    found = dict.fromkeys(cell.mechanism for row in rows for cell in row.cells if cell and cell.mechanism)
    known = [mechanism for mechanism in Mechanism if mechanism in found]
    return Matrix(arms, rows, dict(zip(known, string.ascii_lowercase, strict=False)))


def _cells(group: ScenarioGroup, arms: tuple[str, ...]) -> tuple[MatrixCell | None, ...]:
    rows = {row.arm: row for row in group.rows}
    return tuple(_cell(rows[arm]) if arm in rows else None for arm in arms)


def _cell(row: ScenarioRow) -> MatrixCell:
    return MatrixCell(row.lost, row.duplicate_effects, row.missing_effects, row.stuck, row.main_mechanism)
