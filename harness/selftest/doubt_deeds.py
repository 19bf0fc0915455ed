"""What can be done to a whole trial, so that it proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.history.journal import BarrierPart, EventKind
from harness.model.message import SENTINEL_BASE
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, OutcomeCode, Primitive, ProcessEvent, WorkerRole
from harness.selftest.book import Book, Note, Pages
from harness.selftest.deeds import leave_undone_for_a_moment, lose_on_the_way, push_twice
from harness.selftest.doubt import Finds
from harness.selftest.moments import FAN_OUT, HEAL_NS, INJECT_NS, MILLISECOND, PUBSUB, QUEUE
from harness.selftest.plant import CONSUMED, Target, added, read_log_again

AFTER_FAULT_NS = 20 * MILLISECOND
_OF_A_MESSAGE = (EventKind.ATTEMPT, EventKind.OUTCOME, EventKind.LOG_ENTRY, *CONSUMED)


def leave_book(_book: Book) -> None:
    """Nothing happens to the notes."""


def forget_heal(book: Book) -> None:
    """The sentinel never saw the end of the fault."""
    book.remove(EventKind.HEAL_OBSERVED)


def forget_effect(book: Book) -> None:
    """The sentinel never saw the fault."""
    book.remove(EventKind.EFFECT_OBSERVED)


def forget_fault(book: Book) -> None:
    """The fault was planned and never injected."""
    book.remove(EventKind.INJECT)
    book.remove(EventKind.HEAL)
    forget_effect(book)
    forget_heal(book)


def fall_behind(book: Book) -> None:
    """Every message went out 80 ms after it could have: the limit is 50."""
    for note in book.notes(EventKind.ATTEMPT):
        note.aux_ns -= 80 * MILLISECOND
        note.value -= 80 * MILLISECOND


def miss_barrier(part: BarrierPart, arm: int) -> Callable[[Book], None]:
    """A part of the drain that was waited for in vain."""

    def plant(book: Book) -> None:
        for note in book.notes(EventKind.BARRIER, code=part, arm=arm):
            note.value = 0

    return plant


def forget_barrier(book: Book) -> None:
    """The conductor ended before it could say whether the sentinels arrived."""
    book.remove(EventKind.BARRIER, code=BarrierPart.SENTINELS_SEEN)


def lose_unproven(book: Book) -> Finds:
    """A Pub/Sub message did not arrive, but the drain did not come to its end: it may still be on its way."""
    lose_on_the_way(Target(book, PUBSUB, 1, 12))
    miss_barrier(BarrierPart.SENTINELS_SEEN, PUBSUB)(book)
    found = {"fates.unread": 1, "fates.delivered": -1, "missing_effects": 1}
    return {PUBSUB: found | {"publish.received_sum": -1, "publish.overstated": 1}}


def double_unproven(book: Book) -> Finds:
    """A Pub/Sub message arrived twice, and the drain did not come to its end: twice is twice."""
    push_twice(Target(book, PUBSUB, 1, 12))
    miss_barrier(BarrierPart.SENTINELS_SEEN, PUBSUB)(book)
    return {PUBSUB: {"duplicates_by_cause.redelivery": 1, "duplicated": 1, "duplicate_effects": 1}}


def _in_fault(note: Note) -> bool:
    return INJECT_NS - MILLISECOND <= note.t_ns <= HEAL_NS + AFTER_FAULT_NS


def be_silent_in_fault(book: Book) -> Finds:
    """Nothing was sent while the fault was on: nothing was tested."""
    return _silence(book, _in_fault)


def be_silent(book: Book) -> Finds:
    """Nothing was sent at all, but for the sentinels."""
    return _silence(book, lambda note: note.sequence < SENTINEL_BASE)


def _silence(book: Book, silenced: Callable[[Note], bool]) -> Finds:
    finds = {}
    for number, arm in enumerate(book.trial.scenario.arms):
        silent = [note for note in book.notes(EventKind.ATTEMPT, arm=number) if silenced(note)]
        for note in silent:
            book.remove(*_OF_A_MESSAGE, arm=number, producer=note.producer, sequence=note.sequence)
        read_log_again(book, number)
        less, owed = -len(silent), -len(silent) * arm.scopes
        found = {"attempted": less, "outcomes.acknowledged": less, "wire_attempts": less}
        found |= {"owed": owed, "fates.delivered": owed}
        if arm.primitive is Primitive.PUBSUB:
            found |= {"publish.answers_sum": owed, "publish.received_sum": owed}
        else:
            found |= {"log_entries": less, "durability.in_log_with_effect": less, "acknowledgement_calls": owed}
        finds[number] = found
    return finds


def be_unanswered_in_fault(book: Book, *, since_ns: int = INJECT_NS - MILLISECOND) -> Finds:
    """Much was sent while the fault was on, nothing of it acknowledged, nor anything since ``since_ns``."""
    finds = {}
    for number, arm in enumerate(book.trial.scenario.arms):
        answers = book.notes(EventKind.OUTCOME, arm=number)
        unanswered = [note for note in answers if since_ns <= note.t_ns <= HEAL_NS + AFTER_FAULT_NS]
        for note in unanswered:
            note.code, note.value, note.entry = OutcomeCode.INDETERMINATE, -1, (0, 0)
        count, owed = len(unanswered), len(unanswered) * arm.scopes
        found = {"outcomes.indeterminate": count, "outcomes.acknowledged": -count, "recovered": owed}
        if arm.primitive is Primitive.PUBSUB:
            found |= {"publish.answers_sum": -owed, "publish.received_sum": -owed}
        else:
            found |= {"durability.in_log_with_effect": -count}
        finds[number] = found
    return finds


def be_answered_late(book: Book) -> None:
    """Whatever was sent while the fault was on was acknowledged right after it."""
    for note in book.notes(EventKind.OUTCOME):
        if INJECT_NS <= note.t_ns <= HEAL_NS + AFTER_FAULT_NS:
            note.t_ns = HEAL_NS + AFTER_FAULT_NS


def strike_producers_unpromised(book: Book) -> Finds:
    """The producers were killed before anything of theirs had been acknowledged."""
    kill = FaultPlan(model=FaultModel.KILL, worker=WorkerRole.PRODUCER)
    book.trial = book.trial.model_copy(update={"scenario": book.trial.scenario.model_copy(update={"faults": (kill,)})})
    return be_unanswered_in_fault(book, since_ns=0)


def die_before_fault(book: Book) -> Finds:
    """Every producer was killed before the fault, inside a call whose outcome nobody knows."""
    finds = {}
    silent = _silence(book, lambda note: note.sequence < SENTINEL_BASE and note.t_ns >= INJECT_NS - AFTER_FAULT_NS)
    for number, arm in enumerate(book.trial.scenario.arms):
        for producer in range(arm.producers):
            _die_in_last_call(book.journals[f"producer-{number}-{producer}"], book.journals["conductor"])
        count, owed = arm.producers, arm.producers * arm.scopes
        found = {"outcomes.indeterminate": count, "outcomes.acknowledged": -count, "recovered": owed}
        if arm.primitive is Primitive.PUBSUB:
            found |= {"publish.answers_sum": -owed, "publish.received_sum": -owed}
        else:
            found |= {"durability.in_log_with_effect": -count}
        finds[number] = added(silent[number], found)
    return finds


def _die_in_last_call(pages: Pages, conductor: Pages) -> None:
    """The journal ends with the last attempt at a message; the death is seen a millisecond later."""
    last = max(
        (note for note in pages.notes if note.kind is EventKind.ATTEMPT and note.sequence < SENTINEL_BASE),
        key=lambda note: note.t_ns,
    )
    pages.notes = [note for note in pages.notes if note.t_ns <= last.t_ns]
    conductor.notes.append(
        Note(EventKind.PROCESS, last.t_ns + MILLISECOND, last.arm, -1, 0, code=ProcessEvent.DIED, detail=last.actor)
    )


def share_an_actor(book: Book) -> None:
    """Two consumer processes with one number: their records cannot be told apart."""
    one, other = book.journals["consumer-2-0-1"], book.journals["consumer-2-0-2"]
    for pages in book.journals.values():
        for note in pages.notes:
            if note.actor == other.header.actor:
                note.actor = one.header.actor
    other.header = replace(other.header, actor=one.header.actor)


def turn_clock_back(book: Book) -> None:
    """From its middle on, a producer's clock is 300 ms behind."""
    pages = book.journals["producer-0-0"]
    pages.notes.sort(key=lambda note: note.t_ns)
    pages.keep_order = True
    for note in pages.notes[len(pages.notes) // 2 :]:
        note.t_ns -= 300 * MILLISECOND


def interrupt(book: Book) -> None:
    """Ctrl-C: the facts say so."""
    if book.facts is not None:
        book.facts = book.facts.model_copy(update={"status": "interrupted"})


def lose_facts(book: Book) -> None:
    """The conductor was killed before it could write its facts."""
    book.facts = None


def forget_log(book: Book) -> Finds:
    """The log was never read: what it holds is unknown."""
    finds = {}
    for arm in (FAN_OUT, QUEUE):
        held = sum(len(book.sequences(arm, producer)) for producer in range(book.trial.scenario.arms[arm].producers))
        book.remove(EventKind.LOG_READ, arm=arm)
        book.remove(EventKind.LOG_ENTRY, arm=arm)
        book.remove(EventKind.BARRIER, arm=arm, code=BarrierPart.LOG_READ)
        finds[arm] = {"log_entries": -held, "durability.in_log_with_effect": -held}
    return finds


def read_log_short(book: Book) -> None:
    """The log had one entry more than were noted."""
    for note in book.notes(EventKind.LOG_READ, arm=FAN_OUT):
        note.value += 1


def forget_attempt(book: Book) -> Finds:
    """A producer's journal has an outcome, but nothing of the attempt: there is a hole in it."""
    book.remove(EventKind.ATTEMPT, arm=PUBSUB, producer=1, sequence=12)
    found = {"foreign_receives": 2, "attempted": -1, "outcomes.acknowledged": -1, "wire_attempts": -1}
    found |= {"owed": -2, "fates.delivered": -2, "publish.answers_sum": -2, "publish.received_sum": -2}
    return {PUBSUB: found}


def hand_out_late(book: Book) -> Finds:
    """One entry was handed out a moment ago, and its reply has not arrived: neither lost nor stuck."""
    target = Target(book, FAN_OUT, 1, 12)
    leave_undone_for_a_moment(target)
    target.remove(EventKind.RECEIVE, scope=0)
    found = {"fates.unread": 1, "fates.delivered": -1, "missing_effects": 1, "acknowledgement_calls": -1}
    return {FAN_OUT: found}


def lag_after_drain(book: Book) -> Finds:
    """As `stay_behind`, but the conductor took the drain for done: what is in the log is not lost all the same."""
    finds = stay_behind(book)
    for note in book.notes(EventKind.BARRIER, arm=FAN_OUT):
        note.value = 1
    return finds


def stay_behind(book: Book) -> Finds:
    """Scope 0 of the fan-out arm lives, but was handed nothing of the last quarter: lag, not loss."""
    _, finds = _leave_last_quarter(book)
    return {FAN_OUT: {"fates.unread": finds["missing_effects"]} | finds}


def die_early(book: Book) -> Finds:
    """The only consumer of that scope was killed after three quarters: nobody was there to read the rest."""
    last, finds = _leave_last_quarter(book)
    pages = book.journals["consumer-1-0-0"]
    (ack,) = book.notes(EventKind.ACK, arm=FAN_OUT, scope=0, producer=last.producer, sequence=last.sequence)
    pages.notes = [note for note in pages.notes if note.t_ns <= ack.t_ns]
    died = Note(EventKind.PROCESS, ack.t_ns + MILLISECOND, FAN_OUT, 0, 0, code=ProcessEvent.DIED, detail=last.actor)
    book.journals["conductor"].notes.append(died)
    return {FAN_OUT: {"fates.never-read": finds["missing_effects"]} | finds}


def _leave_last_quarter(book: Book) -> tuple[Note, dict[str, int]]:
    """What scope 0 of the fan-out arm got last, and what changes in the counts, whatever it is called."""
    receives = book.notes(EventKind.RECEIVE, arm=FAN_OUT, scope=0)
    last = receives[len(receives) * 3 // 4]
    left = [note for note in receives if note.t_ns > last.t_ns]
    for note in left:
        book.remove(*CONSUMED, arm=FAN_OUT, scope=0, producer=note.producer, sequence=note.sequence)
    for group in book.notes(EventKind.GROUP, arm=FAN_OUT, scope=0):
        group.entry = last.entry
    for part in (BarrierPart.SENTINELS_SEEN, BarrierPart.CAUGHT_UP):
        for note in book.notes(EventKind.BARRIER, code=part, arm=FAN_OUT, scope=0):
            note.value = 0
    count = sum(note.sequence < SENTINEL_BASE for note in left)
    return last, {"fates.delivered": -count, "missing_effects": count, "acknowledgement_calls": -count}
