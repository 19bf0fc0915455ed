"""A server whose power can be cut: what it had not brought to the block device is gone, whatever it acknowledged.

SIGKILL alone can't test fsync: write() precedes the reply, and the page cache survives the process. Here the server's
directory lies on a `harness.stack.disk.Disk`, and `cut` kills the server, stops the file system and mounts a copy of
what the block device held::

    supply = PowerSupply.open(program, place, persistence=Persistence.AOF_EVERYSEC)
    supply.server.start()
    cut = supply.cut()
    supply.server.start()

Each cut brings its own control: a file that was written and not synced just before must be gone, one that was synced
must be there. `PowerCut.is_proven` says whether that is so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.model.words import Persistence
from harness.stack.binaries import ServerProgram
from harness.stack.disk import Disk, why_no_disk
from harness.stack.profiles import profile_settings
from harness.stack.restartable import Place, RestartableServer

DISK_MB = 256
_SYNCED, _UNSYNCED = ".control-synced", ".control-unsynced"
_CONTROL = b"written before the cut\n"


@dataclass(frozen=True, slots=True)
class PowerCut:
    """What is known of one cut. Times are monotonic ns."""

    begin_ns: int
    """Just before the server was killed: what it acknowledged later than this cannot be."""
    killed_ns: int
    """The server was gone."""
    end_ns: int
    """The copy was mounted; the server may be started."""
    synced_kept: bool
    """The file that was synced when the disk was mounted is there."""
    unsynced_gone: bool
    """The file that was written and not synced right before the cut is not."""

    @property
    def is_proven(self) -> bool:
        """Whether this cut did what a loss of power does."""
        return self.synced_kept and self.unsynced_gone


class PowerSupply:
    """A server on a disk of its own. Made by `PowerSupply.open`; a context manager that ends both."""

    def __init__(self, server: RestartableServer, disk: Disk) -> None:
        self.server = server
        self.disk = disk
        self._mark()

    @classmethod
    def open(
        cls,
        program: ServerProgram,
        place: Place,
        *,
        persistence: Persistence,
        size_mb: int = DISK_MB,
        settings: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> PowerSupply:
        """A server that is not started yet; ``settings`` are added to the profile's. Raises `NotPossible`."""
        disk = Disk.create(place.directory, size_mb=size_mb, log_path=place.log_path.with_name("disk.log"))
        try:
            told = {**profile_settings(persistence), **(settings or {})}
            server = RestartableServer(program, place, settings=told, surroundings=disk, env=env)
            return cls(server, disk)
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            disk.close()
            raise

    def cut(self) -> PowerCut:
        """SIGKILL the server and take away what never reached the block device. The server stays down."""
        _write(self.disk.path / _UNSYNCED)
        begin = self.server.kill()
        killed = time.monotonic_ns()
        self.disk = self.disk.cut()
        self.server.surroundings = self.disk
        kept, gone = _reads(self.disk.path / _SYNCED), not _reads(self.disk.path / _UNSYNCED)
        end = time.monotonic_ns()
        self._mark()
        return PowerCut(begin, killed, end, synced_kept=kept, unsynced_gone=gone)

    def close(self) -> None:
        """Stop the server and remove its disk. Idempotent."""
        self.server.kill()
        self.disk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _mark(self) -> None:
        """Prepare the next cut's control, while no server runs: an fsync makes ext4 commit what others wrote too."""
        (self.disk.path / _UNSYNCED).unlink(missing_ok=True)
        _write(self.disk.path / _SYNCED, sync=True)


def why_not() -> str:
    """Why power can't be cut on this machine; empty if it can."""
    return why_no_disk()


def _write(path: Path, *, sync: bool = False) -> None:
    with path.open("wb") as control:
        control.write(_CONTROL)
        control.flush()
        if sync:
            os.fsync(control.fileno())
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _reads(path: Path) -> bool:
    """Whether the control's content is there; its name without content counts as gone."""
    try:
        return path.read_bytes() == _CONTROL
    except OSError:
        return False
