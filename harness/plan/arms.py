"""The arms that can be named: each is a way to send and receive.

A name is a base, then a client preset, then a release of redis-py: ``stream-group``, ``stream-group-no-retry``,
``stream-group-no-retry@6.4.0``. Without a preset the client is as shipped; without a release it is the installed one.
The base is what expectations and predictions refer to.
"""

from __future__ import annotations

import re
from typing import Any

from harness.model.errors import UsageError, nearest
from harness.model.values import Arm, Retention, StreamSettings
from harness.model.words import (
    AckPolicy,
    Checkpoint,
    ClientPreset,
    Dedup,
    Primitive,
    Recovery,
    StartAt,
    Topology,
)

PARTITION_ARMS = ("pubsub", "stream-group", "stream-queue")
_RELEASE = re.compile(r"\d+\.\d+\.\d+")
_QUEUE: dict[str, Any] = {"topology": Topology.WORK_QUEUE, "scopes": 1, "consumers_per_scope": 3}
_ACK_FIRST = StreamSettings(ack=AckPolicy.BEFORE_EFFECT)
_NOACK = StreamSettings(ack=AckPolicy.NOACK, recovery=Recovery.NONE)
_NO_RECOVERY = StreamSettings(recovery=Recovery.NONE)
_DEAD_LETTER = StreamSettings(dead_letter_after=3)


def _pubsub(**changes: Any) -> Arm:
    return Arm(name="-", primitive=Primitive.PUBSUB, topology=Topology.FAN_OUT, **({"driver": "pubsub"} | changes))


def _group(**changes: Any) -> Arm:
    return Arm(
        name="-", primitive=Primitive.STREAMS, driver="stream_group", **({"topology": Topology.FAN_OUT} | changes)
    )


def _queue(**changes: Any) -> Arm:
    return _group(**_QUEUE, **changes)


def _reader(settings: StreamSettings) -> Arm:
    return Arm(name="-", primitive=Primitive.STREAMS, driver="stream_read", topology=Topology.FAN_OUT, stream=settings)


