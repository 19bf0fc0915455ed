"""What a change of masters did to an arm, beside what it lost.

*Deposed*: from the heal on another server is known to be the master, and the old one, where it comes back, still
believes that it is. What a producer has acknowledged from then on over a connection that already stood when the old
master was struck, it was the old master that acknowledged; so did it what was acknowledged from then on and is not in
the new master's log. A master that is dead for good acknowledges nothing. *Connected*: a consumer believes in a
connection until it notices that it is over; one that it closes itself, in order, was believed in until then.
*Redelivered*: an entry that the scope was given before the strike and again later, since the new master's group did not
know; *taken back*: of these, entries whose XACK had succeeded before the strike. *Skipped*: in the log, behind the
group's last delivered id, and never given to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
from harness.check.ledger import ArmLedger
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import FailoverAudit
from harness.model.message import SENTINEL_BASE
from harness.model.results import FaultWindow
from harness.model.words import FAILOVERS, ContentCheck, ErrorKind, Fate, FaultModel, OutcomeCode

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
    ends = _ends_of_standing(history, fault, arm=arm)
    deposed = _deposed(history, ledger, gone, fault, ends)
    consumers = [actor.actor for actor in history.actors if actor.role == "consumer" and actor.arm == arm]
    last = [max(ends[actor]) for actor in consumers if actor in ends]
    audit = FailoverAudit(
        deposed_acknowledged=int(np.count_nonzero(deposed)),
        connected_ns=max((min(end.at_ns, timeline.end_ns) - fault.inject_before_ns for end in last), default=None),
        never_noticed=sum(not end.noticed for end in last),
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


def _deposed(
    history: History, ledger: ArmLedger, gone: Array, fault: FaultWindow, ends: Mapping[int, Sequence[_End]]
) -> Bools:
    """Which messages a deposed master acknowledged; none where the old one is dead for good."""
    messages = ledger.messages
    found = np.zeros(messages.index.size, dtype=bool)
    returns = fault.plan.old_returns or fault.plan.model is FaultModel.HUNG_MASTER
    if fault.heal_before_ns is None or not returns:
        return found
    for block in history.blocks(EventKind.OUTCOME, ("t_ns", "producer", "sequence", "code"), arm=ledger.arm):
        until_ns = max((end.at_ns for end in ends.get(block.info.actor, ())), default=-NEVER)
        where, rows = messages.index.locate(block["producer"], block["sequence"]).expand()
        times = block["t_ns"][rows]
        acknowledged = block["code"][rows] == OutcomeCode.ACKNOWLEDGED.value
        found[where[acknowledged & (times > fault.heal_before_ns) & (times <= until_ns)]] = True
    found[gone[messages.outcome_ns[gone] > fault.heal_before_ns]] = True
    return found


class _End(NamedTuple):
    """How a connection that stood at the strike came to its end."""

    at_ns: int
    """`NEVER`: it did not."""
    noticed: bool
    """Rather than decided by the client itself."""


def _ends_of_standing(history: History, fault: FaultWindow, *, arm: int) -> dict[int, list[_End]]:
    """Per actor of an arm, the ends of the connections that stood when the master was struck."""
    begun: dict[tuple[int, int], int] = {}
    for block in history.blocks(EventKind.CONNECTED, ("t_ns", "count"), arm=arm):
        for number, moment in zip(block["count"].tolist(), block["t_ns"].tolist(), strict=True):
            begun[block.info.actor, number] = moment
    first: dict[tuple[int, int], _End] = {}
    for block in history.blocks(EventKind.DISCONNECTED, ("t_ns", "count", "detail"), arm=arm):
        rows = zip(block["count"].tolist(), block["t_ns"].tolist(), block["detail"].tolist(), strict=True)
        for number, moment, detail in rows:
            first.setdefault((block.info.actor, number), _End(moment, detail != ErrorKind.NONE.value))
    found: dict[int, list[_End]] = {}
    for (actor, number), moment in begun.items():
        end = first.get((actor, number), _End(NEVER, noticed=False))
        if moment < fault.inject_before_ns <= end.at_ns:
            found.setdefault(actor, []).append(end)
    return found


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
