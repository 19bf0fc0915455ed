"""The result of a contract on a terminal: one line per clause, the worst first, and the verdict at the end."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.contract.result import ContractResult
from harness.report.contract_wording import outcome_line, outcome_mark, total_line
from harness.report.terminal_table import STYLES
from harness.report.wording import verdict_mark

_WIDEST_MARK = len("(inconclusive)")


def print_contract(result: ContractResult, console: Console | None = None) -> None:
    """Print ``result``; lines are not wrapped, so that they can be searched."""
    console = console or Console(highlight=False)
    for outcome in result.clauses:
        mark = outcome_mark(outcome)
        line = Text.assemble(
            (f"{mark.word:<{_WIDEST_MARK}} ", STYLES[mark.tone]),
            (f"{result.contract}:{outcome.clause.line}: ", "dim"),
            outcome_line(outcome),
        )
        console.print(line, soft_wrap=True)
    for note in result.notes:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    console.print(Text(total_line(result), style=STYLES[verdict_mark(result.verdict).tone]), soft_wrap=True)
