"""What makes a trial unbelievable whose server was struck: nothing was at stake, or nobody saw that it failed over."""

from __future__ import annotations

from dataclasses import replace

from harness.history.journal import EventKind
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, Persistence, Verdict
from harness.selftest.book import Book, Note
from harness.selftest.deeds import lose_from_log
from harness.selftest.doubt import ALL_ARMS, Doubt, Finds
from harness.selftest.doubt_deeds import be_unanswered_in_fault, forget_effect
from harness.selftest.doubts import told_of
from harness.selftest.moments import FAN_OUT, PUBSUB
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, Target, read_log_again
from harness.selftest.server_setups import FAILOVER, cut_off, strike, take_last, taken
from harness.selftest.setup_deeds import miss_in_fault_unnoticed

_NOT_ACKNOWLEDGED = "nothing that was attempted while the fault was on was ever acknowledged"
_NOT_TESTED = "nothing was attempted while the fault was on"


def _be_unanswered_in_failover(book: Book) -> Finds:
    """Nothing was acknowledged while the master was away; what a stream had acknowledged before is at stake."""
    strike(book, FAILOVER, Persistence.AOF_EVERYSEC)
    return be_unanswered_in_fault(book)


def _be_unanswered_until_healed(book: Book) -> Finds:
    """Nothing was acknowledged before the new master came: there was nothing that could have been lost."""
    strike(book, FAILOVER, Persistence.AOF_EVERYSEC)
    return be_unanswered_in_fault(book, since_ns=0)


def _fail_over_unseen(book: Book) -> Finds:
    """What is gone from the log has no reason: nobody saw a failover."""
    strike(book, FAILOVER, Persistence.AOF_EVERYSEC)
    take_last(lose_from_log)(Target(book, FAN_OUT, 1, 4))
    read_log_again(book, FAN_OUT)
    forget_effect(book)
    return {FAN_OUT: taken("unexplained")}


def _restart_unseen(book: Book) -> Finds:
    """A subscriber was away while the server should have been dead, which nobody saw."""
    strike(book, FaultPlan(model=FaultModel.SERVER_KILL), Persistence.OFF)
    miss_in_fault_unnoticed(Target(book, PUBSUB, 1, 4))
    forget_effect(book)
    return {PUBSUB: cut_off("not connected")}


def _read_replica_short(book: Book) -> None:
    """A replica holds what the master does, and one entry of it was not noted; another replica did not follow."""
    strike(book, FAILOVER, Persistence.AOF_EVERYSEC)
    entries, pages = book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT), book.journals["conductor"]
    pages.notes += [replace(note, kind=EventKind.REPLICA_ENTRY, scope=1) for note in entries[1:]]
    for number, told in ((1, len(entries)), (2, -1)):
        read = Note(EventKind.REPLICA_READ, entries[-1].t_ns, FAN_OUT, number, entries[-1].actor, value=told)
        pages.notes.append(read)


SERVER_DOUBTS = (
    Doubt(
        "nothing acknowledged in a failover",
        _be_unanswered_in_failover,
        told_of((PUBSUB,), _NOT_ACKNOWLEDGED),
        arms=(PUBSUB,),
        spoils=frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Doubt(
        "nothing acknowledged before a failover",
        _be_unanswered_until_healed,
        told_of(ALL_ARMS, _NOT_ACKNOWLEDGED),
    ),
    Doubt(
        "failover without evidence",
        _fail_over_unseen,
        ("failover: no effect of it was seen: .*", *told_of(ALL_ARMS, _NOT_TESTED)),
    ),
    Doubt(
        "replica's entry not noted",
        _read_replica_short,
        told_of((FAN_OUT,), r"replica 1 had \d+ entries when it was read, but \d+ were noted"),
        Verdict.ERROR,
    ),
    Doubt(
        "restart without evidence",
        _restart_unseen,
        ("server-kill: no effect of it was seen: .*", *told_of(ALL_ARMS, _NOT_TESTED)),
    ),
)
