"""The lint's judgements on a stored run: an arm's settings and its counts in, the exact answer out."""

from __future__ import annotations

import pytest

from harness.lint.arms import judge_arm
from harness.lint.checklist import CHECKLIST, scenario_names
from harness.lint.facts import Limits
from harness.lint.finding import Point, Result
from harness.lint.run import judge_stored
from harness.lint.stored import ArmCounts, StoredArm, StoredRun, StoredServer
from harness.model.values import Arm, Retention, StreamSettings
from harness.model.words import AckPolicy, Checkpoint, Dedup, Mechanism, Primitive, Recovery, StartAt, Topology
from harness.plan.catalogue import script_names

GROUP = Arm(name="group", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT)
READER = Arm(name="reader", primitive=Primitive.STREAMS, driver="stream_read", topology=Topology.FAN_OUT)
PUBSUB = Arm(name="pubsub", primitive=Primitive.PUBSUB, driver="pubsub", topology=Topology.FAN_OUT)
CLEAN = ArmCounts(trials=3)


def answer(
    point: Point, arm: Arm, counts: ArmCounts | None = CLEAN, *, rate: float = 100, max_outage_s: float = 720
) -> Result:
    """The one answer on ``point``."""
    stored = StoredArm(arm=arm, rate_per_s=rate, counts=counts)
    (finding,) = [f for f in judge_arm(stored, Limits(max_outage_s=max_outage_s)) if f.point is point]
    return finding.result


def reading(arm: Arm = GROUP, **settings: object) -> Arm:
    return arm.model_copy(update={"stream": StreamSettings(**settings)})  # type: ignore[arg-type]


def with_(arm: Arm = GROUP, **changes: object) -> Arm:
    return arm.model_copy(update=changes)


HOLDS, FAILS, OTHER = Result.HOLDS, Result.FAILS, Result.DOES_NOT_APPLY


@pytest.mark.parametrize(
    ("point", "arm", "result"),
    [
        (Point.GROUP_START, GROUP, HOLDS),
        (Point.GROUP_START, reading(start=StartAt.END), FAILS),
        (Point.GROUP_START, reading(READER, start=StartAt.END), FAILS),
        (Point.GROUP_START, PUBSUB, OTHER),
        (Point.ACKNOWLEDGEMENT, GROUP, HOLDS),
        (Point.ACKNOWLEDGEMENT, reading(ack=AckPolicy.BEFORE_EFFECT), FAILS),
        (Point.ACKNOWLEDGEMENT, reading(ack=AckPolicy.NOACK), FAILS),
        (Point.ACKNOWLEDGEMENT, READER, HOLDS),
        (Point.ACKNOWLEDGEMENT, reading(READER, checkpoint=Checkpoint.BEFORE_EFFECT), FAILS),
        (Point.ACKNOWLEDGEMENT, reading(READER, checkpoint=Checkpoint.NONE), FAILS),
        (Point.ACKNOWLEDGEMENT, PUBSUB, FAILS),
        (Point.PENDING, GROUP, HOLDS),
        (Point.PENDING, reading(recovery=Recovery.OWN_PENDING), HOLDS),
        (Point.PENDING, reading(recovery=Recovery.NONE), FAILS),
        (Point.PENDING, reading(ack=AckPolicy.NOACK, recovery=Recovery.NONE), OTHER),
        (Point.PENDING, READER, OTHER),
        (Point.CONSUMERS, GROUP, HOLDS),
        (Point.CONSUMERS, reading(recovery=Recovery.CLAIM), HOLDS),
        (Point.CONSUMERS, reading(recovery=Recovery.READ_CLAIM), HOLDS),
        (Point.CONSUMERS, reading(recovery=Recovery.OWN_PENDING), FAILS),
        (Point.CONSUMERS, reading(recovery=Recovery.NONE), FAILS),
        (Point.CONSUMERS, PUBSUB, OTHER),
        (Point.RETENTION, GROUP, HOLDS),
        (Point.RETENTION, PUBSUB, FAILS),
        (Point.RETENTION, with_(retention=Retention(max_length=71_999)), FAILS),
        (Point.RETENTION, with_(retention=Retention(max_length=72_000)), HOLDS),
        (Point.RETENTION, with_(retention=Retention(max_age_ms=719_999)), FAILS),
        (Point.RETENTION, with_(retention=Retention(max_age_ms=720_000)), HOLDS),
        (Point.MEMORY, GROUP, FAILS),
        (Point.MEMORY, with_(retention=Retention(max_length=1)), HOLDS),
        (Point.MEMORY, PUBSUB, OTHER),
        (Point.DEAD_LETTER, GROUP, FAILS),
        (Point.DEAD_LETTER, reading(dead_letter_after=3), HOLDS),
        (Point.DEAD_LETTER, READER, OTHER),
        (Point.IDEMPOTENT_EFFECTS, GROUP, FAILS),
        (Point.IDEMPOTENT_EFFECTS, with_(dedup=Dedup.LUA), HOLDS),
        (Point.IDEMPOTENT_EFFECTS, with_(dedup=Dedup.SET_NX), FAILS),
        (Point.IDEMPOTENT_EFFECTS, with_(dedup=Dedup.WINDOW), FAILS),
        (Point.IDEMPOTENT_EFFECTS, with_(dedup=Dedup.WINDOW, dedup_window_ms=86_400_000), FAILS),
    ],
)
def test_settings_decide(point: Point, arm: Arm, result: Result) -> None:
    """With nothing counted against them, and without counts, the answer is the same."""
    assert (result, result) == (answer(point, arm), answer(point, arm, None))


