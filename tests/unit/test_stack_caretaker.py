"""A caretaker cleans up when its harness was killed, and only then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from harness.stack.caretaker import Caretaker
from harness.stack.process import wait_until

HARNESS = """
import json, os, sys, time
from harness.stack.caretaker import Caretaker
caretaker = Caretaker(remove=json.loads(sys.argv[1]), remaining=["true"], env=os.environ)
print(caretaker.pid, flush=True)
time.sleep(300)
"""


def removal(folder: Path) -> list[str]:
    """A command that leaves one line per run."""
    return ["sh", "-c", f"echo removed >> '{folder / 'runs'}'"]


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def caretaker_in(folder: Path, *, remaining: list[str] | None = None) -> Caretaker:
    return Caretaker(remove=removal(folder), remaining=remaining or ["true"], env=os.environ)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_after_sigkill_of_the_harness_it_removes_and_looks_twice(tmp_path: Path) -> None:
    """Twice, since a request of the harness may still have been under way; then it ends."""
    import json

    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, json.dumps(removal(tmp_path))], stdout=subprocess.PIPE, text=True
    )
    assert harness.stdout is not None
    with harness:
        caretaker = int(harness.stdout.readline())
        assert 0 == runs(tmp_path)
        harness.send_signal(signal.SIGKILL)
    wait_until(lambda: is_gone(caretaker), deadline_s=20, what="the caretaker has ended")
    assert 2 == runs(tmp_path)


def test_a_dismissed_caretaker_does_nothing(tmp_path: Path) -> None:
    """The harness has removed everything itself; dismissing twice is harmless."""
    caretaker = caretaker_in(tmp_path)
    caretaker.dismiss()
    caretaker.dismiss()
    assert is_gone(caretaker.pid)
    assert 0 == runs(tmp_path)


def test_it_goes_on_until_nothing_is_left(tmp_path: Path) -> None:
    """Something is still there the first two times that it looks."""
    left_twice = ["sh", "-c", f"[ $(wc -l < '{tmp_path / 'runs'}') -gt 2 ] || echo container"]
    caretaker = caretaker_in(tmp_path, remaining=left_twice)
    caretaker.leave_to_it()
    wait_until(lambda: is_gone(caretaker.pid), deadline_s=20, what="the caretaker has ended")
    assert 4 == runs(tmp_path)
