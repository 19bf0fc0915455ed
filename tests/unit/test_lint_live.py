"""The lint's judgements on a live server: literal facts in, the exact answer out; empty, sane and pathological."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.lint.facts import (
    NEVER,
    ConsumerFacts,
    Facts,
    GroupFacts,
    Limits,
    PendingFacts,
    ServerFacts,
    StreamFacts,
    parse_id,
)
from harness.lint.finding import Finding, Point, Result, Where, exit_code, in_order
from harness.lint.house import pubsub_limit
from harness.lint.live import STREAM_POINTS, judge_live
from harness.lint.persistence import longest_interval_s
from harness.lint.retention import days_until_full, newest_rate_per_s, survived_by_rate_s, survived_by_time_s
from harness.model.errors import ExitCode

NOW = 1_800_000_000_000
LIMITS = Limits()
SERVER = ServerFacts(
    role="master",
    append_only=True,
    append_fsync="everysec",
    save="",
    append_only_ok=True,
    snapshot_ok=True,
    max_memory=1_000_000_000,
    eviction_policy="noeviction",
    used_memory=10_000_000,
    system_memory=8_000_000_000,
    evicted_keys=0,
    output_buffer_limits="normal 0 0 0 slave 1 1 60 pubsub 33554432 8388608 60",
    limit_disconnections=0,
    subscriptions=1,
    publishes=10,
    group_reads=900,
    acknowledgements=900,
    replicas=1,
    min_replicas=1,
    min_replicas_max_lag=10,
    waits_for_replicas=True,
    now_ms=NOW,
    started_ms=NOW - 86_400_000,
)
GROUP = GroupFacts(
    name="billing",
    pending=2,
    last_delivered=(NOW, 0),
    entries_read=60_000,
    lag=0,
    consumer_count=1,
    consumers=(ConsumerFacts(name="w", pending=2, idle_ms=100),),
    oldest=(
        PendingFacts(entry=(NOW - 20, 0), idle_ms=20, deliveries=1),
        PendingFacts(entry=(NOW - 10, 0), idle_ms=10, deliveries=1),
    ),
    idle=(),
)
STREAM = StreamFacts(
    name="orders",
    length=20_000,
    first=(NOW - 1_000_000, 0),
    last=(NOW, 0),
    entries_added=60_000,
    deletions=False,
    newest=tuple((NOW - 50 * number, 0) for number in range(50)),
    memory_bytes=3_000_000,
    groups=(GROUP,),
)
UNTRIMMED = replace(STREAM, entries_added=20_000)
"""Nothing of it is gone."""


def answer(
    point: Point, *, server: ServerFacts = SERVER, stream: StreamFacts = STREAM, limits: Limits = LIMITS
) -> tuple[Result, str]:
    """The one finding on ``point``, for a server with one stream."""
    (finding,) = [f for f in judge_live(Facts(server=server, streams=(stream,)), limits) if f.point is point]
    return finding.result, finding.evidence


def with_group(stream: StreamFacts = STREAM, **changes: object) -> StreamFacts:
    return replace(stream, groups=(replace(GROUP, **changes),))  # type: ignore[arg-type]


def test_a_sane_server_fails_nowhere() -> None:
    """What cannot be seen is unknown, all else holds."""
    findings = judge_live(Facts(server=SERVER, streams=(STREAM,)), LIMITS)
    unknown = {f.point for f in findings if f.result is Result.UNKNOWN}
    assert {Point.GROUP_START, Point.DEAD_LETTER, Point.IDEMPOTENT_EFFECTS} == unknown
    assert {Result.HOLDS} == {f.result for f in findings if f.point not in unknown}
    assert set(Point) == {f.point for f in findings}


def test_an_empty_server_holds_nothing() -> None:
    """No stream: everything about streams is unknown, so the lint is not green."""
    findings = judge_live(Facts(server=SERVER), LIMITS)
    assert set(STREAM_POINTS) == {f.point for f in findings if "no such stream" in f.evidence}
    assert ExitCode.INCONCLUSIVE == exit_code(findings)


def test_a_server_that_says_nothing_is_unknown_everywhere() -> None:
    """Every reason names the command; nothing is guessed, nothing fails."""
    silent = ServerFacts(denied={"INFO": "no permission for INFO", "CONFIG": "no permission for CONFIG"})
    bare = StreamFacts(name="s", length=1, first=(NOW, 0), last=(NOW, 0), groups=None)
    findings = judge_live(Facts(server=silent, streams=(bare,)), LIMITS)
    assert {Result.UNKNOWN} == {f.result for f in findings}
    assert set(Point) == {f.point for f in findings}


@pytest.mark.parametrize(
    ("changes", "result", "said"),
    [
        ({"append_fsync": "always"}, Result.HOLDS, "nothing that was acknowledged is lost"),
        ({"append_fsync": "no"}, Result.HOLDS, "all that the kernel had not yet written"),
        ({"append_fsync": None}, Result.HOLDS, "depends on appendfsync"),
        ({"append_only_ok": False}, Result.FAILS, "aof_last_write_status"),
        ({"append_only": False}, Result.FAILS, "loses every stream"),
        ({"append_only": False, "save": "3600 1 300 100"}, Result.HOLDS, "since the last one, up to 3,600 s"),
        ({"append_only": False, "save": "300 100"}, Result.HOLDS, "for however long that was"),
        ({"append_only": False, "save": "60 1", "snapshot_ok": False}, Result.FAILS, "the last snapshot failed"),
        ({"append_only": False, "save": None}, Result.UNKNOWN, "whether snapshots are taken"),
        ({"append_only": None, "save": ""}, Result.UNKNOWN, "whether appendonly is on"),
        ({"append_only": None, "save": "60 1"}, Result.UNKNOWN, "whether appendonly is on"),
    ],
)
def test_persistence(changes: dict[str, object], result: Result, said: str) -> None:
    """On, off or not known, with the window that follows."""
    got, evidence = answer(Point.PERSISTENCE, server=replace(SERVER, **changes))  # type: ignore[arg-type]
    assert (result, True) == (got, said in evidence), evidence


@pytest.mark.parametrize(
    ("save", "seconds"),
    [
        ("", None),
        ("3600 1 300 100 60 10000", 3600),
        ("60 1 3600 1", 60),
        ("300 100", None),
        ("60", None),
        ("a b", None),
    ],
)
def test_the_longest_wait_for_a_snapshot(save: str, seconds: int | None) -> None:
    """One change waits for the shortest rule that one change satisfies; without such a rule, for ever."""
    assert seconds == longest_interval_s(save)


def test_a_group_that_stands_before_everything_began_at_0() -> None:
    """One of two proofs; the other is the stream's first entry among its pending ones."""
    assert Result.HOLDS is answer(Point.GROUP_START, stream=with_group(last_delivered=NEVER))[0]
    first = PendingFacts(entry=(NOW - 1_000_000, 0), idle_ms=1, deliveries=1)
    assert Result.HOLDS is answer(Point.GROUP_START, stream=with_group(UNTRIMMED, oldest=(first,)))[0]


