"""Who removes a Compose project when we cannot any more.

Containers belong to the Docker engine: they outlive the process that asked for them, and no parent-death signal reaches
them. A caretaker is a detached process that holds the reading end of a pipe. When the pipe closes without a good-bye,
because we were killed, it removes the project; it looks again until nothing of it is left twice in a row, since a
request of ours may still have been under way.

    caretaker = Caretaker(remove=["docker", "compose", "-p", name, "down"], remaining=["docker", "ps", "-aq", …])
    …
    caretaker.dismiss()
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

_GOODBYE = b"done"
_DISMISS_DEADLINE_S = 5.0

_PROGRAM = """
import json, subprocess, sys, time
if sys.stdin.buffer.read() == b"done":
    sys.exit(0)
remove, remaining = json.loads(sys.argv[1])
quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}
clean = 0
for attempt in range(20):
    try:
        subprocess.run(remove, stdout=subprocess.DEVNULL, **quiet)
        left = subprocess.run(remaining, stdout=subprocess.PIPE, **quiet)
        clean = clean + 1 if left.returncode == 0 and not left.stdout.strip() else 0
    except (OSError, subprocess.SubprocessError):
        clean = 0
    if clean == 2:
        break
    time.sleep(0.5)
"""


class Caretaker:
    """A process that runs ``remove`` once this process is gone, until ``remaining`` prints nothing."""

    def __init__(self, *, remove: Sequence[str], remaining: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps([list(remove), list(remaining)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env=dict(env),
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def dismiss(self) -> None:
        """Everything is removed: the caretaker may go. Idempotent."""
        self._end(_GOODBYE)

    def leave_to_it(self) -> None:
        """Let it remove the project now, on its own; does not wait."""
        self._close_pipe(b"")

    def _end(self, word: bytes) -> None:
        self._close_pipe(word)
        try:
            self._process.wait(_DISMISS_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close_pipe(self, word: bytes) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            with contextlib.suppress(OSError):
                pipe.write(word)
            with contextlib.suppress(OSError):
                pipe.close()
