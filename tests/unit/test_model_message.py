"""A message says which one it is, whether it is whole, and whether it is ours."""

import pytest

from harness.model.message import SENTINEL_BASE, OrderEvent, make_event, read_event, read_json
from harness.model.words import ContentCheck, Verdict, merge_verdicts

TOKEN = "a1b2c3d4"


def event(sequence: int = 7, token: str = TOKEN) -> OrderEvent:
    return make_event(token=token, arm=2, producer=3, sequence=sequence, seed=42, timestamp="2026-01-01T00:00:00Z")


def test_an_intact_event_is_read_back_over_both_ways() -> None:
    """As stream fields and as a Pub/Sub payload the same identity comes out."""
    sent = event()
    for read in (read_event(sent.fields(), token=TOKEN), read_json(sent.to_json(), token=TOKEN)):
        assert (ContentCheck.INTACT, 2, 3, 7) == (read.check, read.arm, read.producer, read.sequence)


@pytest.mark.parametrize("field", ["id", "orderId", "eventType", "data", "timestamp", "checksum"])
def test_any_changed_field_is_noticed(field: str) -> None:
    """The checksum covers all of the content."""
    fields = event().fields()
    fields[field] = fields[field][:-1] + ("0" if fields[field][-1] != "0" else "1")
    assert ContentCheck.DAMAGED is read_event(fields, token=TOKEN).check


@pytest.mark.parametrize("payload", ["", "nonsense", "[1]", "{}", '{"id": 5}', '{"id": "a/b"}', "null"])
def test_what_cannot_be_read_is_damaged_and_no_error(payload: str) -> None:
    """A foreign publisher on our channel must not end a consumer."""
    assert ContentCheck.DAMAGED is read_json(payload, token=TOKEN).check


def test_an_event_of_another_trial_is_foreign() -> None:
    """The trial's token is part of the identity."""
    assert ContentCheck.FOREIGN is read_json(event(token="ffffffff").to_json(), token=TOKEN).check


def test_the_same_seed_gives_the_same_event() -> None:
    """Payloads are reproducible, and follow an order through its life."""
    assert event() == event()
    assert ["ORDER_CREATED", "PAYMENT_PROCESSED", "ORDER_SHIPPED"] == [event(n).event_type for n in range(3)]
    assert 1 == len({event(n).order_id for n in range(3)})


def test_sentinels_are_told_from_messages() -> None:
    """They are above a fixed sequence."""
    assert read_event(event(SENTINEL_BASE).fields(), token=TOKEN).is_sentinel
    assert not read_event(event(SENTINEL_BASE - 1).fields(), token=TOKEN).is_sentinel


@pytest.mark.parametrize(
    ("verdicts", "merged"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([Verdict.HELD], Verdict.HELD),
        ([Verdict.HELD, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.ERROR, Verdict.INCONCLUSIVE], Verdict.ERROR),
        ([Verdict.ERROR, Verdict.VIOLATED, Verdict.HELD], Verdict.VIOLATED),
    ],
)
def test_verdicts_merge_by_the_worst(verdicts: list[Verdict], merged: Verdict) -> None:
    """violated > error > inconclusive > held; nothing at all is no pass."""
    assert merged is merge_verdicts(verdicts)
