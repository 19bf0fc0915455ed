"""A stored run as the command line names it: a run's folder, a folder that only keeps its summary, or the file."""

from __future__ import annotations

from pathlib import Path

from harness.model.errors import InvalidFileError
from harness.model.results import RunSummary


def load_run(path: Path) -> RunSummary:
    """Judge the histories in ``path`` again; where there are none, as in a baseline, read its ``summary.json``.

    Nothing is written.

    Raises:
        InvalidFileError: there is neither.
    """
    from harness.check.judge import judge_run
    from harness.report.json_export import read_summary

    if path.is_file():
        return read_summary(path)
    if (path / "run.json").exists() and any((path / "trials").glob("*")):
        return judge_run(path, write=False)
    if (path / "summary.json").exists():
        return read_summary(path / "summary.json")
    raise InvalidFileError(
        f"{path}: no run is stored there", fix="name a run's folder, such as results/latest, or a kept summary.json"
    )
