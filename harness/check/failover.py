"""What a change of masters did to an arm, beside what it lost.

*Deposed*: from the heal on another server is known to be the master, and the old one, where it comes back, still
believes that it is. What a producer has acknowledged from then on over a connection that already stood when the old
master was struck, it was the old master that acknowledged; so did it what was acknowledged from then on and is not in
the new master's log. *Connected*: a consumer believes in a connection until it
notices that it is over; one that it closes itself, in order, was believed in until then. *Redelivered*: an entry that
the scope was given before the strike and again later, since the new master's group did not know; *taken back*: of
these, entries whose XACK had succeeded before the strike. *Skipped*: in the log, behind the group's last delivered id,
and never given to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
from harness.check.ledger import ArmLedger
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.message import SENTINEL_BASE
from harness.model.results import FailoverAudit, FaultWindow
from harness.model.words import FAILOVERS, ContentCheck, ErrorKind, Fate, OutcomeCode

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
_ENTRY: Final = ("t_ns", "sequence", "id_ms", "id_seq")


def audit_failover(history: History, timeline: Timeline, ledger: ArmLedger, gone: Array) -> FailoverAudit | None:
    """The account of an arm; ``None`` where no failover was seen to take place.

    ``gone``: addresses of the acknowledged messages that the log does not hold (`gone_from_log`).
    """
    struck = [
        fault for fault in timeline.faults if fault.plan.model in FAILOVERS and fault.observed_from_ns is not None
    ]
    if not struck:
        return None
    fault, arm = struck[0], ledger.arm
    deposed = _deposed(history, ledger, gone, fault)
    consumers = [actor.actor for actor in history.actors if actor.role == "consumer" and actor.arm == arm]
    believed = [_believed(history, fault, timeline.end_ns, arm=arm, actor=actor) for actor in consumers]
    known = [one for one in believed if one is not None]
    audit = FailoverAudit(
        deposed_acknowledged=int(np.count_nonzero(deposed)),
        connected_ns=max((length for length, _ in known), default=None),
        never_noticed=sum(not noticed for _, noticed in known),
    )
    if ledger.messages.log_entries is None:
        return audit
    redelivered, taken_back = _again(history, ledger, fault)
    return audit.model_copy(
        update={
            "deposed_gone": int(np.count_nonzero(deposed[gone])),
            "redelivered": redelivered,
            "taken_back": taken_back,
            "skipped": _skipped(ledger),
        }
    )


def _deposed(history: History, ledger: ArmLedger, gone: Array, fault: FaultWindow) -> Bools:
    """Which messages a deposed master acknowledged."""
    messages = ledger.messages
    found = np.zeros(messages.index.size, dtype=bool)
    if fault.heal_before_ns is None:
        return found
    for block in history.blocks(EventKind.OUTCOME, ("t_ns", "producer", "sequence", "code"), arm=ledger.arm):
        standing = _standing(history, fault, arm=ledger.arm, actor=block.info.actor).values()
        until_ns = max((end for end, _ in standing), default=-NEVER)
        where, rows = messages.index.locate(block["producer"], block["sequence"]).expand()
        times = block["t_ns"][rows]
        acknowledged = block["code"][rows] == OutcomeCode.ACKNOWLEDGED.value
        found[where[acknowledged & (times > fault.heal_before_ns) & (times <= until_ns)]] = True
    found[gone[messages.outcome_ns[gone] > fault.heal_before_ns]] = True
    return found


def _standing(history: History, fault: FaultWindow, *, arm: int, actor: int) -> dict[int, tuple[int, bool]]:
    """Per connection of an actor that stood at the strike: when it ended (`NEVER`: it did not), and whether that was
    noticed rather than decided.
    """
    strike = fault.inject_before_ns
    begun: dict[int, int] = {}
    for block in _blocks(history, EventKind.CONNECTED, ("t_ns", "count"), arm=arm, actor=actor):
        begun |= dict(zip(block["count"].tolist(), block["t_ns"].tolist(), strict=True))
    found = {number: (NEVER, False) for number, moment in begun.items() if moment < strike}
    for block in _blocks(history, EventKind.DISCONNECTED, ("t_ns", "count", "detail"), arm=arm, actor=actor):
        rows = zip(block["count"].tolist(), block["t_ns"].tolist(), block["detail"].tolist(), strict=True)
        for number, moment, detail in rows:
            if found.get(number, (0, False))[0] == NEVER:
                found[number] = (moment, detail != ErrorKind.NONE.value)
    return {number: end for number, end in found.items() if end[0] >= strike}


def _believed(history: History, fault: FaultWindow, end_ns: int, *, arm: int, actor: int) -> tuple[int, bool] | None:
    """For how long after the strike a consumer held on to a connection, and whether it noticed that it was over."""
    ends = list(_standing(history, fault, arm=arm, actor=actor).values())
    if not ends:
        return None
    last, noticed = max(ends)
    return min(last, end_ns) - fault.inject_before_ns, noticed


def _again(history: History, ledger: ArmLedger, fault: FaultWindow) -> tuple[int, int]:
    """Entries that a scope was given before the strike and again after it; of these, acknowledged before the strike."""
    redelivered = taken_back = 0
    for scope in range(len(ledger.scopes)):
        before, after = _ids(history, EventKind.RECEIVE, fault, arm=ledger.arm, scope=scope)
        twice = before & after
        redelivered += len(twice)
        taken_back += len(twice & _ids(history, EventKind.ACK, fault, arm=ledger.arm, scope=scope)[0])
    return redelivered, taken_back


def _ids(
    history: History, kind: EventKind, fault: FaultWindow, *, arm: int, scope: int
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The entries in records of a kind, before the strike and since; of XACKs those that succeeded."""
    extra = "detail" if kind is EventKind.RECEIVE else "value"
    found: tuple[set[tuple[int, int]], set[tuple[int, int]]] = (set(), set())
    for block in history.blocks(kind, (*_ENTRY, extra), arm=arm, scope=scope):
        good = block[extra] == ContentCheck.INTACT.value if kind is EventKind.RECEIVE else block[extra] >= 1
        good &= block["sequence"] < SENTINEL_BASE
        for which, chosen in enumerate(
            (block["t_ns"] < fault.inject_before_ns, block["t_ns"] >= fault.inject_before_ns)
        ):
            rows = good & chosen
            found[which].update(zip(block["id_ms"][rows].tolist(), block["id_seq"][rows].tolist(), strict=True))
    return found


def _skipped(ledger: ArmLedger) -> int:
    """What nobody was given although the log holds it: absence is proven, so the group has gone past it."""
    in_log = ledger.messages.log_entries
    assert in_log is not None
    return sum(int(np.count_nonzero(scope.with_fate(Fate.LOST) & (in_log > 0))) for scope in ledger.scopes)


def _blocks(history: History, kind: EventKind, columns: Sequence[str], *, arm: int, actor: int) -> list[Block]:
    return [block for block in history.blocks(kind, columns, arm=arm) if block.info.actor == actor]
