"""Arms by name: what a name sets, and what is said about one that does not exist."""

from pathlib import Path

import pytest

from harness.model.errors import UsageError
from harness.model.values import Arm, StreamSettings
from harness.model.words import AckPolicy, Checkpoint, ClientPreset, Dedup, Recovery, StartAt, Topology
from harness.plan.arms import DESCRIPTIONS, base_name, known_arms, named_arm


@pytest.mark.parametrize("name", known_arms())
def test_every_known_arm_can_be_named(name: str) -> None:
    """With its preset as a suffix, and with a release behind it; its base is one that is described."""
    for full in (name, f"{name}@5.3.1"):
        arm = named_arm(full)
        assert full == arm.name
        assert base_name(arm) in DESCRIPTIONS
        assert Arm.model_validate_json(arm.model_dump_json()) == arm


def test_no_two_bases_are_the_same_arm() -> None:
    """Each name is a way of its own: nothing but the name tells two equal ones apart."""
    ways = [named_arm(name).model_copy(update={"name": "-"}) for name in DESCRIPTIONS]
    assert [] == [one for index, one in enumerate(ways) if one in ways[:index]]


def test_preset_and_release_are_what_is_set() -> None:
    """``-no-recovery`` is part of a base and ``-no-retry`` is a preset; both may stand side by side."""
    arm = named_arm("stream-group-no-recovery-no-retry@6.4.0")
    assert (ClientPreset.NO_RETRY, "6.4.0", Recovery.NONE) == (arm.client, arm.client_release, arm.stream.recovery)
    assert "stream-group-no-recovery" == base_name(arm)
    plain = named_arm("stream-group")
    assert (ClientPreset.AS_SHIPPED, None) == (plain.client, plain.client_release)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("stream-group", StreamSettings()),
        ("stream-group-ack-first", StreamSettings(ack=AckPolicy.BEFORE_EFFECT)),
        ("stream-queue-noack", StreamSettings(ack=AckPolicy.NOACK, recovery=Recovery.NONE)),
        ("stream-group-read-claim", StreamSettings(recovery=Recovery.READ_CLAIM)),
        ("stream-group-at-end", StreamSettings(start=StartAt.END)),
        ("stream-group-count-100", StreamSettings(count=100)),
        ("stream-queue-dead-letter", StreamSettings(dead_letter_after=3)),
        ("stream-read-checkpoint-first", StreamSettings(checkpoint=Checkpoint.BEFORE_EFFECT)),
        ("stream-read-at-end", StreamSettings(start=StartAt.END, checkpoint=Checkpoint.NONE)),
    ],
)
def test_a_name_says_how_the_stream_is_read(name: str, settings: StreamSettings) -> None:
    """And nothing else differs from the defaults."""
    assert settings == named_arm(name).stream


def test_queues_share_and_groups_do_not() -> None:
    """One scope of three consumers, or two scopes of one."""
    for name in DESCRIPTIONS:
        arm = named_arm(name)
        shares = name.startswith("stream-queue")
        assert (Topology.WORK_QUEUE if shares else Topology.FAN_OUT, 1 if shares else 2, 3 if shares else 1) == (
            arm.topology,
            arm.scopes,
            arm.consumers_per_scope,
        )


def test_what_else_a_name_sets() -> None:
    """Dedup, retention, idempotence and the overlap are the arm's own."""
    assert Dedup.LUA is named_arm("stream-queue-lua").dedup
    assert named_arm("stream-group-idmp").idempotent_add
    assert named_arm("pubsub-overlap").pattern_overlap
    retention = named_arm("stream-group-maxlen-exact").retention
    assert retention is not None
    assert (200, None, True) == (retention.max_length, retention.max_age_ms, retention.exact)


def test_the_page_about_arms_has_all_of_them() -> None:
    """Its table is the registry's, row by row."""
    page = (Path(__file__).parents[2] / "docs" / "arms.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [f"| `{name}` | {description} |" for name, description in DESCRIPTIONS.items()] == rows


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("stream-grup", 'did you mean "stream-group"'),
        ("stream-group-harden", 'did you mean "stream-group-hardened"'),
        ("stream-grup@5.3.1", 'did you mean "stream-group"'),
        ("stream-group@5", "e.g. stream-group@5.3.1"),
        ("stream-group@", "e.g. stream-group@5.3.1"),
        ("stream-group@latest", '"latest" is no release'),
    ],
)
def test_a_wrong_name_is_told_with_the_right_one(name: str, said: str) -> None:
    """The value and how to mend it."""
    with pytest.raises(UsageError) as caught:
        named_arm(name)
    assert said in str(caught.value)
    assert name in str(caught.value)