_ARMS: dict[str, tuple[Arm, str]] = {
    "pubsub": (_pubsub(), "PUBLISH, two subscribers, each owed every message"),
    "sharded-pubsub": (_pubsub(driver="sharded_pubsub"), "SPUBLISH, two subscribers of the shard channel"),
    "pubsub-overlap": (
        _pubsub(pattern_overlap=True),
        "PUBLISH, two subscribers, each to the channel and to a pattern that matches it",
    ),
    "pubsub-sentinel": (
        _pubsub(asks_sentinel=True),
        "pubsub whose clients ask Sentinels for the master and connect straight to it",
    ),
    "stream-group": (
        _group(),
        "XADD, two consumer groups of one consumer, each owed every message; XACK after the effect",
    ),
    "stream-group-ack-first": (_group(stream=_ACK_FIRST), "stream-group that acknowledges before the effect"),
    "stream-group-noack": (_group(stream=_NOACK), "stream-group that reads with NOACK: nothing is ever pending"),
    "stream-group-no-recovery": (
        _group(stream=_NO_RECOVERY),
        "stream-group that never comes back to what it left pending",
    ),
    "stream-group-own-pending": (
        _group(stream=StreamSettings(recovery=Recovery.OWN_PENDING)),
        "stream-group that reads its own pending entries again after a reconnect, and claims nothing",
    ),
    "stream-group-claim": (
        _group(stream=StreamSettings(recovery=Recovery.CLAIM)),
        "stream-group that claims with XAUTOCLAIM, and does not read its own pending entries again",
    ),
    "stream-group-read-claim": (
        _group(stream=StreamSettings(recovery=Recovery.READ_CLAIM)),
        "stream-group that claims with XREADGROUP ... CLAIM (Redis 8.4)",
    ),
    "stream-group-at-end": (
        _group(stream=StreamSettings(start=StartAt.END)),
        "stream-group whose groups are created at $ by their first consumer",
    ),
    "stream-group-count-1": (_group(stream=StreamSettings(count=1)), "stream-group that reads one entry at a time"),
    "stream-group-count-100": (
        _group(stream=StreamSettings(count=100)),
        "stream-group that reads up to a hundred entries at a time",
    ),
    "stream-group-set-nx": (_group(dedup=Dedup.SET_NX), "stream-group with SET NX before each effect"),
    "stream-group-lua": (_group(dedup=Dedup.LUA), "stream-group with mark and effect in one script on the server"),
    "stream-group-window": (_group(dedup=Dedup.WINDOW), "stream-group with SET NX PX 1000 before each effect"),
    "stream-group-dead-letter": (
        _group(stream=_DEAD_LETTER),
        "stream-group that moves an entry to a dead-letter stream after three deliveries",
    ),
    "stream-read": (_reader(StreamSettings()), "XADD, two XREAD readers from 0; checkpoint after each effect"),
    "stream-read-checkpoint-first": (
        _reader(StreamSettings(checkpoint=Checkpoint.BEFORE_EFFECT)),
        "stream-read that saves its checkpoint before each effect",
    ),
    "stream-read-at-end": (
        _reader(StreamSettings(start=StartAt.END, checkpoint=Checkpoint.NONE)),
        "stream-read that starts at $ and remembers its place only while it lives",
    ),
    "stream-group-maxlen": (_group(retention=Retention(max_length=200)), "stream-group, XADD with MAXLEN ~ 200"),
    "stream-group-maxlen-exact": (
        _group(retention=Retention(max_length=200, exact=True)),
        "stream-group, XADD with MAXLEN = 200",
    ),
    "stream-group-minid": (
        _group(retention=Retention(max_age_ms=1_000, exact=True)),
        "stream-group, XADD with MINID = one second ago",
    ),
    "stream-group-idmp": (_group(idempotent_add=True), "stream-group, XADD with IDMP (Redis 8.6)"),
    "stream-group-wait-1": (
        _group(wait_replicas=1),
        "stream-group, WAIT 1 after each XADD: acknowledged is what one replica confirmed",
    ),
    "stream-group-wait-2": (
        _group(wait_replicas=2),
        "stream-group, WAIT 2 after each XADD: acknowledged is what two replicas confirmed",
    ),
    "stream-group-waitaof": (
        _group(wait_fsync=True, wait_ms=3_000),
        "stream-group, WAITAOF 1 0 after each XADD: acknowledged is what the server has synced",
    ),
    "stream-group-sentinel": (
        _group(asks_sentinel=True),
        "stream-group whose clients ask Sentinels for the master and connect straight to it",
    ),
    "stream-queue": (
        _queue(),
        "XADD, one consumer group whose three consumers share the work; XACK after the effect",
    ),
    "stream-queue-no-recovery": (
        _queue(stream=_NO_RECOVERY),
        "stream-queue whose consumers never come back to what was left pending",
    ),
    "stream-queue-ack-first": (_queue(stream=_ACK_FIRST), "stream-queue that acknowledges before the effect"),
    "stream-queue-noack": (_queue(stream=_NOACK), "stream-queue that reads with NOACK: nothing is ever pending"),
    "stream-queue-set-nx": (_queue(dedup=Dedup.SET_NX), "stream-queue with SET NX before each effect"),
    "stream-queue-lua": (_queue(dedup=Dedup.LUA), "stream-queue with mark and effect in one script on the server"),
    "stream-queue-window": (_queue(dedup=Dedup.WINDOW), "stream-queue with SET NX PX 1000 before each effect"),
    "stream-queue-maxlen-exact": (
        _queue(retention=Retention(max_length=200, exact=True)),
        "stream-queue, XADD with MAXLEN = 200",
    ),
    "stream-queue-dead-letter": (
        _queue(stream=_DEAD_LETTER),
        "stream-queue that moves an entry to a dead-letter stream after three deliveries",
    ),
}
DESCRIPTIONS = {name: description for name, (_, description) in _ARMS.items()}


def known_arms() -> list[str]:
    """Every name that `named_arm` takes without a release."""
    suffixes = ["", *(f"-{preset}" for preset in ClientPreset if preset is not ClientPreset.AS_SHIPPED)]
    return [base + suffix for base in _ARMS for suffix in suffixes]


def named_arm(name: str) -> Arm:
    """The arm called ``name``.

    Raises:
        UsageError: there is none; the nearest name is told.
    """
    stem, at, release = name.partition("@")
    base, preset = _split_preset(stem)
    if base not in _ARMS:
        raise UsageError(f'unknown arm "{name}"', fix=nearest(stem, known_arms()))
    if at and not _RELEASE.fullmatch(release):
        raise UsageError(
            f'arm "{name}": "{release}" is no release of redis-py', fix=f"write three numbers, e.g. {stem}@5.3.1"
        )
    arm, _ = _ARMS[base]
    return arm.model_copy(update={"name": name, "client": preset, "client_release": release or None})


def base_name(arm: Arm) -> str:
    """The arm's name without its preset and its release."""
    return arm.name.partition("@")[0].removesuffix(f"-{arm.client}")


def _split_preset(stem: str) -> tuple[str, ClientPreset]:
    for preset in ClientPreset:
        if preset is not ClientPreset.AS_SHIPPED and stem.endswith(f"-{preset}"):
            return stem.removesuffix(f"-{preset}"), preset
    return stem, ClientPreset.AS_SHIPPED
