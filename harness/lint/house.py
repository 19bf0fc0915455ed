"""Points of the server as a whole: slow subscribers, replicas, and what no server can show."""

from __future__ import annotations

from harness.lint.facts import ServerFacts
from harness.lint.finding import Finding, Point, Where


def judge_output_buffer(server: ServerFacts) -> list[Finding]:
    """The pubsub class of client-output-buffer-limit, and whether anybody was ever cut off by such a limit."""
    here = Where(Point.OUTPUT_BUFFER, server.name)
    if server.subscriptions == 0 and server.publishes == 0:
        return [here.does_not_apply("nobody subscribes, and nothing was published since the server's start")]
    if server.limit_disconnections:
        return [
            here.fails(
                f"{server.limit_disconnections:,} clients (of any class) were cut off by an output-buffer limit since "
                "the server's start: a subscriber among them missed what followed"
            )
        ]
    if server.output_buffer_limits is None:
        return [here.unknown(f"client-output-buffer-limit: {server.why_not('CONFIG')}")]
    limit = pubsub_limit(server.output_buffer_limits)
    if limit is None:
        return [here.unknown(f"client-output-buffer-limit is {server.output_buffer_limits!r}: no pubsub class in it")]
    hard, soft, seconds = limit
    if hard == 0 and (soft == 0 or seconds == 0):
        return [here.fails("no limit for pubsub clients: one slow subscriber can fill the server's memory")]
    cut_off = (
        "nobody was cut off yet" if server.limit_disconnections == 0 else "whether it ever was is not counted here"
    )
    return [
        here.holds(
            f"a subscriber {hard:,} bytes behind, or {soft:,} bytes for {seconds} s, is cut off and misses "
            f"what follows; {cut_off}"
        )
    ]


def pubsub_limit(limits: str) -> tuple[int, int, int] | None:
    """Hard limit, soft limit (bytes) and its seconds: ``"… pubsub 33554432 8388608 60"`` → the three numbers."""
    words = limits.split()
    if "pubsub" not in words:
        return None
    numbers = words[words.index("pubsub") + 1 :][:3]
    if len(numbers) < 3 or not all(number.isdigit() for number in numbers):
        return None
    hard, soft, seconds = map(int, numbers)
    return hard, soft, seconds


def judge_replication(server: ServerFacts) -> list[Finding]:
    """With replicas: does the master refuse writes when too few of them keep up?"""
    here = Where(Point.REPLICATION, server.name)
    if server.role is None or server.replicas is None:
        return [here.unknown(f"whether there are replicas: {server.why_not('INFO')}")]
    if server.role != "master":
        return [here.unknown("this server is itself a replica: ask the primary")]
    if server.replicas == 0:
        return [here.does_not_apply("no replica is connected")]
    replicas = f"{server.replicas:,} replica{'s' if server.replicas > 1 else ''}"
    if server.min_replicas is not None:
        lag = server.min_replicas_max_lag
        if server.min_replicas and lag:
            return [here.holds(f"{replicas}, min-replicas-to-write {server.min_replicas}, max-lag {lag} s: {_BOUNDED}")]
    elif server.waits_for_replicas:
        return [here.holds(f"{replicas}, min-replicas-to-write is set (INFO counts good replicas): {_BOUNDED}")]
    elif server.waits_for_replicas is None:
        return [here.unknown(f"{replicas}; min-replicas-to-write: {server.why_not('CONFIG')}")]
    return [
        here.fails(
            f"{replicas}, min-replicas-to-write is 0: a cut-off master acknowledges writes that a failover loses"
        )
    ]


_BOUNDED = "a cut-off master refuses writes after that; what it had acknowledged before may be lost in a failover"


def not_visible(server: ServerFacts) -> list[Finding]:
    """What only the application's code, or a stored run, can show."""
    return [
        Where(Point.DEAD_LETTER, server.name).unknown(
            "a server does not show what consumers do with an entry that keeps failing; look for XADD to another "
            "stream and XACK after N deliveries"
        ),
        Where(Point.IDEMPOTENT_EFFECTS, server.name).unknown(
            "a server does not show effects; look for a mark that is set in the same step as the effect"
        ),
    ]