def test_where_a_group_began_is_otherwise_not_known() -> None:
    """A group without a consumer that stands somewhere is suspicious, and no more than that."""
    result, evidence = answer(Point.GROUP_START, stream=with_group(consumer_count=0, consumers=(), pending=0))
    assert (Result.UNKNOWN, True) == (result, "created at $ or at an id" in evidence)
    assert Result.UNKNOWN is answer(Point.GROUP_START)[0]


@pytest.mark.parametrize(
    ("server", "group", "result", "said"),
    [
        ({}, {"last_delivered": NEVER, "pending": 0}, Result.UNKNOWN, "nothing was read yet"),
        ({"acknowledgements": None}, {}, Result.UNKNOWN, "INFO commandstats"),
        ({"acknowledgements": 0}, {"pending": 0, "oldest": ()}, Result.FAILS, "NOACK (a heuristic"),
        ({"acknowledgements": 0, "started_ms": NOW + 1}, {"pending": 0}, Result.UNKNOWN, "too little was read"),
        ({"acknowledgements": 0, "group_reads": 0}, {"pending": 0}, Result.UNKNOWN, "too little was read"),
        ({"acknowledgements": 0}, {"pending": 0, "entries_read": None}, Result.UNKNOWN, "too little was read"),
        (
            {"acknowledgements": 0, "started_ms": NOW - 50_000},
            {"oldest": (PendingFacts(entry=(NOW, 0), idle_ms=60_001, deliveries=1),)},
            Result.UNKNOWN,
            "too little was read",
        ),
        ({"acknowledgements": 0}, {}, Result.UNKNOWN, "too little was read"),
        (
            {"acknowledgements": 0},
            {"oldest": (PendingFacts(entry=(NOW, 0), idle_ms=60_001, deliveries=1),)},
            Result.FAILS,
            "2 pending, not one XACK in 900 XREADGROUPs",
        ),
        ({}, {"pending": 0}, Result.HOLDS, "900 XACKs were counted"),
        ({}, {"entries_read": 2}, Result.UNKNOWN, "all 2 entries that it ever read are pending"),
    ],
)
def test_acknowledgement(server: dict[str, object], group: dict[str, object], result: Result, said: str) -> None:
    """NOACK leaves no trace: counts of commands decide where they can, and never more than that."""
    changed = replace(SERVER, **server)  # type: ignore[arg-type]
    got, evidence = answer(Point.ACKNOWLEDGEMENT, server=changed, stream=with_group(**group))
    assert (result, True) == (got, said in evidence), evidence


