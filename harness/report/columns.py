"""The columns of the comparison table, once for the terminal and for the HTML report.

A column that says nothing in a family, since all its numbers are zero there, is left out. A terminal that is too narrow
for the rest loses the least important columns first; `Column.rank` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.model.results import ScenarioRow
from harness.report.wording import MISSING, count, milliseconds, ratio, recover_ms

Rows = Sequence[ScenarioRow]
HTML_ONLY = 9


@dataclass(frozen=True, slots=True)
class Column:
    """One column between the arm and its verdict."""

    short: str
    """Its name on a terminal."""
    title: str
    """Its name where there is room; a soft hyphen shows where it may be broken."""
    meaning: str
    cell: Callable[[ScenarioRow], str]
    rank: int = 0
    """0: never left out; the highest goes first; `HTML_ONLY`: never on a terminal."""
    needed: Callable[[Rows], bool] = lambda _: True
    is_words: bool = False


def _any(number: Callable[[ScenarioRow], int]) -> Callable[[Rows], bool]:
    """Whether any row has more than zero of something."""
    return lambda rows: any(number(row) > 0 for row in rows)


COLUMNS = (
    Column(
        "acked",
        "acknow\N{SOFT HYPHEN}ledged",
        "Messages for which the producer got a success reply.",
        lambda row: count(row.acknowledged),
        rank=HTML_ONLY,
    ),
    Column(
        "unsure",
        "not ack\N{SOFT HYPHEN}nowledged",
        "Messages that were refused, or of which the producer cannot know. They are never counted as lost.",
        lambda row: count(row.rejected + row.indeterminate),
        rank=HTML_ONLY,
    ),
    Column(
        "owed",
        "owed",
        "Attempted messages × recipients: with two subscribers, one message is owed twice.",
        lambda row: count(row.owed),
    ),
    Column(
        "lost",
        "lost",
        "Acknowledged, owed, never received, and proven gone after everything had drained.",
        lambda row: count(row.lost),
    ),
    Column(
        "stuck",
        "stuck",
        "Received, and still pending when everything else had drained: nobody finishes it.",
        lambda row: count(row.stuck),
        rank=2,
        needed=_any(lambda row: row.stuck),
    ),
    Column(
        "no right",
        "not entitled",
        "Sent before the recipient's group or reader began, for example a group created at $. Not counted as lost.",
        lambda row: count(row.not_entitled),
        rank=3,
        needed=_any(lambda row: row.not_entitled),
    ),
    Column(
        "dup",
        "dupli\N{SOFT HYPHEN}cated",
        "Receives of a message by one recipient beyond its first.",
        lambda row: count(row.duplicated),
        rank=1,
    ),
    Column(
        "redone",
        "effects doubled",
        "Effects of a message at one recipient beyond its first.",
        lambda row: count(row.duplicate_effects),
        rank=1,
        needed=_any(lambda row: row.duplicate_effects),
    ),
    Column(
        "undone",
        "effects missing",
        "Acknowledged and owed, and yet without any effect: what is lost, and what was received and never done.",
        lambda row: count(row.missing_effects),
        rank=1,
        # Where only what is lost lacks its effect, the column would say the same twice.
        needed=_any(lambda row: abs(row.missing_effects - row.lost) * (row.missing_effects > 0)),
    ),
    Column(
        "dead",
        "dead letters",
        "Moved to the dead-letter stream after too many deliveries.",
        lambda row: count(row.dead_lettered),
        rank=2,
        needed=_any(lambda row: row.dead_lettered),
    ),
    Column(
        "false",
        "falsely held back",
        "Effects that dedup held back although they had never happened.",
        lambda row: count(row.false_dedup),
        rank=2,
        needed=_any(lambda row: row.false_dedup),
    ),
    Column(
        "late",
        "late",
        "Delivered later than 100 ms and than 10 × the p99 of the undisturbed phase.",
        lambda row: count(row.late),
        rank=5,
    ),
    Column(
        "p50",
        "p50",
        "Time from when a message was meant to be sent until it was received, over all owed messages. Never: the"
        " percentile falls among those not delivered.",
        lambda row: milliseconds(row.p50_ms),
        rank=7,
    ),
    Column("p99", "p99", "As p50, for all but one in a hundred.", lambda row: milliseconds(row.p99_ms), rank=4),
    Column(
        "max",
        "max",
        "The slowest message that was delivered.",
        lambda row: milliseconds(row.max_ms),
        rank=8,
    ),
    Column(
        "recover",
        "well again",
        "From the heal of the fault until recipients receive and producers get acknowledgements, steadily again.",
        lambda row: milliseconds(recover_ms(row)),
        rank=6,
    ),
    Column(
        "requests",
        "requests each",
        "Requests to the server per message: the sends, with the client library's own retries, and the"
        " acknowledgements (XACK) of every recipient.",
        lambda row: ratio(row.requests_per_message),
        rank=HTML_ONLY,
    ),
    Column(
        "bytes",
        "bytes kept each",
        "Memory that the server holds per message at the end; Pub/Sub keeps nothing.",
        lambda row: ratio(row.server_bytes_per_message),
        rank=HTML_ONLY,
    ),
    Column(
        "mostly by",
        "mostly by",
        "Why most of what was lost, stuck or without effect is so.",
        lambda row: MISSING if row.main_mechanism is None else row.main_mechanism.value,
        rank=3,
        needed=lambda rows: len({row.main_mechanism for row in rows if row.main_mechanism}) > 1,
        is_words=True,
    ),
)


def needed_columns(rows: Rows) -> tuple[Column, ...]:
    """The columns that say something about ``rows``."""
    return tuple(column for column in COLUMNS if column.needed(rows))


def column_width(column: Column, rows: Rows) -> int:
    """As wide as its name or its longest cell."""
    return max([len(column.short), *(len(column.cell(row)) for row in rows)])


def fitting_columns(rows: Rows, *, room: int) -> tuple[Column, ...]:
    """The needed columns that fit into ``room`` characters, one space before each; the least important are left out."""
    chosen: set[str] = set()
    # The most important ones choose first; a wide one that does not fit leaves its room to those behind it.
    for column in sorted(needed_columns(rows), key=lambda known: known.rank):
        width = column_width(column, rows) + 1
        if column.rank == 0 or (column.rank < HTML_ONLY and width <= room):
            chosen.add(column.short)
            room -= width
    return tuple(column for column in COLUMNS if column.short in chosen)
