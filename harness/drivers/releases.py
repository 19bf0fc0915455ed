"""Other releases of redis-py, each in a folder of its own that is made on demand and kept in the user's cache.

The client decides as much as the primitive: how often a command is repeated after an error is another number in each
major release. So an arm may name a release, and its workers are started with that release first on their path::

    env = os.environ | environment_of("5.3.1", say=print)

A folder appears under its name when it is whole, by one rename; two runs that make the same one at once do no harm.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import redis

from harness.drivers.client import describe_preset
from harness.model.errors import NotPossible
from harness.model.words import ClientPreset
from harness.stack.cache import cache_folder

INSTALL_DEADLINE_S = 90.0
_ANSWER_TIMEOUT_S = 10
_ASK_DEADLINE_S = 30.0
_DESCRIBE = """
import json, sys
from harness.drivers.client import describe_preset
from harness.model.words import ClientPreset
print(json.dumps(describe_preset(ClientPreset(sys.argv[1]), asks_sentinel=sys.argv[2:] == ["sentinel"])))
"""


def environment_of(release: str | None, say: Callable[[str], None]) -> dict[str, str]:
    """The environment variables for a worker process that imports redis-py ``release``; none for the installed one.

    Raises:
        NotPossible: that release cannot be had here; the message says why.
    """
    if release is None or release == redis.__version__:
        return {}
    folder = _folder_of(release)
    if not _is_whole(folder, release):
        say(f"redis-py {release} is fetched once into {folder}")
        _make(folder, release)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *_current_path()])}


def settings_of(
    preset: ClientPreset, release: str | None, say: Callable[[str], None], *, asks_sentinel: bool = False
) -> dict[str, str]:
    """`describe_preset` as that release has it: asked of a process that imports it.

    Raises:
        NotPossible: that release cannot be had, or does not run here.
    """
    added = environment_of(release, say)
    if not added:
        return describe_preset(preset, asks_sentinel=asks_sentinel)
    command = [sys.executable, "-c", _DESCRIBE, preset.value, *["sentinel"] * asks_sentinel]
    try:
        done = subprocess.run(
            command, env=os.environ | added, capture_output=True, text=True, timeout=_ASK_DEADLINE_S, check=False
        )
        described: dict[str, str] = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise _not_possible(str(release), f"it was put in place and does not run: {error}") from error
    return described


def _folder_of(release: str) -> Path:
    """One folder for each release and Python: what a release depends on differs between Pythons."""
    return cache_folder() / "redis-py" / f"{release}-py{sys.version_info.major}.{sys.version_info.minor}"


def _current_path() -> list[str]:
    inherited = os.environ.get("PYTHONPATH")
    return [inherited] if inherited else []


def _is_whole(folder: Path, release: str) -> bool:
    return (folder / "redis" / "__init__.py").is_file() and (folder / f"redis-{release}.dist-info").is_dir()


def _make(folder: Path, release: str) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{release}-"))
    except OSError as error:
        raise _not_possible(release, f"{folder.parent} cannot be written: {error.strerror or error}") from error
    try:
        _install(release, scratch)
        if not _is_whole(scratch, release):
            raise _not_possible(release, "pip ended well, but the release is not in the folder that it was to fill")
        _put_in_place(scratch, folder, release)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _install(release: str, target: Path) -> None:
    """``pip install --target``; nothing of the harness's own environment is touched."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--retries", "1", "--timeout", str(_ANSWER_TIMEOUT_S), "--target", str(target), f"redis=={release}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=INSTALL_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _not_possible(release, f"pip was not done after {INSTALL_DEADLINE_S:g} s") from error
    except OSError as error:
        raise _not_possible(release, f"pip does not run: {error.strerror or error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"pip ended with status {done.returncode}"]
        raise _not_possible(release, lines[-1][:300])


def _put_in_place(scratch: Path, folder: Path, release: str) -> None:
    """Rename; where another run was first, its folder is as good. What is there and not whole is replaced."""
    if folder.exists() and not _is_whole(folder, release):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        scratch.chmod(0o755)
        scratch.rename(folder)
    except OSError as error:
        if not _is_whole(folder, release):
            raise _not_possible(release, f"{folder} cannot be made: {error.strerror or error}") from error


def _not_possible(release: str, reason: str) -> NotPossible:
    return NotPossible(
        f"redis-py {release} is not to be had: {reason}",
        fix=f"give pip a package index that has it, or put it into {_folder_of(release)} with "
        f"`pip install --target`, or leave out the arms with @{release}",
    )
