"""Failover of one master with two replicas: acknowledged XADDs that the promoted log lacks, and what each remedy costs.

One connection writes one entry at a time for some seconds; then the master gets a SIGKILL, or is stopped. ``held``: the
replication links of both replicas are held for the last 0.7 s before that. Remedies: WAIT 1 after each write (a write
that it does not confirm is not counted as acknowledged), and min-replicas-to-write 1 with a max-lag of 1 s.
``deposed``: writes that a stopped master acknowledged after it went on, though another server had been promoted, and
that are nowhere in the end. Takes two minutes.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from harness.faults.base import Engine
from harness.faults.engine import acquire_engine
from harness.faults.failover import HungMaster, MasterKill, ReplicationLinks
from harness.faults.registry import make_fault
from harness.model.errors import HarnessError
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole, Persistence
from harness.stack.base import ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.replication import Layout, open_replication

WRITE_S, HELD_S = 3.0, 0.7
WAIT_MS = 100
CLIENT_TIMEOUT_S = 30.0
JOIN_DEADLINE_S = 60.0
MIN_REPLICAS: Mapping[str, str] = {"min-replicas-to-write": "1", "min-replicas-max-lag": "1"}


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    held: bool = False
    hung: bool = False
    wait: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


CASES = (
    Case("healthy link"),
    Case("held link", held=True),
    Case("held link, WAIT 1", held=True, wait=True),
    Case("held link, min-replicas 1", held=True, settings=MIN_REPLICAS),
    Case("hung master", hung=True),
)


class Writer:
    """Writes to one server until it is told to end; notes when each write was acknowledged."""

    def __init__(self, server: ServerAddress, *, wait: bool) -> None:
        self.acknowledged: list[tuple[str, int]] = []
        self._server, self._wait = server, wait
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Let it finish the write that is under way."""
        self._done.set()
        self._thread.join(JOIN_DEADLINE_S)

    def _run(self) -> None:
        with admin_client(self._server, timeout_s=CLIENT_TIMEOUT_S) as client:
            while not self._done.is_set():
                try:
                    entry = str(client.xadd("log", {"number": len(self.acknowledged)}))
                    if self._wait and client.wait(1, WAIT_MS) < 1:
                        continue
                except redis.ResponseError:
                    continue
                except redis.RedisError:
                    return
                self.acknowledged.append((entry, time.monotonic_ns()))


def main() -> int:
    """Print one line per case."""
    engine = acquire_engine("auto", path=None, say=lambda _: None)
    titles = f"{'acknowledged':>14}{'lost':>8}{'seconds lost':>14}{'writes/s':>10}{'promoted after':>16}{'deposed':>9}"
    print(f"{'case':28}{titles}")
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="pvs-failover-") as folder:
            print(_row(Path(folder), engine, case), flush=True)
    return 0


def _row(folder: Path, engine: Engine, case: Case) -> str:
    layout = Layout.choose(folder)
    program, settings = choose_program(None), case.settings
    with (
        ReplicationLinks.open(engine, layout) as links,
        open_replication(
            program, layout, persistence=Persistence.AOF_NO, paths=links.paths, settings=settings
        ) as stack,
    ):
        fault = HungMaster(stack) if case.hung else MasterKill(stack)
        writer = Writer(stack.master.address, wait=case.wait)
        begin = time.monotonic()
        time.sleep(WRITE_S - HELD_S)
        rate = len(writer.acknowledged) / (time.monotonic() - begin)
        if case.held:
            for link in links.links:
                make_fault(FaultPlan(model=FaultModel.HOLD, link=LinkRole.REPLICATION)).inject(link)
        time.sleep(HELD_S)
        injected = fault.inject().times
        fault.heal()
        writer.end()
        assert fault.failover is not None
        with admin_client(fault.failover.new) as client:
            held = {str(entry) for entry, _ in client.xrange("log")}
    promoted_ns = fault.failover.promoted_ns
    before = [(entry, at) for entry, at in writer.acknowledged if at < promoted_ns]
    lost = [at for entry, at in before if entry not in held]
    seconds = (before[-1][1] - lost[0]) / 1e9 if lost else 0.0
    took = (promoted_ns - injected.before_ns) / 1e9
    deposed = sum(1 for entry, at in writer.acknowledged if at >= promoted_ns and entry not in held)
    return f"{case.name:28}{len(before):14,}{len(lost):8,}{seconds:14.2f}{rate:10,.0f}{took:14.2f} s{deposed:9,}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        sys.exit(str(error))
