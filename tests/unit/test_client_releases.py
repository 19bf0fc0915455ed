"""Environments for other releases of redis-py: what is told when one is not to be had, and that none is half made."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import redis

from harness.drivers.releases import environment_of
from harness.model.errors import NotPossible

FAKE_PIP = """
import pathlib, sys
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
release = sys.argv[-1].partition("==")[2]
(target / "redis").mkdir()
if release != "1.1.1":
    (target / "redis" / "__init__.py").write_text(f'__version__ = "{release}"')
    (target / f"redis-{release}.dist-info").mkdir()
if release == "2.2.2":
    print("ERROR: no such release", file=sys.stderr)
    raise SystemExit(1)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a pip that fills folders with nothing from anywhere."""
    program = tmp_path / "python"
    script = tmp_path / "pip.py"
    script.write_text(FAKE_PIP)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    return tmp_path / "cache"


def test_the_installed_release_needs_nothing(cache: Path) -> None:
    """Nor does an arm that names none."""
    assert {} == environment_of(None, pytest.fail) == environment_of(redis.__version__, pytest.fail)
    assert not cache.exists()


def test_a_release_is_fetched_once_and_stands_first_on_the_path(cache: Path) -> None:
    """Before what was on the path already; the second time nothing is said or fetched."""
    said: list[str] = []
    environment = environment_of("5.3.1", said.append)
    folder, *rest = environment["PYTHONPATH"].split(os.pathsep)
    assert ["/somewhere/else"] == rest
    assert '__version__ = "5.3.1"' == (Path(folder) / "redis" / "__init__.py").read_text()
    assert 1 == len(said)
    assert environment == environment_of("5.3.1", pytest.fail)
    assert [Path(folder)] == list((cache / "redis-py").iterdir())


def test_a_folder_that_is_not_whole_is_made_anew(cache: Path) -> None:
    """What an interrupted copy left is not believed."""
    (folder,) = environment_of("5.3.1", lambda _: None)["PYTHONPATH"].split(os.pathsep)[:1]
    (Path(folder) / "redis" / "__init__.py").unlink()
    environment_of("5.3.1", lambda _: None)
    assert (Path(folder) / "redis" / "__init__.py").is_file()
    assert 1 == len(list((cache / "redis-py").iterdir()))


@pytest.mark.parametrize(("release", "reason"), [("2.2.2", "ERROR: no such release"), ("1.1.1", "pip ended well")])
def test_a_release_that_is_not_to_be_had_is_not_possible(cache: Path, release: str, reason: str) -> None:
    """The trial is skipped with pip's last word and what to do; nothing half made stays."""
    with pytest.raises(NotPossible) as caught:
        environment_of(release, lambda _: None)
    assert f"redis-py {release} is not to be had" in str(caught.value)
    assert reason in str(caught.value)
    assert "fix:" in str(caught.value)
    assert [] == list((cache / "redis-py").iterdir())


def test_a_cache_that_cannot_be_written_is_told(cache: Path) -> None:
    """With the place."""
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(NotPossible, match="cannot be written"):
        environment_of("5.3.1", lambda _: None)
