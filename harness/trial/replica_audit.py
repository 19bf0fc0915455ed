"""After the drain of a replicated trial: each replica's own account of the logs, beside the master's.

A replica is asked once it follows the master and has all that the master has; one that does not within
`FOLLOW_DEADLINE_S` is written down as such, and nothing is counted of it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import redis

from harness.drivers.base import Log, Names
from harness.drivers.registry import open_log
from harness.history.journal import EventKind, Journal
from harness.model.errors import HarnessError
from harness.model.values import Trial
from harness.stack.connect import admin_client
from harness.trial.replicated import ReplicatedTrialStack

FOLLOW_DEADLINE_S: Final = 10.0
NOT_FOLLOWING: Final = -1


def audit_replicas(trial: Trial, stack: ReplicatedTrialStack, journal: Journal, logs: Mapping[int, Log]) -> None:
    """Read every log of ``logs`` (by arm) on each replica that runs."""
    for number, server in enumerate(stack.servers.servers):
        if server.address == stack.server or not server.is_running:
            continue
        try:
            stack.servers.wait_replica(server, deadline_s=FOLLOW_DEADLINE_S)
        except (HarnessError, redis.RedisError):
            _note(journal, dict.fromkeys(logs, NOT_FOLLOWING), number)
            continue
        with admin_client(server.address) as client:
            _note(journal, {arm: _read(trial, client, journal, arm, number) for arm in logs}, number)


def _note(journal: Journal, entries: Mapping[int, int], number: int) -> None:
    for arm, count in entries.items():
        journal.write(EventKind.REPLICA_READ, t_ns=time.monotonic_ns(), arm=arm, scope=number, value=count)


def _read(trial: Trial, client: redis.Redis, journal: Journal, arm: int, number: int) -> int:
    log = open_log(trial.scenario.arms[arm], client, Names(trial.token, arm))
    assert log is not None, "the arm has a log on the master"
    entries = 0
    for entry in log.entries():
        entries += 1
        journal.write(
            EventKind.REPLICA_ENTRY,
            t_ns=time.monotonic_ns(),
            arm=arm,
            scope=number,
            producer=entry.read.producer,
            sequence=entry.read.sequence,
            entry=entry.entry,
            detail=entry.read.check,
        )
    return entries
