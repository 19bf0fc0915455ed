"""``harness selftest``: what was planted, what was found, and whether the oracle can be believed."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from harness.model.errors import ExitCode, UsageError
from harness.report.json_export import to_json
from harness.selftest.result import SelftestResult, SelftestRow
from harness.selftest.run import MAX_ROUNDS, run_selftest

_SHORT = {"pubsub": "pubsub", "stream-fan-out": "fan-out", "stream-queue": "queue"}
_SHOWN_PROBLEMS = 8


def selftest(*, seed: int, rounds: int, as_json: bool) -> ExitCode:
    """Run it, show it, and say with which code to end."""
    if not 0 <= rounds <= MAX_ROUNDS:
        raise UsageError(f"--rounds {rounds}: out of range", fix=f"give 0 to {MAX_ROUNDS}")
    if seed < 0:
        raise UsageError(f"--seed {seed}: negative", fix="give 0 or more")
    with Progress(console=Console(stderr=True), transient=True, disable=as_json or not sys.stderr.isatty()) as bar:
        task = bar.add_task("planting and judging")
        result = run_selftest(seed=seed, rounds=rounds, say=lambda done, of: bar.update(task, completed=done, total=of))
    if as_json:
        sys.stdout.write(to_json(result))
    else:
        print_selftest(result)
    return ExitCode.HELD if result.ok else ExitCode.INTERNAL


def print_selftest(result: SelftestResult, console: Console | None = None) -> None:
    """The table, then every difference, then one sentence."""
    console = console or Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("class", overflow="fold")
    table.add_column("arms", overflow="fold")
    for name in ("planted", "found"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("ok", no_wrap=True)
    for row in result.rows:
        mark = Text("ok", style="green") if row.ok else Text("NO", style="bold red")
        table.add_row(Text(row.name), Text(_arms(row)), str(row.planted), str(row.found), Text(row.verdict), mark)
    console.print(table)
    for row in result.rows:
        for problem in row.problems[:_SHOWN_PROBLEMS]:
            console.print(Text(f"{row.name}: {problem}"), soft_wrap=True)
        if len(row.problems) > _SHOWN_PROBLEMS:
            console.print(Text(f"{row.name}: and {len(row.problems) - _SHOWN_PROBLEMS} more (--json shows all)"))
    console.print(Text(total_line(result), style="green" if result.ok else "bold red"), soft_wrap=True)


def _arms(row: SelftestRow) -> str:
    return "all" if len(set(row.arms)) == len(_SHORT) else ", ".join(_SHORT.get(arm, arm) for arm in row.arms)


def total_line(result: SelftestResult) -> str:
    """The answer in one sentence, with what it was drawn from."""
    wrong = sum(not row.ok for row in result.rows)
    said = (
        "exactly what was planted was found" if result.ok else f"{wrong} of {len(result.rows)} rows are not as planted"
    )
    return f"{said}: {result.trials} histories, {len(result.rows)} rows, seed {result.seed}"
