"""A consumer told to kill itself dies exactly at that point: what is left says so, on a real server."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path

import pytest
import redis
from worker_rig import Rig, rig_of, soon, until

from harness.drivers.base import Names
from harness.history.journal import EventKind, Journal, read_journal
from harness.model.words import CrashPointCode
from harness.plan.arms import named_arm
from harness.stack.base import RunningStack
from harness.trial.kept import audit_dedup

pytestmark = pytest.mark.servers
BEFORE_EFFECT, AFTER_EFFECT, AFTER_ACK = CrashPointCode
MESSAGES = 3


def crash(rig: Rig, point: CrashPointCode) -> None:
    """Let a consumer die at ``point`` over the first of three messages, and check that it said so last."""
    rig.add(MESSAGES)
    died = rig.launch("died", f"crash {point}", member="member")
    assert -signal.SIGKILL == died.status()
    last = read_journal(rig.journal_path("died")).records[-1]
    assert (EventKind.CRASHING, point, 0) == (last["kind"], last["code"], last["sequence"])


def recovered(rig: Rig, *, handled: int) -> list[int]:
    """Let another process take over from the dead one, and wait until it handled so many; what it received."""
    worker = rig.start("second", member="member")
    until(lambda: len(rig.records("second", EventKind.RECEIVE)) >= handled, f"{handled} received again")
    worker.stop()
    return rig.sequences("second", EventKind.RECEIVE)


GROUP_CASES = [
    # arm, point, effects and acknowledged when it died, pending then, effects in the end, pending in the end
    ("stream-group", BEFORE_EFFECT, [], [], 3, [0, 1, 2], 0),
    ("stream-group", AFTER_EFFECT, [0], [], 3, [0, 0, 1, 2], 0),
    ("stream-group", AFTER_ACK, [0], [0], 2, [0, 1, 2], 0),
    ("stream-group-ack-first", BEFORE_EFFECT, [], [0], 2, [1, 2], 0),
    ("stream-group-ack-first", AFTER_EFFECT, [0], [0], 2, [0, 1, 2], 0),
    ("stream-group-ack-first", AFTER_ACK, [0], [0], 2, [0, 1, 2], 0),
    ("stream-group-noack", BEFORE_EFFECT, [], [], 0, [], 0),
    ("stream-group-noack", AFTER_EFFECT, [0], [], 0, [0], 0),
    ("stream-group-noack", AFTER_ACK, [0], [], 0, [0], 0),
    ("stream-group-no-recovery", AFTER_EFFECT, [0], [], 3, [0], 3),
    ("stream-group-own-pending", AFTER_EFFECT, [0], [], 3, [0, 0, 1, 2], 0),
    ("stream-group-claim", AFTER_EFFECT, [0], [], 3, [0, 0, 1, 2], 0),
    ("stream-group-set-nx", BEFORE_EFFECT, [], [], 3, [1, 2], 0),
    ("stream-group-set-nx", AFTER_EFFECT, [0], [], 3, [0, 1, 2], 0),
]


@pytest.mark.parametrize(("name", "point", "effects", "acked", "pending", "in_the_end", "left"), GROUP_CASES)
def test_a_group_after_a_crash(
    stack: RunningStack,
    admin: redis.Redis,
    tmp_path: Path,
    name: str,
    point: CrashPointCode,
    effects: list[int],
    acked: list[int],
    pending: int,
    in_the_end: list[int],
    left: int,
) -> None:
    """Effects, acknowledgements and pending entries are those of the steps before the point, then those of recovery."""
    with rig_of(soon(named_arm(name)), stack.server, admin, tmp_path) as rig:
        crash(rig, point)
        assert (effects, acked, pending) == (rig.effects(), rig.sequences("died", EventKind.ACK), rig.pending())
        recovered(rig, handled=pending - left)
        assert (in_the_end, left) == (sorted(rig.effects()), rig.pending())


def test_false_dedup_is_recorded_as_suppressed(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """A mark without an effect suppresses the effect that never was, and the journal says so."""
    with rig_of(soon(named_arm("stream-group-set-nx")), stack.server, admin, tmp_path) as rig:
        crash(rig, BEFORE_EFFECT)
        recovered(rig, handled=3)
        assert ([1, 2], [0]) == (rig.effects(), rig.effects(suppressed=True))


def test_the_window_forgets_a_false_mark(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """Once the mark has expired, the effect that was never made is made."""
    arm = soon(named_arm("stream-group-window")).model_copy(update={"dedup_window_ms": 200})
    with rig_of(arm, stack.server, admin, tmp_path) as rig:
        crash(rig, BEFORE_EFFECT)
        until(lambda: not admin.exists(rig.names.mark(0, 0, 0)), "the mark is forgotten")
        recovered(rig, handled=3)
        assert ([0, 1, 2], []) == (rig.effects(), rig.effects(suppressed=True))


SCRIPT_CASES = [(BEFORE_EFFECT, [0, 1, 2], []), (AFTER_EFFECT, [0, 1, 2], [0])]


@pytest.mark.parametrize(("point", "made", "suppressed"), SCRIPT_CASES)
def test_a_scripts_effect_survives_the_crash_and_is_made_once(
    stack: RunningStack,
    admin: redis.Redis,
    tmp_path: Path,
    point: CrashPointCode,
    made: list[int],
    suppressed: list[int],
) -> None:
    """It is on the server when its maker dies, is copied once under that maker's number, and never made again."""
    with rig_of(soon(named_arm("stream-group-lua")), stack.server, admin, tmp_path) as rig:
        crash(rig, point)
        assert (0 if point is BEFORE_EFFECT else 1) == admin.llen(rig.names.effects)
        recovered(rig, handled=3)
        assert [] == rig.effects()
        rows = audited(rig)
        assert (made, suppressed) == (sorted(rig.effects()), rig.effects(suppressed=True))
        died_at_ns = int(rig.records("died", EventKind.CRASHING)["t_ns"][0])
        by_the_dead = [row for row in rows if row["actor"] == rig.workers[0].spec.actor]
        assert [0] * len(suppressed) == [int(row["sequence"]) for row in by_the_dead]
        assert all(row["t_ns"] < died_at_ns for row in by_the_dead)


