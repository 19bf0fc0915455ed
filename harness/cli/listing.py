"""``harness list`` and ``harness doctor``: what can be run, and what this machine can do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model.naming import family_place, family_title, faults_name
from harness.model.values import Scenario


@dataclass(frozen=True, slots=True)
class ListedScenario:
    """A scenario as it is listed."""

    scenario: str
    family: str
    question: str
    fault: str
    arms: list[str]
    seconds: float
    """Of traffic; set-up and drain come on top."""
    slow: bool


def print_scenarios(names: list[str], *, as_json: bool, console: Console | None = None) -> None:
    """The scenarios that ``names`` mean, family by family, slow ones included."""
    from harness.plan.catalogue import example_names, find_scenarios, scenario_folder

    rows = [_as_row(scenario) for scenario in find_scenarios(names, slow=True)]
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    console = console or Console(highlight=False)
    rows.sort(key=lambda row: family_place(row.family))
    for family, members in groupby(rows, key=lambda row: row.family):
        _print_family(console, family, list(members))
    if any(row.slow for row in rows):
        console.print("slow: played only with --slow, or when it is named\n")
    console.print(f"Run one, or its family: [bold]harness run {rows[0].family}[/bold]")
    for name in example_names():
        console.print(f"New here? Read and run this first: [bold]python {_shown(scenario_folder() / name)}.py[/bold]")


def _shown(path: Path) -> Path:
    """``path`` as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _print_family(console: Console, family: str, rows: list[ListedScenario]) -> None:
    """One paragraph per scenario: a table would have to cut the questions or the arms."""
    seconds = sum(row.seconds for row in rows if not row.slow)
    length = f"{len(rows)} scenarios, {seconds:,.0f} s of traffic one after the other"
    title = Text.assemble((family, "bold"), f": {family_title(family)} ({length})")
    console.print(title)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("length", justify="right", no_wrap=True)
    table.add_column("what")
    for row in rows:
        length = f"{row.seconds:g} s" + (" slow" if row.slow else "")
        what = Text.assemble(row.question, "\n", (f"{row.fault} | {', '.join(row.arms)}", "dim"))
        table.add_row(Text(row.scenario, style="bold"), length, what)
    console.print(Padding(table, (0, 0, 1, 2), expand=False))


def _as_row(scenario: Scenario) -> ListedScenario:
    return ListedScenario(
        scenario=scenario.name,
        family=scenario.family,
        question=scenario.question,
        fault=faults_name(scenario.faults),
        arms=[arm.name for arm in scenario.arms],
        seconds=round(scenario.timeline.traffic_s, 3),
        slow=scenario.slow,
    )


def print_findings(*, as_json: bool) -> None:
    """What `harness.stack.doctor` found."""
    from harness.stack.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    table = Table("", "what", "found", "without it", box=None, pad_edge=False, header_style="bold")
    for finding in findings:
        mark = "[green]yes[/green]" if finding.found else "[yellow]no[/yellow]"
        table.add_row(mark, finding.what, finding.detail, "" if finding.found else finding.cost_if_missing)
    Console().print(table)
