"""The end of a run on a terminal: what is wrong first, then the table, then what it is worth.

Every mark is a word; colour only repeats it, and is left out where ``NO_COLOR`` is set or the output is no terminal.
80 columns are enough.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from harness.model.results import GuaranteeSummary, RunSummary, TrialResult
from harness.model.words import Guarantee, PredictionResult, Verdict
from harness.report.findings import predicted_words, predictions
from harness.report.terminal_claims import print_claims
from harness.report.terminal_failover import print_failovers
from harness.report.terminal_models import print_models
from harness.report.terminal_server import print_server_losses
from harness.report.terminal_table import STYLES, has_parentheses, print_tables, shown_columns
from harness.report.wording import (
    Tone,
    bound_sentence,
    guarantee_mark,
    how_sure,
    open_findings,
    plural,
    refuted,
    verdict_mark,
)

_MOST_LINES = 12


def print_summary(summary: RunSummary, console: Console | None = None, *, folder: Path | None = None) -> None:
    """Print ``summary``; ``folder`` is where the run lies, so that the report can be named."""
    console = console or Console(highlight=False)
    _print_title(console, summary)
    _print_findings(console, summary)
    _print_table(console, summary)
    _print_legend(console, summary)
    _print_list(
        console, "Predictions that the run refutes", [_refutation(summary, known) for known in refuted(summary)]
    )
    if any(known.predicted for known in summary.guarantees):
        _line(console, Text(_predictions_title(summary), style="dim"))
        console.print()
    print_server_losses(console, summary)
    print_models(console, summary)
    print_failovers(console, summary)
    print_claims(console, summary)
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
    if summary.skipped:
        size += f", {len(summary.skipped):,} skipped"
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
    failed = [result for result in summary.trials if result.status not in ("complete", "skipped")]
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
    _print_skipped(console, summary)
    if findings or failed or summary.skipped:
        console.print()


def _print_skipped(console: Console, summary: RunSummary) -> None:
    """Each trial that was not played, with the reason: nobody may take it for a pass."""
    for known in summary.skipped[:_MOST_LINES]:
        head = ("skipped", STYLES[Tone.UNSURE])
        _line(console, Text.assemble(head, f"  {known.scenario}-{known.seed}: {known.reason}"))
    _print_more(console, len(summary.skipped))


def _print_more(console: Console, number: int) -> None:
    """Say how many lines were left out."""
    if number > _MOST_LINES:
        _line(console, f"… and {number - _MOST_LINES:,} more: see the report", indent=2)


def _print_table(console: Console, summary: RunSummary) -> None:
    """One line per scenario and arm."""
    if not summary.rows:
        _line(console, "No trial could be judged, so there is no table.")
        return
    print_tables(console, summary)


def _print_legend(console: Console, summary: RunSummary) -> None:
    """What the columns that are shown mean, in a few words each, only where the name does not say it."""
    shown = shown_columns(summary, room=console.width)
    words = _meanings(shown)
    if any(known.guarantee is Guarantee.AT_LEAST_ONCE and known.trials for known in summary.guarantees):
        words.append("0/1 ≤95 %: violated in 0 of 1 trials, which still allows a true rate of 95 %")
    if has_parentheses(summary):
        words.append("(in parentheses): reported, not required")
    _line(console, Text(" · ".join(words), style="dim"))
    console.print()


_MEANINGS = {
    "owed": "messages × recipients",
    "lost": "acknowledged, owed to a recipient, proven not to arrive",
    "stuck": "received and still pending at the end",
    "no right": "sent before its group or reader began, not owed",
    "dup": "received beyond the first",
    "redone": "effects beyond the first",
    "undone": "acknowledged and owed, yet no effect",
    "dead": "moved to the dead-letter stream",
    "false": "held back by dedup although never done",
    "late": "over 100 ms and 10 × the steady p99",
    "p50": "from intended send, never = not delivered",
    "p99": "from intended send, never = not delivered",
    "max": "the slowest that was delivered",
    "recover": "from heal until messages flow again",
}


def _meanings(shown: set[str]) -> list[str]:
    """`_MEANINGS` of what is shown; what has one meaning is said once: ``p50, p99: ...``."""
    found: dict[str, list[str]] = {}
    for name, meaning in _MEANINGS.items():
        if name in shown:
            found.setdefault(meaning, []).append(name)
    return [f"{', '.join(names)}: {meaning}" for meaning, names in found.items()]


def _predictions_title(summary: RunSummary) -> str:
    """How many predictions held."""
    numbers = {result: len(predictions(summary, result)) for result in PredictionResult}
    return "Predictions: " + ", ".join(f"{number:,} {result.value}" for result, number in numbers.items())


def _refutation(summary: RunSummary, known: GuaranteeSummary) -> str:
    """A prediction that was wrong, with the reason that was believed."""
    believed = f" (because: {known.prediction_reason})" if known.prediction_reason else ""
    where = f"{known.scenario}, {known.arm}, {known.guarantee.value}"
    return f"{where}: predicted {predicted_words(summary, known)}{believed}; measured: {known.reason}"


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
