"""Each way to read a stream or a channel does what its arm says, on a real server and in a real worker process."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import redis
from worker_rig import rig_of, soon, until

from harness.drivers.entries import StreamLog, parse_id
from harness.drivers.stream_read import ReaderLog
from harness.history.journal import EventKind
from harness.model.words import Checkpoint, ErrorKind, ReceiveTag
from harness.plan.arms import named_arm
from harness.stack.base import RunningStack

pytestmark = pytest.mark.servers
FRESH, CLAIMED, OWN_PENDING, PUSH, PATTERN = ReceiveTag


def test_a_group_at_the_end_starts_there(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """Its first consumer creates it and tells the start, the last entry before; the second one creates nothing."""
    with rig_of(named_arm("stream-group-at-end"), stack.server, admin, tmp_path) as rig:
        before = rig.add(3)
        assert (0, 0) == StreamLog(admin, rig.names).group(0).last_delivered  # type: ignore[union-attr]
        assert [] == list(StreamLog(admin, rig.names).pending(0))
        rig.start("first")
        rig.start("second")
        rig.add(2, first=3)
        until(lambda: sorted(rig.effects()) == [3, 4], "what came after the start")
        for worker in rig.workers:
            worker.stop()
        starts = [rig.ids(name, EventKind.GROUP_START) for name in ("first", "second")]
        assert [[parse_id(before[-1])], []] == starts


def test_a_reader_at_the_end_is_owed_what_comes_after_each_of_its_starts(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """It remembers its place only while it lives: what is added between two processes is nobody's."""
    with rig_of(named_arm("stream-read-at-end"), stack.server, admin, tmp_path) as rig:
        before = rig.add(1)
        rig.start("first")
        rig.add(1, first=1)
        until(lambda: rig.effects() == [1], "the first process reads")
        rig.workers[0].stop()
        between = rig.add(1, first=2)
        rig.start("second")
        rig.add(1, first=3)
        until(lambda: rig.effects() == [1, 3], "the second process reads")
        rig.workers[1].stop()
        assert [parse_id(before[0])] == rig.ids("first", EventKind.GROUP_START)
        assert [parse_id(between[0])] == rig.ids("second", EventKind.GROUP_START)
        assert None is ReaderLog(admin, rig.names, checkpoint=Checkpoint.NONE).group(0)


