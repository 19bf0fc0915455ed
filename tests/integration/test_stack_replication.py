"""One master, two replicas, three Sentinels: ready when all know each other, and a failover that is seen."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from leftovers import is_gone

from harness.model.errors import NotPossible, TrialError
from harness.model.words import Persistence
from harness.stack import replication
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.process import wait_until
from harness.stack.redis_sentinel import why_no_sentinel
from harness.stack.replication import Layout, ReplicatedStack, open_replication, role_of

REASON = why_no_sentinel(choose_program(None))
pytestmark = [pytest.mark.servers, pytest.mark.skipif(bool(REASON), reason=REASON)]

HARNESS = """
import sys, time
from pathlib import Path
from harness.model.words import Persistence
from harness.stack.binaries import choose_program
from harness.stack.replication import Layout, open_replication
stack = open_replication(choose_program(None), Layout.choose(Path(sys.argv[1])), persistence=Persistence.OFF)
print(*(one.process.pid for one in (*stack.servers, *stack.sentinels)), flush=True)
time.sleep(120)
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ReplicatedStack]:
    layout = Layout.choose(tmp_path)
    with open_replication(choose_program(None), layout, persistence=Persistence.OFF) as opened:
        yield opened


def test_a_failover_and_the_old_masters_return(stack: ReplicatedStack) -> None:
    """The killed master is replaced by a replica that has the data; when it comes back it follows."""
    old = stack.master
    assert stack.servers[0] is old
    assert [old.address] * 3 == stack.named()
    assert ["master", "slave", "slave"] == [role_of(server.address) for server in stack.servers]
    with admin_client(old.address) as client:
        client.xadd("log", {"number": 1})
        assert 2 == client.wait(2, 5000)
    killed_ns = old.kill()
    failover = stack.wait_failover(old.address, deadline_s=30)
    assert killed_ns < failover.named_ns <= failover.promoted_ns
    assert stack.master.address == failover.new != old.address
    assert old in stack.replicas
    with admin_client(failover.new) as client:
        assert 1 == client.xlen("log")
    old.start()
    stack.wait_replica(old, deadline_s=30)
    assert "slave" == role_of(old.address)


def test_a_failover_that_does_not_come_is_an_error(stack: ReplicatedStack) -> None:
    """A master in good health is not replaced: waiting for it ends with the reason."""
    with pytest.raises(TrialError, match=f"no failover within 1 s.*:{stack.master.place.port} was named"):
        stack.wait_failover(stack.master.address, deadline_s=1)


def test_sentinels_that_are_gone_agree_on_nothing(stack: ReplicatedStack) -> None:
    """One of three is no majority."""
    for sentinel in stack.sentinels[:2]:
        sentinel.close()
    assert [None, None, stack.servers[0].address] == stack.named()
    with pytest.raises(TrialError, match="don't agree on a master: no answer, no answer"):
        _ = stack.master


def test_nothing_outlives_a_harness_that_is_killed(tmp_path: Path) -> None:
    """Servers and Sentinels end with it."""
    with subprocess.Popen([sys.executable, "-c", HARNESS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        pids = [int(word) for word in harness.stdout.readline().split()]
        harness.send_signal(signal.SIGKILL)
        harness.wait(20)
    assert 6 == len(pids)
    wait_until(lambda: all(is_gone(pid) for pid in pids), deadline_s=10, what="the processes are gone")


def test_a_program_that_is_no_sentinel_is_told(tmp_path: Path) -> None:
    """Its own complaint is the reason."""
    real = choose_program(None)
    wrapper = tmp_path / "no-sentinel"
    wrapper.write_text("#!/bin/sh\necho sentinel mode is not built in; exit 1\n")
    wrapper.chmod(0o755)
    program = type(real)(wrapper, real.product, real.version, "planted")
    with pytest.raises(NotPossible, match="sentinel mode is not built in"):
        open_replication(program, Layout.choose(tmp_path), persistence=Persistence.OFF)


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the replicas never online, every process that was started is ended again."""
    started: list[int] = []
    launch = replication.RestartableServer.launch

    def noted(server: replication.RestartableServer) -> None:
        launch(server)
        started.append(server.process.pid)

    monkeypatch.setattr(replication.RestartableServer, "launch", noted)
    monkeypatch.setattr(replication, "_READY_DEADLINE_S", 0.5)
    began = time.monotonic()
    with pytest.raises(Exception, match="replicas are online"):
        open_replication(
            choose_program(None), Layout.choose(tmp_path), persistence=Persistence.OFF, paths=[("127.0.0.1", 1)] * 2
        )
    assert 30 > time.monotonic() - began
    assert 3 == len(started)
    assert all(is_gone(pid) for pid in started)
