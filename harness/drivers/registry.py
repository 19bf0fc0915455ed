"""Which driver an arm names: the one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from harness.drivers.base import ConnectionObserver, Consumer, EntryId, Names, Producer
from harness.drivers.entries import StreamLog
from harness.drivers.pubsub import PubSubConsumer, PubSubProducer
from harness.drivers.stream_group import StreamConsumer, StreamProducer
from harness.model.errors import UsageError
from harness.model.values import Arm
from harness.stack.base import ServerAddress

if TYPE_CHECKING:
    from harness.drivers.base import Log

GROUP_START: EntryId = (0, 0)


def _unknown(arm: Arm) -> UsageError:
    return UsageError(f"no driver {arm.driver}", fix="see `harness list`")


def make_producer(arm: Arm, address: ServerAddress, names: Names, observer: ConnectionObserver) -> Producer:
    """The producer that ``arm`` asks for."""
    match arm.driver:
        case "pubsub":
            return PubSubProducer(address, names, preset=arm.client, observer=observer)
        case "stream_group":
            return StreamProducer(address, names, preset=arm.client, observer=observer)
        case _:
            raise _unknown(arm)


def make_consumer(
    arm: Arm, address: ServerAddress, names: Names, *, scope: int, name: str, observer: ConnectionObserver
) -> Consumer:
    """The consumer ``name`` of scope ``scope`` that ``arm`` asks for."""
    match arm.driver:
        case "pubsub":
            return PubSubConsumer(address, names, preset=arm.client, observer=observer)
        case "stream_group":
            return StreamConsumer(
                address, names, scope=scope, name=name, preset=arm.client, settings=arm.stream, observer=observer
            )
        case _:
            raise _unknown(arm)


def missing_requirement(arm: Arm, admin: redis.Redis) -> str:  # noqa: ARG001  # no arm asks for more than Streams yet
    """Why the server behind ``admin`` cannot play ``arm``; empty where it can. Probed, never guessed from a version."""
    return ""


def prepare(arm: Arm, admin: redis.Redis, names: Names) -> dict[int, EntryId]:
    """Make what must exist before anybody connects; the start id of each scope's group (Streams)."""
    match arm.driver:
        case "pubsub":
            return {}
        case "stream_group":
            for scope in range(arm.scopes):
                admin.xgroup_create(names.destination, names.group(scope), id="0", mkstream=True)
            return dict.fromkeys(range(arm.scopes), GROUP_START)
        case _:
            raise _unknown(arm)


def open_log(arm: Arm, admin: redis.Redis, names: Names) -> Log | None:
    """The server's own account of the arm; ``None`` where the server keeps none."""
    match arm.driver:
        case "pubsub":
            return None
        case "stream_group":
            return StreamLog(admin, names)
        case _:
            raise _unknown(arm)