def test_a_readers_checkpoint_is_what_its_log_tells(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """The last entry whose effect was made; nothing is pending."""
    with rig_of(named_arm("stream-read"), stack.server, admin, tmp_path) as rig:
        log = ReaderLog(admin, rig.names, checkpoint=Checkpoint.AFTER_EFFECT)
        assert (0, 0) == log.group(0).last_delivered == log.last_generated()  # type: ignore[union-attr]
        ids = rig.add(3)
        rig.start("reader").tell("slow 0")
        until(lambda: log.group(0).last_delivered == parse_id(ids[-1]), "all read")  # type: ignore[union-attr]
        rig.workers[0].stop()
        assert [parse_id(entry) for entry in ids] == rig.ids("reader", EventKind.CHECKPOINT)
        assert (log.last_generated(), []) == (parse_id(ids[-1]), list(log.pending(0)))


def test_noack_leaves_nothing_pending(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """Neither while the messages are handled nor afterwards; there is no acknowledgement and no delivery count."""
    with rig_of(named_arm("stream-group-noack"), stack.server, admin, tmp_path) as rig:
        rig.add(3)
        worker = rig.start("consumer", "slow 5000")
        until(lambda: len(rig.records("consumer", EventKind.RECEIVE)) == 3, "all received")
        assert ([], 0) == (rig.effects(), rig.pending())
        worker.stop()
        assert [(number, FRESH, 0) for number in range(3)] == rig.receives("consumer")
        assert ([0, 1, 2], []) == (rig.effects(), rig.sequences("consumer", EventKind.ACK))


@pytest.mark.parametrize(("name", "batches"), [("stream-group-count-1", 5), ("stream-group-count-100", 1)])
def test_count_is_how_many_come_at_once(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str, batches: int
) -> None:
    """What arrives together is written down at one moment."""
    with rig_of(named_arm(name), stack.server, admin, tmp_path) as rig:
        rig.add(5)
        rig.start("consumer")
        until(lambda: len(rig.effects()) == 5, "all handled")
        rig.workers[0].stop()
        assert batches == len(set(rig.records("consumer", EventKind.RECEIVE)["t_ns"].tolist()))


@pytest.mark.parametrize(
    ("name", "tag"),
    [("stream-group-own-pending", OWN_PENDING), ("stream-group-claim", CLAIMED), ("stream-group", OWN_PENDING)],
)
def test_what_was_left_pending_comes_again_and_is_counted(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str, tag: ReceiveTag
) -> None:
    """By the arm's own way of recovery, with the server's count of deliveries."""
    with rig_of(soon(named_arm(name)), stack.server, admin, tmp_path) as rig:
        rig.add(2)
        assert -signal.SIGKILL == rig.launch("died", "crash 1", member="member").status()
        rig.start("second", member="member")
        until(lambda: rig.pending() == 0, "recovered")
        rig.workers[1].stop()
        assert [(0, FRESH, 1), (1, FRESH, 1)] == rig.receives("died")
        assert [(0, tag, 2), (1, tag, 2)] == rig.receives("second")


def test_another_member_claims_but_does_not_reread(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """Own pending entries are the member's own: who has another name gets nothing by reading them again."""
    with rig_of(soon(named_arm("stream-group-own-pending")), stack.server, admin, tmp_path) as rig:
        rig.add(2)
        assert -signal.SIGKILL == rig.launch("died", "crash 1").status()
        rig.start("other")
        rig.add(1, first=2)
        until(lambda: rig.effects() == [2], "the other one works")
        rig.workers[1].stop()
        assert ([(2, FRESH, 1)], 2) == (rig.receives("other"), rig.pending())


def test_a_long_pending_list_is_claimed_page_by_page(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """All that a dead consumer left, more than one XAUTOCLAIM gives; what was trimmed meanwhile is told as gone."""
    with rig_of(soon(named_arm("stream-group-claim")), stack.server, admin, tmp_path) as rig:
        ids = rig.add(250)
        admin.xreadgroup(rig.names.group(0), "gone", {rig.names.destination: ">"}, count=250)
        admin.xtrim(rig.names.destination, minid=ids[10], approximate=False)
        rig.start("heir")
        until(lambda: rig.pending() == 0, "all claimed and acknowledged")
        rig.workers[0].stop()
        assert [parse_id(entry) for entry in ids[:10]] == rig.ids("heir", EventKind.TOMBSTONE)
        assert list(range(10, 250)) == rig.effects()
        assert {(CLAIMED, 2)} == {row[1:] for row in rig.receives("heir")}


@pytest.mark.parametrize("limit", [1, 3])
def test_a_poisoned_entry_is_moved_after_exactly_so_many_deliveries(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, limit: int
) -> None:
    """It fails each time, is acknowledged with the last, and lies whole in the dead-letter stream, once."""
    arm = soon(named_arm("stream-group-dead-letter"))
    arm = arm.model_copy(update={"stream": arm.stream.model_copy(update={"dead_letter_after": limit})})
    with rig_of(arm, stack.server, admin, tmp_path) as rig:
        ids = rig.add(3, poison=(1,))
        rig.start("consumer")
        until(lambda: admin.xlen(rig.names.dead_letters) == 1 and rig.pending() == 0, "moved and acknowledged")
        rig.workers[0].stop()
        failed = rig.records("consumer", EventKind.FAILED)
        assert list(range(1, limit + 1)) == failed["value"].tolist()
        assert [limit] == rig.records("consumer", EventKind.DEAD_LETTER)["value"].tolist()
        ((_, moved),) = admin.xrange(rig.names.dead_letters)
        assert (ids[1], str(limit), f"{rig.names.token}/0/0/1") == (moved["entry"], moved["deliveries"], moved["id"])
        assert ([0, 2], [0, 2]) == (rig.effects(), rig.sequences("consumer", EventKind.ACK))


def test_an_entry_over_which_consumers_died_is_moved_unhandled(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """Whoever is handed it for the fourth time does not try again."""
    with rig_of(soon(named_arm("stream-group-dead-letter")), stack.server, admin, tmp_path) as rig:
        rig.add(1)
        for number in range(3):
            assert -signal.SIGKILL == rig.launch(f"died-{number}", "crash 1", member="member").status()
        rig.start("fourth", "crash 1", member="member")
        until(lambda: admin.xlen(rig.names.dead_letters) == 1 and rig.pending() == 0, "moved")
        rig.workers[3].stop()
        assert ([(0, OWN_PENDING, 4)], []) == (rig.receives("fourth"), rig.effects())
        assert [4] == rig.records("fourth", EventKind.DEAD_LETTER)["value"].tolist()


def test_poison_without_a_dead_letter_stream_comes_again_for_ever(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """It stays pending, and each claim counts; others go on meanwhile."""
    with rig_of(soon(named_arm("stream-group")), stack.server, admin, tmp_path) as rig:
        rig.add(2, poison=(0,))
        rig.start("consumer")
        until(lambda: len(rig.records("consumer", EventKind.FAILED)) >= 3, "failed again and again")
        rig.workers[0].stop()
        assert ([1], 1) == (rig.effects(), rig.pending())
        assert [1, 2, 3] == rig.records("consumer", EventKind.FAILED)["value"].tolist()[:3]


def test_a_reader_leaves_poison_behind(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """The failure is written down, and the next message is read."""
    with rig_of(named_arm("stream-read"), stack.server, admin, tmp_path) as rig:
        rig.add(3, poison=(1,))
        rig.start("reader")
        until(lambda: rig.effects() == [0, 2], "read on")
        rig.workers[0].stop()
        assert [1] == rig.sequences("reader", EventKind.FAILED)


def test_a_slow_consumer_takes_its_time_and_tells_it(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """Each message while slow, and the first one afterwards, with how long it took; later ones are not told."""
    with rig_of(named_arm("stream-group"), stack.server, admin, tmp_path) as rig:
        worker = rig.start("consumer", "slow 50")
        rig.add(2)
        until(lambda: len(rig.records("consumer", EventKind.HANDLED)) == 2, "two slowly")
        worker.tell("slow 0")
        rig.add(3, first=2)
        until(lambda: len(rig.effects()) == 5, "the rest")
        worker.stop()
        handled = rig.records("consumer", EventKind.HANDLED)
        # The order to be quick takes a moment to arrive, so a third message may still be handled slowly.
        slow = len(handled) - 1
        assert 2 <= slow < 5
        told = [(int(row["sequence"]), int(row["code"])) for row in handled]
        assert [*((number, 1) for number in range(slow)), (slow, 0)] == told
        assert all(row["value"] >= 50_000_000 for row in handled[:slow])
        assert handled[slow]["value"] < 50_000_000


def test_a_channel_and_a_matching_pattern_bring_each_message_twice(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """Once by each, told apart by the tag; one confirmation is written down."""
    with rig_of(named_arm("pubsub-overlap"), stack.server, admin, tmp_path) as rig:
        rig.start("subscriber")
        rig.publish(2)
        until(lambda: len(rig.effects()) == 4, "each twice")
        rig.workers[0].stop()
        assert [(0, PUSH), (0, PATTERN), (1, PUSH), (1, PATTERN)] == [row[:2] for row in rig.receives("subscriber")]
        assert 1 == len(rig.records("subscriber", EventKind.SUBSCRIBED))


@pytest.mark.parametrize("name", ["pubsub", "sharded-pubsub", "pubsub-overlap"])
def test_a_subscriber_whose_connection_is_cut_subscribes_again(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str
) -> None:
    """The new subscription is written down, and what is published behind it arrives."""
    with rig_of(named_arm(name), stack.server, admin, tmp_path) as rig:
        rig.start("subscriber")
        for client in admin.client_list(_type="pubsub"):
            admin.client_kill_filter(_id=client["id"])
        until(lambda: len(rig.records("subscriber", EventKind.SUBSCRIBED)) == 2, "subscribed again")
        rig.publish(1)
        until(lambda: 0 in rig.effects(), "the message")
        rig.workers[0].stop()
        assert [0] == sorted(set(rig.effects()))


def test_a_group_whose_connection_is_cut_loses_no_place(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """It connects anew and goes through its own pending entries, to which the rest of its batch still belongs."""
    with rig_of(named_arm("stream-group-no-retry"), stack.server, admin, tmp_path) as rig:
        rig.start("consumer", "slow 200")
        rig.add(3)
        until(lambda: len(rig.records("consumer", EventKind.RECEIVE)) >= 1, "the first is in work")
        ours = next(client for client in admin.client_list() if client["cmd"].startswith("x"))
        admin.client_kill_filter(_id=ours["id"])
        until(lambda: rig.pending() == 0 and len(set(rig.effects())) == 3, "all acknowledged")
        rig.workers[0].stop()
        assert [1, 2] == rig.records("consumer", EventKind.CONNECTED)["count"].tolist()
        gone = rig.records("consumer", EventKind.DISCONNECTED)
        assert [(1, ErrorKind.EOF), (2, ErrorKind.NONE)] == list(zip(gone["count"], gone["detail"], strict=True))
