"""The end of a run on a terminal: nothing cut, the bad news first, no colour where none is wanted."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from report_fixture import make_summary, spoil
from rich.console import Console

from harness.model.results import RunSummary
from harness.report.terminal import print_summary

SUMMARY, _ = make_summary()


def show(summary: RunSummary, *, width: int, terminal: bool = False) -> str:
    """What a console of ``width`` shows."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, highlight=False, legacy_windows=False)
    print_summary(summary, console, folder=Path("results/runs/a-run"))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("summary", [SUMMARY, spoil(SUMMARY)], ids=["good", "bad"])
def test_no_line_is_too_long_and_no_number_is_cut(width: int, summary: RunSummary) -> None:
    """Every row's counts are there in full at 80 columns as at 160."""
    text = show(summary, width=width)

    assert [] == [line for line in text.splitlines() if len(line) > width]
    assert "…" not in text
    for row in summary.rows:
        assert any(
            row.arm in line and f"{row.owed:,}" in line and f"{row.lost:,}" in line for line in text.splitlines()
        )


def test_large_numbers_are_folded_rather_than_cut() -> None:
    """A million messages at 80 columns: every digit is still somewhere in its column."""
    rows = tuple(row.model_copy(update={"owed": 123_456_789, "late": 98_765_432}) for row in SUMMARY.rows[:3])

    text = show(SUMMARY.model_copy(update={"rows": rows}), width=70)

    assert "…" not in text
    assert "123,456,789" in text


def test_what_is_wrong_stands_above_the_table() -> None:
    """Partial, violated, inconclusive and error come before the first row."""
    text = show(spoil(SUMMARY), width=120)
    table = text.index("at least once")

    for words in ("PARTIAL RUN: 8 of 10", "VIOLATED", "4 of 1,800", "inconclusive", "wedged"):
        assert text.index(words) < table


def test_a_good_run_does_not_say_what_did_not_happen() -> None:
    """No empty headings."""
    text = show(SUMMARY, width=120)

    assert "VIOLATED" not in text
    assert "refutes" not in text
    assert "weaker" not in text


def test_every_pass_in_the_table_carries_its_bound() -> None:
    """A bare "held" would read as proven."""
    lines = [line for line in show(SUMMARY, width=80).splitlines() if " held" in line and " ms" in line]

    assert 24 == len(lines)
    assert [] == [line for line in lines if "0/1 ≤95 %" not in line]


def test_expected_losses_are_named_so() -> None:
    """Three of nine scenarios lose on Pub/Sub, as expected."""
    assert 3 == show(SUMMARY, width=80).count("lost as expected")


def test_a_pipe_gets_no_escape_codes() -> None:
    """Plain when not a terminal."""
    assert "\x1b" not in show(spoil(SUMMARY), width=80)


def test_no_color_is_honoured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR there may be bold, but no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    without = show(spoil(SUMMARY), width=80, terminal=True)
    monkeypatch.delenv("NO_COLOR")
    colored = show(spoil(SUMMARY), width=80, terminal=True)

    assert "\x1b[1;31m" in colored
    assert "31m" not in without
    assert "32m" not in without


def test_where_the_report_lies_and_how_to_repeat_are_the_last_lines() -> None:
    """They can be copied, whatever the width."""
    assert [
        "report  results/runs/a-run/report.html",
        f"repeat  {SUMMARY.repeat_command}",
    ] == show(SUMMARY, width=40).splitlines()[-2:]


def test_an_empty_run_is_told() -> None:
    """Interrupted before anything could be judged."""
    empty = SUMMARY.model_copy(update={"rows": (), "guarantees": (), "trials": (), "partial": True})

    assert "No trial could be judged" in show(empty, width=80)
