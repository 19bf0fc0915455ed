"""``harness lint``: read a server or a stored run, judge it against the checklist, show what was found."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.lint.checklist import CHECKLIST
from harness.lint.facts import Limits
from harness.lint.finding import Finding, Point, Result, exit_code, in_order, parse_point
from harness.model.errors import ExitCode, UsageError

LONGEST_S = 10 * 365 * 86_400
STYLES = {Result.HOLDS: "green", Result.FAILS: "bold red", Result.UNKNOWN: "yellow", Result.DOES_NOT_APPLY: "dim"}


@dataclass(frozen=True, slots=True)
class LintRequest:
    """What the user asked for; ``run`` is ``None`` for the server of ``REDIS_URL``."""

    run: Path | None
    pattern: str | None
    max_outage_s: float
    max_idle_s: float
    skipped: tuple[str, ...]
    as_json: bool


def lint(request: LintRequest) -> ExitCode:
    """Read, judge, show; the exit code that says the worst.

    Raises:
        UsageError: an option that cannot be, or neither a run nor a server is named.
        EnvironmentUnavailable: the server is out of reach, refuses the login, or is none.
        InvalidFileError: the folder holds no run.
    """
    limits = Limits(
        max_outage_s=_within("--max-outage", request.max_outage_s),
        idle_ms=round(_within("--max-idle", request.max_idle_s) * 1000),
    )
    skipped = [parse_point(name) for name in request.skipped]
    checked, findings = _stored(request, limits) if request.run is not None else _live(request, limits)
    ordered = in_order(findings, skipped=skipped)
    code = exit_code(ordered)
    if request.as_json:
        print(as_json(checked, ordered, limits, code))
    else:
        show(checked, ordered, Console(highlight=False))
    return code


def _within(option: str, seconds: float) -> float:
    if not math.isfinite(seconds) or not 0 < seconds <= LONGEST_S:
        raise UsageError(
            f"{option} {seconds:g}: out of range", fix=f"give more than 0 and at most {LONGEST_S:,} seconds"
        )
    return seconds


def _stored(request: LintRequest, limits: Limits) -> tuple[str, list[Finding]]:
    from harness.lint.run import judge_stored
    from harness.lint.stored import read_run

    assert request.run is not None
    if request.pattern is not None:
        raise UsageError("--stream is for a live server, not for a stored run", fix="leave it out")
    run = read_run(request.run)
    return f"run {run.name}", judge_stored(run, limits)


def _live(request: LintRequest, limits: Limits) -> tuple[str, list[Finding]]:
    from harness.lint.live import judge_live
    from harness.lint.reading import read_facts
    from harness.stack.given import REDIS_URL, given_server

    if not os.environ.get(REDIS_URL):
        raise UsageError(
            f"nothing to lint: no run is named, and {REDIS_URL} is not set",
            fix="harness lint results/latest, or REDIS_URL=redis://user:password@host:6379/0 harness lint",
        )
    if request.pattern == "":
        raise UsageError("--stream is empty", fix="give a name or a pattern, such as 'orders:*'")
    facts = read_facts(given_server(os.environ), pattern=request.pattern or "*", limits=limits)
    return facts.server.name, judge_live(facts, limits)


def as_json(checked: str, findings: Sequence[Finding], limits: Limits, code: ExitCode) -> str:
    """Everything that was found, for machines."""
    rows = [
        {
            "point": finding.point,
            "asks": CHECKLIST[finding.point].asks,
            "where": finding.where,
            "result": finding.result,
            "evidence": finding.evidence,
            "otherwise": list(CHECKLIST[finding.point].otherwise),
        }
        for finding in findings
    ]
    content = {"checked": checked, "max_outage_s": limits.max_outage_s, "exit_code": int(code), "findings": rows}
    return json.dumps(content, indent=2)


def show(checked: str, findings: Sequence[Finding], console: Console) -> None:
    """Point by point, each with what it asks for, and how to see what happens otherwise."""
    console.print(Text(checked, style="bold"))
    for point, members in groupby(findings, key=lambda finding: finding.point):
        _show_point(point, list(members), console)
    counts = [(result, sum(finding.result is result for finding in findings)) for result in Result]
    console.print(Text("\n" + " · ".join(f"{number} {result}" for result, number in counts)))


def _show_point(point: Point, findings: Sequence[Finding], console: Console) -> None:
    item = CHECKLIST[point]
    console.print(Text.assemble("\n", (point.value, "bold"), f": {item.asks}"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(max_width=40, overflow="fold")
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(
            Text("  " + finding.result, style=STYLES[finding.result]), Text(finding.where), Text(finding.evidence)
        )
    console.print(table)
    if item.otherwise and any(finding.result in {Result.FAILS, Result.UNKNOWN} for finding in findings):
        console.print(Text(f"  what happens otherwise: harness run {' '.join(item.otherwise)}", style="dim"))
