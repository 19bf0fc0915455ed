"""A live server's facts in, its findings out."""

from __future__ import annotations

from harness.lint.facts import Facts, Limits
from harness.lint.finding import Finding, Point, Where
from harness.lint.groups import GROUP_POINTS, judge_groups
from harness.lint.house import judge_output_buffer, judge_replication, not_visible
from harness.lint.persistence import judge_persistence
from harness.lint.retention import judge_memory, judge_retention

STREAM_POINTS = (*GROUP_POINTS, Point.RETENTION, Point.MEMORY)


def judge_live(facts: Facts, limits: Limits) -> list[Finding]:
    """Every point for the server, and for every stream and group that was found."""
    server = facts.server
    findings = [
        *judge_persistence(server),
        *judge_output_buffer(server),
        *not_visible(server),
        *judge_replication(server),
        *_unseen(facts),
    ]
    alone = sum(len(stream.groups or ()) for stream in facts.streams) == 1 and not (facts.incomplete or facts.unread)
    for stream in facts.streams:
        findings += judge_groups(server, stream, limits, alone=alone and facts.pattern == "*")
        findings += [judge_retention(stream, limits), judge_memory(server, stream, limits)]
    return findings


def _unseen(facts: Facts) -> list[Finding]:
    """Streams that were not looked at: all their points are unknown, said once per reason and not once per stream."""
    unseen = []
    for reason in dict.fromkeys(reason for _, reason in facts.unread):
        names = [name for name, why in facts.unread if why == reason]
        unseen.append((names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more", reason))
    if facts.incomplete:
        unseen.append((f"streams {facts.pattern}", facts.incomplete))
    if not facts.streams and not unseen:
        unseen.append((f"streams {facts.pattern}", "no such stream: nothing to judge"))
    return [Where(point, name).unknown(reason) for name, reason in unseen for point in STREAM_POINTS]
