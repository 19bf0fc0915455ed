"""Replies in every shape, requirements, trimming, and what a script writes: the parts that need no server."""

from __future__ import annotations

import pytest

from harness.drivers.base import Delivery, Names, Tombstone
from harness.drivers.client import release_number
from harness.drivers.replies import claim_reply_of, deliveries_of
from harness.drivers.stream_add import trimming
from harness.model.message import make_event
from harness.model.values import Retention
from harness.model.words import ContentCheck, ReceiveTag
from harness.trial.effects import ServerEffect

NAMES = Names("a1b2c3d4", 0)
CLAIMED = ["1-0", ["a", "x"], 1500, 2]
FRESH = ["2-0", ["a", "y"], 0, 0]
PLAIN = ["3-0", ["a", "z"]]


@pytest.mark.parametrize("reply", [[["key", [CLAIMED, FRESH, PLAIN]]], {"key": [CLAIMED, FRESH, PLAIN]}])
def test_claimed_entries_are_told_from_new_ones(reply: object) -> None:
    """By their number of earlier deliveries, in RESP2 and RESP3; new ones have none, or no numbers at all."""
    parsed = claim_reply_of(reply)
    assert [("1-0", {"a": "x"})] == list(parsed.claimed)
    assert [("2-0", {"a": "y"}), ("3-0", {"a": "z"})] == list(parsed.fresh)


@pytest.mark.parametrize("reply", [None, [], {}])
def test_no_reply_claims_nothing(reply: object) -> None:
    """BLOCK ran out."""
    parsed = claim_reply_of(reply)
    assert ([], []) == (list(parsed.claimed), list(parsed.fresh))


def test_a_claimed_entry_that_was_trimmed_is_a_tombstone() -> None:
    """It comes with nothing in place of its content."""
    parsed = claim_reply_of([["key", [["1-0", None, 1500, 2]]]])
    opened = deliveries_of(parsed.claimed, ReceiveTag.CLAIMED, names=NAMES, connection=1)
    assert [Tombstone((1, 0))] == opened


def test_deliveries_carry_count_and_content() -> None:
    """Counts by entry, zero where the server told none; the content is what a dead letter is made of."""
    fields = make_event(token="a1b2c3d4", arm=0, producer=1, sequence=7, seed=1, timestamp="t").fields()
    opened = deliveries_of(
        [("1-0", fields), ("2-0", fields)], ReceiveTag.CLAIMED, names=NAMES, connection=3, counts={(1, 0): 4}
    )
    assert [4, 0] == [item.delivery_count for item in opened if isinstance(item, Delivery)]
    first = opened[0]
    assert isinstance(first, Delivery)
    assert (ContentCheck.INTACT, 7, 3, fields) == (
        first.read.check,
        first.read.sequence,
        first.connection,
        first.fields,
    )


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        (None, []),
        (Retention(max_length=200), ["MAXLEN", "~", "200"]),
        (Retention(max_length=200, exact=True), ["MAXLEN", "=", "200"]),
        (Retention(max_age_ms=1_000), ["MINID", "~", "4000-0"]),
        (Retention(max_age_ms=1_000, exact=True), ["MINID", "=", "4000-0"]),
    ],
)
def test_retention_becomes_words_of_xadd(retention: Retention | None, words: list[str]) -> None:
    """An age is turned into the oldest id that may stay."""
    assert words == trimming(retention, now_ms=5_000)


def test_a_servers_effect_survives_the_trip() -> None:
    """The script appends whether it suppressed; the rest is the consumer's."""
    effect = ServerEffect(3, 1, 2, 5, 1700, 4, t_ns=99)
    assert "3 1 2 5 1700 4 99" == effect.without_result()
    assert ServerEffect(3, 1, 2, 5, 1700, 4, 99, suppressed=1) == ServerEffect.from_text("3 1 2 5 1700 4 99 1")


@pytest.mark.parametrize(
    ("release", "number"), [("5.3.1", 5_003_001), ("8.1.0", 8_001_000), ("7.4.12", 7_004_012), ("9.0b1", 0), ("", 0)]
)
def test_a_release_is_one_number_in_a_journal(release: str, number: int) -> None:
    """Zero where it is none of three numbers."""
    assert number == release_number(release)


def test_all_keys_lie_under_the_trials_prefix() -> None:
    """So that they are found when a server that is not ours is cleaned; and no two are the same."""
    keys = [
        NAMES.destination,
        NAMES.checkpoint(0),
        NAMES.checkpoint(1),
        NAMES.dead_letters,
        NAMES.effects,
        NAMES.scratch,
        NAMES.mark(0, 1, 2),
        NAMES.mark(1, 0, 2),
    ]
    assert [] == [key for key in keys if not key.startswith(NAMES.prefix)]
    assert len(keys) == len(set(keys))
    assert NAMES.mark(0, 1, 2).startswith(NAMES.marks)
