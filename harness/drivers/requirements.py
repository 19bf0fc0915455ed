"""What an arm asks of a server beyond the common commands, found out by trying it there.

Nothing is concluded from a version: forks and builds differ. Each probe uses one scratch key under the trial's own
prefix and removes it again, so it may be made on a server that is not ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from harness.drivers.base import Names
from harness.drivers.confirming import wait_command, waits, wanted
from harness.model.values import Arm
from harness.model.words import Dedup, Primitive, Recovery

_CLAIM_PROBE_S = 0.01
Probe = Callable[[redis.Redis, str], object]


def missing_requirement(arm: Arm, admin: redis.Redis, names: Names) -> str:
    """Why ``arm`` cannot be played on the server behind ``admin``; empty where it can."""
    if arm.dedup is not Dedup.NONE and arm.primitive is Primitive.PUBSUB:
        return "dedup marks are kept over the consumer's own connection, which a subscriber cannot use"
    if waits(arm) and (reason := _unconfirmed(arm, admin, names.scratch)):
        return reason
    for words, probe in _asked_for(arm):
        if refusal := _try(admin, names.scratch, probe):
            return f"the server has no {words}: it answered {refusal!r}"
    return ""


def _asked_for(arm: Arm) -> list[tuple[str, Probe]]:
    asked: list[tuple[str, Probe]] = []
    if arm.idempotent_add:
        asked.append(("XADD with IDMP (Redis 8.6)", _probe_idempotent_add))
    if arm.driver == "stream_group" and arm.stream.recovery is Recovery.READ_CLAIM:
        asked.append(("XREADGROUP with CLAIM (Redis 8.4)", _probe_read_claim))
    if arm.driver == "sharded_pubsub":
        asked.append(("sharded Pub/Sub (Redis 7.0)", _probe_sharded))
    return asked


def _unconfirmed(arm: Arm, admin: redis.Redis, key: str) -> str:
    """Why no write will be confirmed as the arm wants it; found out by one that is."""
    words = " ".join(str(word) for word in wait_command(arm))
    try:
        with admin.pipeline(transaction=False) as pipeline:
            pipeline.xadd(key, {"field": "value"})
            pipeline.execute_command(*wait_command(arm))  # type: ignore[no-untyped-call]  # redis-py
            answer = pipeline.execute(raise_on_error=False)[1]
    finally:
        admin.unlink(key)
    if isinstance(answer, redis.ResponseError):
        return f"the server can't confirm writes with {words}: it answered {str(answer)!r}"
    confirmed = int(answer[0] if isinstance(answer, list | tuple) else answer)
    enough = confirmed >= wanted(arm)
    return "" if enough else f"too few confirm a write: {words} was answered by {confirmed}, of {wanted(arm)} wanted"


def _try(admin: redis.Redis, key: str, probe: Probe) -> str:
    """What the server answered where it refused. The scratch key is gone in either case."""
    try:
        probe(admin, key)
    except redis.ResponseError as error:
        return str(error)
    finally:
        admin.unlink(key)
    return ""


def _probe_idempotent_add(admin: redis.Redis, key: str) -> None:
    """Two adds with one id have to make one entry."""
    for _ in range(2):
        admin.execute_command("XADD", key, "IDMP", "probe", "1", "*", "field", "value")  # type: ignore[no-untyped-call]  # redis-py
    if admin.xlen(key) != 1:
        raise redis.ResponseError("IDMP was accepted, and yet one id made two entries")


def _probe_read_claim(admin: redis.Redis, key: str) -> None:
    """An entry that has been pending for a millisecond has to come back to a read with CLAIM 1."""
    admin.xgroup_create(key, "probe", id="0", mkstream=True)
    admin.xadd(key, {"field": "value"})
    admin.xreadgroup("probe", "one", {key: ">"}, count=1)
    time.sleep(_CLAIM_PROBE_S)
    words = ("GROUP", "probe", "two", "COUNT", 1, "CLAIM", 1, "STREAMS", key, ">")
    if not admin.execute_command("XREADGROUP", *words):  # type: ignore[no-untyped-call]  # redis-py
        raise redis.ResponseError("CLAIM was accepted, and yet nothing was claimed")


def _probe_sharded(admin: redis.Redis, key: str) -> object:
    return admin.execute_command("SPUBLISH", key, "")  # type: ignore[no-untyped-call]  # redis-py
