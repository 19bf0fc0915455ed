"""What can be done to one message: taken away, repeated, altered, left pending, its effect undone."""

from __future__ import annotations

from itertools import pairwise

from harness.history.journal import EventKind
from harness.model.message import SENTINEL_BASE
from harness.model.words import ContentCheck, OutcomeCode, ReceiveTag
from harness.selftest.book import Note
from harness.selftest.moments import MICROSECOND, MILLISECOND
from harness.selftest.plant import CONSUMED, Target

# ------------------------------------------------------------------------------------------------ lost


def lose_on_the_way(target: Target) -> None:
    """Scope 0 never gets it."""
    target.remove(*CONSUMED, scope=0)


def lose_from_log(target: Target) -> None:
    """Scope 0 never gets it and the log has it no more; scope 1 had it before."""
    target.remove(*CONSUMED, scope=0)
    target.remove(EventKind.LOG_ENTRY)


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
    """Scope 0 receives the producer's next message before this one: the next that came to the same consumer.

    Where several share the work and none came to it any more, an earlier message is taken instead of this one.
    """
    first, following = _neighbours(target)
    for kind in CONSUMED:
        for one in target.book.notes(kind, arm=target.arm, scope=0, **_identity(first)):
            (other,) = target.book.notes(kind, arm=target.arm, scope=0, **_identity(following))
            one.t_ns, other.t_ns = other.t_ns, one.t_ns


def _neighbours(target: Target) -> tuple[Note, Note]:
    """Two messages that came to one consumer one after the other: from the target on, else the last such pair."""
    lanes: dict[int, list[Note]] = {}
    for note in target.book.notes(EventKind.RECEIVE, arm=target.arm, scope=0, producer=target.producer):
        if note.sequence < SENTINEL_BASE:
            lanes.setdefault(note.actor, []).append(note)
    pairs = sorted((pair for lane in lanes.values() for pair in pairwise(lane)), key=lambda pair: pair[0].sequence)
    return next((pair for pair in pairs if pair[0].sequence >= target.sequence), pairs[-1])


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


# ------------------------------------------------------------------------------------------------ harmless


def leave_pending_for_a_moment(target: Target) -> None:
    """Scope 0 has not acknowledged it yet, but it was handed out a moment ago: not stuck."""
    leave_pending(target)
    (pending,) = target.all(EventKind.PENDING)
    receive = target.one(EventKind.RECEIVE, scope=0)
    pending.aux_ns, pending.t_ns = MILLISECOND, receive.t_ns + MILLISECOND


def leave_undone_for_a_moment(target: Target) -> None:
    """As above, and its effect is still to come."""
    leave_pending_for_a_moment(target)
    target.remove(EventKind.EFFECT, scope=0)


def lose_with_its_reply(target: Target) -> None:
    """Nobody got it, and the producer was never told that it was sent. Legal."""
    lose_reply(target)
    target.remove(*CONSUMED)
    target.book.remove(EventKind.LOG_ENTRY, **target.named)


def lose_reply_and_double_effect(target: Target) -> None:
    """The producer never learnt that it was executed; one receive of it had two effects."""
    lose_reply(target)
    double_effect(target)


def lose_reply_and_effect(target: Target) -> None:
    """The producer never learnt that it was executed, and one scope made no effect of it. Legal: nobody was told."""
    lose_reply(target)
    skip_effect(target)