def audited(rig: Rig) -> list[dict[str, int]]:
    """The effects journal after `audit_dedup`, which has to have counted the three marks."""
    header = read_journal(rig.effects_path).header
    conductor = rig.folder / f"conductor-{secrets.token_hex(2)}.journal"
    with Journal.create(conductor, header) as journal:
        audit_dedup(rig.arm, rig.admin, journal, Names(rig.names.token, 0), effects_path=rig.effects_path)
    (kept,) = read_journal(conductor).records
    assert (EventKind.DEDUP_KEPT, MESSAGES) == (kept["kind"], kept["aux_ns"])
    assert 3 * 40 < kept["value"] < 3 * 400
    return [
        {name: int(row[name]) for name in ("actor", "sequence", "t_ns")}
        for row in read_journal(rig.effects_path).records
    ]


READER_CASES = [
    ("stream-read", BEFORE_EFFECT, [], [], [0, 1, 2]),
    ("stream-read", AFTER_EFFECT, [0], [], [0, 0, 1, 2]),
    ("stream-read", AFTER_ACK, [0], [0], [0, 1, 2]),
    ("stream-read-checkpoint-first", BEFORE_EFFECT, [], [0], [1, 2]),
    ("stream-read-checkpoint-first", AFTER_EFFECT, [0], [0], [0, 1, 2]),
]


@pytest.mark.parametrize(("name", "point", "effects", "saved", "in_the_end"), READER_CASES)
def test_a_reader_after_a_crash(
    stack: RunningStack,
    admin: redis.Redis,
    tmp_path: Path,
    name: str,
    point: CrashPointCode,
    effects: list[int],
    saved: list[int],
    in_the_end: list[int],
) -> None:
    """It reads on behind what it saved: one effect doubled, or left out, or neither."""
    with rig_of(named_arm(name), stack.server, admin, tmp_path) as rig:
        crash(rig, point)
        assert (effects, len(saved)) == (rig.effects(), len(rig.records("died", EventKind.CHECKPOINT)))
        recovered(rig, handled=3 - len(saved))
        assert in_the_end == sorted(rig.effects())
        assert ([(0, 0)], len(saved) == 0) == (
            rig.ids("died", EventKind.GROUP_START),
            bool(rig.ids("second", EventKind.GROUP_START)),
        )


@pytest.mark.parametrize(("point", "effects"), [(BEFORE_EFFECT, []), (AFTER_EFFECT, [0]), (AFTER_ACK, [0])])
@pytest.mark.parametrize("name", ["pubsub", "sharded-pubsub"])
def test_a_subscriber_after_a_crash(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str, point: CrashPointCode, effects: list[int]
) -> None:
    """What reached it and had no effect is gone: nobody brings it again."""
    with rig_of(named_arm(name), stack.server, admin, tmp_path) as rig:
        died = rig.start("died", f"crash {point}")
        rig.publish(1)
        assert -signal.SIGKILL == died.status()
        second = rig.start("second")
        rig.publish(1, first=1)
        until(lambda: rig.sequences("second", EventKind.RECEIVE) == [1], "the next message")
        second.stop()
        assert [*effects, 1] == rig.effects()
