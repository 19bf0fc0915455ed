"""The verb ``harness selftest``: a table, JSON, exit 0 when exactly what was planted is found, and 5 when not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.model.errors import ExitCode, UsageError
from harness.model.words import Verdict
from harness.selftest import run as running
from harness.selftest.case import Case, Prepared
from harness.selftest.cases import all_cases
from harness.selftest.examine import Finding, examine

FEW = 4


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first histories: all of them are judged in tests/quality."""

    def first(*, seed: int, rounds: int) -> Iterator[Case]:
        return islice(all_cases(seed=seed, rounds=rounds), FEW)

    monkeypatch.setattr(running, "all_cases", first)


def blind(prepared: Prepared) -> Finding:
    """A checker that never finds anything."""
    truth = examine(prepared)
    missed = () if truth.planted == 0 else ("pubsub: fates.lost: 0 instead of 1",)
    return Finding(truth.planted, 0, Verdict.HELD, missed)


def test_the_table_ends_with_the_answer() -> None:
    """One row per class, and the exit code of a checker that can be believed."""
    done = CliRunner().invoke(app, ["selftest", "--seed", "3"])
    assert ExitCode.HELD == done.exit_code
    assert "exactly what was planted was found: 4 histories, 4 rows, seed 3" in done.output
    assert [] == [line for line in done.output.splitlines() if line.endswith("NO")]


def test_json_holds_every_row() -> None:
    """For machines: nothing else on standard output."""
    done = CliRunner().invoke(app, ["selftest", "--json"])
    told = json.loads(done.stdout)
    assert (True, FEW) == (told["ok"], told["trials"])
    assert {"name": "lost: prefix", "planted": 1, "found": 1, "verdict": "violated", "ok": True}.items() <= told[
        "rows"
    ][2].items()


def test_a_blind_checker_ends_with_five(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was planted and not found is told, row by row."""
    monkeypatch.setattr(running, "examine", blind)
    done = CliRunner().invoke(app, ["selftest"])
    assert ExitCode.INTERNAL == done.exit_code
    assert "lost: prefix: pubsub: fates.lost: 0 instead of 1" in done.output
    assert "2 of 4 rows are not as planted" in done.output


@pytest.mark.parametrize("arguments", [["--rounds", "-1"], ["--rounds", "1001"], ["--seed", "-1"]])
def test_absurd_numbers_are_refused(arguments: list[str]) -> None:
    """Before anything is planted."""
    done = CliRunner().invoke(app, ["selftest", *arguments])
    assert isinstance(done.exception, UsageError)


def test_the_same_seed_plants_the_same() -> None:
    """What is drawn comes from the seed alone; another seed spoils other messages."""
    assert list(all_cases(seed=5, rounds=3)) == list(all_cases(seed=5, rounds=3))
    assert list(all_cases(seed=5, rounds=3)) != list(all_cases(seed=6, rounds=3))
