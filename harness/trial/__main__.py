"""One trial in a process of its own: ``python -m harness.trial FOLDER``, with the trial as one line of JSON on stdin.

News for a live view goes to standard output, one JSON object a line. SIGTERM heals the fault, keeps what there is
and ends with 130. The exit status is 0 when the trial was played to an end, whatever it showed: judging is not done
here.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from harness.history.table import write_history
from harness.model.errors import ExitCode, HarnessError
from harness.model.progress import ProgressEvent
from harness.model.values import Trial
from harness.trial.conductor import Conductor
from harness.trial.folder import TrialFolder


def main() -> int:
    """Play the trial that is read from standard input."""
    interrupted = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: interrupted.set())
    signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    trial = Trial.model_validate_json(sys.stdin.readline())
    folder = TrialFolder(Path(sys.argv[1]))
    try:
        facts = Conductor(trial, folder, say=_say, interrupted=interrupted).run()
        write_history(folder.path)
    except HarnessError as error:
        _say(ProgressEvent("failed", text=str(error)))
        return error.exit_code
    if facts is None or facts.status == "interrupted":
        return ExitCode.INTERRUPTED
    return ExitCode.HELD


def _say(event: ProgressEvent) -> None:
    """Tell the run; when nobody listens any more, the trial goes on to its own end."""
    try:
        print(event.to_line(), flush=True)
    except BrokenPipeError:
        sys.stdout = sys.stderr


if __name__ == "__main__":
    sys.exit(main())
