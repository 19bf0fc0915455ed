"""The table of one outage under several models, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model.results import RunSummary
from harness.report.side_by_side import NOTE, TITLE, ModelLine, model_sets

_HEADS = ("arm", "model", "lost", "dup", "write", "read", "p99", "differs")
_NAMES = 2


def print_models(console: Console, summary: RunSummary) -> None:
    """The table, if the run told an outage by more than one model."""
    sets = model_sets(summary)
    if not sets:
        return
    lines = [line for found in sets for line in found.lines]
    widths = [max(len(word) for word in words) for words in zip(*(_cells(line) for line in lines), strict=True)]
    console.print(Text(TITLE, style="bold"))
    console.print(_table([_HEADS], widths))
    for found in sets:
        console.print(Text(found.title, style="bold"))
        console.print(_table([(*_cells(line), line.differs) for line in found.lines], widths))
    console.print(Padding(Text(NOTE, style="dim"), 0, expand=False))
    console.print()


def _cells(line: ModelLine) -> tuple[str, ...]:
    return (line.arm, line.model, line.lost, line.duplicated, line.write_again, line.read_again, line.p99)


def _table(rows: Sequence[tuple[str, ...]], widths: Sequence[int]) -> Table:
    """Columns of one width in all tables, so that they line up."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    for number, (head, width) in enumerate(zip(_HEADS, widths, strict=False)):
        table.add_column(justify="left" if number < _NAMES else "right", no_wrap=True, width=max(width, len(head)))
    table.add_column()
    above = ""
    for arm, *cells in rows:
        table.add_row("" if arm == above else arm, *cells)
        above = arm
    return table
