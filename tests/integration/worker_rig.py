"""A server, an arm, and real worker processes for the tests of drivers: everything a trial has but its conductor."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import redis

from harness.drivers.base import EntryId, Names
from harness.drivers.registry import prepare
from harness.history.journal import EventKind, Journal, JournalHeader, read_journal
from harness.model.message import make_event
from harness.model.values import Arm
from harness.stack.base import ServerAddress
from harness.trial.spec import WorkerSpec

DEADLINE_S = 20.0


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.01)


def soon(arm: Arm) -> Arm:
    """The same arm, which claims soon, so that a test need not wait long."""
    settings = arm.stream.model_copy(update={"claim_min_idle_ms": 100, "claim_interval_ms": 50})
    return arm.model_copy(update={"stream": settings})


@dataclass
class RunningWorker:
    """One worker process."""

    spec: WorkerSpec
    process: subprocess.Popen[str]

    def tell(self, order: str) -> None:
        """One order of the conductor."""
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def await_ready(self) -> None:
        """Until it says so."""
        assert self.process.stdout is not None
        assert "ready\n" == self.process.stdout.readline()

    def stop(self) -> None:
        """End it in order."""
        self.tell("stop")
        assert 0 == self.process.wait(DEADLINE_S)

    def status(self) -> int:
        """The exit status, once it has ended; minus nine is a SIGKILL."""
        return self.process.wait(DEADLINE_S)


class Rig:
    """One arm on a server, under a prefix of its own."""

    def __init__(self, arm: Arm, address: ServerAddress, admin: redis.Redis, folder: Path) -> None:
        self.arm = arm
        self.address = address
        self.admin = admin
        self.folder = folder
        self.names = Names(secrets.token_hex(4), 0)
        self.effects_path = folder / "effects.journal"
        self.workers: list[RunningWorker] = []
        Journal.create(self.effects_path, self._header()).close()
        prepare(arm, admin, self.names)

    def add(self, number: int, *, first: int = 0, poison: tuple[int, ...] = ()) -> list[str]:
        """Append so many messages; their entry ids."""
        return [
            str(self.admin.xadd(self.names.destination, dict(self._fields(sequence, poison=sequence in poison))))
            for sequence in range(first, first + number)
        ]

    def publish(self, number: int, *, first: int = 0) -> None:
        """Publish so many messages; each has to reach somebody."""
        command = "SPUBLISH" if self.arm.driver == "sharded_pubsub" else "PUBLISH"
        for sequence in range(first, first + number):
            payload = json.dumps(self._fields(sequence, poison=False))
            assert 1 <= self.admin.execute_command(command, self.names.destination, payload)  # type: ignore[no-untyped-call]

    def spec(self, name: str, **changes: object) -> WorkerSpec:
        """What a worker is told."""
        fields = {
            "role": "consumer",
            "name": name,
            "actor": 10 + len(self.workers),
            "token": self.names.token,
            "arm_index": 0,
            "arm": self.arm,
            "address": self.address,
            "journal_path": str(self.journal_path(name)),
            "effects_path": str(self.effects_path),
            "origin_ns": 0,
            "seed": 1,
            "scope": 0,
        }
        return WorkerSpec(**(fields | changes))  # type: ignore[arg-type]

    def start(self, name: str, *orders: str, env: Mapping[str, str] | None = None, **changes: object) -> RunningWorker:
        """Start a worker and give it orders at once; it is ready when this returns."""
        worker = self.launch(name, *orders, env=env, **changes)
        worker.await_ready()
        return worker

    def launch(self, name: str, *orders: str, env: Mapping[str, str] | None = None, **changes: object) -> RunningWorker:
        """`start`, without waiting."""
        spec = self.spec(name, **changes)
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.trial.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / f"{name}.log").open("w"),
            text=True,
            env={**os.environ, **(env or {})},
        )
        worker = RunningWorker(spec, process)
        self.workers.append(worker)
        worker.tell(spec.to_line())
        for order in orders:
            worker.tell(order)
        return worker

    def journal_path(self, name: str) -> Path:
        """The journal of the worker ``name``."""
        return self.folder / f"{name}.journal"

    def records(self, name: str, kind: EventKind) -> npt.NDArray[np.void]:
        """What that worker wrote of that kind; nothing while it has not begun."""
        path = self.journal_path(name)
        if not path.exists() or path.stat().st_size < 64:
            return np.empty(0, dtype=[("sequence", "u4")])
        found = read_journal(path).records
        return found[found["kind"] == kind]

    def sequences(self, name: str, kind: EventKind) -> list[int]:
        """The messages of those records."""
        return [int(sequence) for sequence in self.records(name, kind)["sequence"]]

    def ids(self, name: str, kind: EventKind) -> list[EntryId]:
        """The entries of those records."""
        return [(int(row["id_ms"]), int(row["id_seq"])) for row in self.records(name, kind)]

    def effects(self, *, suppressed: bool = False) -> list[int]:
        """The messages whose effect is in the effects journal, made or suppressed."""
        rows = read_journal(self.effects_path).records
        return [int(row["sequence"]) for row in rows if bool(row["detail"]) is suppressed]

    def receives(self, name: str) -> list[tuple[int, int, int]]:
        """Message, tag and delivery count of all that this worker received."""
        rows = self.records(name, EventKind.RECEIVE)
        return [(int(row["sequence"]), int(row["code"]), int(row["value"])) for row in rows]

    def pending(self, scope: int = 0) -> int:
        """How many entries the group has pending."""
        return int(self.admin.xpending(self.names.destination, self.names.group(scope))["pending"])

    def end(self) -> None:
        """End what is still running."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait(DEADLINE_S)
            for pipe in (worker.process.stdin, worker.process.stdout):
                if pipe is not None:
                    pipe.close()

    def _fields(self, sequence: int, *, poison: bool) -> dict[str, str]:
        event = make_event(
            token=self.names.token, arm=0, producer=0, sequence=sequence, seed=1, timestamp="t", poison=poison
        )
        return event.fields()

    def _header(self) -> JournalHeader:
        return JournalHeader(
            token=self.names.token,
            actor=1,
            role="effects",
            arm=0,
            scope=-1,
            name="effects",
            pid=os.getpid(),
            origin_ns=0,
            wall_ns=0,
        )


@contextmanager
def rig_of(arm: Arm, address: ServerAddress, admin: redis.Redis, folder: Path) -> Iterator[Rig]:
    """A rig whose workers end with the block."""
    rig = Rig(arm, address, admin, folder)
    try:
        yield rig
    finally:
        rig.end()
