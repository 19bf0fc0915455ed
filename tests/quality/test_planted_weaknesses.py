"""A trial that cannot be believed is never green: each reason to doubt it, planted alone, is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from checking import checked, judged
from comparing import recounted
from planting import Target, lose_on_the_way
from synthetic_trial import FAN_OUT, HEAL_NS, INJECT_NS, MILLISECOND, PUBSUB, QUEUE, Book, build

from harness.check.judge import judge_trial
from harness.history.journal import BarrierPart, EventKind
from harness.history.table import read_history, write_history
from harness.model.results import TrialResult
from harness.model.words import Verdict

# ------------------------------------------------------------------------------------------------ what is planted


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


def be_silent_in_fault(book: Book) -> None:
    """Nothing was sent while the fault was on: nothing was tested."""
    for attempt in book.notes(EventKind.ATTEMPT):
        if INJECT_NS - MILLISECOND <= attempt.t_ns <= HEAL_NS + 20 * MILLISECOND:
            book.remove(arm=attempt.arm, producer=attempt.producer, sequence=attempt.sequence)


def be_unanswered_in_fault(book: Book) -> None:
    """Much was sent while the fault was on, nothing of it acknowledged."""
    for outcome in book.notes(EventKind.OUTCOME):
        if INJECT_NS - MILLISECOND <= outcome.t_ns <= HEAL_NS + 20 * MILLISECOND:
            outcome.code, outcome.value, outcome.entry = 3, -1, (0, 0)


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
    assert book.facts is not None
    book.facts = book.facts.model_copy(update={"status": "interrupted"})


def lose_facts(book: Book) -> None:
    """The conductor was killed before it could write its facts."""
    book.facts = None


def forget_log(book: Book) -> None:
    """The log was never read: what it holds is unknown."""
    for arm in (FAN_OUT, QUEUE):
        book.remove(EventKind.LOG_READ, arm=arm)
        book.remove(EventKind.LOG_ENTRY, arm=arm)
        book.remove(EventKind.BARRIER, arm=arm, code=BarrierPart.LOG_READ)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason to doubt the whole trial, and the words of which one must occur in a weakness."""

    plant: Callable[[Book], None]
    words: tuple[str, ...]


DOUBTS = {
    "heal-not-observed": Doubt(forget_heal, ("heal", "end")),
    "fault-without-effect": Doubt(forget_effect, ("effect", "evidence")),
    "fault-not-injected": Doubt(forget_fault, ("inject", "effect", "evidence")),
    "behind-schedule": Doubt(fall_behind, ("behind", "late", "schedule")),
    "producers-not-done": Doubt(miss_barrier(BarrierPart.PRODUCERS_DONE, 0), ("producer", "barrier")),
    "sentinels-not-seen": Doubt(miss_barrier(BarrierPart.SENTINELS_SEEN, PUBSUB), ("sentinel", "barrier")),
    "not-caught-up": Doubt(miss_barrier(BarrierPart.CAUGHT_UP, QUEUE), ("barrier", "caught", "group")),
    "pending-not-settled": Doubt(miss_barrier(BarrierPart.PENDING_SETTLED, QUEUE), ("barrier", "pending")),
    "log-not-read": Doubt(forget_log, ("barrier", "log")),
    "barrier-forgotten": Doubt(forget_barrier, ("barrier", "sentinel")),
    "nothing-sent-in-fault": Doubt(be_silent_in_fault, ("sent", "attempt", "acknowledged")),
    "nothing-acknowledged-in-fault": Doubt(be_unanswered_in_fault, ("acknowledged",)),
    "two-processes-one-actor": Doubt(share_an_actor, ("actor", "number", "process")),
    "clock-backwards": Doubt(turn_clock_back, ("clock", "backwards")),
    "interrupted": Doubt(interrupt, ("interrupted",)),
    "killed-before-facts": Doubt(lose_facts, ("interrupted", "killed", "facts")),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_a_doubtful_trial_is_not_green(name: str) -> None:
    """The verdict is neither held nor violated, the reason is named, and the counts stay what the journals say.

    Only where two processes share a number the counts are worth nothing, since lanes have lost their meaning.
    """
    doubt = DOUBTS[name]
    book = build()
    doubt.plant(book)
    judgement = judged(book)
    result = judgement.result
    assert result.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
    told = " ".join((*result.weaknesses, result.status_reason)).lower()
    assert any(word in told for word in doubt.words), told
    if name != "two-processes-one-actor":
        assert checked(judgement) == recounted(book)


@pytest.mark.parametrize("name", ["heal-not-observed", "behind-schedule", "two-processes-one-actor", "clock-backwards"])
def test_a_doubtful_trial_with_a_loss_does_not_hold_either(name: str) -> None:
    """A weakness never turns a refuted guarantee into a pass."""
    book = build()
    lose_on_the_way(Target(book, PUBSUB, 1, 20))
    DOUBTS[name].plant(book)
    assert judged(book).result.verdict is not Verdict.HELD


# ------------------------------------------------------------------------------------------------ broken journals


def judge_folder(folder: Path) -> TrialResult:
    """The result for a folder whose files were altered after they were written."""
    return judge_trial(read_history(write_history(folder))).result


def test_a_torn_record_is_counted_and_nothing_is_guessed(tmp_path: Path) -> None:
    """A consumer was killed inside its last write (its CPU time): 24 bytes of 64 are missing, 40 are left."""
    build().write(tmp_path)
    path = tmp_path / "journals" / "consumer-0-0-0.journal"
    path.write_bytes(path.read_bytes()[:-24])
    assert judge_folder(tmp_path).torn_records == 40


@pytest.mark.parametrize("kind", [EventKind.ATTEMPT, EventKind.OUTCOME, EventKind.RECEIVE, EventKind.EFFECT])
def test_a_damaged_record_never_becomes_a_finding(tmp_path: Path, kind: EventKind) -> None:
    """One bit of one record is flipped: evidence is missing, so nothing is refuted, and nothing is held."""
    book = build()
    book.write(tmp_path)
    note = book.notes(kind, arm=PUBSUB)[20]
    name = next(name for name, pages in book.journals.items() if any(one is note for one in pages.notes))
    pages = sorted(book.journals[name].notes, key=lambda one: one.t_ns)
    number = next(index for index, one in enumerate(pages) if one is note)
    path = tmp_path / "journals" / f"{name}.journal"
    data = bytearray(path.read_bytes())
    data[len(data) - 64 * (len(pages) - number) + 12] ^= 1
    path.write_bytes(data)
    result = judge_folder(tmp_path)
    assert result.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
    assert "damaged" in " ".join(result.weaknesses).lower()


def test_a_phantom_needs_whole_journals(tmp_path: Path) -> None:
    """A producer's journal is missing altogether: its messages are not phantoms, the trial is broken."""
    build().write(tmp_path)
    (tmp_path / "journals" / "producer-0-1.journal").unlink()
    assert judge_folder(tmp_path).verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}


def test_a_consumer_that_never_wrote_is_not_a_pass(tmp_path: Path) -> None:
    """A scope's only consumer left no journal: nothing proves what it received."""
    build().write(tmp_path)
    (tmp_path / "journals" / "consumer-0-1-0.journal").unlink()
    assert judge_folder(tmp_path).verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}


def test_random_doubts_are_never_green() -> None:
    """Any two doubts together, too."""
    draw = random.Random(5)
    for _ in range(4):
        book = build(messages=20)
        for name in draw.sample(sorted(DOUBTS), 2):
            DOUBTS[name].plant(book)
        assert judged(book).result.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
