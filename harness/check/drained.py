"""What the drain's sentinels show of a scope that was given none: until when nobody can have been reading there.

Every producer that went through its schedule sends a sentinel after the other, until all scopes of its arm were given
one of each or the drain gives up. A scope that was given none by then was not reading when one of them was sent, so
the last of them that was acknowledged before tells how long that lasted for certain. A producer that died sends none,
and one that cannot write gets none acknowledged: nobody misses those.
"""

from __future__ import annotations

import numpy as np

from harness.history.journal import BarrierPart, EventKind
from harness.history.table import History
from harness.model.message import SENTINEL_BASE
from harness.model.words import OutcomeCode


def deaf_until_ns(history: History, *, arm: int) -> int | None:
    """When the last sentinel was sent that was acknowledged while a scope was still given none.

    The latest over the arm's scopes; ``None``: each was given a sentinel, or none was acknowledged before the drain
    gave up, or nobody noted that it did.
    """
    moments = [
        _last_sentinel_ns(history, arm=arm, before_ns=gave_up_ns)
        for scope, gave_up_ns in _given_up(history, arm=arm).items()
        if not _given_any(history, arm=arm, scope=scope)
    ]
    return max((moment for moment in moments if moment is not None), default=None)


def _given_up(history: History, *, arm: int) -> dict[int, int]:
    """Per scope of which the drain waited for sentinels in vain: when it gave up."""
    columns = ("t_ns", "code", "arm", "scope", "value")
    notes = history.records(EventKind.BARRIER, columns=columns)
    found: dict[int, int] = {}
    for moment, code, of, scope, reached in zip(*(notes[name].tolist() for name in columns), strict=True):
        if code == BarrierPart.SENTINELS_SEEN and of == arm and not reached:
            found[scope] = moment
    return found


def _given_any(history: History, *, arm: int, scope: int) -> bool:
    """Whether a sentinel of any producer reached the scope, be it after the drain gave up."""
    blocks = history.blocks(EventKind.RECEIVE, ("sequence",), arm=arm, scope=scope)
    return any(bool((block["sequence"] >= SENTINEL_BASE).any()) for block in blocks)


def _last_sentinel_ns(history: History, *, arm: int, before_ns: int) -> int | None:
    """When the last of the sentinels was sent of which the answer came by ``before_ns``."""
    last: int | None = None
    for answers in history.blocks(EventKind.OUTCOME, ("producer", "sequence", "t_ns", "code"), arm=arm):
        good = (answers["sequence"] >= SENTINEL_BASE) & (answers["t_ns"] <= before_ns)
        good &= answers["code"] == OutcomeCode.ACKNOWLEDGED
        acknowledged = set(zip(answers["producer"][good].tolist(), answers["sequence"][good].tolist(), strict=True))
        if acknowledged:
            last = max(last or 0, _last_attempt_ns(history, acknowledged, arm=arm))
    return last


def _last_attempt_ns(history: History, messages: set[tuple[int, int]], *, arm: int) -> int:
    """When the last of some sentinels was sent; 0, which is before all else, where none of them was noted."""
    last = 0
    for sent in history.blocks(EventKind.ATTEMPT, ("producer", "sequence", "t_ns"), arm=arm):
        rows = np.flatnonzero(sent["sequence"] >= SENTINEL_BASE)
        columns = (sent[name][rows].tolist() for name in ("producer", "sequence", "t_ns"))
        for producer, sequence, moment in zip(*columns, strict=True):
            if (producer, sequence) in messages:
                last = max(last, moment)
    return last
