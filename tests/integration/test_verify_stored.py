"""``harness verify`` on the committed reference run: green as shipped; red for other contracts, each for its reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "results" / "reference"
HEAD = "version: 1\nscenarios:\n  partition_consumers_drop:\n"


def verify(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the verb as CI does, on the reference run."""
    calm = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "harness", "verify", *map(str, arguments)],
        cwd=ROOT,
        env={**calm, "COLUMNS": "80", **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def on_reference(text: str, tmp_path: Path, *arguments: object, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code and the output for a contract with this text."""
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    done = verify(path, "--run", REFERENCE, *arguments, env=env)
    assert "" == done.stderr or done.returncode == 2, done.stderr
    return done.returncode, (done.stdout + done.stderr).replace(f"{tmp_path}{os.sep}", "")


def test_the_shipped_contract_is_green() -> None:
    """For the family that the reference run played. The verdict stands at the end, each clause in one line."""
    done = verify("--run", REFERENCE, "--profile", "partition")
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("held: scenarios/guarantees.yaml")
    assert all("scenarios/guarantees.yaml:" in line for line in lines[:-1])


def test_what_was_not_played_passes_nothing() -> None:
    """The whole contract speaks of families that the reference run has no trial of: zero samples, exit 3."""
    done = verify("--run", REFERENCE)
    assert (3, "") == (done.returncode, done.stderr)
    unplayed = [line for line in done.stdout.splitlines() if " link_flap · " in line]
    assert unplayed
    assert all(line.startswith("inconclusive") and "zero trials" in line for line in unplayed)


def test_red_because_a_guarantee_was_violated(tmp_path: Path) -> None:
    """Pub/Sub is asked for what it cannot do: exit 1, the violation first, at its line, with number and bound."""
    code, output = on_reference(
        HEAD + "    stream-group: {required: [at-least-once]}\n    pubsub: {required: [at-least-once]}\n", tmp_path
    )
    first = output.splitlines()[0]
    assert 1 == code
    assert first == (
        "violated       c.yaml:5: partition_consumers_drop · pubsub · at-least-once: broken in 1 of 1 trial, true rate"
        " >= 5 % (confidence 95 %); 559 of 1,674 owed deliveries of acknowledged messages lost (not connected) in"
        " partition_consumers_drop-20260101"
    )
    assert output.splitlines()[-1] == "violated: c.yaml: 1 violated, 1 held"


def test_red_because_the_trials_cannot_support_the_rate(tmp_path: Path) -> None:
    """One good trial is no proof of "at most one in ten": exit 3, and how many it takes."""
    code, output = on_reference(
        HEAD + "    stream-group: {required: [at-least-once], max_violation_rate: 0.1}\n", tmp_path
    )
    assert 3 == code
    assert "needs 29 trials without a violation" in output.splitlines()[0]


def test_red_because_what_was_expected_to_break_did_not(tmp_path: Path) -> None:
    """Streams lost nothing although the contract says they would: did the fault work? Exit 3."""
    code, output = on_reference(HEAD + "    stream-group: {expected_not_to_hold: [at-least-once]}\n", tmp_path)
    assert 3 == code
    assert "did the fault work?" in output.splitlines()[0]


def test_red_because_of_a_budget(tmp_path: Path) -> None:
    """Messages sent in the outage are late, and the budget is tighter than that: exit 1, with the value."""
    code, output = on_reference(HEAD + "    stream-group: {budgets: {p99_ms: {fault: 100}}}\n", tmp_path)
    assert 1 == code
    assert "p99 in fault <= 100 ms: broken in 1 of 1 trial" in output
    assert "3,044 ms in partition_consumers_drop-20260101" in output


def test_red_because_nothing_was_tried(tmp_path: Path) -> None:
    """An arm that the run did not have passes nothing: exit 3."""
    code, output = on_reference(HEAD + "    pubsub-hardened: {required: [at-most-once]}\n", tmp_path)
    assert 3 == code
    assert "zero trials: no run here played partition_consumers_drop with pubsub-hardened" in output


def test_red_because_more_trials_are_asked_for(tmp_path: Path) -> None:
    """Of the contract or of the command line; naming the same run twice does not help. Exit 3."""
    text = HEAD + "    stream-group: {required: [at-least-once]}\n"
    code, output = on_reference(text, tmp_path, "--trials", 2, "--run", REFERENCE)
    assert 3 == code
    assert "1 conclusive trial, and the contract asks for 2" in output
    assert "they count once" in output


def test_a_contract_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    """Exit 2, one line for each mistake, no traceback, nothing on stdout."""
    code, output = on_reference(HEAD + "    stream-grup: {required: [at-lest-once]}\n", tmp_path)
    assert 2 == code
    assert output.splitlines()[:2] == [
        'harness: c.yaml:4: unknown arm "stream-grup" (did you mean "stream-group"?)',
        'c.yaml:4: unknown guarantee "at-lest-once" (did you mean "at-least-once"?)',
    ]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("none.yaml",), "none.yaml: cannot be read: No such file or directory"),
        (("--profile", "fats"), 'no profile "fats"'),
        (("--run", "docs"), "docs: no run is stored there"),
        (("--trials", "0"), "--trials 0: out of range"),
    ],
)
def test_mistakes_on_the_command_line(arguments: tuple[str, ...], part: str) -> None:
    """Exit 2 with one message."""
    done = verify(*arguments, *(() if "--run" in arguments else ("--run", REFERENCE)))
    assert (2, "") == (done.returncode, done.stdout)
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_json_and_junit_say_the_same(tmp_path: Path) -> None:
    """JSON alone on stdout; a case per clause in JUnit, with the same verdicts and numbers."""
    junit = tmp_path / "contract.xml"
    code, output = on_reference(
        HEAD + "    pubsub:\n      required: [at-least-once]\n      free: [ordered]\n",
        tmp_path,
        "--json",
        "--junit",
        junit,
    )
    found = json.loads(output)
    assert (1, "violated", 1) == (code, found["verdict"], found["exit_code"])
    required, free = found["clauses"]
    cases = ElementTree.parse(junit).getroot().findall("testsuite/testcase")
    assert ["pubsub: at-least-once", "pubsub: ordered"] == [case.get("name") for case in cases]
    assert "violated" == cases[0].findall("failure")[0].get("type")
    assert 1 == len(cases[1].findall("skipped"))
    shown = {one.get("name"): one.get("value") for one in cases[0].findall("properties/property")}
    assert (str(required["violations"]), str(required["samples"])) == (shown["violations"], shown["samples"])
    assert ("559", "1674") == (shown["violations"], shown["samples"])
    assert (False, "held") == (free["gates"], free["verdict"])


def test_github_is_told_where_it_listens(tmp_path: Path) -> None:
    """A summary page in the file it names, and an annotation at the contract's line on stdout."""
    page = tmp_path / "summary.md"
    page.write_text("before\n", encoding="utf-8")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    code, output = on_reference(HEAD + "    pubsub: {required: [at-least-once]}\n", tmp_path, env=env)
    commands = [line for line in output.splitlines() if line.startswith("::")]
    assert 1 == code
    assert 1 == len(commands)
    assert commands[0].startswith("::error file=c.yaml,line=4,title=violated%3A partition_consumers_drop")
    assert page.read_text(encoding="utf-8").startswith("before\n### Reliability contract: violated\n")


def test_the_help_names_the_exit_codes() -> None:
    """What CI needs to know."""
    words = " ".join(verify("--help").stdout.split())
    assert "0 held · 1 violated · 2 usage or invalid file · 3 inconclusive · 4 environment unavailable" in words
