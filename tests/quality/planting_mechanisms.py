"""Violations whose mechanism depends on how the arm is set up, and on who died: each alone in a trial of its own.

A `Setup` is a `Plant` of one arm that is altered first (how it acknowledges, recovers, starts, trims, dedups); the
clean trial that it is compared with has the same arm. The plants here also stop processes, so they don't add up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from planting import (
    DURABLE,
    EFFECTIVELY,
    LEAST,
    MOST,
    Target,
    leave_pending,
    leave_pending_without_effect,
    lose_on_the_way,
    skip_effect,
    suppress_only_effect,
)
from synthetic_trial import FAN_OUT, MICROSECOND, MILLISECOND, PUBSUB, QUEUE, Book, Note

from harness.history.journal import EventKind
from harness.model.values import Arm, Retention, StreamSettings
from harness.model.words import (
    AckPolicy,
    Checkpoint,
    CrashPointCode,
    Dedup,
    Guarantee,
    ProcessEvent,
    ReceiveTag,
    Recovery,
    StartAt,
)

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
        for log_read in book.notes(EventKind.LOG_READ, arm=self.arm):
            log_read.value = len(book.notes(EventKind.LOG_ENTRY, arm=self.arm))


# ------------------------------------------------------------------------------------------------ what happens


def crash(target: Target, actor: int, *, after_ns: int = MICROSECOND) -> None:
    """The process says, right after what it noted last of the message, that it kills itself."""
    last = max(target.all(scope=0), key=lambda note: note.t_ns)
    note = Note(EventKind.CRASHING, last.t_ns + after_ns, target.arm, 0, actor, code=CrashPointCode.BEFORE_EFFECT)
    note.producer, note.sequence = target.producer, target.sequence
    _pages_of_actor(target.book, actor).notes.append(note)


def _pages_of_actor(book: Book, actor: int) -> Any:
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
    _pages_of_actor(target.book, actor).notes.append(saved)
    target.book.remove(EventKind.END, actor=actor)


def push_by_pattern(target: Target) -> None:
    """The pattern's copy of a push."""
    target.book.repeat(target.one(EventKind.RECEIVE, scope=0), after_ns=2 * MICROSECOND, code=ReceiveTag.PATTERN)


# ------------------------------------------------------------------------------------------------ the list


def _forgotten(mechanism: str) -> dict[str, int]:
    return {"missing_effects": 1, "unsettled_effects": 1, f"unsettled_by_mechanism.{mechanism}": 1}


def _stuck(mechanism: str, *, done: bool) -> dict[str, int]:
    found = {"fates.delivered": -1, "fates.stuck": 1, f"unsettled_by_mechanism.{mechanism}": 1}
    return found | {"acknowledgement_calls": -1, "stuck_effect_done" if done else "missing_effects": 1}


def _lost(mechanism: str) -> dict[str, int]:
    found = {"fates.delivered": -1, "fates.lost": 1, "missing_effects": 1, "lost_by_position.middle": 1}
    return found | {f"lost_by_mechanism.{mechanism}": 1, "acknowledgement_calls": -1}


def _stream(**settings: Any) -> dict[str, Any]:
    return {"stream": StreamSettings(**settings)}


_GONE = {"log_entries": -1, "durability.in_log_with_effect": -1, "durability.gone_with_effect": 1} | {
    "gone_by_mechanism.unexplained": 1
}
_QUEUE_ROW = {"durability.in_log_with_effect": -1, "durability.in_log_without_effect": 1}
_NOT_DONE = frozenset({LEAST, EFFECTIVELY})
_READER = {"driver": "stream_read"}

