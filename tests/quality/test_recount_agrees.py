"""The checker and the naive recount agree to the message: on clean, on spoilt and on arbitrary histories."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from checking import checked, checked_rows, judged, naive_rows
from comparing import flatten, recounted_whole
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.history.journal import EventKind
from harness.selftest.book import Book, Note
from harness.selftest.cases import PLANTS
from harness.selftest.clean import build
from harness.selftest.moments import FAN_OUT, MICROSECOND, PUBSUB, moment
from harness.selftest.setups import SETUPS

BOUNDED = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def assert_agreement(book: Book) -> None:
    """All counts and every row."""
    whole = recounted_whole(book, with_rows=True)
    judgement = judged(book)
    assert checked(judgement) == [flatten(arm) for arm in whole["arms"]]
    assert checked_rows(judgement) == naive_rows(whole)


@pytest.mark.parametrize(("messages", "producers", "seed"), [(0, 1, 1), (1, 1, 2), (7, 3, 3), (150, 2, 4)])
def test_clean_trials(messages: int, producers: int, seed: int) -> None:
    """From nothing at all to a few hundred messages."""
    assert_agreement(build(messages=messages, producers=producers, seed=seed))


def cut_connection(book: Book) -> None:
    """Both subscribers' connections end with the fault and are replaced 30 ms after the heal."""
    resubscribed = moment(1_631)
    for scope in range(2):
        for note in book.notes(EventKind.RECEIVE, arm=PUBSUB, scope=scope):
            if moment(1_590) < note.t_ns < resubscribed:
                lost = {"arm": PUBSUB, "scope": scope, "producer": note.producer, "sequence": note.sequence}
                book.remove(EventKind.RECEIVE, EventKind.EFFECT, **lost)
            elif note.t_ns > resubscribed:
                note.count = 2
        first = book.notes(EventKind.SUBSCRIBED, arm=PUBSUB, scope=scope)[0]
        book.repeat(first, after_ns=0, count=2).t_ns = resubscribed


def lose_group_state(book: Book) -> None:
    """The conductor could not ask for the groups."""
    book.remove(EventKind.GROUP)


@pytest.mark.parametrize("spoil", [cut_connection, lose_group_state])
def test_spoilt_trials(spoil: Callable[[Book], None]) -> None:
    """Losses that have a reason, and missing accounts."""
    book = build()
    spoil(book)
    assert_agreement(book)


def test_a_cut_connection_loses_what_falls_into_the_gap() -> None:
    """All such losses are "not connected", none is beyond the contract."""
    book = build()
    cut_connection(book)
    arm = judged(book).result.arms[PUBSUB]
    assert sum(arm.lost_by_mechanism.values()) == arm.lost_by_mechanism.get("not connected", 0) > 0  # type: ignore[call-overload]  # words are strings
    assert arm.lost_contract_view == 0


@st.composite
def planted_books(draw: st.DrawFn) -> Book:
    """A small trial with up to twelve plants, also several on one message."""
    book = build(messages=6, seed=draw(st.integers(0, 50)))
    for plant in draw(st.lists(st.sampled_from(PLANTS), max_size=12)):
        # A plant that does not fit a message that is spoilt already says so by one of these.
        with contextlib.suppress(ValueError, AssertionError, IndexError, StopIteration):
            plant.plant(book, producer=draw(st.integers(0, 1)), sequence=draw(st.integers(0, 5)))
    return book


@BOUNDED
@given(planted_books())
def test_any_mixture_of_plants(book: Book) -> None:
    """Whatever is planted on top of what."""
    assert_agreement(book)


@st.composite
def set_up_books(draw: st.DrawFn) -> Book:
    """A small trial with an arm that is set up in some way, up to four such violations, and some mangled records."""
    setup = draw(st.sampled_from(SETUPS))
    book = setup.alter(build(messages=6, seed=draw(st.integers(0, 50)), control=draw(st.booleans())))
    others = [one for one in SETUPS if one.arm == setup.arm]
    for one in [setup, *draw(st.lists(st.sampled_from(others), max_size=3))]:
        with contextlib.suppress(ValueError, AssertionError, IndexError, StopIteration):
            one.plant(book, producer=draw(st.integers(0, 1)), sequence=draw(st.integers(0, 5)))
    for _ in range(draw(st.integers(0, 6))):
        notes = book.notes(draw(st.sampled_from((*KINDS, *RARE_KINDS))))
        if notes:
            mangle(book, notes[draw(st.integers(0, len(notes) - 1))], draw)
    return book


@BOUNDED
@given(set_up_books())
def test_any_setup(book: Book) -> None:
    """Whatever an arm is set up to do, and whoever dies."""
    assert_agreement(book)


RARE_KINDS = (
    *(EventKind.END, EventKind.CRASHING, EventKind.FAILED, EventKind.DEAD_LETTER, EventKind.CHECKPOINT),
    *(EventKind.GROUP_START, EventKind.PENDING, EventKind.PROCESS, EventKind.TOMBSTONE),
)
KINDS = (
    *(EventKind.ATTEMPT, EventKind.OUTCOME, EventKind.WIRE, EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK),
    *(EventKind.LOG_ENTRY, EventKind.SUBSCRIBED, EventKind.BARRIER, EventKind.GROUP),
)
OPERATIONS = ("remove", "repeat", "move", "other sequence", "other entry", "code", "detail", "count")


@st.composite
def mangled_books(draw: st.DrawFn) -> Book:
    """A small trial of which up to 25 records are removed, repeated, moved in time or altered at random."""
    book = build(messages=5, seed=draw(st.integers(0, 50)))
    for _ in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(KINDS))
        notes = book.notes(kind)
        if notes:
            mangle(book, notes[draw(st.integers(0, len(notes) - 1))], draw)
    return book


def mangle(book: Book, note: Note, draw: st.DrawFn) -> None:
    """Do one random thing to one record, keeping to values that a journal can hold."""
    pages = book.pages_of(note)
    shift = draw(st.integers(1, 400_000)) * MICROSECOND + draw(st.integers(1, 999))
    match draw(st.sampled_from(OPERATIONS)):
        case "remove":
            pages.notes = [one for one in pages.notes if one is not note]
        case "repeat":
            book.repeat(note, after_ns=shift)
        case "move":
            note.t_ns += shift
        case "other sequence" if note.kind in (EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK, EventKind.LOG_ENTRY):
            note.sequence = draw(st.integers(0, 7))
        case "other entry" if note.kind in (EventKind.RECEIVE, EventKind.OUTCOME, EventKind.GROUP) and note.arm:
            note.entry = draw(st.sampled_from([one.entry for one in book.notes(EventKind.OUTCOME, arm=FAN_OUT)]))
        case "code" if note.kind is EventKind.OUTCOME:
            note.code = draw(st.integers(1, 3))
        case "code" if note.kind is EventKind.RECEIVE and note.arm:
            note.code = draw(st.integers(1, 3))
        case "detail" if note.kind in (EventKind.RECEIVE, EventKind.EFFECT):
            note.detail = draw(st.integers(0, 1 if note.kind is EventKind.EFFECT else 2))
        case "count" if note.kind in (EventKind.OUTCOME, EventKind.RECEIVE, EventKind.SUBSCRIBED):
            note.count = draw(st.integers(1, 3))
        case _:
            if note.kind is EventKind.BARRIER:
                note.value = 0


@BOUNDED
@given(mangled_books())
def test_arbitrary_histories(book: Book) -> None:
    """Also those that no Redis would ever bring about."""
    assert_agreement(book)
