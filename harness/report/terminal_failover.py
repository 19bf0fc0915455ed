"""The table of what a failover did, on a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model.results import RunSummary
from harness.report.failover_lines import COLUMNS, NOTE, TITLE, FailoverLine, failover_lines
from harness.report.wording import plural


def print_failovers(console: Console, summary: RunSummary) -> None:
    """The table, if there was a failover in the run."""
    lines = failover_lines(summary)
    if not lines:
        return
    console.print(Text(TITLE, style="bold"))
    for scenario, found in groupby(lines, key=lambda line: line.scenario):
        _print_scenario(console, scenario, list(found))
    console.print(Padding(Text(NOTE, style="dim"), 0, expand=False))
    console.print()


def _print_scenario(console: Console, scenario: str, lines: list[FailoverLine]) -> None:
    trials = "" if lines[0].trials == 1 else f"  {plural(lines[0].trials, 'trial')}"
    console.print(Text(scenario + trials, style="bold dim"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("arm", no_wrap=True, min_width=20)
    for title, _ in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True, min_width=6)
    for line in lines:
        table.add_row(line.arm, *line.cells)
    console.print(table)
