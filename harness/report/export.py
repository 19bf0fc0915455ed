"""Everything that a judged run is shown as, written into its folder: the one entry for the command line.

    write_all(Path("results/runs/20260101T000000Z-partition"), summary)

writes ``summary.json``, ``environment.json``, ``junit.xml``, ``figures/`` (each as PNG and SVG) and ``report.html``,
each file completely or not at all. What the operating system refuses (no space, read-only) is an
`EnvironmentUnavailable` with the fix.
"""

from __future__ import annotations

from pathlib import Path

from harness.model.errors import EnvironmentUnavailable
from harness.model.results import RunSummary
from harness.report.atomic import write_bytes, write_text
from harness.report.environment import write_environment
from harness.report.json_export import write_summary
from harness.report.junit import write_junit


def write_all(run_folder: Path, summary: RunSummary) -> None:
    """Write every file of ``summary`` into ``run_folder``; the verdicts first, the pictures last."""
    if not run_folder.is_dir():
        raise EnvironmentUnavailable(f"cannot write {run_folder}: no such folder", fix="check the path of the run")
    write_summary(run_folder / "summary.json", summary)
    write_environment(run_folder / "environment.json", summary)
    write_junit(run_folder / "junit.xml", summary)
    _write_pages(run_folder, summary)


def _write_pages(run_folder: Path, summary: RunSummary) -> None:
    """Figures and the page that shows them; drawing is imported only here, because it is slow to load."""
    from harness.report.figures import draw_figures
    from harness.report.html import choose_detailed, render_report

    pictures = {}
    for picture in draw_figures(run_folder, summary, choose_detailed(summary)):
        write_bytes(run_folder / "figures" / f"{picture.name}.png", picture.png)
        write_text(run_folder / "figures" / f"{picture.name}.svg", picture.svg)
        pictures[picture.name] = picture
    write_text(run_folder / "report.html", render_report(summary, pictures))
