"""Files that are there completely or not at all: written under a temporary name beside the target, then renamed.

A reader never sees half a report, and an interrupted or full disk leaves the previous one untouched. What the
operating system refuses becomes `EnvironmentUnavailable` with the fix.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.model.errors import EnvironmentUnavailable

_FIXES = {
    errno.ENOSPC: "free some disk space, then repeat only this step: harness report RUN",
    errno.EDQUOT: "your disk quota is used up: free some space, then repeat only this step: harness report RUN",
    errno.EROFS: "the file system is read-only: copy the run folder to a writable place and report from there",
    errno.EACCES: "make the folder writable for you, or copy the run folder to a place that is",
    errno.EPERM: "make the folder writable for you, or copy the run folder to a place that is",
    errno.ENOENT: "the folder is not there: check the path of the run",
    errno.ENOTDIR: "a part of the path is a file, not a folder: check the path of the run",
}


def unavailable(path: Path, error: OSError) -> EnvironmentUnavailable:
    """The error of the tree for ``error`` at ``path``, with what to do about it."""
    reason = error.strerror or str(error)
    fix = _FIXES.get(error.errno or 0, "check that the folder exists and can be written")
    return EnvironmentUnavailable(f"cannot write {path}: {reason}", fix=fix)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; renamed to ``path`` when the block ends well, else removed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise unavailable(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner can read; a report is meant to be shared.
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise unavailable(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, completely or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
