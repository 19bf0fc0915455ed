"""What the source document claims, on a terminal: losses of incidents, and every claim, false ones first.

A claim that holds needs no more than its row and its words; one that does not, one that only has numbers, and one that
stayed open have what was measured below them.
"""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model.results import ClaimResult, RunSummary
from harness.report.findings import IncidentLine, claims_sentence, finding_mark, incidents, sorted_claims
from harness.report.terminal_table import STYLES
from harness.report.wording import count

_ROW_WIDTH = 17


def print_claims(console: Console, summary: RunSummary) -> None:
    """Both sections, each only if there is something in it."""
    found = incidents(summary)
    if found:
        console.print(Text("Incidents: lost here, and (in parentheses) lost as the source document says", style="bold"))
        for incident in found:
            words = f"- {incident.group.scenario}: {', '.join(map(_incident_words, incident.lines))}"
            console.print(Padding(Text(words), (0, 0, 0, 2), expand=False))
        console.print()
    if summary.claims:
        console.print(Padding(Text(f"The source document, {claims_sentence(summary.claims)}", style="bold"), 0))
        console.print(_table(sorted_claims(summary.claims)))
        console.print()


def _incident_words(line: IncidentLine) -> str:
    """``pubsub 14,795 (14,700)``; ``stream-group 0, and 69 gone from its log (0)``."""
    said = f" ({line.claimed})" if line.claimed else ""
    gone = f", and {count(line.row.gone)} gone from its log" if line.row.gone else ""
    return f"{line.row.arm} {count(line.row.lost)}{gone}{said}"


def _table(claims: list[ClaimResult]) -> Table:
    """finding · row · claim."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column("finding", no_wrap=True)
    table.add_column("row", width=_ROW_WIDTH)
    table.add_column("claim")
    for known in claims:
        mark = finding_mark(known)
        words = Text(known.claim.text)
        if known.finding != "true":
            words.append(f"\n{known.measured}", style="dim")
        table.add_row(Text(mark.word, style=STYLES[mark.tone]), Text(known.claim.row), words)
    return table
