"""Producer processes: what they send, how they trim, and what a server is asked for before an arm is played on it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis
from worker_rig import Rig, rig_of, until

from harness.drivers.entries import StreamLog
from harness.drivers.requirements import missing_requirement
from harness.history.journal import EventKind
from harness.model.values import Retention
from harness.plan.arms import named_arm
from harness.stack.base import RunningStack

pytestmark = pytest.mark.servers


def send(rig: Rig, name: str, number: int, *, gap_ns: int = 0, **changes: object) -> None:
    """Let a producer process send so many messages."""
    offsets = tuple(index * gap_ns for index in range(number))
    worker = rig.start(name, role="producer", scope=-1, offsets_ns=offsets, **changes)
    worker.tell(f"go {time.monotonic_ns()}")
    until(lambda: len(rig.records(name, EventKind.END)) == 1, "the schedule is done")
    worker.stop()


def kept(rig: Rig) -> list[int]:
    """The messages in the log, without sentinels."""
    entries = StreamLog(rig.admin, rig.names).entries()
    return [entry.read.sequence for entry in entries if not entry.read.is_sentinel]


def test_a_producer_that_takes_over_goes_on_counting(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """From its first sequence; poison and padding are in the messages as told."""
    with rig_of(named_arm("stream-group"), stack.server, admin, tmp_path) as rig:
        send(rig, "first", 3, poison=(1,), padding_bytes=500)
        send(rig, "second", 2, first_sequence=3, poison=(1, 4))
        entries = [entry for entry in StreamLog(admin, rig.names).entries() if not entry.read.is_sentinel]
        told = [(entry.read.sequence, entry.read.poison) for entry in entries]
        assert [(0, False), (1, True), (2, False), (3, False), (4, True)] == told
        assert [3, 4] == rig.sequences("second", EventKind.ATTEMPT)[:2]
        sizes = [len(fields["data"]) for _, fields in admin.xrange(rig.names.destination, count=5)]
        assert [True, True, True, False, False] == [size > 500 for size in sizes]


def test_an_exact_length_is_kept_and_an_approximate_one_is_exceeded(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """``=`` keeps the newest so many; ``~`` keeps at least them, and whole nodes of a hundred."""
    for exact in (True, False):
        arm = named_arm("stream-group-maxlen").model_copy(update={"retention": Retention(max_length=150, exact=exact)})
        folder = tmp_path / str(exact)
        folder.mkdir()
        with rig_of(arm, stack.server, admin, folder) as rig:
            send(rig, "producer", 400)
            left = int(admin.xlen(rig.names.destination))
            assert (left == 150) if exact else (150 <= left < 400)


def test_what_is_older_than_the_age_is_trimmed(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """Each XADD forgets what is too old by then: an age is counted from when it was asked for, not when it ran."""
    arm = named_arm("stream-group-minid").model_copy(update={"retention": Retention(max_age_ms=200, exact=True)})
    with rig_of(arm, stack.server, admin, tmp_path) as rig:
        send(rig, "producer", 10, gap_ns=100_000_000)
        entries = [entry.entry[0] for entry in StreamLog(admin, rig.names).entries() if not entry.read.is_sentinel]
        asked, answered = (rig.records("producer", kind)["t_ns"] for kind in (EventKind.ATTEMPT, EventKind.OUTCOME))
        under_way_ms = int((answered - asked[: len(answered)]).max()) // 1_000_000 + 1
        assert entries[0] >= entries[-1] - 200 - under_way_ms
        assert 0 not in kept(rig)


@pytest.mark.parametrize("name", ["sharded-pubsub", "pubsub-overlap", "stream-group-lua", "stream-read"])
def test_a_server_that_can_play_an_arm_lacks_nothing(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str
) -> None:
    """And the probe leaves nothing behind."""
    with rig_of(named_arm(name), stack.server, admin, tmp_path) as rig:
        assert "" == missing_requirement(rig.arm, admin, rig.names)
        assert [] == admin.keys(f"{rig.names.prefix}probe*")


@pytest.mark.parametrize(
    ("name", "words"), [("stream-group-idmp", "XADD with IDMP"), ("stream-group-read-claim", "XREADGROUP with CLAIM")]
)
def test_what_a_server_lacks_is_told_with_its_answer(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str, words: str
) -> None:
    """Where the server does have it, the arm is played instead: it reads what its producer sent, each message once."""
    with rig_of(named_arm(name), stack.server, admin, tmp_path) as rig:
        reason = missing_requirement(rig.arm, admin, rig.names)
        assert [] == admin.keys(f"{rig.names.prefix}probe*")
        if reason:
            assert reason.startswith(f"the server has no {words}")
            assert "it answered" in reason
            return
        rig.start("consumer")
        send(rig, "producer", 3)
        until(lambda: set(rig.effects()) >= {0, 1, 2}, "all handled")
        assert [0, 1, 2] == kept(rig)


def test_dedup_is_not_promised_to_a_subscriber(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """An arm that nobody can play is said to be one."""
    arm = named_arm("pubsub").model_copy(update={"dedup": named_arm("stream-group-lua").dedup})
    with rig_of(arm, stack.server, admin, tmp_path) as rig:
        assert "a subscriber cannot use" in missing_requirement(arm, admin, rig.names)
