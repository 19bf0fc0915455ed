"""What INFO of a master and its replicas proves about a cut of the replication, and how far the replicas were behind.

Pure functions over what a `harness.faults.lookout.Lookout` saw. Offsets are bytes of the replication stream.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from harness.faults.base import CallTimes
from harness.faults.evidence import duration
from harness.faults.lookout import INTERVAL_S, Sight
from harness.faults.server_base import Proof

_NEAR: Final = 4
"""How many intervals of sighting may lie between a moment and the sight that stands for it. One is usual; with six
other processes on two cores it was nearly three now and then, and more than that is a server nobody looked at."""
_FRESH: Final = 2
"""The same while there is still time to wait for a better one: well inside of what is asked for later."""
_MOST_UNSEEN: Final = 0.5
"""Of the time from cut to strike, at either end: else what was not seen could be all of it."""


def judge_cut(sights: Sequence[Sight], *, master_port: int, cut: CallTimes, strike: CallTimes) -> Proof:
    """Whether replication stood still from the cut to the strike: what the master wrote then reached no replica.

    A replica that is asked a moment before its master is "behind" on a healthy link too. So no offset of a replica may
    be above what the master had written when it was first asked after the cut, and each replica must have been asked
    after the master was seen to have gone on to write. What had been written until that first sight may arrive late,
    since a replica may not have run for a while; but in one piece, where a link that works brings more and more. And
    the first sight of the master has to lie near the cut, the last one of each replica near the strike: what came
    before and after them nobody saw.
    """
    until = [it for it in sights if it.answered_ns <= strike.before_ns]
    replicas = _by_port(it for it in until if it.port != master_port)
    master = [it for it in until if it.port == master_port]
    alone = [it for it in master if it.asked_ns >= cut.after_ns]
    trouble = _no_master(master, alone, cut=cut, strike=strike)
    trouble = trouble or _no_replicas(replicas, alone) or _fed(replicas, alone)
    for own in (master, *replicas.values()):
        trouble = trouble or _another_life(own, cut)
    for own in replicas.values():
        trouble = trouble or _still_arriving(own, cut) or _not_seen_last(own, cut=cut, strike=strike)
    if trouble:
        return Proof(False, trouble)
    lacking = (alone[-1].replication_offset - own[-1].replication_offset for own in replicas.values())
    behind = ", ".join(f"{count:,}" for count in sorted(lacking))
    return Proof(True, f"replication stood still from its cut to the strike, the replicas {behind} bytes behind")


def has_been_seen(sights: Sequence[Sight], *, master_port: int, cut: CallTimes, now_ns: int, alone_ns: int) -> bool:
    """Whether a strike at ``now_ns`` would find the sights that `judge_cut` needs, whatever they say of the cut.

    The master was seen after the cut, and then for ``alone_ns`` was left alone; since then it was seen to have written,
    and later still, within two intervals of sighting, each replica was asked.
    """
    alone = [it for it in sights if it.port == master_port and it.asked_ns >= cut.after_ns]
    if not alone or now_ns < alone[0].answered_ns + alone_ns:
        return False
    grown = _grown(alone)
    if grown is None:
        return False
    most_ns = int(_MOST_UNSEEN * (now_ns - cut.after_ns))
    return all(
        own[-1].asked_ns >= max(grown.answered_ns, now_ns - min(most_ns, _FRESH * _interval_ns(own)))
        for own in _by_port(it for it in sights if it.port != master_port).values()
    )


def bytes_behind(sights: Sequence[Sight], *, master_port: int, at_ns: int) -> dict[int, int]:
    """For each replica, how many bytes of the master's replication stream had not reached it at ``at_ns``.

    Of the last sights before; the promoted log lacks at least what the best replica lacks. At most as exact as the
    lookout's interval: a healthy replica may be some writes behind in it.
    """
    latest: dict[int, Sight] = {it.port: it for it in sights if it.answered_ns <= at_ns}
    master = latest.pop(master_port, None)
    if master is None:
        return {}
    return {port: max(0, master.replication_offset - it.replication_offset) for port, it in latest.items()}


def _no_master(master: Sequence[Sight], alone: Sequence[Sight], *, cut: CallTimes, strike: CallTimes) -> str:
    """Why the master's sights since the cut, ``alone``, tell nothing; empty if they do."""
    if len(alone) < 2:
        return "the master was not seen twice between the cut of the replication and the strike"
    late_ns = alone[0].asked_ns - cut.after_ns
    if late_ns > _near_ns(master, cut=cut, strike=strike):
        return (
            f"the master was first seen {duration(late_ns)} after the cut of the replication, "
            "and what it wrote before that may have been replicated"
        )
    if _grown(alone) is None:
        return "the master wrote nothing between the cut of the replication and the strike"
    return ""


