"""Violations to plant into a synthetic trial, each with what a truthful checker must then find.

A `Plant` changes the notes of one message of one arm and states, worked out by hand, by how much which counts change
(``finds``) and which guarantees of that arm are refuted. Plants on different messages add up, so that they can be
combined at will; every count not named must stay as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from synthetic_trial import FAN_OUT, MICROSECOND, MILLISECOND, PUBSUB, QUEUE, Book, Note

from harness.history.journal import EventKind
from harness.model.words import ContentCheck, Guarantee, OutcomeCode, ReceiveTag

CONSUMED = (EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK)
MOST = Guarantee.AT_MOST_ONCE
LEAST = Guarantee.AT_LEAST_ONCE
EFFECTIVELY = Guarantee.EFFECTIVELY_ONCE
DURABLE = Guarantee.DURABLE
ORDERED = Guarantee.ORDERED


@dataclass(frozen=True, slots=True)
class Target:
    """The message that a plant spoils."""

    book: Book
    arm: int
    producer: int
    sequence: int

    @property
    def named(self) -> dict[str, int]:
        """The fields that pick this message's notes."""
        return {"arm": self.arm, "producer": self.producer, "sequence": self.sequence}

    def all(self, *kinds: EventKind, **wanted: int) -> list[Note]:
        """The message's notes, in order of time."""
        return self.book.notes(*kinds, **self.named, **wanted)

    def one(self, kind: EventKind, **wanted: int) -> Note:
        """The message's only note of a kind."""
        (note,) = self.all(kind, **wanted)
        return note

    def remove(self, *kinds: EventKind, **wanted: int) -> None:
        """Delete notes of the message; there must be some."""
        assert self.book.remove(*kinds, **self.named, **wanted)


@dataclass(frozen=True, slots=True)
class Plant:
    """One violation class of one arm."""

    name: str
    arm: int
    apply: Callable[[Target], None]
    finds: dict[str, int] = field(default_factory=dict)
    """Count (dotted) → by how much it differs from the clean trial."""
    refutes: frozenset[Guarantee] = frozenset()

    def plant(self, book: Book, *, producer: int, sequence: int) -> None:
        """Spoil one message; the reading of the log then comes to as many entries as the log has now."""
        self.apply(Target(book, self.arm, producer, sequence))
        for log_read in book.notes(EventKind.LOG_READ, arm=self.arm):
            log_read.value = len(book.notes(EventKind.LOG_ENTRY, arm=self.arm))


# ------------------------------------------------------------------------------------------------ lost


def lose_on_the_way(target: Target) -> None:
    """Scope 0 never gets it."""
    target.remove(*CONSUMED, scope=0)


def lose_from_log(target: Target) -> None:
    """Scope 0 never gets it and the log has it no more; scope 1 had it before."""
    target.remove(*CONSUMED, scope=0)
    target.remove(EventKind.LOG_ENTRY)


def pass_over(target: Target) -> None:
    """The group went past the entry, which is still in the log and not pending: nobody will ever be handed it."""
    target.remove(*CONSUMED, scope=0)


def lose_unheard(target: Target) -> None:
    """PUBLISH said that nobody listens, and nobody got it, although the subscriptions stood."""
    target.remove(*CONSUMED)
    target.one(EventKind.OUTCOME).value = 0


