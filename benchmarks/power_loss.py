"""Crash and power loss: acknowledged and survived XADDs per appendfsync, and how many seconds of them were lost.

One connection writes one entry at a time; in the middle of it the server is killed, or its machine loses power
(docs/server-faults.md). SIGKILL alone must lose nothing under any setting: that proves nothing about fsync. Takes a
minute; needs Linux and root for the power loss.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from harness.model.errors import HarnessError
from harness.model.words import Persistence
from harness.stack import power
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.ports import quiet_port
from harness.stack.power import PowerSupply
from harness.stack.restartable import Place

WRITE_S = 3.7
JOIN_DEADLINE_S = 20.0
PROFILES = tuple(Persistence)


@dataclass(frozen=True)
class Entry:
    """An acknowledged entry and when its reply came."""

    entry: str
    at_ns: int


def main() -> int:
    """Print one line per profile and way to fail."""
    reason = power.why_not()
    if reason:
        print(f"skipped: power can't be cut here: {reason}")
        return 0
    print(f"{'profile':14}{'fault':12}{'acknowledged':>14}{'survived':>10}{'lost':>9}{'seconds lost':>14}  control")
    for persistence in PROFILES:
        for cut in (False, True):
            with tempfile.TemporaryDirectory(prefix="pvs-power-") as folder:
                print(_row(Path(folder), persistence, cut=cut), flush=True)
    return 0


def _row(folder: Path, persistence: Persistence, *, cut: bool) -> str:
    place = Place(quiet_port(), folder / "server", folder / "server.log")
    with PowerSupply.open(choose_program(None), place, persistence=persistence) as supply:
        supply.server.start()
        entries: list[Entry] = []
        writer = threading.Thread(target=_write, args=(supply, entries))
        writer.start()
        time.sleep(WRITE_S)
        control = "-"
        if cut:
            control = "proven" if supply.cut().is_proven else "NOT PROVEN"
        else:
            supply.server.kill()
        writer.join(JOIN_DEADLINE_S)
        supply.server.start()
        with admin_client(supply.server.address) as client:
            held = {str(entry) for entry, _ in client.xrange("log")}
    lost = [it for it in entries if it.entry not in held]
    seconds = (entries[-1].at_ns - lost[0].at_ns) / 1e9 if lost else 0.0
    fault = "power loss" if cut else "SIGKILL"
    survived = len(entries) - len(lost)
    return f"{persistence:14}{fault:12}{len(entries):14,}{survived:10,}{len(lost):9,}{seconds:14.2f}  {control}"


def _write(supply: PowerSupply, entries: list[Entry]) -> None:
    with admin_client(supply.server.address) as client:
        while True:
            try:
                entry = str(client.xadd("log", {"number": len(entries)}))
            except redis.RedisError:
                return
            entries.append(Entry(entry, time.monotonic_ns()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        sys.exit(str(error))
