"""A worker's end is in order, meant by a fault, or an error: also after it was asked to stop."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from harness.faults.process_evidence import Target
from harness.model.errors import TrialError
from harness.model.words import WorkerRole
from harness.trial.cast import Cast, Worker
from harness.trial.folder import TrialFolder


class Ended:
    """A process that has ended."""

    def __init__(self, status: int) -> None:
        self._status = status

    def poll(self) -> int:
        return self._status

    def log_tail(self, _lines: int) -> str:
        return "its last words"


def cast_with(tmp_path: Path, status: int, **flags: bool) -> Cast:
    """A cast whose one worker has ended with ``status``."""
    spec: Any = type("Spec", (), {"name": "consumer-0", "journal_path": str(tmp_path / "none")})()
    process: Any = Ended(status)
    cast = Cast(TrialFolder(tmp_path))
    cast._workers.append(Worker(spec, Target(WorkerRole.CONSUMER, 0, 0, 0), process, **flags))
    return cast


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (0, {"asked_to_stop": True}),
        (-signal.SIGKILL, {"doomed": True}),
        (-signal.SIGKILL, {"doomed": True, "asked_to_stop": True}),
    ],
)
def test_an_end_in_order_or_by_a_fault_is_fine(status: int, flags: dict[str, bool], tmp_path: Path) -> None:
    """Asked to stop and stopped; or meant to be killed, and killed."""
    cast_with(tmp_path, status, **flags).check_alive()


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        (0, {}),
        (-signal.SIGKILL, {}),
        (-signal.SIGKILL, {"asked_to_stop": True}),
        (1, {"asked_to_stop": True}),
        (1, {"doomed": True}),
    ],
)
def test_any_other_end_is_an_error(status: int, flags: dict[str, bool], tmp_path: Path) -> None:
    """What it had not yet written down is unknown, also where it had been asked to stop."""
    with pytest.raises(TrialError, match=f"consumer-0 ended by itself with status {status}: its last words"):
        cast_with(tmp_path, status, **flags).check_alive()
