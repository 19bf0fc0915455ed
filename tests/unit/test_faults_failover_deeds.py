"""What becomes of a failover whose old master does not come back as it should."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults.failover import MasterKill
from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.stack.base import ServerAddress
from harness.stack.replication import Failover

OLD, NEW = ServerAddress("127.0.0.1", 7000), ServerAddress("127.0.0.1", 7001)


class Stack:
    """Servers that fail over at once, and an old master that never follows."""

    def __init__(self) -> None:
        self.started = 0
        self.master = SimpleNamespace(address=OLD, is_running=False, kill=time.monotonic_ns, start=self._start)

    def _start(self) -> None:
        self.started += 1

    def wait_failover(self, old: ServerAddress, *, deadline_s: float) -> Failover:
        assert deadline_s > 0
        return Failover(old, NEW, 1, 2)

    def wait_replica(self, _server: object, *, deadline_s: float) -> None:
        raise EnvironmentUnavailable(f"waited {deadline_s:g} s in vain for: server-0 follows the master")


def test_an_old_master_that_does_not_follow_is_an_error_of_its_trial() -> None:
    """And no reason to end a run of many trials, as an environment that lacks something is."""
    stack: Any = Stack()
    fault = MasterKill(stack, deadline_s=3)
    fault.inject()
    with pytest.raises(TrialError, match="did not come back as a replica: waited 3 s in vain"):
        fault.heal()
    assert 1 == stack.started


def test_the_heal_begins_before_clients_are_led_on() -> None:
    """Whatever leading them takes: who is well again meanwhile is so after the heal began, and before it is done."""
    stack: Any = Stack()
    led: list[int] = []

    def lead(_failover: Failover) -> None:
        led.append(time.monotonic_ns())

    fault = MasterKill(stack, old_returns=False, on_promoted=lead)
    fault.inject()
    times = fault.heal().times
    assert times.before_ns <= led[0] <= times.after_ns