def trim_while_pending(target: Target) -> None:
    """Delivered to scope 0 but never arrived; when claimed, the content had been trimmed away."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    target.remove(*CONSUMED, scope=0)
    target.remove(EventKind.LOG_ENTRY)
    moment = receive.t_ns + 100 * MILLISECOND
    note = Note(EventKind.TOMBSTONE, moment, target.arm, 0, receive.actor, entry=receive.entry)
    pages = next(p for p in target.book.journals.values() if p.header.actor == receive.actor)
    pages.notes.append(note)


def forget_after_processing(target: Target) -> None:
    """Everybody processed it, and then the log had it no more: lost all the same, for durability."""
    target.remove(EventKind.LOG_ENTRY)


# ------------------------------------------------------------------------------------------------ twice


def retry_by_producer(target: Target) -> None:
    """The reply was lost, the client library wrote again: two entries (Streams) or two pushes, two effects."""
    outcome = target.one(EventKind.OUTCOME)
    wire = Note(EventKind.WIRE, outcome.t_ns - 5 * MICROSECOND, target.arm, -1, outcome.actor)
    wire.producer, wire.sequence, wire.count = target.producer, target.sequence, 2
    target.book.add_beside(outcome, wire)
    outcome.count = 2
    again = (outcome.entry[0], outcome.entry[1] + 3) if outcome.entry != (0, 0) else (0, 0)
    for note in target.all(*CONSUMED, EventKind.LOG_ENTRY):
        target.book.repeat(note, after_ns=8 * MICROSECOND if note.kind in CONSUMED else 1, entry=again)
    outcome.entry = again


def retry_and_suppress(target: Target) -> None:
    """As before, but the consumers notice: the second effect is suppressed."""
    retry_by_producer(target)
    for scope in {note.scope for note in target.all(EventKind.EFFECT)}:
        target.all(EventKind.EFFECT, scope=scope)[-1].detail = 1


def redeliver(target: Target) -> None:
    """The consumer was slow to acknowledge: another one claims the entry and makes the effect again."""
    receive = target.all(EventKind.RECEIVE, scope=0)[0]
    others = target.book.notes(EventKind.READY, arm=target.arm, scope=0)
    other = next((one for one in others if one.actor != receive.actor), others[0])
    for kind, after_ns in ((EventKind.RECEIVE, 2), (EventKind.EFFECT, 4), (EventKind.ACK, 6)):
        note = target.all(kind, scope=0)[0]
        target.remove(kind, scope=0) if kind is EventKind.ACK else None
        claimed = Note(kind, receive.t_ns + after_ns * 500 * MICROSECOND, target.arm, 0, other.actor)
        claimed.producer, claimed.sequence, claimed.entry = target.producer, target.sequence, note.entry
        claimed.code = ReceiveTag.CLAIMED if kind is EventKind.RECEIVE else 0
        claimed.count, claimed.value = note.count, note.value
        home = "effects-" if kind is EventKind.EFFECT else "consumer-"
        pages = next(
            pages
            for name, pages in target.book.journals.items()
            if name.startswith(home)
            and pages.header.arm == target.arm
            and (kind is EventKind.EFFECT or pages.header.actor == other.actor)
        )
        pages.notes.append(claimed)


def redeliver_after_ack(target: Target) -> None:
    """A rollback of the group brings the entry again although it was acknowledged: XACK says 0 now."""
    for note in target.all(*CONSUMED, scope=0):
        again = target.book.repeat(note, after_ns=7 * MICROSECOND)
        if note.kind is EventKind.ACK:
            again.value = 0


def push_twice(target: Target) -> None:
    """A subscriber gets one PUBLISH twice (as with a channel and a matching pattern); no second write."""
    for note in target.all(EventKind.RECEIVE, EventKind.EFFECT, scope=0):
        target.book.repeat(note, after_ns=5 * MICROSECOND)


# ------------------------------------------------------------------------------------------------ wrong


def swap_with_next(target: Target) -> None:
    """Scope 0 receives the producer's next message before this one."""
    first = target.all(EventKind.RECEIVE, scope=0)[0]
    lane = target.book.notes(EventKind.RECEIVE, arm=target.arm, scope=0, actor=first.actor, producer=target.producer)
    following = lane[lane.index(first) + 1]
    for kind in CONSUMED:
        for one in target.all(kind, scope=0):
            (other,) = target.book.notes(kind, arm=target.arm, scope=0, **_identity(following))
            one.t_ns, other.t_ns = other.t_ns, one.t_ns


def _identity(note: Note) -> dict[str, int]:
    return {"producer": note.producer, "sequence": note.sequence}


def receive_what_nobody_sent(target: Target) -> None:
    """Intact by its checksum, of this trial by its token, and never attempted."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    target.book.repeat(receive, after_ns=5 * MICROSECOND, sequence=900_000 + target.sequence, entry=(0, 0))


def receive_from_elsewhere(target: Target) -> None:
    """A message of another run, with the same producer and sequence as one of ours."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    target.book.repeat(receive, after_ns=5 * MICROSECOND, detail=ContentCheck.FOREIGN, entry=(0, 0))