def test_one_servers_xacks_say_nothing_about_one_of_two_groups() -> None:
    """Nothing pending may be NOACK while another group acknowledges."""
    quiet = replace(GROUP, name="quiet", pending=0, oldest=())
    stream = replace(STREAM, groups=(GROUP, quiet))
    findings = judge_live(Facts(server=SERVER, streams=(stream,)), LIMITS)
    found = {f.where: f.result for f in findings if f.point is Point.ACKNOWLEDGEMENT}
    assert {"orders / billing": Result.HOLDS, "orders / quiet": Result.UNKNOWN} == found


OLD = PendingFacts(entry=(NOW - 90_000, 0), idle_ms=90_000, deliveries=3)
POISON = PendingFacts(entry=(NOW - 9, 0), idle_ms=9, deliveries=5)


@pytest.mark.parametrize(
    ("group", "result", "said"),
    [
        ({"pending": 0, "oldest": (), "idle": ()}, Result.HOLDS, "nothing pending"),
        ({"pending": 1_000}, Result.HOLDS, "none for longer than 60 s"),
        ({"pending": 1_001}, Result.FAILS, "more than 1,000"),
        ({"oldest": (OLD,), "idle": (OLD,)}, Result.FAILS, "(up to 90 s, delivered up to 3 times)"),
        ({"oldest": (POISON,)}, Result.FAILS, "delivered 5 times"),
        ({"oldest": None, "idle": None}, Result.UNKNOWN, "XPENDING"),
    ],
)
def test_pending(group: dict[str, object], result: Result, said: str) -> None:
    """Size, age, deliveries."""
    got, evidence = answer(Point.PENDING, stream=with_group(**group))
    assert (result, True) == (got, said in evidence), evidence


