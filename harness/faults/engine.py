"""Which proxy serves the links: Toxiproxy 2.12.0 where it can be had, else the built-in one.

Looked for in this order, each step explained in one line::

    a path given (option, or the environment's TOXIPROXY_SERVER)   wrong one: error
    toxiproxy-server on PATH                                       wrong one: next
    the cache                                                      wrong one: next
    fetched once into the cache: release archive, then go install  failed: next
    the built-in proxy                                             always there

Only 2.12 is taken: from 2.13 on a bandwidth of 0 means no limit, and a hold would hold nothing. A build that calls
itself ``git`` has to show by its behaviour that it will do.

    engine = acquire_engine("auto", path=None, say=print)
    print(engine.version)      # toxiproxy 2.12.0
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from harness.faults import fetch
from harness.faults.base import Engine, EngineKind
from harness.faults.proxies import engine_name, refusal
from harness.faults.selfprobe import probe_engine
from harness.model.errors import EnvironmentUnavailable, UsageError
from harness.stack.cache import cache_folder

__all__ = ["Engine", "EngineKind", "acquire_engine", "builtin_engine", "cache_folder"]

EngineChoice = Literal["auto", "toxiproxy", "builtin"]
Say = Callable[[str], None]

_VERSION_DEADLINE_S: Final = 5.0
_VARIABLE: Final = "TOXIPROXY_SERVER"
_VERSION_LINE: Final = re.compile(r"toxiproxy-server version (\S+)")
_BUILTIN_VERSION: Final = engine_name(f"{fetch.VERSION}+builtin")


class _UnusableError(Exception):
    """A program that was found and can't be used; the message says why."""


def acquire_engine(choice: EngineChoice, *, path: str | None, cache: Path | None = None, say: Say) -> Engine:
    """Find the proxy program for ``choice``; ``say`` gets a line for each step that takes time or fails.

    Args:
        choice: ``auto`` takes the built-in proxy where no Toxiproxy is to be had, ``toxiproxy`` does not.
        path: a Toxiproxy given by the user; else ``TOXIPROXY_SERVER`` counts.
        cache: where a fetched Toxiproxy is kept; default `cache_folder`.
        say: told one line at a time.

    Raises:
        UsageError: the program given does not run, or is no Toxiproxy 2.12.
        EnvironmentUnavailable: ``toxiproxy`` was asked for and can't be had.
    """
    if choice == "builtin":
        if path is not None:
            raise UsageError(f'"{path}" is given as Toxiproxy, and the built-in proxy is asked for', fix="drop one")
        return builtin_engine("asked for")
    given = _given(path)
    if given is not None:
        return given
    reasons: list[str] = []

    def explain(line: str) -> None:
        reasons.append(line)
        say(f"proxy: {line}")

    found = _on_path(explain) or _cached_or_fetched(cache or cache_folder(), explain=explain, say=say)
    if found is not None:
        return found
    if choice == "auto":
        return builtin_engine("no Toxiproxy is to be had here")
    raise EnvironmentUnavailable(
        f"Toxiproxy {fetch.VERSION} is not to be had: " + "; ".join(reasons),
        fix=f"install it and name it (TOXIPROXY_SERVER=/path/to/{fetch.PROGRAM}), or take the built-in proxy",
    )


def builtin_engine(why: str) -> Engine:
    """The proxy that comes with the harness."""
    command = (sys.executable, "-m", "harness.faults.builtin")
    return Engine(EngineKind.BUILTIN, _BUILTIN_VERSION, command, f"the built-in proxy: {why}")


def _given(path: str | None) -> Engine | None:
    """What the user named; naming something that can't be used is an error and never a reason to look elsewhere."""
    name, source = (path, "the option") if path is not None else (os.environ.get(_VARIABLE), _VARIABLE)
    if not name:
        return None
    program = shutil.which(name)
    try:
        if program is None:
            raise _UnusableError("no such executable file")
        return _inspect(program, f"named by {source}")
    except _UnusableError as error:
        raise UsageError(
            f'{source} names "{name}" as Toxiproxy, which can\'t be used: {error}',
            fix=f"name a {fetch.PROGRAM} of version {fetch.VERSION}, or none, and one is looked for",
        ) from error


