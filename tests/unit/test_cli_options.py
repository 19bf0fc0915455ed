"""The options of ``harness run`` and of scenario scripts are one list."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path

import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

from harness.cli.app import app
from harness.cli.listing import print_scenarios
from harness.cli.options import EngineOption, RunOptions, StackOption
from harness.cli.requests import make_request
from harness.cli.running import RunRequest, make_plan
from harness.cli.script import script_app
from harness.plan.catalogue import scenario_folder

SCRIPT = scenario_folder() / "partition_control.py"
GIVEN = ["--rate", "7", "--outage", "2", "--trials", "3", "--arm", "pubsub", "--engine", "builtin", "--jobs", "1"]


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    """What would have been run."""
    found: list[RunRequest] = []

    def start(request: RunRequest) -> int:
        found.append(request)
        return 0

    monkeypatch.setattr("harness.cli.running.start_run", start)
    return found


def names_of(command: object) -> set[str]:
    """The parameters of a command."""
    return {parameter.name for parameter in command.params}  # type: ignore[attr-defined]


def test_a_script_takes_every_option_of_run() -> None:
    """Only what names scenarios is missing, since a script is one."""
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    shared = {field.name for field in fields(RunOptions)}

    assert shared == names_of(get_command(script_app(str(SCRIPT))))
    assert shared | {"names", "slow", "resume"} == names_of(run)


def test_both_ask_for_the_same_run(requested: list[RunRequest]) -> None:
    """The same options give the same request, but for what names it."""
    first = CliRunner().invoke(app, ["run", "partition_control", *GIVEN])
    second = CliRunner().invoke(script_app(str(SCRIPT)), GIVEN)

    assert (0, 0) == (first.exit_code, second.exit_code)
    by_name, by_script = requested
    assert ("partition_control",) == by_name.names
    assert SCRIPT == by_script.script
    assert (7.0, 2.0, ("pubsub",)) == (
        by_name.overrides.rate_per_s,
        by_name.overrides.outage_s,
        by_name.overrides.arms,
    )
    assert (by_name.overrides, by_name.trials, by_name.jobs, by_name.stack) == (
        by_script.overrides,
        by_script.trials,
        by_script.jobs,
        by_script.stack,
    )


def test_the_repeat_command_has_every_option_that_matters() -> None:
    """Whoever repeats the run gets the same plan."""
    given = RunOptions(outage=2.0, engine=EngineOption.BUILTIN, stack=StackOption.LOCAL, arm=["pubsub"])
    plan = make_plan(make_request(given, names=("partition",), slow=True))

    for words in ("--outage 2", "--engine builtin", "--arm pubsub", "--slow", "harness run partition"):
        assert words in plan.repeat_command


def listed(*names: str, width: int = 80) -> str:
    """What ``harness list`` shows."""
    file = io.StringIO()
    print_scenarios(list(names), as_json=False, console=Console(file=file, width=width))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_cuts_nothing(width: int) -> None:
    """Scenario, question, fault, arms and length are there at any width."""
    text = listed("partition", width=width)
    words = " ".join(text.split())

    assert [] == [line for line in text.splitlines() if len(line) > width]
    for expected in ("partition_consumers_drop", "9 s", "consumers' link · drop", "pubsub, stream-group"):
        assert expected in words


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object per scenario, with its family, length and whether it is slow."""
    print_scenarios(["partition_control"], as_json=True)

    (row,) = json.loads(capsys.readouterr().out)
    assert ("partition_control", "partition", 9.0, False) == (
        row["scenario"],
        row["family"],
        row["seconds"],
        row["slow"],
    )
    assert ["pubsub", "stream-group", "stream-queue"] == row["arms"]


def test_a_script_is_helped_by_its_story() -> None:
    """The docstring is the help text."""
    shown = CliRunner().invoke(script_app(str(Path(SCRIPT))), ["--help"])

    assert "Prediction: perfect" in shown.output
