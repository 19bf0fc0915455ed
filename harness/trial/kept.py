"""What dedup leaves on the server, taken after the drain: the effects that scripts made, and the marks with their size.

The script's effects are copied into the arm's effects journal under the actor that ran the script and with its own
time, so that whoever reads the journal sees one kind of effect. They are read once, after every consumer has ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from harness.drivers.base import Names
from harness.history.journal import EventKind, Journal
from harness.model.values import Arm
from harness.model.words import Dedup
from harness.trial.effects import ServerEffect

PAGE = 1_000
MAX_PAGES = 100_000


def audit_dedup(arm: Arm, admin: redis.Redis, journal: Journal, names: Names, *, effects_path: Path) -> None:
    """Copy the effects of an arm that scripts made, and journal what its marks take."""
    if arm.dedup is Dedup.NONE:
        return
    if arm.dedup is Dedup.LUA:
        copy_effects(admin, names, effects_path)
    note_marks(admin, journal, names)


def copy_effects(admin: redis.Redis, names: Names, effects_path: Path) -> int:
    """Append the server's effects to the journal, each actor's in the order of their times; how many there were."""
    effects = sorted(_server_effects(admin, names.effects), key=lambda effect: (effect.actor, effect.t_ns))
    with ExitStack() as closing:
        journals: dict[tuple[int, int], Journal] = {}
        for effect in effects:
            maker = (effect.actor, effect.scope)
            if maker not in journals:
                joined = Journal.join(effects_path, actor=effect.actor, arm=names.arm, scope=effect.scope)
                journals[maker] = closing.enter_context(joined)
            journals[maker].write(
                EventKind.EFFECT,
                t_ns=effect.t_ns,
                producer=effect.producer,
                sequence=effect.sequence,
                entry=(effect.id_ms, effect.id_seq),
                detail=effect.suppressed,
            )
    return len(effects)


def note_marks(admin: redis.Redis, journal: Journal, names: Names) -> None:
    """One DEDUP_KEPT record: bytes and number of the marks; none where the server does not tell the bytes."""
    number = size = 0
    try:
        for marks in _pages_of_marks(admin, names.marks):
            with admin.pipeline(transaction=False) as asking:
                for mark in marks:
                    asking.memory_usage(mark)
                sizes = [answer for answer in asking.execute() if answer is not None]
            number += len(sizes)
            size += sum(int(answer) for answer in sizes)
    except redis.ResponseError:
        return
    journal.write(EventKind.DEDUP_KEPT, t_ns=time.monotonic_ns(), arm=names.arm, value=size, aux_ns=number)


def _server_effects(admin: redis.Redis, key: str) -> Iterator[ServerEffect]:
    for page in range(MAX_PAGES):
        lines: Any = admin.lrange(key, page * PAGE, (page + 1) * PAGE - 1)
        yield from (ServerEffect.from_text(str(line)) for line in lines)
        if len(lines) < PAGE:
            return


def _pages_of_marks(admin: redis.Redis, prefix: str) -> Iterator[set[str]]:
    """Each mark once: SCAN may give a key twice, when the table of keys is rebuilt meanwhile."""
    seen: set[str] = set()
    cursor: Any = 0
    for _ in range(MAX_PAGES):
        cursor, keys = admin.scan(cursor=cursor, match=f"{prefix}*", count=PAGE)
        fresh = {str(key) for key in keys} - seen
        seen |= fresh
        if fresh:
            yield fresh
        if int(cursor) == 0:
            return
