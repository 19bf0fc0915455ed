"""What this machine can do, and what each missing piece costs. Looks, and changes nothing; every look ends in seconds.

for finding in examine():
    print(finding.what, finding.found, finding.detail)
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.model.errors import HarnessError
from harness.stack.binaries import choose_program, found_programs
from harness.stack.cache import cache_folder
from harness.stack.disk import why_no_disk
from harness.stack.engine import find_engine
from harness.stack.fsync import why_no_delay
from harness.stack.namespaces import why_no_wire
from harness.stack.redis_sentinel import why_no_sentinel

ASK_DEADLINE_S = 5.0
ENOUGH_DISK_BYTES = 1_000_000_000
FINE_CLOCK_NS = 10_000
_TOXIPROXY = "toxiproxy-server"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    what: str
    found: bool
    detail: str
    """What was found, or why not."""
    cost_if_missing: str
    """What cannot be done without it."""


def examine(results: Path = Path("results")) -> list[Finding]:
    """Everything that decides what can be run here. ``results`` is where runs would be kept."""
    return [
        _server(),
        _toxiproxy(),
        _go(),
        _docker(),
        _network_namespaces(),
        _root(),
        _disk_of_its_own(),
        _wire(),
        _slow_fsync(),
        _sentinel(),
        _processors(),
        _clock(),
        _disk(results),
        _results(results),
    ]


def _server() -> Finding:
    """The one that a run would take, then the others."""
    cost = "no local runs: install redis-server or valkey-server (6.2 or newer), or use Docker or REDIS_URL"
    try:
        chosen = choose_program(None)
    except HarnessError as error:
        return Finding("server", False, error.message, cost)
    others = [program for program in found_programs() if program.path != chosen.path]
    named = [f"{program.product} {program.version} ({program.origin})" for program in (chosen, *others)]
    return Finding("server", True, ", also ".join(named), cost)


def _toxiproxy() -> Finding:
    cost = "it is fetched once, or built where Go is, or the built-in proxy takes its place and the report says so"
    programs = [Path(path) for path in _named_or_on_path()]
    programs += sorted(cache_folder().glob(f"toxiproxy-*/{_TOXIPROXY}"))
    answers = [(path, _printed([str(path), "--version"])) for path in programs]
    working = [f"{answer.splitlines()[-1]} ({path})" for path, answer in answers if answer]
    if working:
        return Finding("Toxiproxy", True, ", also ".join(working), cost)
    return Finding("Toxiproxy", False, f"not on PATH and not in {cache_folder()}", cost)


def _named_or_on_path() -> Iterator[str]:
    for name in (os.environ.get("TOXIPROXY_SERVER"), _TOXIPROXY):
        path = shutil.which(name) if name else None
        if path is not None:
            yield path


def _go() -> Finding:
    answer = _printed(["go", "version"])
    cost = "Toxiproxy cannot be built here; it may still be downloaded"
    return Finding("Go", answer is not None, answer or "no go on PATH", cost)


def _docker() -> Finding:
    cost = "no STACK=compose"
    try:
        engine = find_engine()
    except HarnessError as error:
        return Finding("Docker", False, error.message, cost)
    engine.client.close()
    return Finding("Docker", True, f"engine {engine.version}, Compose {engine.compose_version}", cost)


def _network_namespaces() -> Finding:
    """Tried in a process of its own, which takes the namespace with it when it ends."""
    cost = (
        "no faults that drop packets: connections can be broken only from user space, without SYN loss or RTO back-off"
    )
    if sys.platform != "linux":
        return Finding("network namespaces", False, f"{platform.system()} has none", cost)
    allowed = _printed(["unshare", "--net", "true"], empty="allowed")
    return Finding("network namespaces", allowed is not None, allowed or "not allowed for this user", cost)


def _root() -> Finding:
    """Needed to mount a file system of one's own."""
    root = os.geteuid() == 0
    cost = "no power cut of a server's disk: it needs a file system of its own to be mounted"
    return Finding("root", root, "yes" if root else f"user id {os.geteuid()}", cost)


def _disk_of_its_own() -> Finding:
    """Tried by making one."""
    cost = "no power cut and no full disk: their trials are skipped; run as root on Linux, with loop devices"
    reason = why_no_disk()
    return Finding("a disk of a server's own", not reason, reason or "made and removed", cost)


def _wire() -> Finding:
    """Tried by making one."""
    cost = "no packets are dropped: such trials are skipped; run as root on Linux, and install iptables and iproute2"
    reason = why_no_wire()
    return Finding("a wire that drops packets", not reason, reason or "made and removed", cost)


def _slow_fsync() -> Finding:
    """Tried by slowing one."""
    cost = "no slow fsync: its trials are skipped; install a C compiler (cc, gcc or clang) on Linux"
    reason = why_no_delay()
    return Finding("slow fsyncs", not reason, reason or "one was slowed", cost)


def _sentinel() -> Finding:
    """Of the program that a run would take."""
    cost = "no failover: its trials are skipped; install a whole redis-server or valkey-server"
    try:
        program = choose_program(None)
    except HarnessError as error:
        return Finding("Sentinel", False, error.message, cost)
    reason = why_no_sentinel(program)
    return Finding("Sentinel", not reason, reason or f"{program.product} {program.version} can be one", cost)


def _processors() -> Finding:
    count = _usable_processors()
    cost = "server, proxies and workers take turns: latencies are those of a busy machine, and fewer trials run at once"
    return Finding("two or more processors", count >= 2, str(count), cost)


def _usable_processors() -> int:
    """Of this process, which may be confined to fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count() or 1


def _clock() -> Finding:
    """The smallest step that the monotonic clock is seen to make."""
    step_ns = min(_clock_steps_ns(samples=1000), default=FINE_CLOCK_NS + 1)
    cost = "latencies are no finer than this step"
    return Finding("fine monotonic clock", step_ns <= FINE_CLOCK_NS, f"steps of {step_ns} ns are seen", cost)


def _clock_steps_ns(*, samples: int) -> Iterator[int]:
    previous = time.monotonic_ns()
    for _ in range(samples):
        now = time.monotonic_ns()
        if now > previous:
            yield now - previous
        previous = now


def _disk(results: Path) -> Finding:
    folder = _nearest_existing(results)
    free = shutil.disk_usage(folder).free
    cost = "a long run may end with a full disk; what was judged until then stays"
    return Finding("disk space", free >= ENOUGH_DISK_BYTES, f"{free / 1e9:.1f} GB free at {folder}", cost)


def _results(results: Path) -> Finding:
    """Whether a file can really be made there: permission bits do not tell of a read-only file system."""
    folder = _nearest_existing(results)
    cost = "no run can be kept: name another folder"
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding("results folder", False, f"{folder}: {error.strerror}", cost)
    return Finding("results folder", True, f"{folder} can be written", cost)


def _nearest_existing(path: Path) -> Path:
    absolute = path.absolute()
    return next(folder for folder in (absolute, *absolute.parents) if folder.is_dir())


def _printed(command: list[str], *, empty: str = "") -> str | None:
    """What ``command`` prints, or ``empty``; ``None`` when it is missing, fails, or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=ASK_DEADLINE_S, check=False, text=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return (done.stdout.strip() or empty) if done.returncode == 0 else None