SETUPS = (
    Setup(
        "ack-first-crash",
        FAN_OUT,
        forget_by_crash,
        _forgotten("crash before effect"),
        _NOT_DONE,
        _stream(ack=AckPolicy.BEFORE_EFFECT),
    ),
    Setup("seen-to-die", FAN_OUT, forget_by_kill, _forgotten("crash before effect"), _NOT_DONE),
    Setup("pubsub-crash", PUBSUB, forget_by_crash, _forgotten("crash before effect"), _NOT_DONE),
    Setup(
        "noack-crash",
        FAN_OUT,
        skip_acknowledged,
        _forgotten("NOACK") | {"acknowledgement_calls": -1},
        _NOT_DONE,
        _stream(ack=AckPolicy.NOACK, recovery=Recovery.NONE),
    ),
    Setup("noack-lost", FAN_OUT, lose_on_the_way, _lost("NOACK"), _NOT_DONE, _stream(ack=AckPolicy.NOACK)),
    Setup("pubsub-poison", PUBSUB, fail_once, _forgotten("handler failed") | {"failed_handlings": 1}, _NOT_DONE),
    Setup(
        "poison-for-ever",
        FAN_OUT,
        fail_for_ever,
        _stuck("handler failed", done=False) | {"failed_handlings": 1},
        _NOT_DONE,
    ),
    Setup(
        "dead-letter",
        FAN_OUT,
        bury,
        {"missing_effects": 1, "failed_handlings": 1, "dead_lettered": 1},
        frozenset({EFFECTIVELY}),
        _stream(dead_letter_after=1),
    ),
    Setup(
        "false-dedup",
        FAN_OUT,
        suppress_only_effect,
        _forgotten("false dedup") | {"suppressed_effects": 1, "false_dedup": 1},
        _NOT_DONE,
        {"dedup": Dedup.SET_NX},
    ),
    Setup(
        "crash-before-ack",
        FAN_OUT,
        stay_pending_by_crash,
        _stuck("crash between effect and XACK", done=True),
        frozenset({LEAST}),
        _stream(recovery=Recovery.NONE),
    ),
    Setup(
        "no-recovery",
        FAN_OUT,
        stay_pending_undone,
        _stuck("no claimer", done=False),
        _NOT_DONE,
        _stream(recovery=Recovery.NONE),
    ),
    Setup(
        "own-pending-never-back",
        FAN_OUT,
        stay_pending_undone,
        _stuck("no claimer", done=False),
        _NOT_DONE,
        _stream(recovery=Recovery.OWN_PENDING),
    ),
    Setup(
        "claimed-by-nobody",
        QUEUE,
        stay_pending_undone,
        _stuck("crash before effect", done=False) | _QUEUE_ROW,
        _NOT_DONE,
        _stream(recovery=Recovery.CLAIM),
    ),
    Setup(
        "handed-out-into-nothing",
        FAN_OUT,
        hand_out_into_nothing,
        _stuck("no claimer", done=False),
        _NOT_DONE,
        _stream(recovery=Recovery.NONE),
    ),
    Setup(
        "pending-shell",
        FAN_OUT,
        empty_pending,
        _lost("trimmed while pending") | _GONE,
        _NOT_DONE | {DURABLE},
    ),
    Setup(
        "received-shell",
        FAN_OUT,
        empty_pending_after_receive,
        _stuck("trimmed while pending", done=False) | _GONE,
        _NOT_DONE | {DURABLE},
    ),
    Setup(
        "noack-gone-in-the-middle",
        FAN_OUT,
        drop_from_log,
        _lost("NOACK") | _GONE,
        _NOT_DONE | {DURABLE},
        _stream(ack=AckPolicy.NOACK) | {"retention": Retention(max_length=5)},
    ),
    Setup(
        "reader-starts-again",
        FAN_OUT,
        start_again_at_end,
        _lost("group created at $"),
        _NOT_DONE,
        _READER | _stream(start=StartAt.END, checkpoint=Checkpoint.NONE),
    ),
    Setup(
        "checkpoint-first",
        FAN_OUT,
        save_before_noting,
        _lost("crash before effect"),
        _NOT_DONE,
        _READER | _stream(checkpoint=Checkpoint.BEFORE_EFFECT),
    ),
    Setup("reader-passes-over", FAN_OUT, lose_on_the_way, _lost("unexplained"), _NOT_DONE, _READER),
    Setup(
        "overlap",
        PUBSUB,
        push_by_pattern,
        {"duplicated": 1, "duplicates_by_cause.overlapping subscription": 1},
        frozenset({MOST}),
        {"pattern_overlap": True},
    ),
    Setup(
        "pattern-without-overlap",
        PUBSUB,
        push_by_pattern,
        {"duplicated": 1, "duplicates_by_cause.redelivery": 1},
        frozenset({MOST}),
    ),
)
