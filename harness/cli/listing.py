"""``harness list`` and ``harness doctor``: what can be run, and what this machine can do."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from harness.model.values import Scenario


def print_scenarios(*, as_json: bool) -> None:
    """All scenarios with their question, fault, arms and length."""
    from harness.plan.catalogue import find_scenarios

    scenarios = find_scenarios(["all"])
    if as_json:
        print(json.dumps([_as_row(scenario) for scenario in scenarios], indent=2))
        return
    table = Table("scenario", "question", "fault", "arms", "seconds", box=None, pad_edge=False, header_style="bold")
    for scenario in scenarios:
        row = _as_row(scenario)
        table.add_row(row["scenario"], row["question"], row["fault"], row["arms"], row["seconds"])
    Console().print(table)
    Console().print(f"\nRun one, or its family: [bold]harness run {scenarios[0].family}[/bold]")


def _as_row(scenario: Scenario) -> dict[str, str]:
    faults = [f"{fault.model} on the {fault.link}' link" for fault in scenario.faults]
    return {
        "scenario": scenario.name,
        "family": scenario.family,
        "question": scenario.question,
        "fault": ", ".join(faults) or "none (control)",
        "arms": ", ".join(arm.name for arm in scenario.arms),
        "seconds": f"{scenario.timeline.traffic_s:g}",
    }


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
