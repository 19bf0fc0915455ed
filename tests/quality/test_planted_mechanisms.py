"""Why something is lost, stuck or without effect is found exactly as planted, by the checker and by the recount."""

from __future__ import annotations

import pytest
from checking import checked, checked_rows, judged, naive_rows
from comparing import differences, flatten, recounted, recounted_whole

from harness.history.journal import EventKind
from harness.model.accounts import ArmResult
from harness.model.values import Retention
from harness.model.words import Fate, Mechanism, ProcessEvent, ServerStat, Verdict
from harness.selftest.book import Book, Note
from harness.selftest.clean import build
from harness.selftest.moments import FAN_OUT, PUBSUB, QUEUE, moment
from harness.selftest.setup import Setup
from harness.selftest.setups import SETUPS


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_one_mechanism(setup: Setup) -> None:
    """Counts of the altered arm change as worked out by hand, rows agree, and what it refutes is refuted."""
    clean = recounted(setup.alter(build()))
    book = setup.alter(build())
    setup.plant(book, sequence=5 if setup.early else 20)
    judgement = judged(book)
    whole = recounted_whole(book, with_rows=True)
    for found in ([flatten(arm) for arm in whole["arms"]], checked(judgement)):
        changed = [differences(before, after) for before, after in zip(clean, found, strict=True)]
        dedup = changed[setup.arm].pop("dedup_requests", 0)  # one request for each effect that did not happen
        assert dedup <= 0
        assert changed == [setup.finds if arm == setup.arm else {} for arm in range(len(clean))]
    assert checked(judgement) == [flatten(arm) for arm in whole["arms"]]
    assert checked_rows(judgement) == naive_rows(whole)
    name = judgement.result.arms[setup.arm].arm
    refuted = {clause.guarantee for clause in judgement.result.clauses if clause.measured is Verdict.VIOLATED}
    assert refuted == setup.refutes
    assert {clause.arm for clause in judgement.result.clauses if clause.measured is Verdict.VIOLATED} <= {name}


def agreed(book: Book, arm: int) -> ArmResult:
    """The checker's result of an arm, which the recount confirms to the row."""
    whole = recounted_whole(book, with_rows=True)
    judgement = judged(book)
    assert checked(judgement) == [flatten(one) for one in whole["arms"]]
    assert checked_rows(judgement) == naive_rows(whole)
    return judgement.result.arms[arm]


# ------------------------------------------------------------------------------------------------ Pub/Sub


def cut(book: Book, begin_ms: int, end_ms: int) -> None:
    """Scope 0's subscriber gets nothing in between and then goes on with its second connection."""
    for note in book.notes(EventKind.RECEIVE, arm=PUBSUB, scope=0):
        if moment(begin_ms) < note.t_ns < moment(end_ms):
            about = {"arm": PUBSUB, "scope": 0, "producer": note.producer, "sequence": note.sequence}
            book.remove(EventKind.RECEIVE, EventKind.EFFECT, **about)
        elif note.t_ns >= moment(end_ms):
            note.count = 2
    subscribed = book.notes(EventKind.SUBSCRIBED, arm=PUBSUB, scope=0)[0]
    book.repeat(subscribed, after_ns=0, count=2).t_ns = moment(end_ms)


def count_kill(book: Book, at_ms: int, value: int = 1) -> None:
    """The server's counter of output-buffer kills is seen to stand at ``value``."""
    note = Note(EventKind.SERVER_STAT, moment(at_ms), 0, -1, 0, code=ServerStat.OUTPUT_BUFFER_KILLS, value=value)
    book.journals["conductor"].notes.append(note)


