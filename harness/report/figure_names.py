"""What the figure of a family is called: its file in ``figures/`` and its id in the report."""

from __future__ import annotations

from harness.report.matrix import MATRIX_FAMILIES


def figure_name(family: str) -> str:
    """The name of a family's comparison figure, and of its files."""
    if family == "partition":
        return "comparison"
    return f"{family}-matrix" if family in MATRIX_FAMILIES else f"{family}-comparison"
