"""Many processes of one program without paying for its imports each time: one parent imports it once and forks.

A trial has dozens of workers, and loading Python, redis-py and pydantic costs a quarter of a second of processor time
each: on a small machine the start of one trial would make its neighbours late. A nursery is a process that imports the
program's module, then waits for orders; each order is a fork, which takes about a millisecond. Its children are
processes like any other: a session and a log of their own, pipes to whoever ordered them, killed when the nursery is
gone, as the nursery is killed when we are::

    with Nursery("harness.trial.worker", log_path=folder / "nursery.log") as nursery:
        worker = nursery.start(name="consumer-0", log_path=folder / "consumer-0.log")
        worker.stdin.write(b"...")

The module must have a ``main() -> int``. Only Linux has what this needs; elsewhere, and for a single process, there
is `harness.stack.process.ManagedProcess`, whose methods the children have.

Orders and answers are datagrams on a pair of sockets: an order is JSON with the child's two pipe ends attached, the
answer its process id; an end is told as it happens. The nursery has one thread, so that its forks are safe.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from harness.model.errors import EnvironmentUnavailable
from harness.stack.process import STOPPED_DEADLINE_S, ManagedProcess, is_stopped, tail, wait_until

ORDER_BYTES: Final = 4096
_ANSWER_DEADLINE_S = 30.0
_REAP_DEADLINE_S = 10.0
_POLL_S = 0.002


def can_fork() -> bool:
    """Whether this system has what a nursery needs."""
    return sys.platform == "linux"


class Nursery:
    """A parent of many processes. A context manager that ends it, and with it whatever is left of its children."""

    def __init__(self, module: str, *, log_path: Path, env: Mapping[str, str] | None = None) -> None:
        """Start importing ``module``; the first `start` waits until that is done."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._socket.setblocking(False)
        self._statuses: dict[int, int] = {}
        self._children: dict[int, NurseryChild] = {}
        """The latest of each process id: the system may give one away again."""
        with theirs:
            self._process = ManagedProcess.start(
                [sys.executable, "-m", "harness.stack.forking", module, str(theirs.fileno())],
                name=f"nursery of {module}",
                log_path=log_path,
                env=env,
                pass_fds=(theirs.fileno(),),
            )

    def start(self, *, name: str, log_path: Path, network: Path | None = None) -> NurseryChild:
        """Fork a child that runs the module's ``main``; its standard error goes to ``log_path``.

        ``network``: where it joins a private one first, its file (`harness.stack.private.PrivateSpace.network`). A
        child that can't join ends with the reason in its log.

        Raises:
            EnvironmentUnavailable: the nursery has ended, or does not answer.
        """
        log_path.parent.mkdir(parents=True, exist_ok=True)
        child_in, our_out = os.pipe()
        our_in, child_out = os.pipe()
        try:
            order = {"log": str(log_path), "network": None if network is None else str(network)}
            socket.send_fds(self._socket, [json.dumps(order).encode()], [child_in, child_out])
            pid = self._wait_for_pid()
        except (OSError, EnvironmentUnavailable) as error:
            os.close(our_out)
            os.close(our_in)
            raise EnvironmentUnavailable(
                f"{name} could not be started: {error}{self._process.log_tail(5)}", fix="read the nursery's log"
            ) from error
        finally:
            os.close(child_in)
            os.close(child_out)
        stdin, stdout = os.fdopen(our_out, "wb", buffering=0), os.fdopen(our_in, "rb", buffering=0)
        if pid in self._children:
            self._children[pid].succeeded(self._statuses.pop(pid, None))
        self._children[pid] = NurseryChild(self, pid, name=name, log_path=log_path, stdin=stdin, stdout=stdout)
        return self._children[pid]

    def status(self, pid: int) -> int | None:
        """The exit status of a child, negative for the signal that ended it; ``None`` while it runs."""
        if pid not in self._statuses:
            self._read_answers()
        if pid not in self._statuses and self._process.poll() is not None:
            self._read_answers()  # what it said before it died counts
            return self._statuses.setdefault(pid, -signal.SIGKILL)  # the kernel kills children with their nursery
        return self._statuses.get(pid)

    def close(self) -> None:
        """End the nursery and every child that is left. Idempotent."""
        self._process.kill()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_for_pid(self) -> int:
        deadline = time.monotonic() + _ANSWER_DEADLINE_S
        while time.monotonic() < deadline:
            born = self._read_answers()
            if born is not None:
                return born
            if self._process.poll() is not None:
                raise EnvironmentUnavailable("its nursery has ended")
            time.sleep(_POLL_S / 10)
        raise EnvironmentUnavailable(f"its nursery did not answer within {_ANSWER_DEADLINE_S:g} s")

    def _read_answers(self) -> int | None:
        """Take in what the nursery has told; the process id of a child that was born, if that came."""
        if self._socket.fileno() < 0:
            return None
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            while answer := self._socket.recv(ORDER_BYTES):
                told = json.loads(answer)
                if "born" in told:
                    return int(told["born"])
                self._statuses[int(told["ended"])] = int(told["status"])
        return None


class NurseryChild:
    """One child. Its methods are those of `harness.stack.process.ManagedProcess`."""

    def __init__(
        self, nursery: Nursery, pid: int, *, name: str, log_path: Path, stdin: IO[bytes], stdout: IO[bytes]
    ) -> None:
        self.name = name
        self.pid = pid
        self.log_path = log_path
        self.stdin = stdin
        self.stdout = stdout
        self._nursery = nursery
        self._status: int | None = None

    def poll(self) -> int | None:
        """The exit status, negative for the signal that ended it; ``None`` while it runs."""
        return self._nursery.status(self.pid) if self._status is None else self._status

    def succeeded(self, status: int | None) -> None:
        """Another child has got its process id: it has ended, and is not to be asked for by that id any more."""
        self._status = -signal.SIGKILL if status is None else status

    def wait(self, timeout_s: float) -> int | None:
        """Wait at most ``timeout_s`` for it to end by itself; what `poll` then says."""
        deadline = time.monotonic() + timeout_s
        while (status := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return status

    def send(self, number: signal.Signals) -> None:
        """A signal to its group, without waiting for what comes of it; harmless when it has ended."""
        if self.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # just born: it has no group of its own yet
                os.kill(self.pid, number)

    def suspend(self) -> None:
        """SIGSTOP its group and return once it has stopped (or has ended)."""
        self.send(signal.SIGSTOP)
        wait_until(
            lambda: self.poll() is not None or is_stopped(self.pid),
            deadline_s=STOPPED_DEADLINE_S,
            what=f"{self.name} stops",
            interval_s=_POLL_S,
        )

    def resume(self) -> None:
        """SIGCONT its group. Harmless when it is not suspended."""
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL its group, and wait until it is gone. Idempotent."""
        self.send(signal.SIGKILL)
        self.wait(_REAP_DEADLINE_S)
        for pipe in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def log_tail(self, lines: int = 20) -> str:
        """The last ``lines`` lines of its log; empty when there is none."""
        return tail(self.log_path, lines)
