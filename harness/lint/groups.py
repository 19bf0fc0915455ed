"""Consumer groups: where they began, whether they acknowledge, what is pending, and who left it there."""

from __future__ import annotations

from harness.lint.facts import NEVER, GroupFacts, Limits, PendingFacts, ServerFacts, StreamFacts
from harness.lint.finding import Finding, Point, Where

GROUP_POINTS = (Point.GROUP_START, Point.ACKNOWLEDGEMENT, Point.PENDING, Point.CONSUMERS)


def judge_groups(server: ServerFacts, stream: StreamFacts, limits: Limits, *, alone: bool) -> list[Finding]:
    """Every point of every group of one stream; a stream without a group has nothing to judge."""
    if stream.groups is None:
        return [Where(point, stream.name).unknown(server.why_not("XINFO GROUPS")) for point in GROUP_POINTS]
    if not stream.groups:
        text = "no consumer group: whoever reads with XREAD keeps its place outside of the server"
        return [Where(point, stream.name).does_not_apply(text) for point in GROUP_POINTS]
    findings = []
    for group in stream.groups:
        place = f"{stream.name} / {group.name}"
        findings += [
            judge_start(Where(Point.GROUP_START, place), stream, group),
            judge_acknowledgement(Where(Point.ACKNOWLEDGEMENT, place), server, group, limits=limits, alone=alone),
            judge_pending(Where(Point.PENDING, place), server, group, limits),
            judge_consumers(Where(Point.CONSUMERS, place), server, group, limits),
        ]
    return findings


def judge_start(here: Where, stream: StreamFacts, group: GroupFacts) -> Finding:
    """A server does not keep where a group was created: only two things prove that it was not at ``$``."""
    if group.last_delivered == NEVER:
        return here.holds("it stands at 0-0: created at 0, nothing skipped")
    if stream.removed == 0 and group.oldest and stream.first is not None and group.oldest[0].entry == stream.first:
        return here.holds("the stream's first entry was delivered to it and is pending")
    if group.consumer_count == 0:
        return here.unknown(
            f"it stands at {_shown(group)} and has no consumer: created at $ or at an id, and then what came "
            "before is not owed to it, unless its consumers were deleted"
        )
    return here.unknown(
        f"it stands at {_shown(group)} (entries-read {_number(group.entries_read)}): a server does not keep where a "
        "group was created; look for XGROUP CREATE … $ in the code"
    )


def _shown(group: GroupFacts) -> str:
    return f"{group.last_delivered[0]}-{group.last_delivered[1]}"


def _number(value: int | None) -> str:
    return "not known" if value is None else f"{value:,}"


def judge_acknowledgement(
    here: Where, server: ServerFacts, group: GroupFacts, *, limits: Limits, alone: bool
) -> Finding:
    """NOACK is an argument of XREADGROUP that leaves no trace; the server's counts of commands are what there is.

    ``alone``: no other group was found, so that what was counted can only have been this group's.
    """
    calls = server.acknowledgements
    if group.last_delivered == NEVER and group.pending == 0:
        return here.unknown("nothing was read yet")
    if calls is None:
        return here.unknown(f"whether XACK is ever called: {server.why_not('INFO commandstats')}")
    if calls == 0:
        return _never_called(here, server, group, limits)
    if group.pending == 0 and not alone:
        return here.unknown(
            f"nothing pending: all acknowledged, or read with NOACK. {calls:,} XACKs were counted, but a "
            "server does not count them by group"
        )
    if group.pending and group.pending == group.entries_read:
        return here.unknown(
            f"all {group.pending:,} entries that it ever read are pending: it has just begun, or never acknowledges"
        )
    return here.holds(
        f"{group.pending:,} pending, {calls:,} XACKs were counted; whether after the effect, only the code tells"
    )


def _never_called(here: Where, server: ServerFacts, group: GroupFacts, limits: Limits) -> Finding:
    """Not one XACK: a heuristic, and a failure only where the reading itself was since the counts began.

    A group that was created at ``$`` stands at a fresh id too: only what has read has a number of entries read.
    """
    reads = server.group_reads or 0
    read_since = server.started_ms is not None and group.last_delivered[0] > server.started_ms
    seen = f"read up to {_shown(group)} since the server's start, {group.pending:,} pending, not one XACK"
    if reads and read_since and group.pending == 0 and group.entries_read:
        return here.fails(f"{seen} in {reads:,} XREADGROUPs: NOACK (a heuristic: CONFIG RESETSTAT would look the same)")
    if reads and read_since and _was_delivered_since(server, group, limits):
        return here.fails(f"{seen} in {reads:,} XREADGROUPs (CONFIG RESETSTAT would look the same)")
    return here.unknown(f"{group.pending:,} pending, and no XACK counted, but too little was read since to tell")


def _was_delivered_since(server: ServerFacts, group: GroupFacts, limits: Limits) -> bool:
    """Whether something was delivered after the counts began and long enough ago to have been acknowledged."""
    if server.now_ms is None or server.started_ms is None:
        return False
    counted_ms = server.now_ms - server.started_ms
    return any(limits.idle_ms < pending.idle_ms < counted_ms for pending in group.oldest or ())


def judge_pending(here: Where, server: ServerFacts, group: GroupFacts, limits: Limits) -> Finding:
    """Size, age and number of deliveries of what is pending, against the limits."""
    if group.pending > limits.pending:
        return here.fails(f"{group.pending:,} pending, more than {limits.pending:,}")
    if group.pending == 0:
        return here.holds("nothing pending")
    if group.oldest is None or group.idle is None:
        return here.unknown(
            f"{group.pending:,} pending; how long, and how often delivered: {server.why_not('XPENDING')}"
        )
    seen = {*group.oldest, *group.idle}
    if group.idle:
        return here.fails(_left_alone(group, group.idle, limits))
    often = max((pending.deliveries for pending in seen), default=0)
    if often >= limits.deliveries:
        return here.fails(f"{group.pending:,} pending, one of them delivered {often} times: its handling keeps failing")
    return here.holds(
        f"{group.pending:,} pending, none for longer than {limits.idle_ms / 1000:g} s, none of the oldest "
        f"{len(group.oldest)} delivered more than {often} times"
    )


def _left_alone(group: GroupFacts, idle: tuple[PendingFacts, ...], limits: Limits) -> str:
    longest = max(pending.idle_ms for pending in idle) / 1000
    often = max(pending.deliveries for pending in idle)
    return (
        f"{group.pending:,} pending, at least {len(idle):,} of them untouched for more than "
        f"{limits.idle_ms / 1000:g} s (up to {longest:,.0f} s, delivered up to {often} times): nobody returns to them"
    )


def judge_consumers(here: Where, server: ServerFacts, group: GroupFacts, limits: Limits) -> Finding:
    """Consumers that fell silent and left pending entries which nobody claims."""
    if group.consumers is None:
        return here.unknown(server.why_not("XINFO CONSUMERS"))
    if not group.consumers:
        return here.does_not_apply("no consumer")
    gone = [one for one in group.consumers if one.pending and one.idle_ms > limits.idle_ms]
    if not gone:
        return here.holds(
            f"{len(group.consumers):,} consumers, none silent for {limits.idle_ms / 1000:g} s with entries"
        )
    worst = max(gone, key=lambda one: one.pending)
    return here.fails(
        f"{len(gone):,} of {len(group.consumers):,} consumers left {sum(one.pending for one in gone):,} entries "
        f"behind, {worst.name} alone {worst.pending:,}, silent for {worst.idle_ms / 1000:,.0f} s: nobody claims them"
    )
