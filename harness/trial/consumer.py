"""The consumer process: receives, makes the effect, acknowledges, in the arm's order, and writes each step down.

When the client gives up (an exception reaches the application), the consumer does what a supervisor would do to it:
it starts over after a tenth of a second, until it is told to stop. How one message is handled is in
`harness.trial.handling`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis

from harness.drivers.base import Consumer, Delivery, Tombstone
from harness.drivers.client import classify
from harness.history.journal import EventKind
from harness.model.words import ContentCheck
from harness.trial.handling import Handler
from harness.trial.orders import Orders
from harness.trial.recorder import Recorder

REOPEN_PAUSE_S = 0.1


class ConsumerWork:
    """One consumer's loop."""

    def __init__(self, consumer: Consumer, recorder: Recorder, handler: Handler, orders: Orders) -> None:
        self._consumer = consumer
        self._recorder = recorder
        self._journal = recorder.journal
        self._handler = handler
        self._orders = orders

    def open_once(self) -> bool:
        """Try to get going; false when the client raised."""
        try:
            self._consumer.open()
        except (redis.RedisError, OSError) as error:
            self._give_up(error)
            return False
        return True

    def run(self) -> None:
        """Work until told to stop."""
        working = True
        while not self._orders.stopped.is_set():
            if not working:
                self._orders.stopped.wait(REOPEN_PAUSE_S)
                working = self.open_once()
                continue
            try:
                self._handle(self._consumer.poll())
            except (redis.RedisError, OSError) as error:
                self._give_up(error)
                working = False
        self._journal.write(EventKind.END, t_ns=time.monotonic_ns(), value=self._handler.effects_made)

    def _give_up(self, error: Exception) -> None:
        self._recorder.failed(classify(error))
        print(f"{time.monotonic_ns()} {type(error).__name__}: {error}", flush=True)
        self._consumer.close()

    def _handle(self, arrived: Sequence[Delivery | Tombstone]) -> None:
        """Write down everything that arrived together, then handle the messages one by one."""
        now = time.monotonic_ns()
        for item in arrived:
            self._note_arrival(item, now)
        for item in arrived:
            if isinstance(item, Delivery) and item.read.check is ContentCheck.INTACT:
                self._handler.handle(item)

    def _note_arrival(self, item: Delivery | Tombstone, now_ns: int) -> None:
        if isinstance(item, Tombstone):
            self._journal.write(EventKind.TOMBSTONE, t_ns=now_ns, entry=item.entry)
            return
        self._journal.write(
            EventKind.RECEIVE,
            t_ns=now_ns,
            producer=item.read.producer,
            sequence=item.read.sequence,
            code=item.tag,
            detail=item.read.check,
            count=item.connection,
            entry=item.entry,
            value=item.delivery_count,
        )
