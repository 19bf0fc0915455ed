"""What is seen while a run goes on."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.model.progress import ArmCounts, ProgressEvent
from harness.model.words import Phase
from harness.report.live import PlainView, QuietView, RichLiveView, make_view

COUNTS = {"pubsub": ArmCounts(sent=320, acknowledged=318, received=600, scopes=2)}


def console(*, terminal: bool = False) -> Console:
    """A console that writes into memory."""
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=80, height=24, highlight=False, legacy_windows=False
    )


def printed(view_console: Console) -> str:
    """What was written so far."""
    file = view_console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_plain_view_prints_one_line_per_phase() -> None:
    """A phase is one line, however long; counts alone are none."""
    out = console()
    view = PlainView(out)

    view.update("partition_consumers_drop-7", ProgressEvent("phase", Phase.FAULT, 3.2, COUNTS))
    view.update("partition_consumers_drop-7", ProgressEvent("counts", None, 3.3, COUNTS))
    view.close()

    expected = "[   3.2 s] partition_consumers_drop-7: fault · pubsub 320 sent, 36 outstanding\n"
    assert expected == printed(out)


def test_a_text_that_looks_like_markup_is_printed_as_it_is() -> None:
    """A server's error text must not be taken for markup."""
    out = console()

    PlainView(out).update("t-1", ProgressEvent("failed", text="reply [red]x[/red]"))

    assert "[   0.0 s] t-1: failed: reply [red]x[/red]\n" == printed(out)


def test_quiet_view_tells_failures_only() -> None:
    """A machine reads standard output, a person the reason on standard error."""
    out = console()
    view = QuietView(out)

    view.say("probing")
    view.update("t-1", ProgressEvent("phase", Phase.STEADY, 1.0))
    view.update("t-1", ProgressEvent("failed", text="no server"))

    assert "t-1: failed: no server\n" == printed(out)


def test_live_view_shows_rates_between_two_counts() -> None:
    """100 more sent in half a second are 200/s; 60 more received by two scopes are 60/s each."""
    out = console(terminal=True)
    with RichLiveView(out) as view:
        view.update("t-1", ProgressEvent("phase", Phase.FAULT, 3.0, COUNTS))
        more = {"pubsub": ArmCounts(sent=420, acknowledged=418, received=660, scopes=2)}
        view.update("t-1", ProgressEvent("counts", None, 3.5, more))
        page = Console(file=io.StringIO(), width=80)
        page.print(view._render())

    row = next(line for line in printed(page).splitlines() if "pubsub" in line)
    assert ["t-1", "fault", "4", "s", "pubsub", "200", "60", "176"] == row.split()


def test_a_trial_with_many_arms_is_one_line() -> None:
    """Ten arms: live one row that names the arm that waits for most, plain one short line per phase."""
    many = {f"arm-{n}": ArmCounts(sent=100, acknowledged=100, received=200 - n, scopes=2) for n in range(10)}
    out = console(terminal=True)
    with RichLiveView(out) as view:
        view.update("t-1", ProgressEvent("phase", Phase.FAULT, 3.0, {arm: ArmCounts(scopes=2) for arm in many}))
        view.update("t-1", ProgressEvent("counts", None, 4.0, many))
        page = Console(file=io.StringIO(), width=80)
        page.print(view._render())
    plain = console()
    PlainView(plain).update("t-1", ProgressEvent("phase", Phase.DRAIN, 9.0, many))

    rows = [line for line in printed(page).splitlines() if "arm" in line and "t-1" in line]
    assert ["t-1", "fault", "4", "s", "10", "arms,", "most:", "arm-9", "100", "98", "45"] == rows[0].split()
    assert 1 == len(rows)
    assert "[   9.0 s] t-1: drain · 10 arms 1,000 sent, 45 outstanding\n" == printed(plain)


def test_a_finished_trial_leaves_the_table_for_good() -> None:
    """A late line of a trial that has ended does not bring it back."""
    out = console(terminal=True)
    view = RichLiveView(out)
    view.update("t-1", ProgressEvent("started"))
    view.update("t-1", ProgressEvent("failed", text="wedged"))
    view.update("t-1", ProgressEvent("finished"))
    view.update("t-1", ProgressEvent("counts", None, 4.0, COUNTS))
    page = Console(file=io.StringIO(), width=80)
    page.print(view._render())
    view.close()
    view.close()

    assert "1 trial finished, 0 running\n" == printed(page)


@pytest.mark.parametrize(
    ("quiet", "terminal", "expected"),
    [(False, False, PlainView), (False, True, RichLiveView), (True, True, QuietView)],
)
def test_the_view_suits_the_output(quiet: bool, terminal: bool, expected: type) -> None:
    """A table on a terminal, lines in a pipe, silence for machines."""
    view = make_view(quiet=quiet, console=console(terminal=terminal))
    view.close()

    assert expected is type(view)
