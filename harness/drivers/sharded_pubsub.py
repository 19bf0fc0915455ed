"""Sharded Pub/Sub: SPUBLISH and SSUBSCRIBE, on a server that is not a cluster.

In a cluster a shard channel lives on one shard instead of on all; on one server that makes no difference, and it is
as much at most once as the unsharded kind. What can differ is the client: it keeps shard channels in another list,
which it has to subscribe to again after a reconnect.
"""

from __future__ import annotations

from typing import Any

from harness.drivers.pubsub import PubSubConsumer, PubSubProducer


class ShardedPubSubProducer(PubSubProducer):
    """Publishes to a shard channel."""

    command = "SPUBLISH"


class ShardedPubSubConsumer(PubSubConsumer):
    """One logical subscriber of a shard channel."""

    confirmation = "ssubscribe"

    def subscribe(self, subscription: Any) -> None:
        """Ask for the shard channel's messages."""
        subscription.ssubscribe(self._channel)
