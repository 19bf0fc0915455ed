"""Does the stream keep what a consumer still has to read, and does something bound it?

MAXLEN and MINID are arguments of XADD: a server keeps neither. What it keeps is how many entries were added ever, and
how many are there now; what is gone was trimmed, unless XDEL was used too.
"""

from __future__ import annotations

from harness.lint.facts import EntryId, GroupFacts, Limits, ServerFacts, StreamFacts
from harness.lint.finding import Finding, Point, Where

EARLIEST_MS = 946_684_800_000
"""2000-01-01: an id that says an earlier time was not made by a clock."""
DAY_S = 86_400


def judge_retention(stream: StreamFacts, limits: Limits) -> Finding:
    """Length now against lag + rate × outage; what a group has demonstrably missed fails without further ado."""
    here = Where(Point.RETENTION, stream.name)
    missed = _trimmed_unread(stream)
    if missed:
        return here.fails(missed)
    if stream.removed is None:
        return here.unknown(
            "this server does not count added entries (before 7.0): whether anything trims is not known"
        )
    if stream.removed == 0:
        return here.holds(
            f"nothing was ever removed: all {stream.length:,} entries are there, for however long an outage"
        )
    if stream.deletions is not False:
        return here.unknown(
            f"{stream.removed:,} entries are gone, by XDEL or by trimming: how much is kept is not known"
        )
    rate = newest_rate_per_s(stream)
    if rate is None:
        return here.unknown(f"trimmed to {stream.length:,} entries, but its ids do not tell a rate")
    return _compared(here, stream, rate, limits)


def _compared(here: Where, stream: StreamFacts, rate: float, limits: Limits) -> Finding:
    groups = stream.groups or ()
    lag = max((group.lag for group in groups if group.lag is not None), default=0)
    without_lag = [group.name for group in groups if group.lag is None]
    needed = lag + rate * limits.max_outage_s
    survives = max(0.0, stream.length - lag) / rate
    seen = (
        f"trimmed to {stream.length:,} entries ({stream.removed or 0:,} are gone), {rate:,.1f}/s by its newest ids, "
        f"lag {lag:,}: an outage of {survives:,.0f} s is survived"
    )
    if stream.length < needed:
        return here.fails(f"{seen}, {limits.max_outage_s:g} s would need {needed:,.0f} entries")
    if without_lag:
        return here.unknown(f"{seen} without the lag of {', '.join(without_lag)}, which the server does not know")
    return here.holds(f"{seen}, {limits.max_outage_s:g} s are asked for")


def _trimmed_unread(stream: StreamFacts) -> str:
    """What some group has missed for sure, or pending entries that are no longer there; empty = nothing of the kind."""
    for group in stream.groups or ():
        gone = _never_read(stream, group)
        if gone:
            return f"{gone:,} entries were trimmed before {group.name} had read them: it has missed them"
        first_pending = group.oldest[0].entry if group.oldest else None
        if first_pending is not None and (stream.first is None or first_pending < stream.first):
            return f"{_shown(first_pending)} is pending in {group.name}, and trimmed or deleted: its content is gone"
    return ""


def _never_read(stream: StreamFacts, group: GroupFacts) -> int:
    """Removed entries beyond those that the group has read; the counters prove it only where XDEL was never used."""
    if stream.deletions is not False or stream.removed is None or group.entries_read is None:
        return 0
    return max(0, stream.removed - group.entries_read)


def judge_memory(server: ServerFacts, stream: StreamFacts, limits: Limits) -> Finding:
    """Eviction policy, and whether the stream outgrows the memory before anything trims it."""
    here = Where(Point.MEMORY, stream.name)
    policy, limit = server.eviction_policy, server.max_memory
    if limit is None or policy is None:
        return here.unknown(f"maxmemory and its policy: {server.why_not('INFO')}")
    if limit and policy.startswith("allkeys-"):
        return here.fails(
            f"maxmemory-policy {policy}: when {limit:,} bytes are full, a whole stream may be evicted "
            f"({server.evicted_keys or 0:,} keys were so far)"
        )
    if stream.removed and stream.deletions is False:
        return here.holds(f"{stream.removed:,} of {stream.entries_added or 0:,} entries are gone: something bounds it")
    return _growing(here, server, stream, limits, ceiling=limit or server.system_memory)


def _growing(here: Where, server: ServerFacts, stream: StreamFacts, limits: Limits, *, ceiling: int | None) -> Finding:
    """Nothing was ever trimmed: perhaps a limit is not reached yet. It fails where the memory would be reached soon."""
    never = _what_is_gone(stream)
    days = days_until_full(server, stream, ceiling=ceiling)
    if days is None:
        return here.unknown(f"{never}: no retention, or its limit is not reached yet; how fast it grows is not known")
    seen = f"{never}, and at the rate of its whole life it fills the memory within {days:,.1f} days"
    if stream.removed == 0 and days < limits.memory_days:
        return here.fails(seen)
    return here.unknown(f"{seen}: no retention, or its limit is not reached yet")


def _what_is_gone(stream: StreamFacts) -> str:
    if stream.removed is None:
        return "whether anything is ever removed is not known (before 7.0 servers do not count)"
    if stream.removed == 0:
        return f"nothing was ever removed, it holds all {stream.length:,} entries"
    return f"{stream.removed:,} of {stream.entries_added or 0:,} entries are gone, but by XDEL or by trimming"


def days_until_full(server: ServerFacts, stream: StreamFacts, *, ceiling: int | None) -> float | None:
    """From bytes per entry and entries per second since the first one; ``None`` where one of them is not known."""
    if not (ceiling and stream.first and stream.memory_bytes and server.now_ms) or server.used_memory is None:
        return None
    lived_s = (server.now_ms - stream.first[0]) / 1000
    if stream.first[0] < EARLIEST_MS or lived_s < 1:
        return None
    return max(0, ceiling - server.used_memory) / (stream.memory_bytes / lived_s) / DAY_S


def newest_rate_per_s(stream: StreamFacts) -> float | None:
    """Entries per second over the newest ids, or over all that is kept where those are not to be had."""
    ids = stream.newest
    if ids and len(ids) > 1 and ids[-1][0] >= EARLIEST_MS and ids[0][0] > ids[-1][0]:
        return (len(ids) - 1) * 1000 / (ids[0][0] - ids[-1][0])
    first, last = stream.first, stream.last
    if first and last and first[0] >= EARLIEST_MS and last[0] > first[0]:
        return (stream.length - 1) * 1000 / (last[0] - first[0])
    return None


def _shown(entry: EntryId) -> str:
    return f"{entry[0]}-{entry[1]}"
