"""What each remedy costs and what it saves: rate and p99 of one producer, and what is lost with it, in one run.

Each line is one remedy under one fault, on servers of its own, and nothing else runs meanwhile: arms that shared the
server's core would price each other. One producer, the one of the trials' arms, sends one message after the other for
some seconds (the rate, p50 and p99 are of these), and goes on until the fault. Two faults:

failover: one master, two replicas, three Sentinels; the replication links are held for the last 2 s before the master
gets a SIGKILL. Counted in the log of the promoted replica.

power loss: one server on a disk of its own. Counted in its log after the restart. Skipped without Linux and root.

Lost are acknowledged messages that the log lacks; what was not confirmed, or refused, was never acknowledged. Takes two
minutes.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.drivers.base import EntryId, Names, SendResult
from harness.drivers.entries import StreamLog
from harness.drivers.registry import make_producer
from harness.faults.base import Engine
from harness.faults.engine import acquire_engine
from harness.faults.failover import MasterKill, ReplicationLinks
from harness.faults.registry import make_fault
from harness.model.errors import HarnessError
from harness.model.message import make_event
from harness.model.values import FaultPlan
from harness.model.words import ErrorKind, FaultModel, LinkRole, OutcomeCode, Persistence
from harness.plan.arms import named_arm
from harness.stack import power
from harness.stack.base import ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.ports import quiet_port
from harness.stack.power import PowerSupply
from harness.stack.redis_sentinel import why_no_sentinel
from harness.stack.replication import Layout, open_replication
from harness.stack.restartable import Place

TOKEN = "0123abcd"
HEALTHY_S, HELD_S = 3.0, 2.0
JOIN_DEADLINE_S = 30.0
MIN_REPLICAS: Mapping[str, str] = {"min-replicas-to-write": "1", "min-replicas-max-lag": "1"}


@dataclass(frozen=True)
class Remedy:
    """One line of the table."""

    name: str
    arm: str = "stream-group-no-retry"
    persistence: Persistence = Persistence.AOF_NO
    settings: Mapping[str, str] = field(default_factory=dict)


AT_FAILOVER = (
    Remedy("none"),
    Remedy("min-replicas 1", settings=MIN_REPLICAS),
    Remedy("WAIT 1", arm="stream-group-wait-1-no-retry"),
    Remedy("WAIT 2", arm="stream-group-wait-2-no-retry"),
)
AT_POWER_LOSS = (
    Remedy("none (aof-no)"),
    Remedy("everysec", persistence=Persistence.AOF_EVERYSEC),
    Remedy("everysec, WAITAOF", arm="stream-group-waitaof-no-retry", persistence=Persistence.AOF_EVERYSEC),
    Remedy("always", persistence=Persistence.AOF_ALWAYS),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message: when it was sent and answered, and how."""

    begin_ns: int
    end_ns: int
    result: SendResult