@pytest.mark.parametrize(
    ("consumers", "result", "said"),
    [
        (None, Result.UNKNOWN, "XINFO CONSUMERS"),
        ((), Result.DOES_NOT_APPLY, "no consumer"),
        ((ConsumerFacts(name="w", pending=0, idle_ms=10**9),), Result.HOLDS, "1 consumers"),
        ((ConsumerFacts(name="w", pending=5, idle_ms=60_000),), Result.HOLDS, "1 consumers"),
        (
            (ConsumerFacts(name="w", pending=5, idle_ms=60_001), ConsumerFacts(name="v", pending=7, idle_ms=99_000)),
            Result.FAILS,
            "2 of 2 consumers left 12 entries behind, v alone 7, silent for 99 s",
        ),
    ],
)
def test_consumers(consumers: tuple[ConsumerFacts, ...] | None, result: Result, said: str) -> None:
    """Silent alone is no fault, and neither is pending alone."""
    got, evidence = answer(Point.CONSUMERS, stream=with_group(consumers=consumers))
    assert (result, True) == (got, said in evidence), evidence


def test_retention_is_length_against_lag_and_rate_times_outage() -> None:
    """20/s: 20,000 entries last 1,000 s. With a group that is 300 s and 6,000 entries behind, 700 s."""
    assert pytest.approx(20.0) == newest_rate_per_s(STREAM)
    assert (1_000, pytest.approx(1_000)) == (survived_by_time_s(STREAM), survived_by_rate_s(STREAM))
    assert Result.HOLDS is answer(Point.RETENTION)[0]
    assert Result.FAILS is answer(Point.RETENTION, limits=Limits(max_outage_s=1_001))[0]
    behind = with_group(lag=6_000, last_delivered=(NOW - 300_000, 0))
    assert (700, pytest.approx(700)) == (survived_by_time_s(behind), survived_by_rate_s(behind))
    result, evidence = answer(Point.RETENTION, stream=behind)
    assert (Result.FAILS, True) == (result, "an outage of 700 s is survived by the times" in evidence)


def test_a_rate_that_has_changed_is_not_decided() -> None:
    """The newest 50 came at 40/s: what is kept spans 1,000 s, but at that rate it lasts 500."""
    faster = replace(STREAM, newest=tuple((NOW - 25 * number, 0) for number in range(50)))
    result, evidence = answer(Point.RETENTION, stream=faster)
    assert (Result.UNKNOWN, True) == (result, "of 500 s by its rate" in evidence)


def test_a_burst_is_no_rate() -> None:
    """Fifty entries of one batch, within a second, say nothing about the next hour: what is kept does."""
    burst = replace(STREAM, newest=tuple((NOW, number) for number in reversed(range(50))))
    assert pytest.approx(19.999) == newest_rate_per_s(burst)
    assert Result.HOLDS is answer(Point.RETENTION, stream=burst)[0]


@pytest.mark.parametrize(
    ("stream", "result", "said"),
    [
        (with_group(lag=None), Result.HOLDS, "of (not known) by its rate"),
        (with_group(lag=None, last_delivered=(NOW - 300_000, 0)), Result.FAILS, "700 s is survived by the times"),
        (with_group(last_delivered=NEVER, lag=20_000, entries_read=None), Result.FAILS, "an outage of 0 s"),
        (replace(STREAM, groups=()), Result.HOLDS, "1,000 s is survived by the times"),
        (replace(STREAM, entries_added=None), Result.UNKNOWN, "before 7.0"),
        (UNTRIMMED, Result.HOLDS, "nothing was ever removed"),
        (replace(STREAM, deletions=True), Result.UNKNOWN, "by XDEL or by trimming"),
        (replace(STREAM, deletions=None), Result.UNKNOWN, "by XDEL or by trimming"),
        (
            with_group(replace(STREAM, newest=((5, 0), (4, 0)), first=(1, 1), last=(5, 0)), oldest=()),
            Result.UNKNOWN,
            "do not tell times",
        ),
        (with_group(entries_read=39_998), Result.FAILS, "at least 2 entries were trimmed before billing had read them"),
        (with_group(replace(STREAM, deletions=True), entries_read=1), Result.UNKNOWN, "by XDEL or by trimming"),
        (
            with_group(oldest=(PendingFacts(entry=(NOW - 1_000_001, 0), idle_ms=1, deliveries=1),)),
            Result.FAILS,
            "is pending in billing, and trimmed or deleted",
        ),
    ],
)
def test_retention_where_less_is_known(stream: StreamFacts, result: Result, said: str) -> None:
    """Counters prove a loss only where nothing else explains them; otherwise it is not known."""
    got, evidence = answer(Point.RETENTION, stream=stream)
    assert (result, True) == (got, said in evidence), evidence


