"""The folder of a trial and how files get into it: whole or not at all."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import EnvironmentUnavailable


@dataclass(frozen=True, slots=True)
class TrialFolder:
    """Names inside a trial's folder."""

    path: Path

    @property
    def trial_json(self) -> Path:
        """What was to be done."""
        return self.path / "trial.json"

    @property
    def facts_json(self) -> Path:
        """How it went."""
        return self.path / "facts.json"

    @property
    def journals(self) -> Path:
        """What each process wrote down."""
        return self.path / "journals"

    @property
    def logs(self) -> Path:
        """What servers, proxies and workers printed."""
        return self.path / "logs"

    def journal(self, name: str) -> Path:
        """The journal of the process ``name``."""
        return self.journals / f"{name}.journal"

    def create(self) -> None:
        """Make the folders.

        Raises:
            EnvironmentUnavailable: the place is read-only or full.
        """
        with storage_errors(self.path):
            self.journals.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)


class storage_errors:  # reads as a statement: with storage_errors(path)
    """Turn an OSError about the place of our files into one clear error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise storage_error(self._path, error) from error


def storage_error(path: Path, error: OSError) -> EnvironmentUnavailable:
    """What to say when ``path`` cannot be written."""
    if error.errno == errno.ENOSPC:
        return EnvironmentUnavailable(
            f"no space left while writing {path}", fix="free some space, or choose another place with --results FOLDER"
        )
    return EnvironmentUnavailable(
        f"cannot write {path}: {error.strerror or error}",
        fix="make it writable, or choose another place with --results FOLDER",
    )


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` under a temporary name and rename it: readers see the old file or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with storage_errors(path):
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
