"""The end of a run on a terminal: what is wrong first, then the table, then what it is worth.

Every mark is a word; colour only repeats it, and is left out where ``NO_COLOR`` is set or the output is no terminal.
Where the full table does not fit, link and model become headings above the rows, so that 80 columns are enough.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, JustifyMethod
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model.results import GuaranteeSummary, RunSummary, ScenarioRow, TrialResult
from harness.model.words import Guarantee, Verdict
from harness.report.wording import (
    Tone,
    bound_sentence,
    bound_short,
    count,
    fault_name,
    find_guarantee,
    guarantee_mark,
    how_sure,
    link_name,
    milliseconds,
    open_findings,
    plural,
    recover_ms,
    refuted,
    row_mark,
    scenario_rows,
    verdict_mark,
)

STYLES = {
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.EXPECTED: "cyan",
    Tone.UNSURE: "yellow",
    Tone.NEUTRAL: "dim",
}
_UNLIMITED = 1_000
_MOST_LINES = 12
_NARROW = ("arm", "acked", "lost", "dup", "late", "p50", "p99", "recover", "at least once")


def print_summary(summary: RunSummary, console: Console | None = None, *, folder: Path | None = None) -> None:
    """Print ``summary``; ``folder`` is where the run lies, so that the report can be named."""
    console = console or Console(highlight=False)
    _print_title(console, summary)
    _print_findings(console, summary)
    _print_table(console, summary)
    _print_legend(console, summary)
    _print_list(console, "Predictions that the run refutes", [_refutation(known) for known in refuted(summary)])
    _print_list(console, "Why this run is weaker than it looks", _weaknesses(summary))
    _print_answer(console, summary)
    _print_where(console, summary, folder)


def _line(console: Console, text: Text | str, *, indent: int = 0) -> None:
    """One paragraph, wrapped under its own indent."""
    words = Text(text) if isinstance(text, str) else text
    console.print(Padding(words, (0, 0, 0, indent), expand=False))


def _print_title(console: Console, summary: RunSummary) -> None:
    """What ran, on what."""
    console.print()
    scenarios = len({row.scenario for row in summary.rows})
    size = f"{plural(scenarios, 'scenario')}, {plural(len(summary.trials), 'trial')}"
    _line(console, Text.assemble((f"{summary.name}: ", "bold"), size))
    if summary.trials:
        environment = summary.trials[0].environment
        words = f"{environment.server} · {environment.proxy_engine} · {environment.client} · {environment.stack.value}"
        _line(console, Text(words, style="dim"))
    if summary.partial:
        complete = sum(result.status == "complete" for result in summary.trials)
        words = f"PARTIAL RUN: {complete} of {plural(summary.planned_trials, 'planned trial')} complete."
        _line(console, Text(words, style="bold yellow"))
    console.print()


def _print_findings(console: Console, summary: RunSummary) -> None:
    """Violations, errors and what stayed unclear, before anything reassuring."""
    failed = [result for result in summary.trials if result.status != "complete"]
    findings = open_findings(summary)
    for known in findings[:_MOST_LINES]:
        mark = guarantee_mark(known)
        head = (mark.word.upper() if known.verdict is Verdict.VIOLATED else mark.word, STYLES[mark.tone])
        words = f"  {known.scenario}, {known.arm}, {known.guarantee.value}: {known.reason}; {bound_sentence(known)}"
        _line(console, Text.assemble(head, words))
    _print_more(console, len(findings))
    for result in failed[:_MOST_LINES]:
        reason = result.status_reason or "no reason given"
        _line(console, Text.assemble((result.status, STYLES[Tone.BAD]), f"  {result.trial.folder_name}: {reason}"))
    _print_more(console, len(failed))
    if findings or failed:
        console.print()


def _print_more(console: Console, number: int) -> None:
    """Say how many lines were left out."""
    if number > _MOST_LINES:
        _line(console, f"… and {number - _MOST_LINES:,} more: see the report", indent=2)


def _print_table(console: Console, summary: RunSummary) -> None:
    """One line per scenario and arm."""
    if not summary.rows:
        _line(console, "No trial could be judged, so there is no table.")
        return
    wide = _wide_table(summary)
    roomy = console.options.update(width=_UNLIMITED)
    if Measurement.get(console, roomy, wide).maximum <= console.width:
        console.print(wide)
        return
    for number, rows in enumerate(scenario_rows(summary)):
        _print_narrow(console, summary, rows, headed=number == 0)


def _wide_table(summary: RunSummary) -> Table:
    """All columns, link and model named once per scenario."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("link", "model", "arm"):
        table.add_column(name, no_wrap=True)
    for name in ("acknowledged", "lost", "dup", "late", "p50", "p99", "recover"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("at least once", no_wrap=True)
    for rows in scenario_rows(summary):
        for place, row in enumerate(rows):
            names = _names(row) if place == 0 else ("", "")
            table.add_row(*names, *_cells(summary, row), end_section=place == len(rows) - 1)
        table.add_row()
    return table


def _names(row: ScenarioRow) -> tuple[str, str]:
    """Link and model of a row; the control has neither."""
    return ("no fault", "–") if row.link is None else (link_name(row.link), row.model.value)


def _print_narrow(console: Console, summary: RunSummary, rows: tuple[ScenarioRow, ...], *, headed: bool) -> None:
    """One scenario as a heading and its rows; the names of the columns stand above the first heading."""
    if headed:
        console.print(_narrow_table(summary, headed=True))
    console.print(Text(fault_name(rows[0].link, rows[0].model), style="bold"))
    table = _narrow_table(summary, headed=False)
    for row in rows:
        table.add_row(*_cells(summary, row))
    console.print(table)


def _narrow_table(summary: RunSummary, *, headed: bool) -> Table:
    """Columns as wide as their widest cell in the whole run, so that the tables of all scenarios line up.

    Where even that is too wide, cells are folded; a number is never cut.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_header=headed)
    cells = [_cells(summary, row) for row in summary.rows]
    for place, name in enumerate(_NARROW):
        width = max(len(name), *(len(row[place].plain) for row in cells))
        justify: JustifyMethod = "left" if place in (0, len(_NARROW) - 1) else "right"
        table.add_column(name, min_width=width if place else min(width, 21), justify=justify, overflow="fold")
    return table


def _cells(summary: RunSummary, row: ScenarioRow) -> list[Text]:
    """The cells of one row from the arm on."""
    mark = row_mark(summary, row)
    result = find_guarantee(summary, row, Guarantee.AT_LEAST_ONCE)
    verdict = Text(mark.word, style=STYLES[mark.tone])
    if result is not None and result.violated == 0 and result.trials:
        verdict.append(f" {bound_short(result)}", style="dim")
    lost = Text(count(row.lost), style=STYLES[mark.tone] if row.lost else "")
    numbers = [count(row.duplicated), count(row.late), milliseconds(row.p50_ms), milliseconds(row.p99_ms)]
    return [
        Text(row.arm),
        Text(count(row.acknowledged)),
        lost,
        *(Text(number) for number in numbers),
        Text(milliseconds(recover_ms(row))),
        verdict,
    ]


def _print_legend(console: Console, summary: RunSummary) -> None:
    """The columns in one line each, only for the words that need it."""
    words = (
        "lost: acknowledged, owed to a recipient, proven not to arrive · late: over 100 ms and 10 × the steady p99"
        " · p50, p99: from intended send, never = not delivered · recover: from heal until messages flow again"
        " · 0/1 ≤95 %: violated in 0 of 1 trials, which still allows a true rate of 95 %"
    )
    if any("(" in row_mark(summary, row).word for row in summary.rows):
        words += " · (in parentheses): reported, not required"
    _line(console, Text(words, style="dim"))
    console.print()


def _refutation(known: GuaranteeSummary) -> str:
    """A prediction that was wrong, with the reason that was believed."""
    predicted = "nothing" if known.predicted is None else known.predicted.value
    believed = f" (because: {known.prediction_reason})" if known.prediction_reason else ""
    where = f"{known.scenario}, {known.arm}, {known.guarantee.value}"
    return f"{where}: predicted {predicted}{believed}; measured: {known.reason}"


def _weaknesses(summary: RunSummary) -> list[str]:
    """The weaknesses of all trials."""
    return [f"{_name(result)}: {weakness}" for result in summary.trials for weakness in result.weaknesses]


def _name(result: TrialResult) -> str:
    """A trial as its folder is called."""
    return result.trial.folder_name


def _print_list(console: Console, title: str, lines: list[str]) -> None:
    """A titled list, if there is anything in it."""
    if not lines:
        return
    _line(console, Text(title, style="bold"))
    for words in lines[:_MOST_LINES]:
        _line(console, f"- {words}", indent=2)
    _print_more(console, len(lines))
    console.print()


def _print_answer(console: Console, summary: RunSummary) -> None:
    """The verdict, the sentence, and what they are worth."""
    mark = verdict_mark(summary.verdict)
    _line(console, Text.assemble((mark.word.upper(), f"bold {STYLES[mark.tone]}"), f"  {summary.answer}"))
    _line(console, Text(how_sure(summary), style="dim"))
    console.print()


def _print_where(console: Console, summary: RunSummary, folder: Path | None) -> None:
    """Where the report lies and how to repeat the run; never broken, so that they can be copied."""
    if folder is not None:
        console.print(Text(f"report  {folder / 'report.html'}"), soft_wrap=True)
    console.print(Text(f"repeat  {summary.repeat_command}"), soft_wrap=True)
