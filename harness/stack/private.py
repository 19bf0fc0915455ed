"""Kernel namespaces that live exactly as long as a process of ours.

What is mounted, and which interfaces and rules there are, belongs to a namespace; a namespace ends with its last
process. A `PrivateSpace` is held by a sleeping `ManagedProcess`, which the kernel kills when this process ends, by
SIGKILL too. So nothing that was set up inside has to be found and removed afterwards: the kernel does it.

    space = PrivateSpace.open(Kind.MOUNTS, name="disk", log_path=folder / "disk.log")
    space.run(["mount", "-o", "loop", "image", "/somewhere"])
    server = ManagedProcess.start(space.inside(["redis-server"]), …)

Needs Linux, root and util-linux; `why_not` says what is missing.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from harness.model.errors import NotPossible, TrialError
from harness.stack.process import ManagedProcess, wait_until

RUN_DEADLINE_S = 20.0
_OPEN_DEADLINE_S = 10.0
_HOLD = ("sleep", "infinity")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
"""Looked up once here, so that a freshly forked child has nothing to load."""


class Kind(StrEnum):
    """What is private: the name of the option of ``unshare`` and ``nsenter``."""

    MOUNTS = "mount"
    NETWORK = "net"


class PrivateSpace:
    """A namespace held open by a process. Made by `PrivateSpace.open`."""

    def __init__(self, process: ManagedProcess, kind: Kind) -> None:
        self._process = process
        self._kind = kind

    @classmethod
    def open(cls, kind: Kind, *, name: str, log_path: Path) -> PrivateSpace:
        """A new namespace. Raises `NotPossible` where this machine does not let us."""
        reason = why_not(kind)
        if reason:
            raise NotPossible(f"no private {kind} namespace: {reason}")
        process = ManagedProcess.start([*_unshare(kind), *_HOLD], name=name, log_path=log_path)
        space = cls(process, kind)
        try:
            wait_until(space._is_set_up, deadline_s=_OPEN_DEADLINE_S, what=f"{name} has its namespace", process=process)
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            process.kill()
            raise
        return space

    @property
    def pid(self) -> int:
        """Of the process that holds it."""
        return self._process.pid

    @property
    def root(self) -> Path:
        """The file system as it is seen inside, reachable from outside."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def network(self) -> Path:
        """The file by which others join its network, if it has one of its own: see `join_network`."""
        return Path(f"/proc/{self.pid}/ns/net")

    def check_alive(self) -> None:
        """Raise `TrialError` where its holder has ended by itself: what was set up inside may be gone."""
        status = self._process.poll()
        if status is not None:
            raise TrialError(f"what holds the namespace {self._process.name} ended by itself with status {status}")

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` inside, under the same process id as the command itself."""
        return ["nsenter", f"--target={self.pid}", f"--{self._kind}", "--", *argv]

    def run(self, argv: Sequence[str]) -> str:
        """Run ``argv`` inside to its end and return what it printed. Raises `NotPossible` with its complaint."""
        return run(self.inside(argv), what=argv[0])

    def close(self) -> None:
        """End the holder; the namespace goes when nothing else runs inside. Idempotent."""
        self._process.kill()

    def _is_set_up(self) -> bool:
        """`unshare` becomes the sleeper once all is done."""
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().strip() == _HOLD[0]
        except OSError:
            return False


def join_network(network: Path) -> None:
    """Move the calling *thread* into the network behind ``network``, for good: sockets that it makes belong there.

    Raises:
        OSError: there is no such network any more, or it is not ours to join.
    """
    if _libc is None:
        raise OSError(f"networks can be joined on Linux only, and this is {sys.platform}")
    target = os.open(network, os.O_RDONLY)
    try:
        # os.setns came with Python 3.12.
        if _libc.setns(target, _CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(network))
    finally:
        os.close(target)


def why_not(kind: Kind, *, tools: Sequence[str] = ()) -> str:
    """Why no namespace of this kind can be made here, or a tool is missing; empty if nothing stands in the way."""
    if sys.platform != "linux":
        return f"it needs Linux, and this is {sys.platform}"
    if os.geteuid() != 0:
        return "it needs root"
    missing = [tool for tool in ("unshare", "nsenter", *tools) if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return _refusal(kind)


def run(argv: Sequence[str], *, what: str) -> str:
    """Run ``argv`` and return its output. Raises `NotPossible` when it fails: the machine does not allow it."""
    try:
        done = subprocess.run(
            list(argv),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=RUN_DEADLINE_S,
            check=False,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotPossible(f"{what} does not work here: {error}") from error
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip().splitlines()
        raise NotPossible(f"{what} failed: {complaint[-1] if complaint else f'exit status {done.returncode}'}")
    return done.stdout


@functools.cache
def _refusal(kind: Kind) -> str:
    """What the kernel says to an attempt; a container often has root and still may not."""
    try:
        run([*_unshare(kind), "true"], what="unshare")
    except NotPossible as error:
        return error.message
    return ""


def _unshare(kind: Kind) -> list[str]:
    """Mounts of ours stay inside; what is unmounted outside must not be kept busy by our copy, so that comes in."""
    one_way = ["--propagation=slave"] if kind is Kind.MOUNTS else []
    return ["unshare", f"--{kind}", *one_way, "--"]
