"""When nothing was behind any more: a scope's lag, what it kept pending, and how fast it was.

A message is *under way* from its sending until it is settled. In a group that acknowledges it is settled by the first
XACK that was answered, or as a dead letter; where nobody acknowledges, by its arrival. An XACK that was answered by 0
found it settled already. One that was pending at the end was not settled, whatever was answered before; of one that
neither was acknowledged nor is pending, all that is known is its arrival.

The backlog is gone with the first delivery from which `CALM` in a row are within twice the steady p99, or, if more
messages are under way then, as soon as there are no more than at most in the steady phase; not before the heal, nor
before reads are back. It is never gone where a message is stuck, or lies unread in the log, at the end. What was lost
is behind nobody, and to whom nothing more was to come is not asked to be quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.availability import in_order
from harness.check.delivery import Arrivals, read_pending
from harness.check.dense import NEVER, first_wins
from harness.check.ledger import FATE_CODE, Messages, ScopeLedger
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.words import Fate

Array = npt.NDArray[Any]
CALM = 20
"""How many deliveries in a row must be as fast as before for a backlog to be gone."""
_LEFT = [FATE_CODE[fate] for fate in (Fate.STUCK, Fate.UNREAD, Fate.NEVER_READ)]


def backlog_gone(
    history: History,
    messages: Messages,
    arrivals: Sequence[Arrivals],
    scopes: Sequence[ScopeLedger],
    *,
    arm: int,
    since_ns: int,
    steady: tuple[int, int],
    p99_ns: int,
) -> int | None:
    """When the slowest scope was, from ``since_ns`` on, at its level of ``steady``; `NEVER`: it did not get there.

    ``steady`` is a stretch of time, and ``p99_ns`` the arm's latency in it. ``None``: nothing acknowledged was to come
    to any scope from ``since_ns`` on, so that none had anything with which to be as fast as before.
    """
    moments = []
    for arrived, scope in zip(arrivals, scopes, strict=True):
        if messages.log_entries is not None and bool(np.isin(scope.fate, _LEFT).any()):
            return NEVER
        if not _anything_from(messages, scope, since_ns):
            continue
        calm_ns = _calm_from(messages, scope, since_ns, 2 * p99_ns)
        if calm_ns == NEVER:
            return NEVER
        sent = in_order(messages.send_ns[scope.received])
        settled = in_order(_settled_ns(history, arrived, arm=arm, scope=scope.scope)[scope.received])
        usual = _most_under_way(sent, settled, *steady)
        moments.append(_under_way_at_most(sent, settled, usual, calm_ns))
    return max(moments, default=None)


def _anything_from(messages: Messages, scope: ScopeLedger, since_ns: int) -> bool:
    """Whether anything acknowledged was sent from then on, or was sent before and came then."""
    later = (messages.send_ns >= since_ns) | (scope.received & (scope.first_receive_ns >= since_ns))
    return bool((messages.acknowledged & later).any())


def _settled_ns(history: History, arrivals: Arrivals, *, arm: int, scope: int) -> Array:
    """When each message was settled; `NEVER`: it was pending at the end, or did not arrive."""
    settled: Array | None = None
    for kind in (EventKind.ACK, EventKind.DEAD_LETTER):
        for block in history.blocks(kind, ("producer", "sequence", "t_ns"), arm=arm, scope=scope):
            located = arrivals.index.locate(block["producer"], block["sequence"])
            settled = np.full(arrivals.index.size, NEVER, dtype=np.int64) if settled is None else settled
            first_wins(settled, located, located.pick(block["t_ns"]), earlier=np.less)
    pending = read_pending(history, arrivals, arm=arm, scope=scope).where
    if settled is None and not len(pending):
        return arrivals.first_ns
    known = arrivals.first_ns if settled is None else np.where(settled == NEVER, arrivals.first_ns, settled)
    known = known.copy()
    known[pending] = NEVER
    return known


def _calm_from(messages: Messages, scope: ScopeLedger, since_ns: int, limit_ns: int) -> int:
    """The first delivery from ``since_ns`` on from which `CALM` in a row are within the limit.

    Several at one moment, from one reply, have no order that matters: they are all as slow as the slowest.
    """
    after = np.flatnonzero(scope.received & (scope.first_receive_ns >= since_ns))
    if len(after) < CALM:
        return NEVER
    order = after[np.argsort(scope.first_receive_ns[after], kind="stable")]
    arrived = scope.first_receive_ns[order]
    replies = np.flatnonzero(np.concatenate([[True], arrived[1:] != arrived[:-1]]))
    slowest = np.maximum.reduceat(arrived - messages.intended_ns[order], replies)
    latency = np.repeat(slowest, np.diff(np.append(replies, len(arrived))))
    quick = np.concatenate([[0], np.cumsum(latency <= limit_ns)])
    runs = np.flatnonzero(quick[CALM:] - quick[:-CALM] == CALM)
    return int(arrived[runs[0]]) if len(runs) else NEVER


def _most_under_way(sent: Array, settled: Array, begin_ns: int, end_ns: int) -> int:
    """The most messages under way at one time, of those times at which one was sent in [begin, end); at least one."""
    first, last = np.searchsorted(sent, [begin_ns, end_ns])
    moments = sent[first:last]
    under_way = np.searchsorted(sent, moments, side="right") - np.searchsorted(settled, moments, side="right")
    return int(under_way.max(initial=1))


def _under_way_at_most(sent: Array, settled: Array, usual: int, from_ns: int) -> int:
    """The first moment from ``from_ns`` on at which no more than ``usual`` messages are under way; both in order."""
    first, last = np.searchsorted(settled, [from_ns, NEVER], side="left")
    moments = np.concatenate([[from_ns], settled[first:last]])
    under_way = np.searchsorted(sent, moments, side="right") - np.searchsorted(settled, moments, side="right")
    found = np.flatnonzero(under_way <= usual)
    return int(moments[found[0]]) if len(found) else NEVER
