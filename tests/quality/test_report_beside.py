"""Models of one outage side by side: the page and the terminal say the same, out of the rows that the JSON has."""

from __future__ import annotations

import html
import io
import re
from dataclasses import astuple
from pathlib import Path

from report_families import make_families
from rich.console import Console

from harness.model.results import TrialResult
from harness.report.html import render_report
from harness.report.json_export import read_summary, write_summary
from harness.report.side_by_side import TITLE, model_sets
from harness.report.terminal import print_summary

BASE, OTHERS = "partition-consumers-hold", ("partition-consumers-drop", "partition-consumers-down")


def marked(result: TrialResult) -> TrialResult:
    """The same trial, of a scenario that stands beside another."""
    scenario = result.trial.scenario
    if scenario.name not in OTHERS:
        return result
    told = scenario.model_copy(update={"beside": BASE})
    return result.model_copy(update={"trial": result.trial.model_copy(update={"scenario": told})})


PLAIN, _ = make_families(only=("partition",))
SUMMARY = PLAIN.model_copy(update={"trials": tuple(marked(result) for result in PLAIN.trials)})


def table_rows(page: str) -> list[list[str]]:
    """The cells of the table on the page, row by row."""
    part = page.partition('id="models"')[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in part.split("</tr>")]
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in rows if row]


def test_the_page_has_a_line_per_arm_and_model() -> None:
    """In the words of the one place where they are made."""
    (found,) = model_sets(SUMMARY)
    assert 3 * len(PLAIN.trials[0].arms) == len(found.lines)
    assert any("loses" in line.differs for line in found.lines)
    told = []
    for line in found.lines:
        arm, model, scenario, *rest = astuple(line)
        told.append([found.title, arm, f"{model}  {scenario}", *rest])
    assert told == table_rows(render_report(SUMMARY, {}))


def test_the_terminal_says_the_same() -> None:
    """Each line's numbers stand in one line of the screen."""
    out = io.StringIO()
    print_summary(SUMMARY, Console(file=out, width=120, highlight=False))
    screen = [line.split() for line in out.getvalue().partition(TITLE)[2].splitlines()]
    for line in model_sets(SUMMARY)[0].lines:
        cells = f"{line.model} {line.lost} {line.duplicated} {line.write_again} {line.read_again} {line.p99}".split()
        assert any(contains(words, cells) for words in screen), cells


def contains(words: list[str], cells: list[str]) -> bool:
    return any(words[start : start + len(cells)] == cells for start in range(len(words)))


def test_the_stored_summary_gives_the_same_table(tmp_path: Path) -> None:
    """Nothing of it is counted twice: the JSON's rows and scenarios are all it takes."""
    write_summary(tmp_path / "summary.json", SUMMARY)
    assert model_sets(SUMMARY) == model_sets(read_summary(tmp_path / "summary.json"))


def test_a_run_without_counterparts_has_no_table() -> None:
    """Neither on the page nor on the screen."""
    out = io.StringIO()
    print_summary(PLAIN, Console(file=out, width=80, highlight=False))
    assert 'id="models"' not in render_report(PLAIN, {})
    assert TITLE not in out.getvalue()
