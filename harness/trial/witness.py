"""What the conductor sees beside the links' sentinels, written down as it is seen: processes, and INFO's counters."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import redis

from harness.faults.process_evidence import Sighting
from harness.history.journal import EventKind, Journal
from harness.model.values import Scenario
from harness.model.words import FAILOVERS, FaultModel, ServerStat
from harness.trial.cast import Worker

_STATS: Final[Mapping[ServerStat, str]] = {
    ServerStat.OUTPUT_BUFFER_KILLS: "client_output_buffer_limit_disconnections",
    ServerStat.EVICTED_KEYS: "evicted_keys",
}
_AWAY: Final = FAILOVERS | {
    FaultModel.SERVER_KILL,
    FaultModel.POWER_LOSS,
    FaultModel.SERVER_PAUSE,
    FaultModel.DISK_FULL,
}


class ProcessWitness:
    """Journals what processes are seen to do, and keeps it for the evidence."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: list[Sighting] = []

    def note(self, worker: Worker, sighting: Sighting) -> None:
        """A process did something."""
        self._seen.append(sighting)
        self._journal.write(
            EventKind.PROCESS,
            t_ns=sighting.t_ns,
            code=sighting.event,
            arm=worker.spec.arm_index,
            scope=worker.spec.scope,
            detail=worker.spec.actor,
            value=sighting.status,
        )

    def sightings(self) -> tuple[Sighting, ...]:
        """All of it until now."""
        return tuple(self._seen)


class ServerStats:
    """Counters of the server's INFO, journalled whenever one has changed since the trial began.

    The first look only learns where they stand: a server of somebody else has a past.
    """

    def __init__(self, admin: redis.Redis, journal: Journal, *, wanted: bool) -> None:
        self._admin = admin
        self._journal = journal
        self._wanted = wanted
        self._known: dict[ServerStat, int] = {}

    def look(self) -> None:
        """Ask the server, where anybody wants to know. Raises `redis.RedisError`."""
        if not self._wanted:
            return
        told = self._admin.info("stats")
        now_ns = time.monotonic_ns()
        for stat, name in _STATS.items():
            value = int(told.get(name, 0))
            if value != self._known.setdefault(stat, value):
                self._known[stat] = value
                self._journal.write(EventKind.SERVER_STAT, t_ns=now_ns, code=stat, value=value)


def stats_wanted(scenario: Scenario) -> bool:
    """Whether the server may be driven to where its counters explain losses.

    Never where it is away for a while: waiting for its answer would hold up the conductor, and the fault's own eyes
    see what is to be seen.
    """
    models = {plan.model for plan in scenario.faults}
    if models & _AWAY:
        return False
    return bool(scenario.server_settings) or bool(models & {FaultModel.SLOW, FaultModel.EVICTION})
