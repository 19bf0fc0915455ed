"""The tree of errors that users see. Each carries the exit code with which the command ends.

::

    HarnessError                 5  internal error unless a subclass says otherwise
    ├── UsageError               2  bad argument, unknown name, absurd number
    ├── InvalidFileError         2  a file that is truncated, foreign or malformed
    ├── EnvironmentUnavailable   4  a server, engine, folder or disk that is not to be had
    ├── Interrupted            130  (by Ctrl-C or SIGTERM; the fault is healed, the partial run is kept)
    ├── NotPossible              4  this machine or server cannot play a trial: it is skipped with the reason
    └── TrialError               5  a trial went wrong in a way that no count can be trusted

A message says what happened (with the value), why it matters where that is not plain, and what to do.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """The process exit codes of every verb."""

    HELD = 0
    VIOLATED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    ENVIRONMENT = 4
    INTERNAL = 5
    INTERRUPTED = 130


class HarnessError(Exception):
    """Base of all errors raised on purpose; ``fix`` tells the user what to do about it."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message


class UsageError(HarnessError):
    """The command line asks for something that does not exist or cannot be."""

    exit_code = ExitCode.USAGE


class InvalidFileError(HarnessError):
    """A file that was given to us is not what it should be."""

    exit_code = ExitCode.USAGE


class EnvironmentUnavailable(HarnessError):
    """Something outside of us that the run needs is not to be had."""

    exit_code = ExitCode.ENVIRONMENT


class Interrupted(HarnessError):
    """The user stopped the run."""

    exit_code = ExitCode.INTERRUPTED


class NotPossible(HarnessError):
    """This machine or this server cannot do what a trial needs; the trial is skipped, which is no pass."""

    exit_code = ExitCode.ENVIRONMENT


class TrialError(HarnessError):
    """A trial cannot be trusted: its verdict is ``error``."""


def unreadable_file(path: Path, error: OSError) -> InvalidFileError:
    """What to say of a file of ours that is there and cannot be read: a folder in its place, or no permission."""
    return InvalidFileError(
        f"{path}: cannot be read: {error.strerror or error}", fix="make it readable, or put the file there that was"
    )


def nearest(word: str, known: list[str]) -> str:
    """``'… (did you mean "x"?)'`` for the closest of ``known``, else the whole list."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return "known: " + ", ".join(sorted(known))
