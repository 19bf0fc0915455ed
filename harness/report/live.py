"""What is seen while a run goes on: a live table on a terminal, else one plain line per phase.

Progress goes to standard error, so that standard output holds results only. Nothing here is a verdict: "outstanding"
are acknowledged messages that have not arrived *yet*; whether they are late or lost only the drain can tell.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.model.progress import ArmCounts, ProgressEvent
from harness.model.words import Phase
from harness.report.wording import count, plural

MOST_ARMS = 3
"""A trial with more arms than this is one line for all of them."""


class LiveView(Protocol):
    """Somebody who watches a run. Calls may come from several threads."""

    def update(self, trial_name: str, event: ProgressEvent) -> None:
        """Something happened in a trial."""

    def say(self, text: str) -> None:
        """Something about the run as a whole."""

    def close(self) -> None:
        """The run is over. Idempotent."""


def make_view(*, quiet: bool = False, console: Console | None = None) -> LiveView:
    """The view that suits where the output goes; ``quiet``: only what went wrong is told."""
    console = console or Console(stderr=True, highlight=False)
    if quiet:
        return QuietView(console)
    return RichLiveView(console) if console.is_terminal and not console.is_dumb_terminal else PlainView(console)


class QuietView:
    """For machines: tells failures only."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def update(self, trial_name: str, event: ProgressEvent) -> None:
        """Print a failure."""
        if event.kind == "failed":
            _print_line(self._console, f"{trial_name}: failed: {event.text}")

    def say(self, text: str) -> None:
        """Not told."""

    def close(self) -> None:
        """Nothing to end."""


class PlainView:
    """One line per phase change, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def update(self, trial_name: str, event: ProgressEvent) -> None:
        """Print the event, unless it only carries counts."""
        if event.kind == "counts":
            return
        words = [f"[{event.t_s:6.1f} s] {trial_name}: {_what(event)}"]
        _print_line(self._console, " · ".join([*words, *_summed_up(event.counts)]))

    def say(self, text: str) -> None:
        """Print the text."""
        _print_line(self._console, text)

    def close(self) -> None:
        """Nothing to end."""


def _print_line(console: Console, text: str) -> None:
    """One line as it is: not wrapped, no markup."""
    console.print(Text(text), soft_wrap=True)


def _what(event: ProgressEvent) -> str:
    """The event in words."""
    word = event.phase.value if event.phase is not None else event.kind
    if event.kind == "note":
        return event.text
    return f"{word}: {event.text}" if event.text else word


def _summed_up(counts: Mapping[str, ArmCounts]) -> list[str]:
    """Arm by arm while they are few, else all of them in one."""
    busy = {arm: known for arm, known in counts.items() if known.sent}
    if len(busy) <= MOST_ARMS:
        return [f"{arm} {_totals(known)}" for arm, known in busy.items()]
    sent, outstanding = (sum(number) for number in zip(*((k.sent, k.outstanding) for k in busy.values()), strict=True))
    return [f"{len(busy)} arms {count(sent)} sent, {count(outstanding)} outstanding"]


def _totals(counts: ArmCounts) -> str:
    """How far an arm has come."""
    return f"{count(counts.sent)} sent, {count(counts.outstanding)} outstanding"


@dataclass(slots=True)
class _Watched:
    """What is known about one running trial."""

    phase: Phase | None = None
    t_s: float = 0.0
    counts: dict[str, ArmCounts] = field(default_factory=dict)
    rates: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Per arm: sent per second, and received per second and recipient, between the last two counts."""

    def take(self, event: ProgressEvent) -> None:
        """Bring up to date."""
        self.phase = event.phase or self.phase
        passed = event.t_s - self.t_s
        if event.counts and passed > 0:
            for arm, now in event.counts.items():
                before = self.counts.get(arm, ArmCounts(scopes=now.scopes))
                received = (now.received - before.received) / now.scopes
                self.rates[arm] = ((now.sent - before.sent) / passed, received / passed)
            self.counts = dict(event.counts)
            self.t_s = event.t_s


class RichLiveView:
    """A table of the running trials that is redrawn in place; notes and failures scroll above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._running: dict[str, _Watched] = {}
        self._finished: set[str] = set()
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=4, transient=True, redirect_stdout=False
        )
        self._live.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, trial_name: str, event: ProgressEvent) -> None:
        """Take in the event; it is shown at the next refresh."""
        with self._lock:
            if event.kind in ("finished", "failed"):
                self._running.pop(trial_name, None)
                self._finished.add(trial_name)
            elif trial_name not in self._finished:
                self._running.setdefault(trial_name, _Watched()).take(event)
        if event.kind in ("note", "failed"):
            mark = Text("failed ", style="bold red") if event.kind == "failed" else Text("")
            self._console.print(Text.assemble(mark, f"{trial_name}: {event.text}"))

    def say(self, text: str) -> None:
        """Print the text above the table."""
        self._console.print(Text(text, style="dim"))

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()

    def _render(self) -> RenderableType:
        """The table as of now; as many trials as the screen has room for."""
        with self._lock:
            running = {
                name: _Watched(w.phase, w.t_s, dict(w.counts), dict(w.rates)) for name, w in self._running.items()
            }
            finished = len(self._finished)
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        # Only the trial's name may be folded where the screen is narrow; numbers never.
        table.add_column("trial", overflow="fold")
        table.add_column("phase", no_wrap=True, min_width=13)
        table.add_column("arm", overflow="fold")
        for name in ("sent/s", "recv/s", "outstanding"):
            table.add_column(name, justify="right", no_wrap=True)
        room = max(3, self._console.height - 4)
        for name, watched in running.items():
            if table.row_count >= room:
                break
            _add_trial(table, name, watched)
        state = Text(f"{plural(finished, 'trial')} finished, {len(running)} running", style="dim")
        return Group(table, state) if running else state


def _add_trial(table: Table, name: str, watched: _Watched) -> None:
    """The rows of one trial; its name and phase stand in the first."""
    phase = Text(watched.phase.value if watched.phase else "set-up", style=_phase_style(watched.phase))
    phase.append(f" {watched.t_s:.0f} s", style="dim")
    if not watched.counts:
        table.add_row(name, phase, "")
    if len(watched.counts) > MOST_ARMS:
        _add_sums(table, name, phase, watched)
        return
    for place, (arm, counts) in enumerate(watched.counts.items()):
        sent, received = watched.rates.get(arm, (0.0, 0.0))
        outstanding = Text(count(counts.outstanding), style="yellow" if counts.outstanding else "")
        head = (name, phase) if place == 0 else ("", Text(""))
        table.add_row(*head, arm, f"{sent:,.0f}", f"{max(0.0, received):,.0f}", outstanding)


def _add_sums(table: Table, name: str, phase: Text, watched: _Watched) -> None:
    """A trial with many arms in one row: rates are means per arm, and the arm that waits for most is named."""
    number = len(watched.counts)
    sent, received = (sum(rate[place] for rate in watched.rates.values()) / number for place in (0, 1))
    waiting = {arm: counts.outstanding for arm, counts in watched.counts.items()}
    total, most = sum(waiting.values()), max(waiting, key=waiting.__getitem__)
    arms = f"{number} arms" + (f", most: {most}" if waiting[most] else "")
    outstanding = Text(count(total), style="yellow" if total else "")
    table.add_row(name, phase, arms, f"{sent:,.0f}", f"{max(0.0, received):,.0f}", outstanding)


def _phase_style(phase: Phase | None) -> str:
    """The fault is what one waits for."""
    return "bold magenta" if phase is Phase.FAULT else ""