class Sender:
    """One producer that sends one message after the other until it is told to end, or the first connection breaks."""

    def __init__(self, remedy: Remedy, server: ServerAddress) -> None:
        self.sent: list[Sent] = []
        self._producer = make_producer(named_arm(remedy.arm), server, NAMES, _Deaf())
        self._producer.open()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let it finish the message that is under way."""
        self._done.set()
        self._thread.join(JOIN_DEADLINE_S)
        if self._thread.is_alive():
            raise HarnessError(f"the producer did not end within {JOIN_DEADLINE_S:g} s")
        self._producer.close()

    def _run(self) -> None:
        while not self._done.is_set():
            event = make_event(
                token=TOKEN, arm=0, producer=0, sequence=len(self.sent), seed=1, timestamp="", padding_bytes=0
            )
            begin = time.monotonic_ns()
            result = self._producer.send(event)
            self.sent.append(Sent(begin, time.monotonic_ns(), result))
            if result.error not in (ErrorKind.NONE, ErrorKind.UNCONFIRMED, ErrorKind.NOREPLICAS):
                return


class _Deaf:
    """A `harness.drivers.base.ConnectionObserver` that nobody asks."""

    def writing(self, nth: int) -> None:
        """Not noted."""

    def connected(self, number: int) -> None:
        """Not noted."""

    def disconnected(self, number: int, error: ErrorKind) -> None:
        """Not noted."""

    def subscribed(self, number: int) -> None:
        """Not noted."""

    def started(self, entry: EntryId) -> None:
        """Not noted."""

    def checkpointed(self, entry: EntryId) -> None:
        """Not noted."""


NAMES = Names(TOKEN, 0)


def main() -> int:
    """Print one line per remedy."""
    numbers = f"{'messages/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'acknowledged':>14}{'unconfirmed':>13}{'refused':>9}"
    print(f"{'fault':12}{'remedy':20}{numbers}{'lost':>8}{'seconds lost':>14}")
    engine = acquire_engine("auto", path=None, say=lambda _: None)
    reason = why_no_sentinel(choose_program(None))
    _table("failover", AT_FAILOVER, reason, lambda folder, remedy: _failover(folder, engine, remedy))
    _table("power loss", AT_POWER_LOSS, power.why_not(), _power_loss)
    return 0


def _table(fault: str, remedies: tuple[Remedy, ...], reason: str, row: Callable[[Path, Remedy], str]) -> None:
    if reason:
        print(f"{fault:12}skipped: {reason}")
        return
    for remedy in remedies:
        with tempfile.TemporaryDirectory(prefix="pvs-remedy-") as folder:
            print(f"{fault:12}{row(Path(folder), remedy)}", flush=True)


def _failover(folder: Path, engine: Engine, remedy: Remedy) -> str:
    layout = Layout.choose(folder)
    with (
        ReplicationLinks.open(engine, layout) as links,
        open_replication(
            choose_program(None),
            layout,
            persistence=remedy.persistence,
            paths=links.paths,
            settings=remedy.settings,
        ) as stack,
    ):
        sender = Sender(remedy, stack.master.address)
        time.sleep(HEALTHY_S)
        healthy = list(sender.sent)
        for link in links.links:
            make_fault(FaultPlan(model=FaultModel.HOLD, link=LinkRole.REPLICATION)).inject(link)
        time.sleep(HELD_S)
        fault = MasterKill(stack)
        injected = fault.inject().times.before_ns
        fault.heal()
        sender.end()
        assert fault.failover is not None
        return _row(remedy, healthy, sender.sent, injected_ns=injected, left=_kept(fault.failover.new))


def _power_loss(folder: Path, remedy: Remedy) -> str:
    place = Place(quiet_port(), folder / "server", folder / "server.log")
    supply: AbstractContextManager[PowerSupply] = PowerSupply.open(
        choose_program(None), place, persistence=remedy.persistence, settings=remedy.settings
    )
    with supply as machine:
        machine.server.start()
        sender = Sender(remedy, machine.server.address)
        time.sleep(HEALTHY_S)
        healthy = list(sender.sent)
        cut = machine.cut()
        if not cut.is_proven:
            raise HarnessError("the cut did not do what a loss of power does")
        sender.end()
        machine.server.start()
        return _row(remedy, healthy, sender.sent, injected_ns=cut.begin_ns, left=_kept(machine.server.address))


def _kept(server: ServerAddress) -> set[EntryId]:
    with admin_client(server) as client:
        return {entry.entry for entry in StreamLog(client, NAMES).entries()}


def _row(remedy: Remedy, healthy: list[Sent], sent: list[Sent], *, injected_ns: int, left: set[EntryId]) -> str:
    took_ms = np.array([one.end_ns - one.begin_ns for one in healthy]) / 1e6
    rate = len(healthy) / ((healthy[-1].end_ns - healthy[0].begin_ns) / 1e9)
    p99 = f"{np.quantile(took_ms, 0.99):9.2f}" if len(healthy) >= 100 else f"{'–':>9}"
    acknowledged = [one for one in sent if one.result.outcome is OutcomeCode.ACKNOWLEDGED]
    unconfirmed = sum(one.result.error is ErrorKind.UNCONFIRMED for one in sent)
    refused = sum(one.result.outcome is OutcomeCode.REJECTED for one in sent)
    lost = [one for one in acknowledged if one.result.entry not in left]
    seconds = max(0.0, (injected_ns - lost[0].end_ns) / 1e9) if lost else 0.0
    counts = f"{len(acknowledged):14,}{unconfirmed:13,}{refused:9,}{len(lost):8,}{seconds:14.2f}"
    return f"{remedy.name:20}{rate:11,.0f}{np.median(took_ms):9.2f}{p99}{counts}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        sys.exit(str(error))
