"""A comparison on a terminal: what got worse first, then what cannot be said, then counts and times."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.check.comparison import Change, Comparison, CountChange, GuaranteeChange, TimeChange
from harness.model.words import Stance
from harness.report.terminal_table import STYLES
from harness.report.wording import Tone, count, milliseconds, percent, plural

MOST_TIMES = 20
_TONES = {
    Change.WORSE: Tone.BAD,
    Change.UNKNOWN: Tone.UNSURE,
    Change.BETTER: Tone.GOOD,
    Change.SAME: Tone.NEUTRAL,
}
_WIDEST = len("(no proof)")


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print ``comparison``; lines are not wrapped, so that they can be searched."""
    console = console or Console(highlight=False)

    def line(text: str | Text) -> None:
        console.print(text if isinstance(text, Text) else Text(text), soft_wrap=True)

    line(f"first: {comparison.first} · second: {comparison.second}")
    for note in comparison.notes:
        line(f"note: {note}")
    for change in comparison.guarantees:
        if change.change is not Change.SAME or _moved(change):
            line(Text.assemble((f"{_word(change):<{_WIDEST}} ", STYLES[_TONES[change.change]]), _guarantee(change)))
    for text in comparison.unknown:
        line(Text.assemble((f"{Change.UNKNOWN:<{_WIDEST}} ", STYLES[Tone.UNSURE]), text))
    for counted in comparison.counts:
        line(f"count: {_count(counted)}")
    for time in comparison.times[:MOST_TIMES]:
        line(f"time (informs only): {_time(time)}")
    if len(comparison.times) > MOST_TIMES:
        line(f"time: {len(comparison.times) - MOST_TIMES:,} more, none of them more significant: see --json")
    if any(time.significant for time in comparison.times):
        chance = round(len(comparison.times) / 20)
        line(f"time: of {len(comparison.times):,} times, about {chance:,} differ at 95 % by chance alone")
    line(verdict_line(comparison))


def _word(change: GuaranteeChange) -> str:
    word = "no proof" if change.change is Change.SAME else change.change.value
    return word if change.gates else f"({word})"


def _moved(change: GuaranteeChange) -> bool:
    """Whether the two rates differ at all."""
    return change.first_violated * change.second_trials != change.second_violated * change.first_trials


def _guarantee(change: GuaranteeChange) -> str:
    stance = "" if change.stance is Stance.FREE else f" ({change.stance.value.replace('-', ' ')})"
    rates = (
        f"violated in {change.first_violated:,} of {plural(change.first_trials, 'trial')},"
        f" then in {change.second_violated:,} of {plural(change.second_trials, 'trial')}"
    )
    interval = ""
    if change.low is not None and change.high is not None:
        interval = (
            f"; difference {_points(change.low)} to {_points(change.high)} (95 %{', paired' if change.pairs else ''})"
        )
    return f"{change.scenario} · {change.arm} · {change.guarantee}{stance}: {change.reason}: {rates}{interval}"


def _points(share: float) -> str:
    return ("-" if share < 0 else "+") + percent(abs(share))


def _count(change: CountChange) -> str:
    return (
        f"{change.scenario} · {change.arm} · {change.what}: {count(change.first)} of {count(change.first_of)},"
        f" then {count(change.second)} of {count(change.second_of)}; {change.note}"
    )


def _time(change: TimeChange) -> str:
    what = f"{change.scenario} · {change.arm} · {change.what}"
    text = f"{what}: {milliseconds(change.first_ms)}, then {milliseconds(change.second_ms)}"
    if change.low_ms is not None and change.high_ms is not None and change.difference_ms is not None:
        between = f"{_signed(change.low_ms)} to {_signed(change.high_ms)}"
        text += f"; difference {_signed(change.difference_ms)}, {between} (95 %)"
    return f"{text}; {change.note}"


def _signed(value_ms: float) -> str:
    return ("-" if value_ms < 0 else "+") + milliseconds(abs(value_ms))


def verdict_line(comparison: Comparison) -> str:
    """What the exit code means, in words."""
    found = {change: sum(one.change is change and one.gates for one in comparison.guarantees) for change in Change}
    counted = ", ".join(f"{number:,} {change}" for change, number in found.items() if number)
    if found[Change.WORSE]:
        verdict = "a delivery guarantee got worse"
    elif comparison.exit_code:
        verdict = "not everything could be compared"
    else:
        verdict = "no delivery guarantee is known to have got worse"
    return f"{verdict}: {counted or 'nothing that gates'}"