@pytest.mark.parametrize(
    ("point", "arm", "counts"),
    [
        (Point.PENDING, GROUP, ArmCounts(trials=1, stuck=1)),
        (Point.RETENTION, GROUP, ArmCounts(trials=1, by_mechanism={Mechanism.TRIMMED_UNREAD: 1})),
        (
            Point.RETENTION,
            with_(retention=Retention(max_length=10**9)),
            ArmCounts(trials=1, by_mechanism={Mechanism.TRIMMED_PENDING: 1}),
        ),
        (Point.IDEMPOTENT_EFFECTS, with_(dedup=Dedup.LUA), ArmCounts(trials=1, duplicate_effects=1)),
        (Point.IDEMPOTENT_EFFECTS, with_(dedup=Dedup.LUA), ArmCounts(trials=1, false_dedup=1)),
    ],
)
def test_counts_overrule_settings(point: Point, arm: Arm, counts: ArmCounts) -> None:
    """What the run counted against a point is a failure, however well the arm is set up."""
    assert (HOLDS, FAILS) == (answer(point, arm), answer(point, arm, counts))


SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "client-output-buffer-limit": "pubsub 33554432 8388608 60",
}


def judged(settings: dict[str, str], arm: Arm = PUBSUB, counts: ArmCounts = CLEAN) -> dict[Point, Result]:
    """Answers on the server's points."""
    server = StoredServer(name="valkey", settings=settings)
    run = StoredRun(name="run", arms=(StoredArm(arm=arm, rate_per_s=100, counts=counts),), servers=(server,))
    return {f.point: f.result for f in judge_stored(run, Limits()) if f.where in {"valkey", "run"}}


def test_a_runs_server_is_judged_as_a_live_one() -> None:
    """By the settings that the run read from it."""
    sane = judged(SETTINGS)
    assert {Point.PERSISTENCE: HOLDS, Point.OUTPUT_BUFFER: HOLDS, Point.REPLICATION: OTHER} == sane
    assert FAILS is judged(SETTINGS | {"appendonly": "no"})[Point.PERSISTENCE]
    assert FAILS is judged(SETTINGS | {"maxmemory": "1", "maxmemory-policy": "allkeys-lfu"})[Point.MEMORY]
    assert FAILS is judged(SETTINGS | {"client-output-buffer-limit": "pubsub 0 0 0"})[Point.OUTPUT_BUFFER]
    assert Result.UNKNOWN is judged({"CONFIG GET": "not permitted"})[Point.PERSISTENCE]
    assert OTHER is judged(SETTINGS, GROUP)[Point.OUTPUT_BUFFER]


def test_a_subscriber_that_was_cut_off_in_the_run_fails() -> None:
    """Whatever the limit is."""
    counts = ArmCounts(trials=1, by_mechanism={Mechanism.OUTPUT_BUFFER_KILL: 9})
    assert FAILS is judged(SETTINGS, counts=counts)[Point.OUTPUT_BUFFER]


def test_a_run_without_facts_says_so() -> None:
    """No trial came so far as to say which server it had."""
    findings = judge_stored(StoredRun(name="run", arms=(), servers=()), Limits())
    assert Result.UNKNOWN is findings[0].result


def test_every_point_is_explained() -> None:
    """And asks for something."""
    assert set(Point) == set(CHECKLIST)
    assert [] == [point for point, item in CHECKLIST.items() if not item.asks]


MISSING = sorted(set(scenario_names()) - set(script_names()))


def test_every_scenario_that_the_checklist_names_exists() -> None:
    """A name that leads nowhere helps nobody."""
    assert [] == MISSING
