"""A disk of our own: an ext4 file system in an image file, mounted by loop where only processes inside see it.

Its power can be cut and its space used up. Mount and loop device end with the disk's `PrivateSpace`, so also when this
process is killed; the image file is unlinked as soon as it is mounted, so it ends with its last user too::

    disk = Disk.create(folder / "server", size_mb=64, log_path=folder / "logs" / "disk.log")
    server = ManagedProcess.start(disk.inside(["redis-server", "--dir", str(disk.mount_point)]), …)
    …
    server.kill()
    disk = disk.cut()      # what never reached the block device is gone

The cut stops the file system first (EXT4_IOC_SHUTDOWN without flushing the log, as xfstests do it), so that not one
more block is written, and copies the image then: a picture of the block device at one instant. The copy is mounted; the
journal is replayed, as after a real loss of power. A disk's own volatile cache is not modelled: what ext4 handed to the
device counts as written.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.model.errors import NotPossible, TrialError
from harness.stack.private import Kind, PrivateSpace, run, why_not

_TOOLS: Final = ("mkfs.ext4", "mount")
_SHUTDOWN: Final = 0x8004587D
"""EXT4_IOC_SHUTDOWN, ``_IOR('X', 125, __u32)``."""
_WITHOUT_FLUSHING_THE_LOG: Final = 2
_PROBE_MB: Final = 8
_MOST_CHUNK_BYTES: Final = 1 << 30


class Disk:
    """An ext4 file system on a loop device, private to us. Made by `Disk.create` and `Disk.cut`."""

    def __init__(self, space: PrivateSpace, image: int, *, mount_point: Path, log_path: Path) -> None:
        self._space = space
        self._image = image
        self._log_path = log_path
        self.mount_point = mount_point
        """Where it is mounted, for processes inside; an empty directory for everybody else."""

    @classmethod
    def create(cls, mount_point: Path, *, size_mb: int, log_path: Path) -> Disk:
        """A fresh file system, mounted at ``mount_point``. Raises `NotPossible`."""
        reason = why_not(Kind.MOUNTS, tools=_TOOLS)
        if reason:
            raise NotPossible(f"no disk of our own: {reason}")
        mount_point.mkdir(parents=True, exist_ok=True)
        with _image_file(mount_point.parent) as (path, image):
            os.ftruncate(image, size_mb << 20)
            # Without lazy initialisation, so that no kernel thread writes to it later on.
            lazy = "lazy_itable_init=0,lazy_journal_init=0"
            run(["mkfs.ext4", "-q", "-F", "-m", "0", "-E", lazy, str(path)], what="mkfs.ext4")
            return cls._mount(path, os.dup(image), mount_point=mount_point, log_path=log_path)

    @property
    def path(self) -> Path:
        """Its root directory, for us outside."""
        return self._space.root / self.mount_point.relative_to("/")

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` where the disk is mounted."""
        return self._space.inside(argv)

    def cut(self) -> Disk:
        """Stop the file system, and mount what had reached the block device: the new disk takes this one's place.

        End its processes before. Raises `TrialError` when the file system does not stop.
        """
        self._stop_writing()
        with _image_file(self.mount_point.parent) as (path, image):
            _copy_sparse(self._image, image)
            self.close()
            return self._mount(path, os.dup(image), mount_point=self.mount_point, log_path=self._log_path)

    def sync(self) -> None:
        """Bring everything to the block device."""
        run(["sync", "--file-system", str(self.path)], what="sync")

    def fill(self, name: str = "ballast") -> int:
        """Use up all free blocks by a file; the number of bytes that it took."""
        taken, chunk = 0, _MOST_CHUNK_BYTES
        with (self.path / name).open("wb") as ballast:
            while chunk >= 512:
                try:
                    os.posix_fallocate(ballast.fileno(), taken, chunk)
                    taken += chunk
                except OSError:
                    chunk //= 2
        return taken

    def free_bytes(self) -> int:
        """What a writer can still put on it."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def drain(self, name: str = "ballast") -> None:
        """Remove what `fill` made. Idempotent."""
        (self.path / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount and forget it, with all that is on it. Idempotent."""
        self._space.close()
        if self._image >= 0:
            os.close(self._image)
            self._image = -1

    @classmethod
    def _mount(cls, path: Path, image: int, *, mount_point: Path, log_path: Path) -> Disk:
        try:
            space = PrivateSpace.open(Kind.MOUNTS, name="disk", log_path=log_path)
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            os.close(image)
            raise
        disk = cls(space, image, mount_point=mount_point, log_path=log_path)
        try:
            space.run(["mount", "-t", "ext4", "-o", "loop", str(path), str(mount_point)])
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            disk.close()
            raise
        return disk

    def _stop_writing(self) -> None:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _WITHOUT_FLUSHING_THE_LOG))
        except OSError as error:
            raise TrialError(f"the file system could not be stopped: {error}") from error
        finally:
            os.close(folder)


@functools.cache
def why_no_disk() -> str:
    """Why there can be no disk of our own here; empty if there can. Found out by making one and cutting its power."""
    with tempfile.TemporaryDirectory(prefix="pvs-disk-") as folder:
        try:
            disk = Disk.create(Path(folder) / "disk", size_mb=_PROBE_MB, log_path=Path(folder) / "disk.log")
            try:
                disk = disk.cut()
            finally:
                disk.close()
        except (NotPossible, TrialError) as error:
            return error.message
    return ""


@contextlib.contextmanager
def _image_file(folder: Path) -> Iterator[tuple[Path, int]]:
    """A new file, unlinked at the end: a mount that was made of it keeps it alive."""
    image, name = tempfile.mkstemp(prefix=".disk-", suffix=".img", dir=folder)
    try:
        yield Path(name), image
    finally:
        Path(name).unlink(missing_ok=True)
        os.close(image)


def _copy_sparse(source: int, target: int) -> None:
    """Copy what is there and leave the holes: milliseconds, whatever the size."""
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    at = 0
    while at < size:
        try:
            begin = os.lseek(source, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(source, begin, os.SEEK_HOLE)
        os.lseek(source, begin, os.SEEK_SET)
        os.lseek(target, begin, os.SEEK_SET)
        left = at - begin
        while left:
            left -= os.sendfile(target, source, None, left)
