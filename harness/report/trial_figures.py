"""The two figures of one trial: its timeline, and its latencies before, during and after the fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.model.results import TrialResult
from harness.report.drawing import Picture
from harness.report.figure_latency import draw_latency
from harness.report.figure_timeline import draw_timeline
from harness.report.ledger_view import load_ledger


def draw_trial(run_folder: Path, result: TrialResult) -> Iterator[Picture]:
    """The figures of ``result``; none where it has no ledger."""
    ledger = load_ledger(run_folder / "trials" / result.trial.folder_name, arms=len(result.arms))
    if ledger is not None and result.arms:
        yield draw_timeline(result, ledger)
        yield draw_latency(result, ledger)
