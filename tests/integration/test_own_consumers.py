"""Consumers that are not ours, on real servers: what is said of them is what they did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import own_consumers
import pytest

from harness import check_consumer
from harness.model.words import Fate, Outcome, Verdict

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "acks_too_early"
CONSUMERS = own_consumers.__name__
DEADLINE_S = 300


@pytest.mark.timeout(2 * DEADLINE_S)
def test_the_example_is_red_for_its_reason(tmp_path: Path) -> None:
    """The one that acknowledges too early is caught with what it forgot; the careful one passes everything."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--redis-chaos-results={tmp_path}"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert 1 == done.returncode, done.stdout
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert "VIOLATED  test_consumer:early does not keep at-least-once" in done.stdout
    assert "1 delivered and forgotten before the effect (crash before effect)" in done.stdout
    assert "Traceback" not in done.stdout
    assert 3 == len(list(tmp_path.glob("runs/*/report.html")))


def test_bytes_and_pipelines_are_heard(tmp_path: Path) -> None:
    """Whatever the client's settings: every message is counted, and acknowledged ones are not called pending."""
    report = check_consumer(f"{CONSUMERS}:with_bytes_and_pipelines", fault="reset", results=tmp_path)
    assert report.held, report
    arms = [arm for trial in report.summary.trials for arm in trial.arms]
    sent = [arm.outcomes[Outcome.ACKNOWLEDGED] for arm in arms]
    assert 2 == len(sent)
    assert min(sent) > 50
    assert sent == [arm.fates[Fate.DELIVERED] for arm in arms]


@pytest.mark.parametrize(
    ("consumer", "verdict", "words"),
    [
        ("behind_our_back", Verdict.ERROR, "no connection of the seat has brought"),
        ("that_returns_at_once", Verdict.ERROR, "without reading anything"),
        ("that_forgets_some", Verdict.VIOLATED, "own_control"),
    ],
)
def test_what_cannot_be_counted_is_no_pass(tmp_path: Path, consumer: str, verdict: Verdict, words: str) -> None:
    """A consumer that reads elsewhere, or not at all, or is wrong without a fault, does not hold; the text says why."""
    report = check_consumer(f"{CONSUMERS}:{consumer}", fault="pause", results=tmp_path)
    assert verdict is report.verdict, report
    assert words in report.text
