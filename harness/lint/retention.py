"""Does the stream keep what a consumer still has to read, and does something bound it?

MAXLEN and MINID are arguments of XADD: a server keeps neither. What it keeps is how many entries were added ever, and
how many are there now; what is gone was trimmed, unless XDEL was used too.
"""

from __future__ import annotations

from harness.lint.facts import EntryId, GroupFacts, Limits, ServerFacts, StreamFacts
from harness.lint.finding import Finding, Point, Where

EARLIEST_MS = 946_684_800_000
"""2000-01-01: an id that says an earlier time was not made by a clock."""
SHORTEST_SPAN_MS = 1_000
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
    return _compared(here, stream, limits)


def _compared(here: Where, stream: StreamFacts, limits: Limits) -> Finding:
    """Two measures of the outage that is survived; where they disagree, the stream's rate has changed."""
    by_time, by_rate = survived_by_time_s(stream), survived_by_rate_s(stream)
    measures = [seconds for seconds in (by_time, by_rate) if seconds is not None]
    kept = f"trimmed to {stream.length:,} entries ({stream.removed or 0:,} are gone)"
    if not measures:
        return here.unknown(f"{kept}, but its ids do not tell times: how long an outage is survived is not known")
    seen = f"{kept}: an outage of {_seconds(by_time)} is survived by the times of what is kept"
    seen += f", of {_seconds(by_rate)} by its rate and the lag; {limits.max_outage_s:g} s are asked for"
    if max(measures) < limits.max_outage_s:
        return here.fails(seen)
    return here.holds(seen) if min(measures) >= limits.max_outage_s else here.unknown(seen)


def _seconds(value: float | None) -> str:
    return "(not known)" if value is None else f"{value:,.0f} s"


def survived_by_time_s(stream: StreamFacts) -> float | None:
    """From the oldest entry that is kept to where the group stands that is furthest behind; no group: to the newest."""
    if stream.first is None or stream.last is None or stream.first[0] < EARLIEST_MS:
        return None
    places = [min(group.last_delivered[0], stream.last[0]) for group in stream.groups or ()]
    return max(0, min(places, default=stream.last[0]) - stream.first[0]) / 1000


def survived_by_rate_s(stream: StreamFacts) -> float | None:
    """What is kept beyond the largest lag, at the rate of the newest entries; ``None`` where one is not known."""
    rate = newest_rate_per_s(stream)
    lags = [group.lag for group in stream.groups or ()]
    if rate is None or any(lag is None for lag in lags):
        return None
    return max(0, stream.length - max((lag for lag in lags if lag is not None), default=0)) / rate


def _trimmed_unread(stream: StreamFacts) -> str:
    """What some group has missed for sure, or pending entries that are no longer there; empty = nothing of the kind."""
    for group in stream.groups or ():
        gone = _never_read(stream, group)
        if gone:
            return f"at least {gone:,} entries were trimmed before {group.name} had read them: it has missed them"
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
    doubt = (
        "no retention, or its limit is not reached yet" if stream.removed == 0 else "whether it is bounded is not known"
    )
    days = days_until_full(server, stream, ceiling=ceiling)
    if days is None:
        return here.unknown(f"{never}: {doubt}, nor how fast it grows")
    seen = f"{never}, and at the rate of its whole life it fills the memory within {days:,.1f} days"
    if stream.removed == 0 and days < limits.memory_days:
        return here.fails(seen)
    return here.unknown(f"{seen}: {doubt}")


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
    """Entries per second over the newest ids; over all that is kept where those are one burst within a second."""
    ids = stream.newest
    if ids and len(ids) > 1 and ids[-1][0] >= EARLIEST_MS and ids[0][0] - ids[-1][0] >= SHORTEST_SPAN_MS:
        return (len(ids) - 1) * 1000 / (ids[0][0] - ids[-1][0])
    first, last = stream.first, stream.last
    if first and last and first[0] >= EARLIEST_MS and last[0] > first[0]:
        return (stream.length - 1) * 1000 / (last[0] - first[0])
    return None


def _shown(entry: EntryId) -> str:
    return f"{entry[0]}-{entry[1]}"
