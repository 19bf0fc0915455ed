"""All figures of a run: one comparison per family, and two for each trial that is shown in detail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.model.results import RunSummary, TrialResult
from harness.report.drawing import Picture
from harness.report.figure_bars import draw_bars
from harness.report.figure_comparison import draw_comparison
from harness.report.figure_latency import draw_latency
from harness.report.figure_matrix import draw_matrix
from harness.report.figure_names import figure_name
from harness.report.figure_timeline import draw_timeline
from harness.report.grouping import FamilyGroup, families
from harness.report.ledger_view import load_ledger
from harness.report.matrix import MATRIX_FAMILIES, make_matrix


def draw_family(summary: RunSummary, family: FamilyGroup) -> Picture:
    """The figure that suits ``family``."""
    if family.name == "partition":
        return draw_comparison(summary, family)
    if family.name in MATRIX_FAMILIES:
        return draw_matrix(make_matrix(family), name=figure_name(family.name))
    return draw_bars(family, name=figure_name(family.name))


def draw_figures(run_folder: Path, summary: RunSummary, trials: tuple[TrialResult, ...]) -> Iterator[Picture]:
    """The figures of the run in ``run_folder``; of its trials only ``trials``, and of these those with a ledger."""
    for family in families(summary):
        yield draw_family(summary, family)
    for result in trials:
        ledger = load_ledger(run_folder / "trials" / result.trial.folder_name, arms=len(result.arms))
        if ledger is not None and result.arms:
            yield draw_timeline(result, ledger)
            yield draw_latency(result, ledger)
