"""Pub/Sub: PUBLISH to one channel, SUBSCRIBE to it; on request also to a pattern that matches it.

A client that subscribes to a channel and to a pattern that matches it is sent every message twice, once for each.

PUBLISH answers to how many connections of that node the message was queued: a number that promises nothing about
arrival. A subscriber that is not connected is owed nothing by the server and gets nothing afterwards.

The subscriber's loop is what applications write: ``get_message`` with a timeout. redis-py reconnects and subscribes
again by itself inside that call; the only in-band sign of it is another subscribe confirmation, which is why those
are not ignored here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis

from harness.drivers.base import ConnectionObserver, Delivery, Names, SendResult
from harness.drivers.client import HARDENED_TIMEOUT_S, RequestCounter, make_client
from harness.drivers.sending import send_once
from harness.model.message import OrderEvent, read_json
from harness.model.values import Arm
from harness.model.words import ClientPreset, OutcomeCode, ReceiveTag
from harness.stack.base import ServerAddress

POLL_S = 0.1
SUBSCRIBE_DEADLINE_S = 5.0
WATCH_INTERVAL_NS = 1_000_000_000
MAX_BATCH = 100
_TAGS = {"message": ReceiveTag.PUSH, "smessage": ReceiveTag.PUSH, "pmessage": ReceiveTag.PATTERN}


class PubSubProducer:
    """Publishes each message as one JSON object."""

    command = "PUBLISH"

    def __init__(self, arm: Arm, address: ServerAddress, names: Names, *, observer: ConnectionObserver) -> None:
        self._counter = RequestCounter(observer)
        self._client = make_client(address, arm.client, self._counter)
        self._channel = names.destination

    def open(self) -> None:
        """Connect, by a PING."""
        self._client.ping()

    def send(self, event: OrderEvent) -> SendResult:
        """Publish once; redis-py may write it more often."""
        payload = event.to_json()
        return send_once(self._counter, lambda: self._publish(payload))

    def _publish(self, payload: str) -> SendResult:
        answer: Any = self._client.execute_command(self.command, self._channel, payload)  # type: ignore[no-untyped-call]  # redis-py
        return SendResult(OutcomeCode.ACKNOWLEDGED, self._counter.writes, answer=int(answer))

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()


class PubSubConsumer:
    """One logical subscriber."""

    confirmation = "subscribe"

    def __init__(self, arm: Arm, address: ServerAddress, names: Names, *, observer: ConnectionObserver) -> None:
        self._address = address
        self._preset = arm.client
        self._overlaps = arm.pattern_overlap
        self._token = names.token
        self._channel = names.destination
        self._observer = observer
        self._counter = RequestCounter(observer)
        self._client: redis.Redis | None = None
        self._subscription: redis.client.PubSub | None = None
        self._early: list[Delivery] = []
        self._failure: redis.RedisError | OSError | None = None
        self._heard_ns = 0
        self._pinged_ns = 0

    @property
    def acknowledges_first(self) -> bool:
        """Never: there is nothing to acknowledge."""
        return False

    def open(self) -> None:
        """Subscribe and wait until the server confirms."""
        self._client = make_client(self._address, self._preset, self._counter)
        self._subscription = self._client.pubsub()  # type: ignore[no-untyped-call]  # redis-py has no types here
        self.subscribe(self._subscription)
        self._await(self._subscription, self.confirmation)
        self._confirm()
        if self._overlaps:
            self._subscription.psubscribe(f"{self._channel}*")
            self._await(self._subscription, "psubscribe")

    def subscribe(self, subscription: Any) -> None:
        """Ask for the channel's messages."""
        subscription.subscribe(self._channel)

    def poll(self) -> Sequence[Delivery]:
        """Everything that is there, waiting at most a tenth of a second for the first message.

        An error behind messages that have arrived is raised at the next call: they were received, and count.
        """
        if self._failure is not None:
            raise self._failure
        if self._subscription is None:
            raise redis.ConnectionError("not subscribed")
        deliveries, self._early = self._early, []
        timeout = 0.0 if deliveries else POLL_S
        for _ in range(MAX_BATCH):
            try:
                message = self._subscription.get_message(timeout=timeout)
            except (redis.RedisError, OSError) as error:
                if not deliveries:
                    raise
                self._failure = error
                return deliveries
            if message is None:
                break
            timeout = 0.0
            self._heard_ns = time.monotonic_ns()
            if message["type"] == self.confirmation:
                self._confirm()
            elif message["type"] in _TAGS:
                deliveries.append(self._open_message(message["data"], _TAGS[message["type"]]))
        self._watch()
        return deliveries

    def acknowledge(self, delivery: Delivery) -> None:  # noqa: ARG002  # Pub/Sub has nothing to acknowledge
        """Nothing: Pub/Sub knows no acknowledgement."""
        return

    def dead_letter(self, delivery: Delivery) -> bool:  # noqa: ARG002  # nothing is delivered again
        """Nowhere: Pub/Sub keeps nothing."""
        return False

    def store(self) -> redis.Redis:
        """The open client; its connections are others than the subscription's."""
        if self._client is None:
            raise redis.ConnectionError("not connected")
        return self._client

    def close(self) -> None:
        """Give up the connections."""
        if self._subscription is not None:
            self._subscription.close()
        if self._client is not None:
            self._client.close()
        self._subscription = self._client = None
        self._failure = None

    def _await(self, subscription: redis.client.PubSub, confirmation: str) -> None:
        """Wait for one confirmation. Messages that come before the pattern is confirmed are kept for `poll`."""
        deadline = time.monotonic() + SUBSCRIBE_DEADLINE_S
        while time.monotonic() < deadline:
            message = subscription.get_message(timeout=POLL_S)
            if message is None:
                continue
            if message["type"] == confirmation:
                return
            if message["type"] in _TAGS:
                self._early.append(self._open_message(message["data"], _TAGS[message["type"]]))
        raise redis.TimeoutError(f"no {confirmation} confirmation within {SUBSCRIBE_DEADLINE_S:g} s")

    def _confirm(self) -> None:
        self._heard_ns = self._pinged_ns = time.monotonic_ns()
        self._observer.subscribed(self._counter.connections)

    def _open_message(self, payload: str, tag: ReceiveTag) -> Delivery:
        read = read_json(payload, token=self._token)
        return Delivery(read, tag, connection=self._counter.connections)

    def _watch(self) -> None:
        """Hardened only: ping the own connection each second and replace it after two seconds of silence."""
        if self._preset is not ClientPreset.HARDENED or self._subscription is None:
            return
        now = time.monotonic_ns()
        if now - self._heard_ns > HARDENED_TIMEOUT_S * 1e9:
            raise redis.TimeoutError(f"the subscriber heard nothing for {HARDENED_TIMEOUT_S:g} s")
        if now - self._pinged_ns > WATCH_INTERVAL_NS:
            self._pinged_ns = now
            self._subscription.ping()