@pytest.mark.parametrize(
    ("seen_ms", "expected"),
    [
        (900, Mechanism.OUTPUT_BUFFER_KILL),
        (1_350, Mechanism.OUTPUT_BUFFER_KILL),
        (300, Mechanism.NOT_CONNECTED),
        (2_390, Mechanism.NOT_CONNECTED),
    ],
)
def test_a_kill_in_the_gap_or_read_soon_after_explains_it(seen_ms: int, expected: Mechanism) -> None:
    """The gap lasts from 700 to 1,200 ms; the counter is read at most a second late."""
    book = build(control=True)
    cut(book, 700, 1_200)
    count_kill(book, seen_ms)
    result = agreed(book, PUBSUB)
    assert result.lost_by_mechanism == {expected: result.fates[Fate.LOST]}
    assert result.fates[Fate.LOST] > 0


def test_a_counter_that_did_not_rise_kills_nobody() -> None:
    """It stood at 1 before, and stands there still."""
    book = build(control=True)
    cut(book, 700, 1_200)
    count_kill(book, 200)
    count_kill(book, 900)
    result = agreed(book, PUBSUB)
    assert result.lost_by_mechanism == {Mechanism.NOT_CONNECTED: result.fates[Fate.LOST]}


def test_a_fault_of_the_link_explains_more_than_a_kill() -> None:
    """The consumers' link was held while the counter rose."""
    book = build()
    cut(book, 1_002, 1_640)
    count_kill(book, 1_300)
    result = agreed(book, PUBSUB)
    assert result.lost_by_mechanism == {Mechanism.NOT_CONNECTED: result.fates[Fate.LOST]}


def replace_consumer(book: Book, arm: int, *, name: str, died_ms: int, back_ms: int) -> int:
    """The process ``name`` dies and another takes its place; whatever was to be noted later is the new one's."""
    pages = book.journals[name]
    old = pages.header
    fresh = type(old)(**{slot: getattr(old, slot) for slot in old.__slots__} | {"actor": 500, "name": f"{name}r1"})
    successor = type(pages)(fresh)
    book.journals[f"{name}r1"] = successor
    successor.notes = [note for note in pages.notes if note.t_ns >= moment(back_ms)]
    pages.notes = [note for note in pages.notes if note.t_ns < moment(died_ms)]
    for note in successor.notes:
        note.actor = 500
        note.count = 1 if note.kind is EventKind.RECEIVE else note.count
    for note in book.notes(EventKind.EFFECT, arm=arm, actor=old.actor):
        if note.t_ns >= moment(back_ms):
            note.actor = 500
        elif note.t_ns >= moment(died_ms):
            book.remove(EventKind.EFFECT, arm=arm, scope=note.scope, producer=note.producer, sequence=note.sequence)
    begun = Note(EventKind.SUBSCRIBED, moment(back_ms) - 1, arm, old.scope, 500, count=1)
    successor.notes.append(begun)
    died = Note(EventKind.PROCESS, moment(died_ms), arm, old.scope, 0, code=ProcessEvent.DIED, detail=old.actor)
    book.journals["conductor"].notes.append(died)
    return old.actor


def test_what_is_sent_between_two_subscribers_of_one_scope_was_not_connected() -> None:
    """The first died, its successor subscribed half a second later: a gap of the scope, and no finding."""
    book = build(control=True)
    replace_consumer(book, PUBSUB, name="consumer-0-0-0", died_ms=700, back_ms=1_200)
    result = agreed(book, PUBSUB)
    assert result.fates[Fate.LOST] > 0
    assert result.lost_by_mechanism == {Mechanism.NOT_CONNECTED: result.fates[Fate.LOST]}
    assert (result.lost_contract_view, result.reordered) == (0, 0)


def test_a_member_and_its_successor_share_one_load() -> None:
    """Work is told by member, not by process."""
    clean = agreed(build(control=True), QUEUE)
    book = build(control=True)
    replace_consumer(book, QUEUE, name="consumer-2-0-1", died_ms=700, back_ms=700)
    assert clean.load == agreed(book, QUEUE).load
    assert set(clean.load) == {"consumer-2-0-0", "consumer-2-0-1", "consumer-2-0-2"}


# ------------------------------------------------------------------------------------------------ retention


