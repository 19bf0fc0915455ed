"""The naive recount is itself checked against tiny histories whose numbers were worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import naive_recount
import pytest
from comparing import Counts, flatten, recounted, recounted_whole

from harness.history.journal import BarrierPart, EventKind
from harness.model.message import SENTINEL_BASE
from harness.selftest.book import Book
from harness.selftest.clean import build
from harness.selftest.moments import FAN_OUT, MILLISECOND, ORIGIN_NS, PUBSUB, QUEUE

CLEAN_PUBSUB = {
    "attempted": 6,
    "outcomes.acknowledged": 6,
    "wire_attempts": 6,
    "owed": 12,
    "fates.delivered": 12,
    "promised": 12,
    "publish.answers_sum": 12,
    "publish.received_sum": 12,
}
CLEAN_FAN_OUT = {
    "attempted": 6,
    "outcomes.acknowledged": 6,
    "wire_attempts": 6,
    "owed": 12,
    "fates.delivered": 12,
    "promised": 12,
    "log_entries": 6,
    "durability.in_log_with_effect": 6,
    "acknowledgement_calls": 12,
}
CLEAN_QUEUE = CLEAN_FAN_OUT | {
    **{"owed": 6, "promised": 6, "fates.delivered": 6, "acknowledgement_calls": 6},
    **{f"load.consumer-2-0-{member}": 2 for member in range(3)},
}


def without_times(arms: list[Counts]) -> list[Counts]:
    """Only what is counted."""
    return [{name: value for name, value in arm.items() if not name.startswith("latency.")} for arm in arms]


@pytest.fixture
def book() -> Book:
    """A perfect trial of 2 producers x 3 messages."""
    return build(messages=3, seed=3)


def test_a_perfect_trial_has_only_deliveries(book: Book) -> None:
    """6 messages per arm, two scopes each (the queue: one): 12, 12 and 6 deliveries, and nothing else."""
    found = recounted(book)
    assert without_times(found) == [CLEAN_PUBSUB, CLEAN_FAN_OUT, CLEAN_QUEUE]
    assert [12, 12, 6] == [arm["latency.samples"] for arm in found]
    assert all(0 < arm["latency.p50_ns"] <= arm["latency.max_ns"] for arm in found)


def test_a_trial_without_messages_has_no_counts(book: Book) -> None:
    """Sentinels alone are counted nowhere."""
    for pages in book.journals.values():
        pages.notes = [
            note for note in pages.notes if note.sequence >= SENTINEL_BASE or note.kind not in (1, 2, 3, 10, 11, 12, 31)
        ]
    assert recounted(book) == [{}, {}, {}]


@pytest.mark.parametrize(
    ("sequence", "position"),
    [pytest.param(0, "prefix"), pytest.param(1, "middle"), pytest.param(2, "postfix")],
)
def test_the_position_of_a_loss(book: Book, sequence: int, position: str) -> None:
    """Before the first received message of its producer, between, after the last."""
    book.remove(EventKind.RECEIVE, EventKind.EFFECT, arm=PUBSUB, scope=1, producer=0, sequence=sequence)
    counts = recounted(book)[PUBSUB]
    assert counts[f"lost_by_position.{position}"] == counts["fates.lost"] == 1


def test_a_gap_explains_what_was_sent_in_it(book: Book) -> None:
    """Connection 1 is last heard of at the second message, connection 2 stands before the fifth: two fall between."""
    receives = [n for n in book.notes(EventKind.RECEIVE, arm=PUBSUB, scope=0) if n.sequence < SENTINEL_BASE]
    attempts = [n for n in book.notes(EventKind.ATTEMPT, arm=PUBSUB) if n.sequence < SENTINEL_BASE]
    for receive in receives[2:4]:
        book.remove(EventKind.RECEIVE, EventKind.EFFECT, arm=PUBSUB, scope=0, **_identity(receive))
    for note in book.notes(EventKind.RECEIVE, arm=PUBSUB, scope=0):
        note.count = 2 if note.t_ns > receives[3].t_ns else 1
    book.repeat(book.notes(EventKind.SUBSCRIBED, arm=PUBSUB, scope=0)[0], after_ns=0, count=2).t_ns = (
        attempts[4].t_ns - MILLISECOND // 10
    )
    expected = {"fates.lost": 2, "lost_by_mechanism.not connected": 2, "lost_silently": 2}
    counts = recounted(book)[PUBSUB]
    assert expected == {name: counts[name] for name in expected}
    assert "lost_contract_view" not in counts


def test_a_loss_between_two_receives_of_one_connection_is_unexplained(book: Book) -> None:
    """Pub/Sub is first in, first out per connection: the subscription stood, so the contract view counts it too."""
    book.remove(EventKind.RECEIVE, EventKind.EFFECT, arm=PUBSUB, scope=0, producer=1, sequence=1)
    counts = recounted(book)[PUBSUB]
    assert (counts["lost_by_mechanism.unexplained"], counts["lost_contract_view"]) == (1, 1)


def test_absence_without_a_barrier_is_not_loss(book: Book) -> None:
    """The sentinels never came: what did not arrive may still be on its way."""
    book.remove(EventKind.RECEIVE, EventKind.EFFECT, arm=PUBSUB, scope=0, producer=1, sequence=2)
    book.notes(EventKind.BARRIER, arm=PUBSUB, scope=0, code=BarrierPart.SENTINELS_SEEN)[0].value = 0
    counts = recounted(book)[PUBSUB]
    assert (counts.get("fates.lost", 0), counts["fates.unread"]) == (0, 1)


def test_an_entry_before_the_group_is_lag(book: Book) -> None:
    """In the log, not yet handed out: unread."""
    last = book.notes(EventKind.OUTCOME, arm=QUEUE, producer=0, sequence=2)[0]
    entries = [n.entry for n in book.notes(EventKind.LOG_ENTRY, arm=QUEUE) if n.entry < last.entry]
    book.notes(EventKind.GROUP, arm=QUEUE)[0].entry = max(entries)
    behind = [n for n in book.notes(EventKind.LOG_ENTRY, arm=QUEUE) if n.entry >= last.entry]
    for note in behind:
        book.remove(EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK, arm=QUEUE, **_identity(note))
    messages = len([note for note in behind if note.sequence < SENTINEL_BASE])
    counts = recounted(book)[QUEUE]
    assert (counts["fates.unread"], counts.get("fates.lost", 0)) == (messages, 0)


def test_a_group_that_starts_late_is_owed_nothing_before(book: Book) -> None:
    """Created at the third entry's id: the first three entries are not entitled."""
    entries = [note.entry for note in book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT)]
    book.notes(EventKind.GROUP_START, arm=FAN_OUT, scope=0)[0].entry = entries[2]
    for entry in entries[:3]:
        book.remove(EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK, arm=FAN_OUT, scope=0, entry=entry)
    counts = recounted(book)[FAN_OUT]
    assert (counts["fates.not-entitled"], counts["fates.delivered"], counts.get("missing_effects", 0)) == (3, 9, 0)


