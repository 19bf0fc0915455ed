"""``harness compare`` and ``harness baseline`` on what is committed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "results/reference"
BASELINE = "results/baseline"


def harness(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_committed_baseline_and_the_reference_run_agree() -> None:
    """The baseline was made of it; it is small enough to be committed."""
    done = harness("compare", BASELINE, REFERENCE)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.splitlines()[-1].startswith("no delivery guarantee is known to have got worse: ")
    assert (ROOT / BASELINE / "summary.json").stat().st_size < 400_000


def test_a_lost_message_where_none_was_lost_is_worse(tmp_path: Path) -> None:
    """Exit 1, and that line first."""
    kept = json.loads((ROOT / BASELINE / "summary.json").read_text(encoding="utf-8"))
    trial = next(one for one in kept["trials"] if one["trial"]["scenario"]["name"] == "partition_consumers_drop")
    clause = next(
        one for one in trial["clauses"] if (one["arm"], one["guarantee"]) == ("stream-group", "at-least-once")
    )
    clause["measured"] = "violated"
    (tmp_path / "summary.json").write_text(json.dumps(kept), encoding="utf-8")
    done = harness("compare", BASELINE, tmp_path)
    assert (1, "") == (done.returncode, done.stderr)
    first = next(line for line in done.stdout.splitlines() if not line.startswith(("first:", "note:")))
    assert first.startswith("worse")
    assert (
        "partition_consumers_drop · stream-group · at-least-once (required): required, never violated before" in first
    )
    assert done.stdout.splitlines()[-1].startswith("a delivery guarantee got worse: 1 worse")


def test_a_baseline_is_kept_by_a_command(tmp_path: Path) -> None:
    """And can be compared with what it was made of."""
    assert 0 == harness("baseline", REFERENCE, tmp_path / "kept").returncode
    done = harness("compare", tmp_path / "kept", REFERENCE, "--json")
    found = json.loads(done.stdout)
    assert (0, 0, []) == (done.returncode, found["exit_code"], found["unknown"])
    assert {"same"} == {change["change"] for change in found["guarantees"]}


def test_two_arms_of_the_reference_run() -> None:
    """One trial each: different numbers, and no proof of different rates."""
    done = harness("compare", REFERENCE, "--arm", "pubsub", "--arm", "stream-group")
    assert (0, "") == (done.returncode, done.stderr)
    assert "violated in 1 of 1 trial, then in 0 of 1 trial; difference -100 % to" in done.stdout


def test_mistakes_on_the_command_line() -> None:
    """Exit 2 with one message."""
    for arguments in ((REFERENCE,), (REFERENCE, "docs"), (REFERENCE, "--arm", "pubsub"), ("docs", REFERENCE)):
        done = harness("compare", *arguments)
        assert (2, "") == (done.returncode, done.stdout), arguments
        assert "Traceback" not in done.stderr
