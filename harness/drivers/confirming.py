"""Waiting for more than a reply: WAIT and WAITAOF after an XADD, in one pipeline on one connection.

``WAIT n ms`` answers how many replicas have everything that *this connection* wrote; ``WAITAOF 1 0 ms`` whether the
server itself has synced it. On another connection than the XADD's both would answer about nothing, and at once. So
they are sent with it: where redis-py repeats the request, it repeats both.
Sources: https://redis.io/docs/latest/commands/wait/ and https://redis.io/docs/latest/commands/waitaof/

What is acknowledged is what the wait confirmed. An entry that was written, and not confirmed in time, may survive or
not: it is indeterminate.
"""

from __future__ import annotations

from typing import Any

import redis

from harness.model.values import Arm


def waits(arm: Arm) -> bool:
    """Whether ``arm`` waits for more than the reply."""
    return arm.wait_fsync or arm.wait_replicas > 0


def wait_command(arm: Arm) -> tuple[str | int, ...]:
    """The command that follows each XADD."""
    if arm.wait_fsync:
        return ("WAITAOF", 1, 0, arm.wait_ms)
    return ("WAIT", arm.wait_replicas, arm.wait_ms)


def wanted(arm: Arm) -> int:
    """What the wait has to answer."""
    return 1 if arm.wait_fsync else arm.wait_replicas


def add_and_wait(client: redis.Redis, arm: Arm, words: tuple[str, ...]) -> tuple[str, int]:
    """XADD with ``words``, and the wait: the entry's id, and how many confirmed it.

    Raises what the client raises, and the server's answer where it refused the XADD; a wait that it refused confirms
    nothing, whatever it says.
    """
    with client.pipeline(transaction=False) as pipeline:
        pipeline.execute_command("XADD", *words)  # type: ignore[no-untyped-call]  # redis-py
        pipeline.execute_command(*wait_command(arm))  # type: ignore[no-untyped-call]  # redis-py
        entry, confirmed = pipeline.execute(raise_on_error=False)
    if isinstance(entry, Exception):
        raise entry
    return str(entry), _count(confirmed)


def _count(answer: Any) -> int:
    """WAIT answers a number, WAITAOF the server's own and its replicas'."""
    if isinstance(answer, Exception):
        return 0
    return int(answer[0] if isinstance(answer, list | tuple) else answer)