def receive_unreadable(target: Target) -> None:
    """Bytes that name no message at all."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    changes = {"producer": 0xFFFF, "sequence": 0, "detail": ContentCheck.DAMAGED, "entry": (0, 0)}
    target.book.repeat(receive, after_ns=5 * MICROSECOND, **changes)


def damage(target: Target) -> None:
    """The content was altered on the way, beside an intact copy that also arrived: a phantom all the same."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    target.book.repeat(receive, after_ns=-1 * MICROSECOND, detail=ContentCheck.DAMAGED)


def reject_yet_deliver(target: Target) -> None:
    """The producer has proof that it was not executed; the consumers have it."""
    outcome = target.one(EventKind.OUTCOME)
    outcome.code, outcome.value, outcome.entry = OutcomeCode.REJECTED, -1, (0, 0)


def lose_reply(target: Target) -> None:
    """Executed and delivered, but the producer never learnt it."""
    outcome = target.one(EventKind.OUTCOME)
    outcome.code, outcome.value, outcome.entry = OutcomeCode.INDETERMINATE, -1, (0, 0)


def kill_before_outcome(target: Target) -> None:
    """The producer's journal ends between attempt and outcome."""
    target.remove(EventKind.OUTCOME)


def reject(target: Target) -> None:
    """Refused before it was written; nobody has it. Legal."""
    reject_yet_deliver(target)
    target.one(EventKind.OUTCOME).count = 0
    target.remove(*CONSUMED)
    target.book.remove(EventKind.LOG_ENTRY, **target.named)


def leave_pending(target: Target) -> None:
    """Scope 0 made the effect and never acknowledged; still pending at the end."""
    receive = target.one(EventKind.RECEIVE, scope=0)
    target.remove(EventKind.ACK, scope=0)
    (group,) = target.book.notes(EventKind.GROUP, arm=target.arm, scope=0)
    group.value += 1
    pending = Note(EventKind.PENDING, group.t_ns + MICROSECOND, target.arm, 0, 0, entry=receive.entry)
    pending.producer, pending.sequence = target.producer, target.sequence
    pending.aux_ns, pending.count = 10_000 * MILLISECOND, 4
    target.book.add_beside(group, pending)


def leave_pending_without_effect(target: Target) -> None:
    """As before, and the consumer died before the effect."""
    leave_pending(target)
    target.remove(EventKind.EFFECT, scope=0)


def double_effect(target: Target) -> None:
    """One receive, two effects."""
    target.book.repeat(target.one(EventKind.EFFECT, scope=0), after_ns=MICROSECOND)


def skip_effect(target: Target) -> None:
    """Received (and acknowledged), but the effect never happened, and nothing tells why."""
    target.remove(EventKind.EFFECT, scope=0)


def suppress_only_effect(target: Target) -> None:
    """The consumer took it for a duplicate although it was the first."""
    target.one(EventKind.EFFECT, scope=0).detail = 1


def acknowledge_early(target: Target) -> None:
    """XACK before the effect: dangerous under a crash, but nothing is wrong with the counts."""
    ack, effect = target.one(EventKind.ACK, scope=0), target.one(EventKind.EFFECT, scope=0)
    ack.t_ns, effect.t_ns = effect.t_ns, ack.t_ns


# ------------------------------------------------------------------------------------------------ the list


def _lost(mechanism: str) -> dict[str, int]:
    found = {"fates.delivered": -1, "fates.lost": 1, "missing_effects": 1}
    return found | {f"lost_by_mechanism.{mechanism}": 1, "lost_by_position.middle": 1}


_STUCK = {"fates.delivered": -1, "fates.stuck": 1, "acknowledgement_calls": -1} | {
    "unsettled_by_mechanism.unexplained": 1
}
_FORGOTTEN = {"missing_effects": 1, "unsettled_effects": 1, "unsettled_by_mechanism.unexplained": 1}
_RETRY = {"wire_attempts": 1, "duplicated": 2, "duplicates_by_cause.producer retry": 2, "duplicate_effects": 2}
_ONE_LOG_ENTRY_LESS = {"log_entries": -1, "durability.in_log_with_effect": -1}
_BACK_TO_UNKNOWN = {"outcomes.acknowledged": -1, "outcomes.indeterminate": 1}
_NO_ANSWER = {"publish.answers_sum": -2, "publish.received_sum": -2}