def test_a_rate_needs_ids_that_are_times() -> None:
    """One entry, one millisecond, hand-made ids: no rate. Without the newest ids, the ends of the stream."""
    assert None is newest_rate_per_s(replace(STREAM, newest=((NOW, 1), (NOW, 0)), first=(NOW, 0), last=(NOW, 1)))
    assert None is newest_rate_per_s(StreamFacts(name="s", length=0))
    assert pytest.approx(19.999) == newest_rate_per_s(replace(STREAM, newest=None))


@pytest.mark.parametrize(
    ("server", "stream", "result", "said"),
    [
        ({}, STREAM, Result.HOLDS, "something bounds it"),
        ({"eviction_policy": "allkeys-lru"}, STREAM, Result.FAILS, "a whole stream may be evicted"),
        ({"eviction_policy": "allkeys-lru", "max_memory": 0}, STREAM, Result.HOLDS, "something bounds it"),
        ({"max_memory": None}, STREAM, Result.UNKNOWN, "maxmemory and its policy"),
        ({}, UNTRIMMED, Result.FAILS, "fills the memory within 3.8 days"),
        ({"max_memory": 0}, UNTRIMMED, Result.UNKNOWN, "30.8 days"),
        ({}, replace(UNTRIMMED, memory_bytes=None), Result.UNKNOWN, "nor how fast it grows"),
        ({}, replace(STREAM, deletions=True), Result.UNKNOWN, "gone, but by XDEL or by trimming"),
    ],
)
def test_memory(server: dict[str, object], stream: StreamFacts, result: Result, said: str) -> None:
    """Eviction first; then whether anything bounds the stream; then how soon it fills the memory."""
    got, evidence = answer(Point.MEMORY, server=replace(SERVER, **server), stream=stream)  # type: ignore[arg-type]
    assert (result, True) == (got, said in evidence), evidence


def test_days_until_full_by_hand() -> None:
    """3 MB in 1,000 s are 3 kB/s; 990 MB are left: 330,000 s."""
    assert pytest.approx(330_000 / 86_400) == days_until_full(SERVER, UNTRIMMED, ceiling=1_000_000_000)
    assert 0 == days_until_full(SERVER, UNTRIMMED, ceiling=1)
    assert None is days_until_full(SERVER, replace(UNTRIMMED, first=(NOW, 0)), ceiling=1)


@pytest.mark.parametrize(
    ("changes", "result", "said"),
    [
        ({"subscriptions": 0, "publishes": 0}, Result.DOES_NOT_APPLY, "nobody subscribes"),
        ({"subscriptions": 0, "publishes": None}, Result.HOLDS, "33,554,432 bytes behind"),
        ({"limit_disconnections": 3}, Result.FAILS, "3 clients (of any class) were cut off"),
        ({"output_buffer_limits": "pubsub 0 0 0"}, Result.FAILS, "no limit for pubsub clients"),
        ({"output_buffer_limits": "pubsub 0 1000 0"}, Result.FAILS, "no limit for pubsub clients"),
        ({"output_buffer_limits": "pubsub 0 1000 5"}, Result.HOLDS, "1,000 bytes for 5 s"),
        ({"output_buffer_limits": "normal 0 0 0"}, Result.UNKNOWN, "no pubsub class"),
        ({"output_buffer_limits": None}, Result.UNKNOWN, "client-output-buffer-limit"),
    ],
)
def test_output_buffer(changes: dict[str, object], result: Result, said: str) -> None:
    """No limit is one failure, a limit that struck another."""
    got, evidence = answer(Point.OUTPUT_BUFFER, server=replace(SERVER, **changes))  # type: ignore[arg-type]
    assert (result, True) == (got, said in evidence), evidence


