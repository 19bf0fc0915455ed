"""After the drain: the server's own account of every Streams arm, written into the conductor's journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import redis

from harness.drivers.base import EntryId, Log, Names
from harness.history.journal import BarrierPart, EventKind, Journal
from harness.model.values import Trial
from harness.trial.kept import audit_dedup

NOT_IN_LOG = (0xFFFF, 0)


def audit_trial(
    trial: Trial,
    admin: redis.Redis,
    journal: Journal,
    *,
    logs: Mapping[int, Log],
    effects_path: Callable[[int], Path],
) -> None:
    """Everything that the server knows about the arms of ``trial``, after the drain, when no consumer works any more.

    ``effects_path``: the effects journal of an arm, which gets the effects that were made on the server.
    """
    for index, arm in enumerate(trial.scenario.arms):
        if index in logs:
            audit_arm(logs[index], journal, arm=index, scopes=arm.scopes)
        audit_dedup(arm, admin, journal, Names(trial.token, index), effects_path=effects_path(index))


def audit_arm(log: Log, journal: Journal, *, arm: int, scopes: int) -> None:
    """Read the whole log, then each group's state and pending list. The last record says that all was read."""
    known: dict[EntryId, tuple[int, int]] = {}
    entries = 0
    for entry in log.entries():
        entries += 1
        known[entry.entry] = (entry.read.producer, entry.read.sequence)
        journal.write(
            EventKind.LOG_ENTRY,
            t_ns=time.monotonic_ns(),
            arm=arm,
            producer=entry.read.producer,
            sequence=entry.read.sequence,
            entry=entry.entry,
            detail=entry.read.check,
        )
    for scope in range(scopes):
        _audit_group(log, journal, known, arm=arm, scope=scope)
    now = time.monotonic_ns()
    journal.write(EventKind.LOG_READ, t_ns=now, arm=arm, value=entries, aux_ns=log.memory_bytes() or 0)
    journal.write(EventKind.BARRIER, t_ns=now, arm=arm, code=BarrierPart.LOG_READ, value=1)


def _audit_group(log: Log, journal: Journal, known: dict[EntryId, tuple[int, int]], *, arm: int, scope: int) -> None:
    state = log.group(scope)
    if state is None:  # a reader that saves no checkpoint: the server has nothing to say about it
        return
    journal.write(
        EventKind.GROUP,
        t_ns=time.monotonic_ns(),
        arm=arm,
        scope=scope,
        entry=state.last_delivered,
        value=state.pending,
    )
    for pending in log.pending(scope):
        producer, sequence = known.get(pending.entry, NOT_IN_LOG)
        journal.write(
            EventKind.PENDING,
            t_ns=time.monotonic_ns(),
            arm=arm,
            scope=scope,
            producer=producer,
            sequence=sequence,
            entry=pending.entry,
            aux_ns=pending.idle_ms * 1_000_000,
            count=pending.deliveries,
        )
