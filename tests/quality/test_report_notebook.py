"""The notebook runs from top to bottom, on a synthetic run and on the committed reference run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from report_fixture import make_summary, write_run

from harness.report.json_export import write_summary

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "comparison.ipynb"
REFERENCE = ROOT / "results" / "reference"


def execute(run: Path | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the notebook on ``run`` (None: its own default) and give what its cells printed."""
    if run is None:
        monkeypatch.delenv("HARNESS_RUN", raising=False)
    else:
        monkeypatch.setenv("HARNESS_RUN", str(run))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def test_notebook_retells_a_synthetic_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs, and what it prints is what the summary says."""
    summary, ledgers = make_summary()
    run = write_run(tmp_path, summary, ledgers)
    write_summary(run / "summary.json", summary)

    printed = execute(run, monkeypatch)

    assert f"HELD: {summary.answer}" in printed
    assert summary.repeat_command in printed


@pytest.mark.skipif(not (REFERENCE / "summary.json").exists(), reason="there is no results/reference/ in this checkout")
def test_notebook_retells_the_reference_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HARNESS_RUN the notebook finds the committed reference run by itself."""
    printed = execute(None, monkeypatch)

    assert "harness run" in printed


def test_notebook_is_committed_without_outputs() -> None:
    """Outputs of somebody's machine would be taken for results."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    assert [] == [output for cell in notebook.cells for output in cell.get("outputs", [])]
