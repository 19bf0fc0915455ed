"""All figures of a run: one comparison per family, and two for each trial that is shown in detail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.model.results import RunSummary, TrialResult
from harness.report.drawing import Picture
from harness.report.figure_bars import draw_bars
from harness.report.figure_comparison import draw_comparison
from harness.report.figure_matrix import draw_matrix
from harness.report.figure_names import figure_name
from harness.report.figure_persistence import draw_persistence
from harness.report.grouping import FamilyGroup, families
from harness.report.helper import helper_drawing, share_out
from harness.report.matrix import MATRIX_FAMILIES, make_matrix
from harness.report.server_losses import death_counts
from harness.report.trial_figures import draw_trial


def draw_family(summary: RunSummary, family: FamilyGroup) -> Picture:
    """The figure that suits ``family``."""
    if family.name == "partition":
        return draw_comparison(summary, family)
    if family.name in MATRIX_FAMILIES:
        return draw_matrix(make_matrix(family), name=figure_name(family.name))
    if death_counts(family.rows):
        return draw_persistence(family.rows, name=figure_name(family.name))
    return draw_bars(family, name=figure_name(family.name))


def draw_figures(run_folder: Path, summary: RunSummary, trials: tuple[TrialResult, ...]) -> Iterator[Picture]:
    """The figures of the run in ``run_folder``; of its trials only ``trials``, and of these those with a ledger.

    Where there are several trials and processors, a second process draws every other trial.
    """
    mine, other = share_out(trials)
    with helper_drawing(run_folder, other) as helper:
        for family in families(summary):
            yield draw_family(summary, family)
        for result in mine:
            yield from draw_trial(run_folder, result)
        done = helper.collect()
    for result in other:
        yield from done[result.trial.folder_name] if done else draw_trial(run_folder, result)