def _no_replicas(replicas: Mapping[int, Sequence[Sight]], alone: Sequence[Sight]) -> str:
    """Why the replicas' sights tell nothing of what the master wrote since the cut; empty if they do."""
    if not replicas:
        return "no replica was seen before the strike"
    grown = _grown(alone)
    for port, own in replicas.items():
        if grown is None or own[-1].asked_ns < grown.answered_ns:
            return "not every replica was seen between the cut of the replication and the strike"
        if own[-1].replication_offset < 0:
            return f"the replica on port {port} did not say how far it is"
    return ""


def _fed(replicas: Mapping[int, Sequence[Sight]], alone: Sequence[Sight]) -> str:
    """Which replicas got something that the master wrote after the cut; empty if none."""
    at_cut = alone[0].replication_offset
    most = {port: max(it.replication_offset for it in own) for port, own in replicas.items()}
    fed = [f"the one on port {port} by {offset - at_cut:,} bytes" for port, offset in most.items() if offset > at_cut]
    return f"the replication was not cut: its replicas went on to be fed, {', '.join(fed)}" if fed else ""


def _still_arriving(own: Sequence[Sight], cut: CallTimes) -> str:
    """What a replica got again and again, an interval and more after the cut; empty if nothing.

    All of it may have been written before the master was first seen, by a replica that was far behind already. Once is
    no proof: bytes that lay in the socket of a replica that did not run are of before the cut.
    """
    settled_ns = cut.after_ns + _interval_ns(own)
    settled = [it for it in own if it.asked_ns >= settled_ns]
    fed = [
        later for earlier, later in itertools.pairwise(settled) if later.replication_offset > earlier.replication_offset
    ]
    if len(fed) < 2:
        return ""
    more = f"{fed[-1].replication_offset - settled[0].replication_offset:,} bytes more"
    after = duration(fed[-1].answered_ns - cut.after_ns)
    return f"the replication was not cut: {more} had reached the replica on port {fed[-1].port} {after} after its cut"


def _not_seen_last(own: Sequence[Sight], *, cut: CallTimes, strike: CallTimes) -> str:
    """How long before the strike a replica was last seen, where that is too long; empty if not."""
    early_ns = strike.before_ns - own[-1].asked_ns
    if early_ns <= _near_ns(own, cut=cut, strike=strike):
        return ""
    return (
        f"the replica on port {own[-1].port} was last seen {duration(early_ns)} before the strike, "
        "and may have been fed since"
    )


def _another_life(own: Sequence[Sight], cut: CallTimes) -> str:
    """Which server was started anew between cut and strike: its offset says nothing of what it had; empty if not."""
    lives = {it.run_id for it in own if it.asked_ns >= cut.before_ns}
    if len(lives) < 2:
        return ""
    return f"the server on port {own[-1].port} was started anew between the cut of the replication and the strike"


def _grown(alone: Sequence[Sight]) -> Sight | None:
    """The first sight of a master that had written more than at the first one of all."""
    return next((it for it in alone if it.replication_offset > alone[0].replication_offset), None)


def _near_ns(own: Sequence[Sight], *, cut: CallTimes, strike: CallTimes) -> int:
    """How far from a moment a sight of this server may lie and still stand for it."""
    return min(_NEAR * _interval_ns(own), int(_MOST_UNSEEN * (strike.before_ns - cut.after_ns)))


def _interval_ns(own: Sequence[Sight]) -> int:
    """The usual distance between two questions to this server: longer than it was meant to be on a slow machine."""
    meant_ns = int(INTERVAL_S * 1e9)
    distances = [later.asked_ns - earlier.asked_ns for earlier, later in itertools.pairwise(own)]
    return max(meant_ns, int(statistics.median(distances))) if distances else meant_ns


def _by_port(sights: Iterable[Sight]) -> dict[int, list[Sight]]:
    found: dict[int, list[Sight]] = {}
    for it in sights:
        found.setdefault(it.port, []).append(it)
    return found
