"""The tables at the end of a run on a terminal: one per family, never wider than the screen, no number ever cut.

Each scenario is a heading and a line per arm. Columns are as wide as their widest cell in the family, so that the
tables of its scenarios line up; which there are depends on the family and on the room (`harness.report.columns`).
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.results import RunSummary, ScenarioRow
from harness.model.words import Guarantee
from harness.report.columns import Column, column_width, fitting_columns
from harness.report.grouping import FamilyGroup, ScenarioGroup, families
from harness.report.matrix import MATRIX_FAMILIES, make_matrix
from harness.report.terminal_matrix import print_matrix
from harness.report.wording import Tone, bound_short, find_guarantee, guarantee_mark, row_mark

STYLES = {
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.EXPECTED: "cyan",
    Tone.UNSURE: "yellow",
    Tone.NEUTRAL: "dim",
}
_VERDICT = "at least once"
_NARROWEST_ARM = 21


def print_tables(console: Console, summary: RunSummary) -> None:
    """A table per family, and a matrix where the family has one."""
    found = families(summary)
    for family in found:
        if len(found) > 1 or family.name != "partition":
            console.print(Text.assemble((family.name.upper(), "bold"), (f"  {family.title}", "dim")))
        columns = _columns(summary, family, room=console.width)
        console.print(_table(summary, family, family.groups[0], columns, headed=True))
        for group in family.groups:
            console.print(_heading(group))
            console.print(_table(summary, family, group, columns, headed=False))
        if family.name in MATRIX_FAMILIES:
            print_matrix(console, make_matrix(family))
        if len(found) > 1:
            console.print()


def shown_columns(summary: RunSummary, *, room: int) -> set[str]:
    """The columns that any table of the run has in ``room`` characters, by their short names."""
    found = families(summary)
    return {column.short for family in found for column in _columns(summary, family, room=room)}


def _heading(group: ScenarioGroup) -> Text:
    """What is broken; the scenario's name is what a user types to play it again."""
    return Text.assemble((group.fault, "bold"), (f"  {group.scenario}", "dim"))


def _columns(summary: RunSummary, family: FamilyGroup, *, room: int) -> tuple[Column, ...]:
    """What fits between the arm and its verdict."""
    arm = max(len(row.arm) for row in family.rows)
    verdict = max([len(_VERDICT), *(len(_verdict(summary, row).plain) for row in family.rows)])
    return fitting_columns(family.rows, room=room - arm - 1 - verdict)


def _table(
    summary: RunSummary, family: FamilyGroup, group: ScenarioGroup, columns: tuple[Column, ...], *, headed: bool
) -> Table:
    """The lines of one scenario, or only the names of the columns. Where even that is too wide, cells are folded."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_header=headed)
    arm = max(len(row.arm) for row in family.rows)
    table.add_column("arm", min_width=min(arm, _NARROWEST_ARM), width=arm if columns else None, overflow="fold")
    for column in columns:
        width = column_width(column, family.rows)
        table.add_column(column.short, min_width=width, justify="left" if column.is_words else "right", overflow="fold")
    verdict = max([len(_VERDICT), *(len(_verdict(summary, row).plain) for row in family.rows)])
    table.add_column(_VERDICT, min_width=verdict, overflow="fold")
    for row in () if headed else group.rows:
        numbers = [_number(summary, row, column) for column in columns]
        table.add_row(Text(row.arm), *numbers, _verdict(summary, row))
    return table


def _number(summary: RunSummary, row: ScenarioRow, column: Column) -> Text:
    """A cell; what was lost has the colour of its verdict."""
    style = STYLES[row_mark(summary, row).tone] if column.short == "lost" and row.lost else ""
    return Text(column.cell(row), style=style)


def _verdict(summary: RunSummary, row: ScenarioRow) -> Text:
    """The mark with what it is worth."""
    mark = row_mark(summary, row)
    words = Text(mark.word, style=STYLES[mark.tone])
    result = find_guarantee(summary, row, Guarantee.AT_LEAST_ONCE)
    if result is not None and result.violated == 0 and result.trials:
        words.append(f" {bound_short(result)}", style="dim")
    return words


def has_parentheses(summary: RunSummary) -> bool:
    """Whether any line's verdict is only reported."""
    return any(
        known.guarantee is Guarantee.AT_LEAST_ONCE and "(" in guarantee_mark(known).word for known in summary.guarantees
    )