def _on_path(explain: Say) -> Engine | None:
    program = shutil.which(fetch.PROGRAM)
    if program is None:
        explain(f"no {fetch.PROGRAM} on PATH")
        return None
    try:
        return _inspect(program, "found on PATH")
    except _UnusableError as error:
        explain(f"{program}, found on PATH, is not used: {error}")
        return None


def _cached_or_fetched(cache: Path, *, explain: Say, say: Say) -> Engine | None:
    """Look into the cache; fetch into it under its lock."""
    target = cache / f"toxiproxy-{fetch.VERSION}-{fetch.platform_name()}" / fetch.PROGRAM
    found = _in_cache(target, explain)
    if found is not None:
        return found
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with fetch.cache_lock(target.parent / "lock"):
            # Another run may have been faster while this one waited for the lock.
            return _in_cache(target, _quiet) or _fetched(target, explain=explain, say=say)
    except (OSError, fetch.FetchError) as error:
        explain(f"nothing can be kept in the cache {cache}: {error}")
        return None


def _in_cache(target: Path, explain: Say) -> Engine | None:
    if not target.is_file():
        return None
    try:
        return _inspect(str(target), "from the cache")
    except _UnusableError as error:
        explain(f"{target}, in the cache, is not used: {error}")
        return None


def _fetched(target: Path, *, explain: Say, say: Say) -> Engine | None:
    failures = fetch.Failures(target.parent / "failures.json")
    for way, description, attempt in _ways(target, explain):
        reason = failures.recent(way)
        if reason is None:
            say(f"proxy: {description}")
            try:
                attempt()
                engine = _inspect(str(target), f"fetched now: {way}")
            except (fetch.FetchError, _UnusableError, OSError) as error:
                reason = str(error)
                failures.remember(way, reason)
            else:
                failures.forget()
                return engine
        explain(f"{way} failed: {reason}")
    return None


def _ways(target: Path, explain: Say) -> list[tuple[str, str, Callable[[], None]]]:
    """How to fetch: what failures are remembered by, what to say at the beginning, what to do."""
    url = fetch.archive_url(fetch.platform_name())
    download_limit, build_limit = fetch.DOWNLOAD_DEADLINE_S, fetch.BUILD_DEADLINE_S
    ways: list[tuple[str, str, Callable[[], None]]] = [
        ("download", f"downloading {url} (at most {download_limit:g} s)", lambda: fetch.download(target))
    ]
    go = fetch.find_go()
    if go is None:
        explain("no Go on PATH to build Toxiproxy with")
    else:
        line = f"building Toxiproxy {fetch.VERSION} with {go} (at most {build_limit:g} s, once)"
        ways.append((f"go install with {go}", line, lambda: fetch.build(target, go=go)))
    return ways


def _inspect(program: str, source: str) -> Engine:
    """The engine that ``program`` is. Raises `_UnusableError`."""
    version = _version_of(program)
    reason = refusal(version)
    if reason is not None:
        raise _UnusableError(reason)
    engine = Engine(EngineKind.TOXIPROXY, engine_name(version), (program,), f"{program}, {source}")
    if version == "git":
        try:
            probe_engine(engine)
        except EnvironmentUnavailable as error:
            raise _UnusableError(f'it calls itself "git" and does not behave like 2.12: {error.message}') from error
    return engine


def _version_of(program: str) -> str:
    try:
        answer = subprocess.run(
            [program, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_DEADLINE_S,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise _UnusableError(f"it did not tell its version within {_VERSION_DEADLINE_S:g} s") from None
    except OSError as error:
        raise _UnusableError(f"it does not run: {error.strerror or error}") from error
    found = _VERSION_LINE.search(answer.stdout + answer.stderr)
    if found is None:
        raise _UnusableError("it does not say that it is a toxiproxy-server")
    return found.group(1)


def _quiet(line: str) -> None:
    """For a second look whose findings were told before."""
