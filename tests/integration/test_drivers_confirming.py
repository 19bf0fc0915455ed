"""Waiting for more than a reply: what is acknowledged is what replicas, or the disk, confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from harness.drivers.base import Names, SendResult
from harness.drivers.registry import make_producer
from harness.drivers.requirements import missing_requirement
from harness.history.journal import Journal, JournalHeader
from harness.model.message import make_event
from harness.model.values import Arm
from harness.model.words import ErrorKind, OutcomeCode, Persistence
from harness.plan.arms import named_arm
from harness.stack.base import RunningStack, ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.ports import quiet_port
from harness.stack.profiles import profile_settings
from harness.stack.redis_sentinel import why_no_sentinel
from harness.stack.replication import Layout, open_replication
from harness.stack.restartable import Place, RestartableServer
from harness.trial.recorder import Recorder

pytestmark = pytest.mark.servers
NAMES = Names("0123abcd", 0)
NO_SENTINEL = why_no_sentinel(choose_program(None))


def send(arm: Arm, server: ServerAddress, folder: Path, *, sequence: int = 0) -> SendResult:
    """One message through the arm's producer."""
    header = JournalHeader(
        token="0123abcd", actor=1, role="producer", arm=0, scope=-1, name="p", pid=1, origin_ns=0, wall_ns=0
    )
    event = make_event(
        token="0123abcd", arm=0, producer=0, sequence=sequence, seed=1, timestamp="", padding_bytes=0, poison=False
    )
    with Journal.create(folder / f"{arm.name}-{sequence}.journal", header) as journal:
        producer = make_producer(arm, server, NAMES, Recorder(journal))
        producer.open()
        try:
            return producer.send(event)
        finally:
            producer.close()


@contextmanager
def server_with(folder: Path, persistence: Persistence, **settings: str) -> Iterator[ServerAddress]:
    """A server of our own with these settings; ``_`` stands for ``-``."""
    place = Place(quiet_port(), folder / "server", folder / "server.log")
    told = {**profile_settings(persistence), **{name.replace("_", "-"): value for name, value in settings.items()}}
    with RestartableServer(choose_program(None), place, settings=told) as server:
        server.start()
        yield server.address


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("stream-group-wait-1", "WAIT 1 500 was answered by 0, of 1 wanted"),
        ("stream-group-waitaof", "can't confirm writes with WAITAOF 1 0 3000"),
    ],
)
def test_a_server_that_confirms_nothing_is_told(stack: RunningStack, admin: redis.Redis, name: str, said: str) -> None:
    """No replica, no append-only file: the arm is not played, and nothing of the try is left."""
    del stack
    assert said in missing_requirement(named_arm(name), admin, NAMES)
    assert 0 == admin.exists(NAMES.scratch)


def test_what_is_synced_is_acknowledged_and_what_is_not_yet_is_indeterminate(tmp_path: Path) -> None:
    """Under everysec the disk takes its time: who waits for a millisecond gets no confirmation, and has an entry."""
    arm = named_arm("stream-group-waitaof")
    with server_with(tmp_path, Persistence.AOF_EVERYSEC) as server, admin_client(server) as admin:
        assert "" == missing_requirement(arm, admin, NAMES)
        found = send(arm, server, tmp_path)
        assert (OutcomeCode.ACKNOWLEDGED, 1, 1) == (found.outcome, found.answer, found.writes)
        hasty = send(arm.model_copy(update={"wait_ms": 1}), server, tmp_path, sequence=1)
        assert (OutcomeCode.INDETERMINATE, ErrorKind.UNCONFIRMED, 0) == (hasty.outcome, hasty.error, hasty.answer)
        assert 2 == admin.xlen(NAMES.destination)


@pytest.mark.parametrize("name", ["stream-group", "stream-group-wait-1"])
def test_too_few_replicas_are_a_proven_rejection(tmp_path: Path, name: str) -> None:
    """NOREPLICAS comes before the write, whether or not somebody waits behind it."""
    with server_with(tmp_path, Persistence.OFF, min_replicas_to_write="1") as server:
        found = send(named_arm(name), server, tmp_path)
        assert (OutcomeCode.REJECTED, ErrorKind.NOREPLICAS, 1) == (found.outcome, found.error, found.writes)
        with admin_client(server) as admin:
            assert 0 == admin.exists(NAMES.destination)


@pytest.mark.skipif(bool(NO_SENTINEL), reason=NO_SENTINEL)
def test_replicas_confirm_until_they_hang(tmp_path: Path) -> None:
    """WAIT 2 by both of them; with one stopped it is indeterminate, and WAIT 1 still acknowledges."""
    two, one = named_arm("stream-group-wait-2"), named_arm("stream-group-wait-1")
    with open_replication(choose_program(None), Layout.choose(tmp_path), persistence=Persistence.OFF) as stack:
        master = stack.master.address
        with admin_client(master) as admin:
            assert "" == missing_requirement(two, admin, NAMES)
        assert (OutcomeCode.ACKNOWLEDGED, 2) == (send(two, master, tmp_path).outcome, 2)
        stack.replicas[0].suspend()
        found = send(two, master, tmp_path, sequence=1)
        assert (OutcomeCode.INDETERMINATE, ErrorKind.UNCONFIRMED, 1) == (found.outcome, found.error, found.answer)
        assert OutcomeCode.ACKNOWLEDGED is send(one, master, tmp_path, sequence=2).outcome
        stack.replicas[0].resume()
