"""A process that is started here and is certain to be gone when we are.

Every server, proxy and worker is started through `ManagedProcess`, so that one place answers for them: own process
group, output in a log file whose tail goes into errors, and an end on every exit path of this process::

    server = ManagedProcess.start(["redis-server", "--port", "7001"], name="redis", log_path=folder / "redis.log")
    wait_until(lambda: answers(7001), deadline_s=10, what="redis answers PING", process=server)
    server.stop()

How they end with us: an exception, Ctrl-C and a normal exit run `atexit`; SIGTERM and SIGKILL run nothing, so
`harness.stack.parting` makes the kernel (Linux) or a watchdog process (elsewhere) kill what was started here.

The Linux parent-death signal follows the *thread* that forked, not the process. Therefore all children are forked by
one spawner thread that lives as long as this process: `ManagedProcess.start` may be called from any thread, even one
that ends before its child.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from harness.model.errors import EnvironmentUnavailable
from harness.stack.parting import forget, parting_hook

_REAP_DEADLINE_S = 10.0
STOPPED_DEADLINE_S = 2.0
_TAIL_BYTES = 64 * 1024


class ManagedProcess:
    """One child process with its group, its log and its pipes. Also a context manager that stops it."""

    def __init__(self, popen: subprocess.Popen[bytes], *, name: str, log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._popen = popen
        self._owner = os.getpid()

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        name: str,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin_pipe: bool = False,
        stdout_pipe: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> ManagedProcess:
        """Start ``argv`` in a session of its own.

        Output is appended to ``log_path`` (only standard error where ``stdout_pipe`` asks for standard output).
        ``env`` is added to this process's environment. Raises `EnvironmentUnavailable` when it cannot be executed.
        """
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("ab") as log:
            popen = _spawn(
                lambda: subprocess.Popen(
                    list(argv),
                    stdin=subprocess.PIPE if stdin_pipe else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if stdout_pipe else log,
                    stderr=log,
                    bufsize=0,
                    env=None if env is None else {**os.environ, **env},
                    cwd=cwd,
                    start_new_session=True,
                    pass_fds=pass_fds,
                    preexec_fn=parting_hook(),
                ),
                program=argv[0],
            )
        process = cls(popen, name=name, log_path=log_path)
        _live.add(process)
        return process

    @property
    def pid(self) -> int:
        """Process id; also the id of its process group."""
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        """The unbuffered pipe into the process. Only with ``stdin_pipe=True``."""
        assert self._popen.stdin is not None, f"{self.name} was started without stdin_pipe"
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The unbuffered pipe out of the process. Only with ``stdout_pipe=True``."""
        assert self._popen.stdout is not None, f"{self.name} was started without stdout_pipe"
        return self._popen.stdout

    def poll(self) -> int | None:
        """The exit status, negative for the signal that ended it; ``None`` while it runs."""
        status = self._popen.poll()
        if status is not None:
            self._end()
        return status

    def wait(self, timeout_s: float) -> int | None:
        """Wait at most ``timeout_s`` for the process to end by itself; what `poll` then says."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout_s)
        return self.poll()

    def terminate(self) -> None:
        """SIGTERM to the group, without waiting; harmless when it has ended."""
        if self.poll() is None:
            self._signal(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """A signal to the group, without waiting for what comes of it; harmless when it has ended."""
        if self.poll() is None:
            self._signal(number)

    def stop(self, grace_s: float = 2.0) -> None:
        """SIGTERM to the group, after ``grace_s`` SIGKILL, then reap it. Idempotent; works on a suspended process."""
        if self.poll() is None:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace_s)
        self.kill()

    def kill(self) -> None:
        """SIGKILL the group, whatever is left of it, and reap the process. Idempotent."""
        if self.poll() is None:
            self._signal(signal.SIGKILL)
            self._popen.wait(_REAP_DEADLINE_S)
            self.poll()
        self._close_pipes()

    def suspend(self) -> None:
        """SIGSTOP the group and return once the process has stopped (or has ended)."""
        self.send(signal.SIGSTOP)
        wait_until(
            lambda: self.poll() is not None or is_stopped(self.pid),
            deadline_s=STOPPED_DEADLINE_S,
            what=f"{self.name} stops",
            interval_s=0.0005,
        )

    def resume(self) -> None:
        """SIGCONT the group. Harmless when it is not suspended, or has ended."""
        self.send(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        """The last ``lines`` lines of the log; empty when there is none."""
        return tail(self.log_path, lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole group: a server may have forked a child to save its data."""
        if os.getpid() == self._owner:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _end(self) -> None:
        """Once, as soon as the end is noticed: later the group's number may belong to a stranger."""
        with _live_lock:
            first = self in _live
            _live.discard(self)
        if first:
            self._signal(signal.SIGKILL)
            forget(self.pid)

    def _close_pipes(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def wait_until(
    condition: Callable[[], bool],
    *,
    deadline_s: float,
    what: str,
    process: ManagedProcess | None = None,
    interval_s: float = 0.01,
) -> None:
    """Return once ``condition`` holds. ``what`` names it in words: ``"redis answers PING"``.

    Raises `EnvironmentUnavailable` with the end of ``process``'s log when it ended or the deadline passed.
    """
    deadline = time.monotonic() + deadline_s
    while not condition():
        status = None if process is None else process.poll()
        if process is not None and status is not None:
            raise EnvironmentUnavailable(
                f"{process.name} {_ending(status)} before this held: {what}{_quoted(process)}", fix=_log_fix(process)
            )
        if time.monotonic() >= deadline:
            raise EnvironmentUnavailable(
                f"waited {deadline_s:g} s in vain for: {what}{_quoted(process)}", fix=_log_fix(process)
            )
        time.sleep(interval_s)


def free_port() -> int:
    """A TCP port that is free on 127.0.0.1 now. Somebody may take it before you do: be ready to try another."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(path: Path, lines: int) -> str:
    """The last ``lines`` lines of a text file that may be large, damaged or missing."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _ending(status: int) -> str:
    return f"ended with exit status {status}" if status >= 0 else f"was ended by signal {-status}"


def _quoted(process: ManagedProcess | None) -> str:
    text = "" if process is None else process.log_tail()
    return f"\nend of its log:\n{text}" if text else ""


def _log_fix(process: ManagedProcess | None) -> str:
    return "" if process is None else f"read its log, {process.log_path}"


def is_stopped(pid: int) -> bool:
    """Whether the process stands still by SIGSTOP, or is gone."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return True


class _Spawner:
    """One thread of this process, asleep until something is to be forked. A fork of this process needs its own."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._orders: queue.SimpleQueue[tuple[_Order, queue.SimpleQueue[_Answer]]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="spawner", daemon=True).start()

    def run(self, order: _Order) -> subprocess.Popen[bytes]:
        """Fork on the spawner's thread and hand back, or raise, what came of it."""
        answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._orders.put((order, answers))
        answer = answers.get()
        if isinstance(answer, OSError | subprocess.SubprocessError | ValueError):
            raise answer
        return answer

    def _serve(self) -> None:
        while True:
            order, answers = self._orders.get()
            try:
                answers.put(order())
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                answers.put(error)


_Order = Callable[[], "subprocess.Popen[bytes]"]
_Answer = subprocess.Popen[bytes] | OSError | subprocess.SubprocessError | ValueError

_live: set[ManagedProcess] = set()
"""Started here and not known to have ended."""
_live_lock = threading.Lock()
_spawner: _Spawner | None = None
_spawner_lock = threading.Lock()


def _spawn(order: _Order, *, program: str) -> subprocess.Popen[bytes]:
    try:
        return _current_spawner().run(order)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EnvironmentUnavailable(
            f"cannot start {program}: {error}",
            fix="check that the file is there, executable and built for this machine",
        ) from error


def _current_spawner() -> _Spawner:
    global _spawner
    with _spawner_lock:
        if _spawner is None or _spawner.owner != os.getpid():
            _spawner = _Spawner()
        return _spawner


@atexit.register
def _stop_what_is_left() -> None:
    """End without grace: whoever wanted a clean stop has called `ManagedProcess.stop` before."""
    for process in list(_live):
        process.kill()
