"""Terminal, JSON, JUnit, HTML and notebook of one run: each is parsed, and they say the same numbers."""

from __future__ import annotations

import io
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console

from harness.cli.running import judge_and_write
from harness.model.results import RunSummary
from harness.report.json_export import read_summary
from harness.report.terminal import print_summary

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
KEPT = ("partition_consumers_drop", "partition_producers_reset", "partition_control")
COUNTS = ("owed", "lost", "dup", "late")
Key = tuple[str, str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trials of the reference run, judged and written anew."""
    folder = tmp_path_factory.mktemp("agree") / "run"
    shutil.copytree(REFERENCE, folder, ignore=shutil.ignore_patterns("*.png", "*.svg", "summary.json", "junit.xml"))
    plan = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    plan["trials"] = [trial for trial in plan["trials"] if trial["scenario"]["name"] in KEPT]
    (folder / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    judge_and_write(folder)
    return folder


@pytest.fixture(scope="module")
def said(run: Path) -> dict[Key, dict[str, Any]]:
    """What the JSON says, by scenario and arm."""
    rows = json.loads((run / "summary.json").read_text(encoding="utf-8"))["rows"]
    return {(row["scenario"], row["arm"]): row for row in rows}


def counts(said: dict[Key, dict[str, Any]]) -> dict[Key, list[int]]:
    """The counts of the comparison, as the JSON has them."""
    return {key: [row["owed"], row["lost"], row["duplicated"], row["late"]] for key, row in said.items()}


def number(cell: str) -> int:
    """A count as people read it."""
    return int(cell.replace(",", ""))


def test_the_run_tells_the_formats_apart(said: dict[Key, dict[str, Any]]) -> None:
    """Nine rows, with losses and delays among them: formats that all showed zeros would agree on nothing."""
    assert 9 == len(said)
    assert any(row["lost"] for row in said.values())
    assert any(row["late"] for row in said.values())


def test_the_terminal_says_what_the_json_says(run: Path, said: dict[Key, dict[str, Any]]) -> None:
    """Each line of an arm, under its scenario."""
    file = io.StringIO()
    print_summary(read_summary(run / "summary.json"), Console(file=file, width=160, highlight=False), folder=run)
    found: dict[Key, list[int]] = {}
    scenario, columns = "", {}
    for line in file.getvalue().splitlines():
        words = line.split()
        if words[:1] == ["arm"]:
            columns = {name: line.index(name) + len(name) for name in COUNTS}
        elif words and words[-1] in KEPT:
            scenario = words[-1]
        elif columns and scenario and words and (scenario, words[0]) in said:
            found[scenario, words[0]] = [number(line[: columns[name]].split()[-1]) for name in COUNTS]
    assert counts(said) == found


class _Rows(HTMLParser):
    """The cells of every row of every table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the base class's signature
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self._open = self._open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        """What a cell says."""
        if self._open:
            self.rows[-1][-1] += data


def test_the_page_says_what_the_json_says(run: Path, said: dict[Key, dict[str, Any]]) -> None:
    """Each row of the comparison, by the names of its columns."""
    text = (run / "report.html").read_text(encoding="utf-8").replace("\N{SOFT HYPHEN}", "")
    parser = _Rows()
    parser.feed(text[text.index('id="comparison"') :])
    heads = parser.rows[0]
    places = [heads.index(name) for name in ("owed", "lost", "duplicated", "late")]
    found: dict[Key, list[int]] = {}
    scenario = ""
    for cells in parser.rows[1:]:
        named = re.search(r"(partition_\w+), 1 trial", cells[0]) if len(cells) == 1 else None
        if named:
            scenario = named[1]
        elif len(cells) == len(heads) and (scenario, cells[0]) in said and (scenario, cells[0]) not in found:
            found[scenario, cells[0]] = [number(cells[place]) for place in places]
    assert counts(said) == found


def test_junit_says_what_the_json_says(run: Path) -> None:
    """Each guarantee of each arm: trials, violations and samples, and what the case is."""
    summary: RunSummary = read_summary(run / "summary.json")
    cases = ElementTree.parse(run / "junit.xml").getroot().findall("testsuite/testcase")
    found = {
        (case.get("classname"), case.get("name")): {one.get("name"): one.get("value") for one in case.iter("property")}
        for case in cases
    }
    assert len(summary.guarantees) == len(found)
    for known in summary.guarantees:
        case = found[known.scenario, f"{known.arm}: {known.guarantee.value}"]
        assert [known.trials, known.violated, known.violations, known.samples] == [
            int(case[name] or 0) for name in ("trials", "violated_trials", "violations", "samples")
        ]


def test_the_notebook_says_what_the_json_says(
    run: Path, said: dict[Key, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame that its comparison shows, and the ledger's own count of what was lost."""
    monkeypatch.setenv("HARNESS_RUN", str(run))
    notebook = nbformat.read(ROOT / "notebooks" / "comparison.ipynb", as_version=4)
    asked = "print('SHOWN', rows[['scenario']].join(rows[['arm', 'owed', 'lost', 'duplicated', 'late']]).to_json())\n"
    asked += "print('CHOSEN', folder_of(chosen).name, int((ledger['fate'] == FATE_LOST).sum()))"
    notebook.cells.append(nbformat.v4.new_code_cell(asked))
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    lines = "".join(output.get("text", "") for output in notebook.cells[-1]["outputs"]).splitlines()
    columns = json.loads(lines[0].removeprefix("SHOWN "))
    names = ("owed", "lost", "duplicated", "late")
    found = {
        (columns["scenario"][row], columns["arm"][row]): [columns[name][row] for name in names]
        for row in columns["scenario"]
    }
    assert counts(said) == found
    _, folder, lost = lines[1].split()
    assert int(lost) == sum(row["lost"] for (scenario, _), row in said.items() if folder.startswith(scenario))
