"""The arms that can be named: each is a way to send and receive, with a client preset as a suffix.

``stream-group`` is as shipped; ``stream-group-no-retry`` and ``stream-group-hardened`` are the same with other client
settings. The name without a suffix is the arm's base, which expectations and predictions refer to.
"""

from __future__ import annotations

from harness.model.errors import UsageError, nearest
from harness.model.values import Arm
from harness.model.words import ClientPreset, Primitive, Topology

_BASES = {
    "pubsub": Arm(name="pubsub", primitive=Primitive.PUBSUB, driver="pubsub", topology=Topology.FAN_OUT, scopes=2),
    "stream-group": Arm(
        name="stream-group", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT, scopes=2
    ),
    "stream-queue": Arm(
        name="stream-queue",
        primitive=Primitive.STREAMS,
        driver="stream_group",
        topology=Topology.WORK_QUEUE,
        scopes=1,
        consumers_per_scope=3,
    ),
}
DESCRIPTIONS = {
    "pubsub": "PUBLISH, two subscribers, each owed every message",
    "stream-group": "XADD, two consumer groups of one consumer, each owed every message; XACK after the effect",
    "stream-queue": "XADD, one consumer group whose three consumers share the work; XACK after the effect",
}
PARTITION_ARMS = ("pubsub", "stream-group", "stream-queue")


def known_arms() -> list[str]:
    """Every name that `named_arm` takes."""
    suffixes = ["", *(f"-{preset}" for preset in ClientPreset if preset is not ClientPreset.AS_SHIPPED)]
    return [base + suffix for base in _BASES for suffix in suffixes]


def named_arm(name: str) -> Arm:
    """The arm called ``name``.

    Raises:
        UsageError: there is none; the nearest name is told.
    """
    for base, arm in _BASES.items():
        for preset in ClientPreset:
            if name in {f"{base}-{preset}", base if preset is ClientPreset.AS_SHIPPED else ""}:
                return arm.model_copy(update={"name": name, "client": preset})
    raise UsageError(f'unknown arm "{name}"', fix=nearest(name, known_arms()))


def base_name(arm: Arm) -> str:
    """The arm's name without its preset."""
    return arm.name.removesuffix(f"-{arm.client}")
