"""Losses that have a reason: a connection that was away, a server that cut it, a log that was trimmed, a late group."""

from __future__ import annotations

from harness.history.journal import EventKind
from harness.model.words import ServerStat
from harness.selftest.book import Note
from harness.selftest.deeds import lose_on_the_way
from harness.selftest.moments import INJECT_NS, MICROSECOND, MILLISECOND
from harness.selftest.plant import CONSUMED, Target

_RESUBSCRIBED_NS = 20 * MICROSECOND


def miss_while_away(target: Target) -> None:
    """Scope 0's subscriber goes on with its second connection right after the message was sent."""
    receive, sent = target.one(EventKind.RECEIVE, scope=0), target.one(EventKind.ATTEMPT)
    lose_on_the_way(target)
    for note in target.book.notes(EventKind.RECEIVE, arm=target.arm, scope=0):
        note.count = 2 if note.t_ns > receive.t_ns else 1
    subscribed = target.book.notes(EventKind.SUBSCRIBED, arm=target.arm, scope=0)[0]
    target.book.repeat(subscribed, after_ns=0, count=2).t_ns = sent.t_ns + _RESUBSCRIBED_NS


def miss_after_kill(target: Target) -> None:
    """As above, and a moment later the server's count of output-buffer kills is seen to have risen."""
    sent = target.one(EventKind.ATTEMPT)
    miss_while_away(target)
    seen = Note(EventKind.SERVER_STAT, sent.t_ns + 500 * MILLISECOND, 0, -1, 0, value=1)
    seen.code = ServerStat.OUTPUT_BUFFER_KILLS
    target.book.journals["conductor"].notes.append(seen)


def miss_in_fault(target: Target) -> None:
    """As above, but of a message that was sent while the consumers' link was held, as the one before it was.

    The fault explains it better than the kill. The one before arrives late, on the first connection all the same.
    """
    miss_after_kill(_sent_in_fault(target))


def miss_in_fault_unnoticed(target: Target) -> None:
    """The same message, and no count of the server rises."""
    miss_while_away(_sent_in_fault(target))


def start_behind_it(target: Target) -> None:
    """Scope 0's group was created at $, when the log held one entry: that one was never owed to it."""
    first = _oldest(target)
    (begun,) = target.book.notes(EventKind.GROUP_START, arm=target.arm, scope=0)
    begun.entry = first.entry
    lose_on_the_way(_message_of(target, first))


def trim_oldest(target: Target) -> None:
    """The oldest entry is trimmed away before scope 0 read it."""
    first = _oldest(target)
    about = _message_of(target, first)
    about.remove(*CONSUMED, scope=0)
    about.remove(EventKind.LOG_ENTRY)


def trim_oldest_done(target: Target) -> None:
    """The oldest entry is trimmed away when everybody had processed it."""
    _message_of(target, _oldest(target)).remove(EventKind.LOG_ENTRY)


def _sent_in_fault(target: Target) -> Target:
    sent = [note for note in target.book.notes(EventKind.ATTEMPT, arm=target.arm) if note.t_ns > INJECT_NS]
    return _message_of(target, sent[3])


def _oldest(target: Target) -> Note:
    return min(target.book.notes(EventKind.LOG_ENTRY, arm=target.arm), key=lambda note: note.entry)


def _message_of(target: Target, note: Note) -> Target:
    return Target(target.book, target.arm, note.producer, note.sequence)
