"""``harness explore`` with real servers: the least that breaks a consumer that acknowledges too early."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.model.errors import ExitCode

pytestmark = pytest.mark.servers
DEADLINE_S = 300


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )


@pytest.mark.timeout(2 * DEADLINE_S)
def test_one_crash_is_what_breaks_acknowledging_too_early(tmp_path: Path) -> None:
    """It is found, shrunk to one crash before the effect, and the script shows it again."""
    script = tmp_path / "found.py"
    explored = run(
        *("-m", "harness", "explore", "--arm", "stream-group-ack-first", "--guarantee", "at-least-once"),
        *("--fault", "crash", "--budget", "6", "--seed", "1", "--engine", "builtin", "--json"),
        *("--results", str(tmp_path), "--save", str(script)),
    )
    assert ExitCode.VIOLATED == explored.returncode, explored.stderr
    answer = json.loads(explored.stdout)
    smallest = answer["smallest"]
    assert [("crash", "before effect")] == [(one["model"], one["point"]) for one in smallest["scenario"]["faults"]]
    assert 1 == smallest["scenario"]["arms"][0]["scopes"]
    assert 0 < smallest["violated"]
    assert (tmp_path / "runs" / answer["run"] / "report.html").exists()
    again = run(str(script), "--results", str(tmp_path), "--engine", "builtin", "--json")
    assert ExitCode.VIOLATED == again.returncode, again.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--arm", "stream-grup", "--guarantee", "at-least-once"), 'unknown arm "stream-grup"'),
        (("--arm", "stream-group", "--guarantee", "at-most"), 'unknown guarantee "at-most"'),
        (("--arm", "pubsub", "--guarantee", "durable"), "pubsub keeps nothing"),
        (("--arm", "pubsub", "--guarantee", "ordered", "--budget", "soon"), '--budget "soon"'),
        (("--arm", "pubsub", "--guarantee", "ordered", "--budget", "0"), "--budget 0: out of range"),
        (("--arm", "pubsub", "--guarantee", "ordered", "--fault", "crush"), '--fault "crush"'),
        (("--arm", "pubsub", "--guarantee", "ordered", "--seed", "-1"), "--seed -1: out of range"),
    ],
)
def test_what_cannot_be_explored_is_said(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    """One message with the way out, exit 2, and nothing is written."""
    asked = run("-m", "harness", "explore", *options, "--results", str(tmp_path))
    assert ExitCode.USAGE == asked.returncode
    assert asked.stderr.startswith(f"harness: {words}")
    assert "fix:" in asked.stderr
    assert [] == list(tmp_path.iterdir())