def test_what_comes_after_the_last_consumer_is_never_read(book: Book) -> None:
    """Scope 1's only consumer ends before the trial's second half: what is acknowledged later, nobody could read."""
    middle = ORIGIN_NS + 1_300 * MILLISECOND
    late = [n for n in book.notes(EventKind.OUTCOME, arm=FAN_OUT) if n.t_ns > middle and n.sequence < SENTINEL_BASE]
    held = [n for n in book.notes(EventKind.OUTCOME, arm=FAN_OUT) if n.t_ns <= middle]
    actor = book.journals["consumer-1-1-0"].header.actor
    for name, pages in book.journals.items():
        if name in ("consumer-1-1-0", "effects-1"):
            pages.notes = [note for note in pages.notes if note.actor != actor or note.t_ns <= middle]
    ready = book.notes(EventKind.READY, actor=actor)[0]
    book.add_beside(ready, replace(ready, kind=EventKind.END, t_ns=middle))
    delivered = {note.message for note in book.notes(EventKind.RECEIVE, arm=FAN_OUT, scope=1)}
    counts = recounted(book)[FAN_OUT]
    assert counts["fates.never-read"] == len(late)
    assert counts["fates.lost"] == len([note for note in held if note.message not in delivered])


def test_torn_and_damaged_records_are_told(book: Book, tmp_path: Path) -> None:
    """A journal cut inside a record, and another with one bit flipped."""
    book.write(tmp_path)
    torn = tmp_path / "journals" / "consumer-0-0-0.journal"
    torn.write_bytes(torn.read_bytes()[:-24])
    damaged = tmp_path / "journals" / "consumer-0-1-0.journal"
    data = bytearray(damaged.read_bytes())
    data[-64 + 20] ^= 1
    damaged.write_bytes(data)
    found = naive_recount.recount(tmp_path)
    assert (found["torn_bytes"], found["damaged"]) == (40, 1)


def test_two_processes_with_one_actor_are_told(book: Book) -> None:
    """The effects journal shares actors with consumers by design; two consumers must not."""
    header = book.journals["consumer-2-0-1"].header
    book.journals["consumer-2-0-2"].header = type(header)(
        **{name: getattr(header, name) for name in header.__slots__} | {"name": "other"}
    )
    assert recounted_whole(book)["shared_actors"] == [header.actor]


def test_it_runs_alone_and_imports_nothing_of_the_harness(book: Book, tmp_path: Path) -> None:
    """The second opinion is a program of its own: isolated from the installed packages it gives the same numbers."""
    book.write(tmp_path)
    program = Path(naive_recount.__file__)
    command = [sys.executable, "-I", "-S", str(program), str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    found = [flatten(arm) for arm in json.loads(printed)["arms"]]
    assert found == recounted(book)
    assert without_times(found) == [CLEAN_PUBSUB, CLEAN_FAN_OUT, CLEAN_QUEUE]


def _identity(note: object) -> dict[str, int]:
    return {"producer": getattr(note, "producer"), "sequence": getattr(note, "sequence")}  # noqa: B009  # any note
