"""The producer process: sends each message of its schedule once, when it is time, and writes down what it knows.

The attempt is journalled before the client is called, the outcome after. The application itself never retries; what
redis-py does inside the call is part of the arm. After the schedule come the drain's sentinels, until the conductor
has seen them arrive everywhere.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from harness.drivers.base import Producer
from harness.history.journal import EventKind
from harness.model.message import SENTINEL_BASE, make_event
from harness.trial.orders import Orders
from harness.trial.recorder import Recorder
from harness.trial.schedule import SENTINEL_INTERVAL_S
from harness.trial.spec import WorkerSpec

START_DEADLINE_S = 60.0
MAX_SENTINELS = 10_000


class ProducerWork:
    """One producer's schedule, from the first message to the last sentinel."""

    def __init__(self, spec: WorkerSpec, producer: Producer, recorder: Recorder, orders: Orders) -> None:
        self._spec = spec
        self._producer = producer
        self._recorder = recorder
        self._orders = orders
        self._poison = frozenset(spec.poison)

    def run(self) -> None:
        """Send the schedule, say that it is done, send sentinels until told to stop."""
        start_ns = self._orders.wait_for_start(START_DEADLINE_S)
        if start_ns is None:
            return
        sent = self._send_schedule(start_ns)
        self._recorder.journal.write(EventKind.END, t_ns=time.monotonic_ns(), value=sent)
        for number in range(MAX_SENTINELS):
            if self._orders.stopped.wait(SENTINEL_INTERVAL_S):
                break
            now = time.monotonic_ns()
            self._send(SENTINEL_BASE + number, intended_ns=now, free_ns=now)

    def _send_schedule(self, start_ns: int) -> int:
        free_ns = start_ns
        sent = 0
        for sequence, offset_ns in enumerate(self._spec.offsets_ns, start=self._spec.first_sequence):
            intended_ns = start_ns + offset_ns
            if not self._wait_until(intended_ns):
                break
            self._send(sequence, intended_ns=intended_ns, free_ns=max(intended_ns, free_ns))
            free_ns = time.monotonic_ns()
            sent += 1
        return sent

    def _wait_until(self, moment_ns: int) -> bool:
        """Sleep until ``moment_ns``; false when told to stop. Long waits are cut, so that an order is heard."""
        while (left_ns := moment_ns - time.monotonic_ns()) > 0:
            if self._orders.stopped.is_set():
                return False
            time.sleep(min(left_ns / 1e9, 0.2))
        return not self._orders.stopped.is_set()

    def _send(self, sequence: int, *, intended_ns: int, free_ns: int) -> None:
        spec = self._spec
        event = make_event(
            token=spec.token,
            arm=spec.arm_index,
            producer=spec.producer,
            sequence=sequence,
            seed=spec.seed,
            timestamp=datetime.now(UTC).isoformat(timespec="milliseconds"),
            poison=sequence in self._poison,
            padding_bytes=spec.padding_bytes,
        )
        journal = self._recorder.journal
        self._recorder.producer, self._recorder.sequence = spec.producer, sequence
        journal.write(
            EventKind.ATTEMPT,
            t_ns=time.monotonic_ns(),
            producer=spec.producer,
            sequence=sequence,
            aux_ns=intended_ns,
            value=free_ns,
        )
        result = self._producer.send(event)
        journal.write(
            EventKind.OUTCOME,
            t_ns=time.monotonic_ns(),
            producer=spec.producer,
            sequence=sequence,
            code=result.outcome,
            count=result.writes,
            entry=result.entry,
            value=result.answer,
            detail=result.error,
        )
        if result.error:
            self._recorder.failed(result.error)
