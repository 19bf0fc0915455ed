"""The table of what a dead server took, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model.results import RunSummary
from harness.report.server_losses import NOTE, TITLE, heading, server_losses


def print_server_losses(console: Console, summary: RunSummary) -> None:
    """The table, if a server died in the run."""
    lines = server_losses(summary)
    if not lines:
        return
    console.print(Text(TITLE, style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title in ("\nfault", "\npersistence"):
        table.add_column(title, no_wrap=True)
    for title in ("pubsub\nlost", "\nof", "stream\nlost", "\ngone", "\nof", "\nseconds"):
        table.add_column(title, justify="right", no_wrap=True)
    for line in lines:
        numbers = (line.pubsub_lost, line.pubsub_of, line.stream_lost, line.gone, line.stream_of, line.seconds)
        table.add_row(line.fault, heading(line), *numbers)
    console.print(table)
    console.print(Padding(Text(NOTE, style="dim"), 0, expand=False))
    console.print()