PUBSUB_PLANTS = (
    Plant(
        "lost",
        PUBSUB,
        lose_on_the_way,
        _lost("unexplained")
        | {"lost_silently": 1, "lost_contract_view": 1, "publish.received_sum": -1, "publish.overstated": 1},
        frozenset({LEAST, EFFECTIVELY}),
    ),
    Plant(
        "lost-unheard",
        PUBSUB,
        lose_unheard,
        {"fates.delivered": -2, "fates.lost": 2, "missing_effects": 2, "lost_by_mechanism.unexplained": 2}
        | {"lost_by_position.middle": 2, "lost_detectably": 2, "lost_contract_view": 2, "publish.no_receiver": 1}
        | _NO_ANSWER,
        frozenset({LEAST, EFFECTIVELY}),
    ),
    Plant("producer-retry", PUBSUB, retry_by_producer, _RETRY, frozenset({MOST, EFFECTIVELY})),
    Plant(
        "pushed-twice",
        PUBSUB,
        push_twice,
        {"duplicated": 1, "duplicates_by_cause.redelivery": 1, "duplicate_effects": 1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant("reordered", PUBSUB, swap_with_next, {"reordered": 1}, frozenset({ORDERED})),
    Plant(
        "phantom-never-attempted", PUBSUB, receive_what_nobody_sent, {"foreign_receives": 1}, frozenset({MOST, LEAST})
    ),
    Plant("phantom-foreign", PUBSUB, receive_from_elsewhere, {"foreign_receives": 1}, frozenset({MOST, LEAST})),
    Plant("phantom-unreadable", PUBSUB, receive_unreadable, {"foreign_receives": 1}, frozenset({MOST, LEAST})),
    Plant("phantom-damaged", PUBSUB, damage, {"fates.delivered": -1, "fates.phantom": 1}, frozenset({MOST, LEAST})),
    Plant(
        "rejected-but-delivered",
        PUBSUB,
        reject_yet_deliver,
        {"outcomes.acknowledged": -1, "outcomes.rejected": 1, "fates.delivered": -2, "fates.rejected-but-delivered": 2}
        | _NO_ANSWER,
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant("reply-lost", PUBSUB, lose_reply, _BACK_TO_UNKNOWN | {"recovered": 2} | _NO_ANSWER),
    Plant("killed-before-outcome", PUBSUB, kill_before_outcome, _BACK_TO_UNKNOWN | {"recovered": 2} | _NO_ANSWER),
    Plant(
        "rejected",
        PUBSUB,
        reject,
        {"outcomes.acknowledged": -1, "outcomes.rejected": 1, "fates.delivered": -2, "fates.absent": 2}
        | {"wire_attempts": -1}
        | _NO_ANSWER,
    ),
    Plant("effect-twice", PUBSUB, double_effect, {"duplicate_effects": 1}, frozenset({EFFECTIVELY})),
    Plant("effect-missing", PUBSUB, skip_effect, _FORGOTTEN, frozenset({LEAST, EFFECTIVELY})),
)

_GONE = {"log_entries": -1, "durability.in_log_with_effect": -1, "durability.gone_with_effect": 1} | {
    "gone_by_mechanism.unexplained": 1
}

FAN_OUT_PLANTS = (
    Plant(
        "lost",
        FAN_OUT,
        lose_from_log,
        _lost("unexplained") | _GONE | {"acknowledgement_calls": -1},
        frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Plant(
        "passed-over",
        FAN_OUT,
        pass_over,
        _lost("unexplained") | {"acknowledgement_calls": -1},
        frozenset({LEAST, EFFECTIVELY}),
    ),
    Plant(
        "trimmed-while-pending",
        FAN_OUT,
        trim_while_pending,
        _lost("trimmed while pending") | _GONE | {"acknowledgement_calls": -1},
        frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Plant("forgotten", FAN_OUT, forget_after_processing, _GONE, frozenset({DURABLE})),
    Plant(
        "producer-retry",
        FAN_OUT,
        retry_by_producer,
        _RETRY | {"log_entries": 1, "log_duplicates": 1, "acknowledgement_calls": 2},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant(
        "producer-retry-suppressed",
        FAN_OUT,
        retry_and_suppress,
        _RETRY
        | {"log_entries": 1, "log_duplicates": 1, "acknowledgement_calls": 2, "duplicate_effects": 0}
        | {"suppressed_effects": 2},
        frozenset({MOST}),
    ),
    Plant(
        "redelivered",
        FAN_OUT,
        redeliver,
        {"duplicated": 1, "duplicates_by_cause.redelivery": 1, "duplicate_effects": 1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant(
        "redelivered-after-xack",
        FAN_OUT,
        redeliver_after_ack,
        {"duplicated": 1, "duplicates_by_cause.after XACK": 1, "duplicate_effects": 1, "acknowledgement_calls": 1}
        | {"refused_acknowledgements": 1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant("reordered", FAN_OUT, swap_with_next, {"reordered": 1}, frozenset({ORDERED})),
    Plant(
        "phantom-never-attempted", FAN_OUT, receive_what_nobody_sent, {"foreign_receives": 1}, frozenset({MOST, LEAST})
    ),
    Plant("phantom-damaged", FAN_OUT, damage, {"fates.delivered": -1, "fates.phantom": 1}, frozenset({MOST, LEAST})),
    Plant(
        "rejected-but-delivered",
        FAN_OUT,
        reject_yet_deliver,
        {"outcomes.acknowledged": -1, "outcomes.rejected": 1, "fates.delivered": -2, "fates.rejected-but-delivered": 2}
        | {"durability.in_log_with_effect": -1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant(
        "reply-lost",
        FAN_OUT,
        lose_reply,
        _BACK_TO_UNKNOWN | {"recovered": 2, "durability.in_log_with_effect": -1},
    ),
    Plant(
        "killed-before-outcome",
        FAN_OUT,
        kill_before_outcome,
        _BACK_TO_UNKNOWN | {"recovered": 2, "durability.in_log_with_effect": -1},
    ),
    Plant(
        "stuck-effect-done",
        FAN_OUT,
        leave_pending,
        _STUCK | {"stuck_effect_done": 1},
        frozenset({LEAST}),
    ),
    Plant(
        "stuck-effect-not-done",
        FAN_OUT,
        leave_pending_without_effect,
        _STUCK | {"missing_effects": 1},
        frozenset({LEAST, EFFECTIVELY}),
    ),
    Plant("effect-twice", FAN_OUT, double_effect, {"duplicate_effects": 1}, frozenset({EFFECTIVELY})),
    Plant("effect-missing", FAN_OUT, skip_effect, _FORGOTTEN, frozenset({LEAST, EFFECTIVELY})),
    Plant(
        "effect-suppressed",
        FAN_OUT,
        suppress_only_effect,
        {"missing_effects": 1, "suppressed_effects": 1, "false_dedup": 1}
        | {"unsettled_effects": 1, "unsettled_by_mechanism.false dedup": 1},
        frozenset({LEAST, EFFECTIVELY}),
    ),
    Plant("ack-before-effect", FAN_OUT, acknowledge_early),
)

QUEUE_PLANTS = (
    Plant(
        "lost",
        QUEUE,
        lose_from_log,
        _lost("unexplained")
        | _ONE_LOG_ENTRY_LESS
        | {"durability.gone_without_effect": 1, "gone_by_mechanism.unexplained": 1, "acknowledgement_calls": -1},
        frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Plant(
        "producer-retry",
        QUEUE,
        retry_by_producer,
        {"wire_attempts": 1, "duplicated": 1, "duplicates_by_cause.producer retry": 1, "duplicate_effects": 1}
        | {"log_entries": 1, "log_duplicates": 1, "acknowledgement_calls": 1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant(
        "claimed-by-another",
        QUEUE,
        redeliver,
        {"duplicated": 1, "duplicates_by_cause.redelivery": 1, "duplicate_effects": 1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant("reordered-in-lane", QUEUE, swap_with_next, {"reordered": 1}, frozenset({ORDERED})),
    Plant(
        "stuck-effect-not-done",
        QUEUE,
        leave_pending_without_effect,
        _STUCK | {"missing_effects": 1} | {"durability.in_log_with_effect": -1, "durability.in_log_without_effect": 1},
        frozenset({LEAST, EFFECTIVELY}),
    ),
)

PLANTS = PUBSUB_PLANTS + FAN_OUT_PLANTS + QUEUE_PLANTS


def label(plant: Plant) -> str:
    """How a test names the plant."""
    return f"{('pubsub', 'fan-out', 'queue')[plant.arm]}-{plant.name}"
