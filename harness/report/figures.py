"""All figures of a run: the comparison, and two for each trial that is shown in detail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.model.results import RunSummary, TrialResult
from harness.report.drawing import Picture
from harness.report.figure_comparison import draw_comparison
from harness.report.figure_latency import draw_latency
from harness.report.figure_timeline import draw_timeline
from harness.report.ledger_view import load_ledger


def draw_figures(run_folder: Path, summary: RunSummary, trials: tuple[TrialResult, ...]) -> Iterator[Picture]:
    """The figures of the run in ``run_folder``; of its trials only ``trials``, and of these those with a ledger."""
    if summary.rows:
        yield draw_comparison(summary)
    for result in trials:
        ledger = load_ledger(run_folder / "trials" / result.trial.folder_name, arms=len(result.arms))
        if ledger is not None and result.arms:
            yield draw_timeline(result, ledger)
            yield draw_latency(result, ledger)
