"""Running totals, read from the journals while they grow.

The conductor needs them to know when the drain is over and to show something meanwhile. It reads what the workers
wrote to their files and disturbs nobody. Nothing here is judged: the checker reads the journals itself, later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.history.journal import FIELDS, RECORD_BYTES, EventKind, read_header
from harness.model.message import SENTINEL_BASE
from harness.model.progress import ArmCounts
from harness.model.values import Trial
from harness.model.words import OutcomeCode

RECORD = np.dtype(list(FIELDS))
MAX_HEADER_READ = 1 << 16


class JournalTail:
    """Reads the records that were added to one journal since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = -1

    def read_new(self) -> npt.NDArray[np.void]:
        """Whole records added since the last call; empty while the file is not there yet."""
        if not self._path.exists():
            return np.empty(0, dtype=RECORD)
        with self._path.open("rb") as file:
            if self._offset < 0:
                head = file.read(MAX_HEADER_READ)
                if len(head) < 12:
                    return np.empty(0, dtype=RECORD)
                _, self._offset = read_header(self._path, head)
            file.seek(self._offset)
            data = file.read()
        whole = len(data) // RECORD_BYTES
        self._offset += whole * RECORD_BYTES
        return np.frombuffer(data, dtype=RECORD, count=whole)


@dataclass(slots=True)
class _Scope:
    """What one scope has received: message ids, and from which producers a sentinel arrived."""

    received: set[int] = field(default_factory=set)
    sentinels: set[int] = field(default_factory=set)


class Tally:
    """Totals of one trial, brought up to date by `update`."""

    def __init__(self, trial: Trial) -> None:
        self._arms = trial.scenario.arms
        self._tails: list[JournalTail] = []
        self._sent = [0] * len(self._arms)
        self._acknowledged = [0] * len(self._arms)
        self._scopes = [[_Scope() for _ in range(arm.scopes)] for arm in self._arms]
        self._ended: set[int] = set()
        self._producing: dict[tuple[int, int], int] = {}
        """(arm, producer) → the actor that produces there now: the end of one that was replaced is no end."""

    def follow_producer(self, path: Path, *, actor: int, arm: int, producer: int) -> None:
        """Read this producer's journal from now on; it takes the place of whoever was followed as it before."""
        self._producing[arm, producer] = actor
        self._tails.append(JournalTail(path))

    def follow_consumer(self, path: Path) -> None:
        """Read this consumer's journal from now on."""
        self._tails.append(JournalTail(path))

    def update(self) -> None:
        """Read what was added."""
        for tail in self._tails:
            records = tail.read_new()
            if len(records):
                self._count(records)

    def _count(self, records: npt.NDArray[np.void]) -> None:
        arm = int(records["arm"][0])
        kind, sequence = records["kind"], records["sequence"]
        message = sequence < SENTINEL_BASE
        self._sent[arm] += int(((kind == EventKind.ATTEMPT) & message).sum())
        acknowledged = (kind == EventKind.OUTCOME) & message & (records["code"] == OutcomeCode.ACKNOWLEDGED)
        self._acknowledged[arm] += int(acknowledged.sum())
        self._ended.update(records["actor"][kind == EventKind.END].tolist())
        received = records[kind == EventKind.RECEIVE]
        if len(received):
            self._count_received(received, self._scopes[arm][int(received["scope"][0])])

    @staticmethod
    def _count_received(received: npt.NDArray[np.void], scope: _Scope) -> None:
        is_sentinel = received["sequence"] >= SENTINEL_BASE
        scope.sentinels.update(received["producer"][is_sentinel].tolist())
        messages = received[~is_sentinel]
        identities = (messages["producer"].astype(np.int64) << 32) | messages["sequence"]
        scope.received.update(identities.tolist())

    def producers_done(self) -> bool:
        """Whether every producer, or who took over from it, has gone through its schedule."""
        wanted = ((arm, producer) for arm, value in enumerate(self._arms) for producer in range(value.producers))
        return all(self._producing.get(place) in self._ended for place in wanted)

    def sentinels_seen(self, arm: int, scope: int) -> bool:
        """Whether the scope has received a sentinel from every producer of its arm."""
        return len(self._scopes[arm][scope].sentinels) >= self._arms[arm].producers

    def counts(self) -> dict[str, ArmCounts]:
        """Totals per arm, for a live view."""
        return {
            arm.name: ArmCounts(
                sent=self._sent[index],
                acknowledged=self._acknowledged[index],
                received=sum(len(scope.received) for scope in self._scopes[index]),
                scopes=arm.scopes,
            )
            for index, arm in enumerate(self._arms)
        }
