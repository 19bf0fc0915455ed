"""What happens to messages of an arm that is set up in a certain way, and to the processes that got them.

A `Setup` is a plant of one arm that is altered first (how it acknowledges, recovers, starts, trims, dedups). The deeds
here also stop processes, so they don't add up: each is alone in a trial of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.history.journal import EventKind
from harness.model.values import Arm
from harness.model.words import CrashPointCode, Guarantee, ProcessEvent, ReceiveTag
from harness.selftest.book import Book, Note, Pages
from harness.selftest.deeds import leave_pending, leave_pending_without_effect, lose_on_the_way, skip_effect
from harness.selftest.moments import MICROSECOND, MILLISECOND
from harness.selftest.plant import Target, read_log_again

NOBODY = (0xFFFF, 0)


@dataclass(frozen=True, slots=True)
class Setup:
    """One violation of one arm that is set up in a certain way."""

    name: str
    arm: int
    apply: Callable[[Target], None]
    finds: dict[str, int]
    refutes: frozenset[Guarantee] = frozenset()
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of the arm that differ from the usual."""
    early: bool = False
    """Whether the message has to lie before the fault."""

    def alter(self, book: Book) -> Book:
        """Set the arm up."""
        scenario = book.trial.scenario
        arms = list(scenario.arms)
        arms[self.arm] = Arm.model_validate(arms[self.arm].model_dump() | self.changes)
        book.trial = book.trial.model_copy(update={"scenario": scenario.model_copy(update={"arms": tuple(arms)})})
        return book

    def plant(self, book: Book, *, producer: int = 1, sequence: int = 20) -> None:
        """Spoil one message; the reading of the log then comes to as many entries as the log has now."""
        self.apply(Target(book, self.arm, producer, sequence))
        read_log_again(book, self.arm)


# ------------------------------------------------------------------------------------------------ what happens


def crash(target: Target, actor: int, *, after_ns: int = MICROSECOND) -> None:
    """The process says, right after what it noted last of the message, that it kills itself."""
    last = max(target.all(scope=0), key=lambda note: note.t_ns)
    note = Note(EventKind.CRASHING, last.t_ns + after_ns, target.arm, 0, actor, code=CrashPointCode.BEFORE_EFFECT)
    note.producer, note.sequence = target.producer, target.sequence
    pages_of_actor(target.book, actor).notes.append(note)


def pages_of_actor(book: Book, actor: int) -> Pages:
    """The journal of a process."""
    return next(pages for pages in book.journals.values() if pages.header.actor == actor)


def receiver_of(target: Target) -> int:
    """Who got it."""
    return target.one(EventKind.RECEIVE, scope=0).actor


def forget_by_crash(target: Target) -> None:
    """Acknowledged first, died before the effect."""
    receiver = receiver_of(target)
    skip_effect(target)
    crash(target, receiver)


def forget_by_kill(target: Target) -> None:
    """The same, but only the conductor saw it die, and its END is missing."""
    receiver = receiver_of(target)
    skip_effect(target)
    target.book.remove(EventKind.END, actor=receiver)
    died = Note(EventKind.PROCESS, target.one(EventKind.OUTCOME).t_ns, target.arm, 0, 0)
    died.code, died.detail = ProcessEvent.DIED, receiver
    target.book.journals["conductor"].notes.append(died)


def note_failure(target: Target, kind: EventKind = EventKind.FAILED) -> None:
    """The handler failed, or the entry was moved away."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    target.book.repeat(receive, after_ns=2 * MICROSECOND, kind=kind, code=0, count=0, value=1)


def fail_once(target: Target) -> None:
    """Poison: no effect, and nobody brings it again."""
    note_failure(target)
    skip_effect(target)


def fail_for_ever(target: Target) -> None:
    """Poison: it stays pending, however often it is tried."""
    note_failure(target)
    leave_pending_without_effect(target)


def bury(target: Target) -> None:
    """Poison: it fails and is moved to the dead-letter stream, acknowledged."""
    note_failure(target)
    note_failure(target, EventKind.DEAD_LETTER)
    skip_effect(target)


def stay_pending_by_crash(target: Target) -> None:
    """Effect made, died before XACK; nobody took over."""
    receiver = receiver_of(target)
    leave_pending(target)
    crash(target, receiver)


def stay_pending_undone(target: Target) -> None:
    """Died before the effect; nobody took over."""
    receiver = receiver_of(target)
    leave_pending_without_effect(target)
    crash(target, receiver)


def hand_out_into_nothing(target: Target) -> None:
    """The reply that handed it out never arrived: pending, and nobody noted it."""
    leave_pending_without_effect(target)
    target.remove(EventKind.RECEIVE, scope=0)


def empty_pending(target: Target) -> None:
    """As above, and then its content was trimmed away: the pending entry names no message any more."""
    hand_out_into_nothing(target)
    target.remove(EventKind.LOG_ENTRY)
    entry = target.one(EventKind.OUTCOME).entry
    (pending,) = target.book.notes(EventKind.PENDING, arm=target.arm, scope=0, entry=entry)
    pending.producer, pending.sequence = NOBODY


def empty_pending_after_receive(target: Target) -> None:
    """Received, not done, and the content was trimmed away before anybody could claim it."""
    leave_pending_without_effect(target)
    target.remove(EventKind.LOG_ENTRY)
    entry = target.one(EventKind.OUTCOME).entry
    (pending,) = target.book.notes(EventKind.PENDING, arm=target.arm, scope=0, entry=entry)
    pending.producer, pending.sequence = NOBODY


def skip_acknowledged(target: Target) -> None:
    """Received, and nothing else."""
    target.remove(EventKind.EFFECT, EventKind.ACK, scope=0)


def drop_from_log(target: Target) -> None:
    """Never received by scope 0, and gone from the log."""
    lose_on_the_way(target)
    target.remove(EventKind.LOG_ENTRY)


def start_again_at_end(target: Target) -> None:
    """A reader without a checkpoint begins anew at the stream's end, right behind the entry."""
    entry = target.one(EventKind.OUTCOME).entry
    lose_on_the_way(target)
    begun = target.book.notes(EventKind.GROUP_START, arm=target.arm, scope=0)[0]
    target.book.repeat(begun, after_ns=1_200 * MILLISECOND, entry=entry)


def save_before_noting(target: Target) -> None:
    """A reader's checkpoint is saved beyond the entry, and the reader dies before it notes anything."""
    outcome, actor = target.one(EventKind.OUTCOME), receiver_of(target)
    lose_on_the_way(target)
    saved = Note(EventKind.CHECKPOINT, outcome.t_ns + MICROSECOND, target.arm, 0, actor, entry=outcome.entry)
    pages_of_actor(target.book, actor).notes.append(saved)
    target.book.remove(EventKind.END, actor=actor)


def push_by_pattern(target: Target) -> None:
    """The pattern's copy of a push."""
    target.book.repeat(target.one(EventKind.RECEIVE, scope=0), after_ns=2 * MICROSECOND, code=ReceiveTag.PATTERN)
