"""How a consumer handles one message: the steps, their order, and the exact points at which it may be told to die.

::

    as usual            mark ─► (1) effect (2) ─► XACK (3)
    acknowledge first   XACK ─► mark ─► (1) effect (2) (3)
    nothing to ack      mark ─► (1) effect (2) (3)

The mark is the dedup's, where the arm has one; XACK stands for whatever settles a message, so for an XREAD reader for
saving its checkpoint. (1), (2) and (3) are BEFORE_EFFECT, AFTER_EFFECT and AFTER_ACK; where a step is missing, two
points fall together. With the dedup script, which is mark and effect in one, (1) is right before the script and (2)
right after its reply.

A consumer that was told to crash does so at the next message that passes the point; a suppressed effect passes neither
(1) nor (2), and a drain sentinel none. The record CRASHING is its last; SIGKILL follows in the next instruction.

A poisoned message fails before its mark: no mark, no effect, and no acknowledgement (one that went ahead is not taken
back). A group's entry stays pending and comes again; Pub/Sub has lost it; an XREAD reader reads on. With
``dead_letter_after`` an entry that failed for the N-th time is moved away at once, and one that was delivered more
than N times, because consumers died over it, is moved away unhandled.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TypedDict

from harness.drivers.base import Consumer, Delivery
from harness.history.journal import EventKind, Journal
from harness.model.words import CrashPointCode
from harness.trial.effects import Effects
from harness.trial.orders import Orders

SLOW = 1


class _Identity(TypedDict):
    producer: int
    sequence: int
    entry: tuple[int, int]


class Handler:
    """Handles messages one by one. A drain sentinel is acknowledged like a message and has no effect."""

    def __init__(
        self,
        consumer: Consumer,
        journal: Journal,
        orders: Orders,
        *,
        effects: Effects,
        dead_letter_after: int | None,
    ) -> None:
        self._consumer = consumer
        self._journal = journal
        self._orders = orders
        self._effects = effects
        self._dead_letter_after = dead_letter_after
        self._crash_point: CrashPointCode | None = None
        self._was_slow = False
        self.effects_made = 0

    def handle(self, delivery: Delivery) -> None:
        """All steps of one message. Raises what the client raises; the rest of the steps is left out then."""
        self._crash_point = None if delivery.read.is_sentinel else self._orders.crash_point
        began_ns = time.monotonic_ns()
        slow_ms = self._orders.slow_ms
        if self._is_delivered_too_often(delivery, tolerated=self._dead_letter_after):
            self._bury(delivery)
            return
        self._take_steps(delivery, slow_ms)
        if slow_ms or self._was_slow:
            took_ns = time.monotonic_ns() - began_ns
            self._note(EventKind.HANDLED, delivery, value=took_ns, code=SLOW if slow_ms else 0)
        self._was_slow = slow_ms > 0

    def _take_steps(self, delivery: Delivery, slow_ms: int) -> None:
        first = self._consumer.acknowledges_first
        if first:
            self._acknowledge(delivery)
        if slow_ms:
            self._orders.stopped.wait(slow_ms / 1000)
        if delivery.read.poison:
            self._fail(delivery)
            return
        self._make_effect(delivery)
        if not first:
            self._acknowledge(delivery)
        self._die_at(CrashPointCode.AFTER_ACK, delivery)

    def _make_effect(self, delivery: Delivery) -> None:
        if delivery.read.is_sentinel:
            return
        if self._effects.make(delivery, lambda: self._die_at(CrashPointCode.BEFORE_EFFECT, delivery)):
            self.effects_made += 1
            self._die_at(CrashPointCode.AFTER_EFFECT, delivery)

    def _acknowledge(self, delivery: Delivery) -> None:
        answer = self._consumer.acknowledge(delivery)
        if answer is not None:
            self._note(EventKind.ACK, delivery, value=answer)

    def _fail(self, delivery: Delivery) -> None:
        self._note(EventKind.FAILED, delivery, value=delivery.delivery_count)
        limit = self._dead_letter_after
        if limit is not None and self._is_delivered_too_often(delivery, tolerated=limit - 1):
            self._bury(delivery)

    @staticmethod
    def _is_delivered_too_often(delivery: Delivery, *, tolerated: int | None) -> bool:
        return tolerated is not None and delivery.delivery_count > tolerated

    def _bury(self, delivery: Delivery) -> None:
        if self._consumer.dead_letter(delivery):
            self._note(EventKind.DEAD_LETTER, delivery, value=delivery.delivery_count)

    def _die_at(self, point: CrashPointCode, delivery: Delivery) -> None:
        if self._crash_point is point:
            self._note(EventKind.CRASHING, delivery, code=point)
            os.kill(os.getpid(), signal.SIGKILL)

    def _note(self, kind: EventKind, delivery: Delivery, *, value: int = 0, code: int = 0) -> None:
        identity = _Identity(producer=delivery.read.producer, sequence=delivery.read.sequence, entry=delivery.entry)
        self._journal.write(kind, t_ns=time.monotonic_ns(), value=value, code=code, **identity)