def test_the_pubsub_class_is_found_wherever_it_stands() -> None:
    """Cut short or in words: not understood."""
    assert (1, 2, 3) == pubsub_limit("pubsub 1 2 3 normal 0 0 0")
    assert None is pubsub_limit("pubsub 1 2")
    assert None is pubsub_limit("pubsub 32mb 8mb 60")


@pytest.mark.parametrize(
    ("changes", "result", "said"),
    [
        ({}, Result.HOLDS, "min-replicas-to-write 1, max-lag 10 s"),
        ({"min_replicas": 0}, Result.FAILS, "min-replicas-to-write is 0"),
        ({"min_replicas_max_lag": 0}, Result.FAILS, "min-replicas-to-write is 0"),
        ({"min_replicas": None}, Result.HOLDS, "INFO counts good replicas"),
        ({"min_replicas": None, "waits_for_replicas": False}, Result.FAILS, "min-replicas-to-write is 0"),
        ({"min_replicas": None, "waits_for_replicas": None}, Result.UNKNOWN, "min-replicas-to-write"),
        ({"replicas": 0}, Result.DOES_NOT_APPLY, "no replica"),
        ({"role": "slave"}, Result.UNKNOWN, "ask the primary"),
        ({"role": None}, Result.UNKNOWN, "whether there are replicas"),
    ],
)
def test_replication(changes: dict[str, object], result: Result, said: str) -> None:
    """Only a master with replicas is judged; INFO tells where CONFIG is forbidden."""
    got, evidence = answer(Point.REPLICATION, server=replace(SERVER, **changes))  # type: ignore[arg-type]
    assert (result, True) == (got, said in evidence), evidence


def test_streams_that_could_not_be_read_are_unknown_at_every_point() -> None:
    """Once per reason, with how many."""
    unread = (("a", "no permission"), ("b", "no permission"), ("c", "it is no stream"))
    findings = judge_live(Facts(server=SERVER, streams=(STREAM,), unread=unread), LIMITS)
    found = {(f.where, f.evidence) for f in findings if f.point is Point.RETENTION and f.result is Result.UNKNOWN}
    assert {("a and 1 more", "no permission"), ("c", "it is no stream")} == found


def test_the_exit_code_is_the_worst_answer() -> None:
    """A failure before an unknown; nothing judged is no pass."""
    here = Where(Point.MEMORY, "x")
    holds, fails, unknown, other = here.holds(""), here.fails(""), here.unknown(""), here.does_not_apply("")
    assert ExitCode.HELD == exit_code([holds, other])
    assert ExitCode.VIOLATED == exit_code([holds, fails, unknown])
    assert ExitCode.INCONCLUSIVE == exit_code([holds, unknown])
    assert ExitCode.INCONCLUSIVE == exit_code([])


def test_a_point_that_is_vouched_for_is_shown_as_such() -> None:
    """Its findings are left out, and that is said."""
    findings = [Where(Point.MEMORY, "x").fails("full"), Where(Point.PERSISTENCE, "x").holds("on")]
    ordered = in_order(findings, skipped=[Point.MEMORY])
    assert [Point.PERSISTENCE, Point.MEMORY] == [f.point for f in ordered]
    assert Finding(Point.MEMORY, "", Result.DOES_NOT_APPLY, "left out by --skip: you vouch for it") == ordered[1]


def test_ids_are_read() -> None:
    """With and without a sequence."""
    assert ((1700, 3), (1700, 0)) == (parse_id("1700-3"), parse_id("1700"))
