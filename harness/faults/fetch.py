"""Getting Toxiproxy 2.12.0 once, into a cache: the official release archive, else a build with Go.

Both ways end with a program that said its version, put in place by one rename; both are bounded in seconds. Each
raises `FetchError` with one line of reason. Two runs at once do not fetch twice: `cache_lock`. A way that failed is
remembered for a day (`Failures`), so that a machine without network does not wait again at every run; another Go is
another way, and tried.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from harness.faults.bounded import bounded
from harness.model.errors import EnvironmentUnavailable
from harness.stack.process import ManagedProcess

VERSION: Final = "2.12.0"
DOWNLOAD_DEADLINE_S: Final = 10.0
BUILD_DEADLINE_S: Final = 180.0
LOCK_DEADLINE_S: Final = DOWNLOAD_DEADLINE_S + BUILD_DEADLINE_S + 10.0
REMEMBER_S: Final = 24 * 3600
PROGRAM: Final = "toxiproxy-server"

_ARCHIVE_SHA256: Final = {
    "linux_amd64": "65e042d3fc2290c099527bc506446a6fd863a09f113b8944b636ece70221c2b3",
    "linux_arm64": "ab417dafc77ae8b54ec8461cc5da5180d0465a61dcbda86c72da72ee4ab843b7",
    "darwin_amd64": "52ac1f99d7204b4b523f910b791bc86318b50ef94822c79a6157606704003ced",
    "darwin_arm64": "cece3905c06ad84d6b3bb4cd024c344e6466736b2a8cbaf9ef4fe45e62aba9b2",
}
_ARCHITECTURES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_MODULE: Final = "github.com/Shopify/toxiproxy/v2"
_MOST_ARCHIVE_BYTES: Final = 64 << 20
_MOST_PROGRAM_BYTES: Final = 128 << 20
_CHUNK_BYTES: Final = 1 << 16
_LOCK_POLL_S: Final = 0.05


class FetchError(Exception):
    """This way did not lead to a program; the message is one line."""


def platform_name() -> str:
    """This machine as release archives call it, e.g. ``linux_amd64``."""
    machine = platform.machine().lower()
    return f"{sys.platform}_{_ARCHITECTURES.get(machine, machine)}"


def archive_url(name: str) -> str:
    """The official release archive for the platform ``name``."""
    return f"https://github.com/Shopify/toxiproxy/releases/download/v{VERSION}/toxiproxy_{VERSION}_{name}.tar.gz"


def download(target: Path) -> None:
    """Put the program from the release archive at ``target``."""
    name = platform_name()
    wanted = _ARCHIVE_SHA256.get(name)
    if wanted is None:
        raise FetchError(f"there is no release archive for {name}")
    try:
        data = bounded(lambda: _read_url(archive_url(name)), deadline_s=DOWNLOAD_DEADLINE_S)
    except TimeoutError:
        raise FetchError(f"no archive within {DOWNLOAD_DEADLINE_S:g} s") from None
    except (OSError, ValueError) as error:
        raise FetchError(_one_line(error)) from error
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise FetchError(f"the archive's sha256 is {found[:16]}… and not {wanted[:16]}…: not used")
    _install(_extract(data), target)


def build(target: Path, *, go: str) -> None:
    """Build the pinned version with ``go install`` and put the program at ``target``."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as scratch:
        folder = Path(scratch)
        flags = f"-X {_MODULE}.Version={VERSION}"
        with _start_build(go, flags, folder) as process:
            status = process.wait(BUILD_DEADLINE_S)
        if status is None:
            raise FetchError(f"go install was not done after {BUILD_DEADLINE_S:g} s")
        if status != 0:
            raise FetchError(f"go install ended with status {status}: {_one_line(process.log_tail(3))}")
        built = folder / "server"
        if not built.is_file():
            raise FetchError("go install made no program named server")
        built.replace(target)


def _start_build(go: str, flags: str, folder: Path) -> ManagedProcess:
    command = [go, "install", "-ldflags", flags, f"{_MODULE}/cmd/server@v{VERSION}"]
    try:
        return ManagedProcess.start(command, name="go", log_path=folder / "go.log", env={"GOBIN": str(folder)})
    except EnvironmentUnavailable as error:
        raise FetchError(_one_line(error.message)) from error


def _read_url(url: str) -> bytes:
    with open_url(url) as response:
        data = response.read(_MOST_ARCHIVE_BYTES + 1)
    if len(data) > _MOST_ARCHIVE_BYTES:
        raise ValueError(f"more than {_MOST_ARCHIVE_BYTES} bytes came: that is not the archive")
    return data


def open_url(url: str) -> IO[bytes]:
    """Open ``url`` for reading; the one place where this package reaches out."""
    response: IO[bytes] = urllib.request.urlopen(url, timeout=DOWNLOAD_DEADLINE_S)
    return response


def _extract(archive: bytes) -> bytes:
    """The program's bytes out of the archive. Nothing else of it touches the disk, least of all a path of its own."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
            for member in opened:
                if Path(member.name).name == PROGRAM and member.isfile() and member.size <= _MOST_PROGRAM_BYTES:
                    content = opened.extractfile(member)
                    if content is not None:
                        return content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise FetchError(f"the archive is damaged: {_one_line(error)}") from error
    raise FetchError(f"the archive holds no {PROGRAM}")


def _install(program: bytes, target: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix="new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(program)
        Path(name).chmod(0o755)
        Path(name).replace(target)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def cache_lock(path: Path) -> Iterator[None]:
    """Hold the lock file ``path``; another run that fetches is waited for. Raises `FetchError` at the deadline."""
    deadline = time.monotonic() + LOCK_DEADLINE_S
    with path.open("a") as file:
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                raise FetchError(f"another run held {path} for {LOCK_DEADLINE_S:g} s")
            time.sleep(_LOCK_POLL_S)
        # Closing the file gives the lock back, also when this process is killed.
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed lately, as JSON in the cache: ``{way: {"reason": …, "time": seconds since 1970}}``."""

    path: Path

    def recent(self, way: str) -> str | None:
        """Why ``way`` failed, if that is less than a day ago."""
        entry = self._read().get(way)
        if not isinstance(entry, dict):
            return None
        when, reason = entry.get("time"), entry.get("reason")
        if not isinstance(when, int | float) or not isinstance(reason, str):
            return None
        age_s = time.time() - when
        if not 0 <= age_s < REMEMBER_S:
            return None
        return f"{reason} ({_age(age_s)} ago; remembered for a day in {self.path}, delete it to try again)"

    def remember(self, way: str, reason: str) -> None:
        """Write ``reason`` down; a cache that can't be written is no error, only slower next time."""
        content = {**self._read(), way: {"reason": reason, "time": time.time()}}
        with contextlib.suppress(OSError):
            fresh = self.path.with_suffix(f".{os.getpid()}.new")
            fresh.write_text(json.dumps(content, indent=1))
            fresh.replace(self.path)

    def forget(self) -> None:
        """All is well now."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def find_go() -> str | None:
    """The Go command on PATH."""
    return shutil.which("go")


def _age(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:200] or type(text).__name__
