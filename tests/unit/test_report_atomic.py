"""Files are there completely or not at all, and what the system refuses is told with the fix."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from harness.model.errors import EnvironmentUnavailable
from harness.report.atomic import replacing, write_text


def fail_midway(path: Path, number: int) -> None:
    """Write a part of ``path``, then fail as the system would."""
    with replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise OSError(number, os.strerror(number))


def test_a_file_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    """The folder is made where it is missing; no temporary file stays."""
    write_text(tmp_path / "figures" / "a.svg", "grüße")

    assert ["a.svg"] == [path.name for path in (tmp_path / "figures").iterdir()]
    assert "grüße" == (tmp_path / "figures" / "a.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "fix"),
    [(errno.ENOSPC, "free some disk space"), (errno.EROFS, "read-only"), (errno.EACCES, "writable")],
)
def test_a_refused_write_keeps_the_old_file(tmp_path: Path, number: int, fix: str) -> None:
    """A full disk in the middle of a write leaves the previous report and no litter."""
    path = tmp_path / "report.html"
    write_text(path, "old")

    with pytest.raises(EnvironmentUnavailable) as caught:
        fail_midway(path, number)

    assert "old" == path.read_text()
    assert ["report.html"] == [found.name for found in tmp_path.iterdir()]
    assert str(path) in caught.value.message
    assert fix in caught.value.fix


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """What cannot even be begun is the same kind of error."""
    (tmp_path / "run").write_text("not a folder")

    with pytest.raises(EnvironmentUnavailable, match="cannot write"):
        write_text(tmp_path / "run" / "report.html", "new")


def test_an_error_of_ours_passes_and_leaves_nothing(tmp_path: Path) -> None:
    """Only the system's errors are translated."""
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a"):
        raise ZeroDivisionError

    assert [] == list(tmp_path.iterdir())
