"""Which driver an arm names: the one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from harness.drivers.base import ConnectionObserver, Consumer, EntryId, Names, Producer
from harness.drivers.entries import StreamLog
from harness.drivers.pubsub import PubSubConsumer, PubSubProducer
from harness.drivers.sharded_pubsub import ShardedPubSubConsumer, ShardedPubSubProducer
from harness.drivers.stream_add import StreamProducer
from harness.drivers.stream_group import StreamConsumer
from harness.drivers.stream_read import ReaderLog, StreamReader
from harness.model.values import Arm
from harness.model.words import StartAt
from harness.stack.base import ServerAddress

if TYPE_CHECKING:
    from harness.drivers.base import Log

GROUP_START: EntryId = (0, 0)


def make_producer(arm: Arm, address: ServerAddress, names: Names, observer: ConnectionObserver) -> Producer:
    """The producer that ``arm`` asks for."""
    match arm.driver:
        case "pubsub":
            return PubSubProducer(arm, address, names, observer=observer)
        case "sharded_pubsub":
            return ShardedPubSubProducer(arm, address, names, observer=observer)
        case "stream_group" | "stream_read":
            return StreamProducer(arm, address, names, observer=observer)


def make_consumer(
    arm: Arm, address: ServerAddress, names: Names, *, scope: int, name: str, observer: ConnectionObserver
) -> Consumer:
    """The consumer of scope ``scope`` that ``arm`` asks for; a group knows it as ``name``."""
    match arm.driver:
        case "pubsub":
            return PubSubConsumer(arm, address, names, observer=observer)
        case "sharded_pubsub":
            return ShardedPubSubConsumer(arm, address, names, observer=observer)
        case "stream_group":
            return StreamConsumer(arm, address, names, scope=scope, name=name, observer=observer)
        case "stream_read":
            return StreamReader(arm, address, names, scope=scope, observer=observer)


def prepare(arm: Arm, admin: redis.Redis, names: Names) -> dict[int, EntryId]:
    """Make what must exist before anybody connects; the start id of each scope's group that was made here.

    A group at ``$`` is made by its first consumer, and a reader begins where it begins: they tell their start.
    """
    if arm.driver != "stream_group" or arm.stream.start is StartAt.END:
        return {}
    for scope in range(arm.scopes):
        admin.xgroup_create(names.destination, names.group(scope), id="0", mkstream=True)
    return dict.fromkeys(range(arm.scopes), GROUP_START)


def open_log(arm: Arm, admin: redis.Redis, names: Names) -> Log | None:
    """The server's own account of the arm; ``None`` where the server keeps none."""
    match arm.driver:
        case "pubsub" | "sharded_pubsub":
            return None
        case "stream_group":
            return StreamLog(admin, names)
        case "stream_read":
            return ReaderLog(admin, names, checkpoint=arm.stream.checkpoint)