def keep(book: Book, retention: Retention) -> None:
    """The fan-out arm trims its stream like this."""
    scenario = book.trial.scenario
    arms = list(scenario.arms)
    arms[FAN_OUT] = arms[FAN_OUT].model_copy(update={"retention": retention})
    book.trial = book.trial.model_copy(update={"scenario": scenario.model_copy(update={"arms": tuple(arms)})})


def trim(book: Book, kept: int, *, unread: int) -> None:
    """Only the newest ``kept`` entries are left; scope 0 had not read the last ``unread`` of the others."""
    entries = book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT)
    gone = sorted(entries, key=lambda note: note.entry)[: len(entries) - kept]
    for number, note in enumerate(gone):
        about = {"arm": FAN_OUT, "producer": note.producer, "sequence": note.sequence}
        book.remove(EventKind.LOG_ENTRY, **about)
        if number >= len(gone) - unread:
            book.remove(EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK, scope=0, **about)
    book.notes(EventKind.LOG_READ, arm=FAN_OUT)[0].value = kept


def test_what_was_trimmed_unread_is_lost_but_durability_was_not_promised() -> None:
    """MAXLEN = 30 keeps 30 entries: all that is gone is explained, five unread ones are lost."""
    book = build(control=True)
    keep(book, Retention(max_length=30, exact=True))
    trim(book, 30, unread=5)
    result = agreed(book, FAN_OUT)
    assert (result.fates[Fate.LOST], result.lost_by_mechanism) == (5, {Mechanism.TRIMMED_UNREAD: 5})
    assert result.durability is not None
    assert result.durability.trimmed_by_configuration == 80 + 2 - 30
    assert clauses_of(book) == (Verdict.HELD, Verdict.VIOLATED)


def clauses_of(book: Book) -> tuple[Verdict, Verdict]:
    """What was measured of the fan-out arm: durable, at least once."""
    found = {
        clause.guarantee.value: clause.measured
        for clause in judged(book).result.clauses
        if clause.arm == "stream-fan-out"
    }
    return found["durable"], found["at-least-once"]


@pytest.mark.parametrize(
    ("retention", "explained"),
    [
        (Retention(max_length=200), 0),
        (Retention(max_length=31, exact=True), 0),
        (Retention(max_length=30), 52),
        (Retention(max_age_ms=60_000), 0),
        (Retention(max_age_ms=1), 52),
    ],
)
def test_retention_explains_only_what_it_could_have_trimmed(retention: Retention, explained: int) -> None:
    """A log that is shorter, or entries that are younger, than what was to be kept are missing without reason."""
    book = build(control=True)
    keep(book, retention)
    trim(book, 30, unread=0)
    result = agreed(book, FAN_OUT)
    assert result.durability is not None
    assert result.durability.trimmed_by_configuration == explained
    assert (clauses_of(book)[0] is Verdict.HELD) is (explained == 52)


# ------------------------------------------------------------------------------------------------ cost


def test_dedup_costs_a_request_for_each_effect_made_or_held_back() -> None:
    """SET NX is asked before every effect; a script is the effect itself."""
    for dedup, per_effect in (("set-nx", 1), ("window", 1), ("lua", 0), ("none", 0)):
        book = build()
        scenario = book.trial.scenario
        arms = list(scenario.arms)
        arms[FAN_OUT] = type(arms[FAN_OUT]).model_validate(arms[FAN_OUT].model_dump() | {"dedup": dedup})
        book.trial = book.trial.model_copy(update={"scenario": scenario.model_copy(update={"arms": tuple(arms)})})
        kept = Note(EventKind.DEDUP_KEPT, moment(3_150), FAN_OUT, -1, 0, value=9_000, aux_ns=160)
        book.journals["conductor"].notes.append(kept)
        cost = agreed(book, FAN_OUT).cost
        assert (cost.dedup_requests, cost.dedup_memory_bytes) == (per_effect * 160, 9_000)
