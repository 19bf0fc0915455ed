"""A second process that draws half of the figures: drawing is the tail of a run, and a run needs two processors anyway.

The helper is a plain ``python -m harness.report.helper``, not a pool: it must not import whatever script was started,
and it ends by itself when nobody waits for it any more. Work and pictures travel through temporary files, so neither
side ever blocks on the other. If it fails in any way, its share is drawn here: it only ever saves time.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.model.results import TrialResult
from harness.report.drawing import Picture

FEWEST_TRIALS = 4
"""Below this, starting a process takes longer than it saves."""
DEADLINE_S = 300.0

Drawn = dict[str, list[Picture]]


def share_out(trials: Sequence[TrialResult]) -> tuple[tuple[TrialResult, ...], tuple[TrialResult, ...]]:
    """What this process draws, and what the helper does."""
    if len(trials) < FEWEST_TRIALS or (os.cpu_count() or 1) < 2:
        return tuple(trials), ()
    return tuple(trials[0::2]), tuple(trials[1::2])


@dataclass(slots=True)
class Helper:
    """A running helper, or none."""

    process: subprocess.Popen[bytes] | None
    answer: IO[bytes] | None

    def collect(self) -> Drawn:
        """The pictures per trial folder name; empty if the helper failed."""
        if self.process is None or self.answer is None:
            return {}
        with suppress(subprocess.TimeoutExpired, pickle.UnpicklingError, EOFError, OSError):
            if self.process.wait(DEADLINE_S) == 0:
                self.answer.seek(0)
                drawn: Drawn = pickle.load(self.answer)
                return drawn
        return {}


@contextmanager
def helper_drawing(run_folder: Path, trials: tuple[TrialResult, ...]) -> Iterator[Helper]:
    """A helper at work on ``trials`` for the length of the block; it is gone at the end of it."""
    if not trials:
        yield Helper(None, None)
        return
    with tempfile.TemporaryFile() as order, tempfile.TemporaryFile() as answer:
        process = _start(order, answer, run_folder, trials)
        try:
            yield Helper(process, answer)
        finally:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(DEADLINE_S)


def _start(
    order: IO[bytes], answer: IO[bytes], run_folder: Path, trials: tuple[TrialResult, ...]
) -> subprocess.Popen[bytes] | None:
    """Start the helper; ``None`` where the system or the disk does not allow it."""
    with suppress(OSError):
        pickle.dump((run_folder.resolve(), trials), order)
        order.seek(0)
        return subprocess.Popen(
            [sys.executable, "-m", "harness.report.helper"],
            stdin=order,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is the harness's to handle
        )
    return None


def main() -> None:
    """Draw what standard input asks for, and write the pictures to standard output."""
    from harness.report.trial_figures import draw_trial

    run_folder, trials = pickle.load(sys.stdin.buffer)
    drawn: Drawn = {result.trial.folder_name: list(draw_trial(run_folder, result)) for result in trials}
    pickle.dump(drawn, sys.stdout.buffer)


if __name__ == "__main__":
    main()
