"""What a dead or full server took is found exactly as planted, by the checker and by the recount."""

from __future__ import annotations

import pytest
from checking import checked, checked_rows, judged, naive_rows
from comparing import flatten, recounted_whole

from harness.history.journal import EventKind
from harness.model.accounts import ArmResult
from harness.model.values import FaultPlan, Retention
from harness.model.words import FAILOVERS, FaultModel, Guarantee, Mechanism, Persistence, ServerStat, Verdict
from harness.selftest.book import Book, Note
from harness.selftest.clean import build
from harness.selftest.deeds import lose_from_log, retry_by_producer
from harness.selftest.moments import FAN_OUT, HEAL_NS, INJECT_NS, MILLISECOND, PUBSUB
from harness.selftest.plant import CONSUMED, Target

RESTART, UNFSYNCED, EVICTED, UNREPLICATED, UNEXPLAINED = (
    Mechanism.SERVER_RESTART,
    Mechanism.UNFSYNCED,
    Mechanism.EVICTED,
    Mechanism.UNREPLICATED,
    Mechanism.UNEXPLAINED,
)


def struck(model: FaultModel, persistence: Persistence = Persistence.OFF) -> Book:
    """A clean trial whose fault was one of the server."""
    book = build()
    changes = {"faults": (FaultPlan(model=model),), "persistence": persistence}
    changes["replicated"] = model in FAILOVERS
    scenario = book.trial.scenario.model_copy(update=changes)
    book.trial = book.trial.model_copy(update={"scenario": scenario})
    return book


def take(book: Book, *, until_ns: int, since_ns: int = 0, producer: int | None = None) -> int:
    """The log of the fan-out arm loses what was acknowledged in between (by one producer); how many messages."""
    by = {} if producer is None else {"producer": producer}
    outcomes = [
        note
        for note in book.notes(EventKind.OUTCOME, arm=FAN_OUT, **by)
        if since_ns <= note.t_ns <= until_ns and note.sequence < 2**31
    ]
    for note in outcomes:
        book.remove(EventKind.LOG_ENTRY, arm=FAN_OUT, producer=note.producer, sequence=note.sequence)
    recount_log(book)
    return len(outcomes)


def last_before(book: Book, moment_ns: int = INJECT_NS) -> Note:
    """The acknowledgement that the fan-out arm got last before a moment."""
    return [note for note in book.notes(EventKind.OUTCOME, arm=FAN_OUT) if note.t_ns < moment_ns][-1]


def recount_log(book: Book) -> None:
    for log_read in book.notes(EventKind.LOG_READ, arm=FAN_OUT):
        log_read.value = len(book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT))


def agreed(book: Book, arm: int = FAN_OUT) -> ArmResult:
    """The checker's result of an arm, which the recount confirms to the row."""
    whole = recounted_whole(book, with_rows=True)
    judgement = judged(book)
    assert checked(judgement) == [flatten(one) for one in whole["arms"]]
    assert checked_rows(judgement) == naive_rows(whole)
    return judgement.result.arms[arm]


@pytest.mark.parametrize(
    ("model", "persistence", "expected"),
    [
        (FaultModel.SERVER_KILL, Persistence.OFF, RESTART),
        (FaultModel.SERVER_KILL, Persistence.RDB, RESTART),
        (FaultModel.SERVER_KILL, Persistence.AOF_EVERYSEC, RESTART),
        (FaultModel.SERVER_KILL, Persistence.AOF_NO, UNEXPLAINED),
        (FaultModel.SERVER_KILL, Persistence.AOF_ALWAYS, UNEXPLAINED),
        (FaultModel.POWER_LOSS, Persistence.OFF, RESTART),
        (FaultModel.POWER_LOSS, Persistence.RDB, UNFSYNCED),
        (FaultModel.POWER_LOSS, Persistence.AOF_NO, UNFSYNCED),
        (FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC, UNFSYNCED),
        (FaultModel.POWER_LOSS, Persistence.AOF_ALWAYS, UNEXPLAINED),
        (FaultModel.SERVER_PAUSE, Persistence.OFF, UNEXPLAINED),
        (FaultModel.FAILOVER, Persistence.AOF_EVERYSEC, UNREPLICATED),
        (FaultModel.FAILOVER, Persistence.AOF_ALWAYS, UNREPLICATED),
        (FaultModel.HUNG_MASTER, Persistence.OFF, UNREPLICATED),
    ],
)
def test_what_a_death_may_take(model: FaultModel, persistence: Persistence, expected: Mechanism) -> None:
    """Processed and gone: explained where that fault may take it under that persistence, else a finding."""
    book = struck(model, persistence)
    count = take(book, until_ns=INJECT_NS)
    result = agreed(book)
    assert result.gone_by_mechanism == {expected: count}
    assert count > 0
    assert result.durability is not None
    assert result.durability.gone_with_effect == count


def test_seconds_of_acknowledged_log() -> None:
    """They run from the first acknowledged message that is gone to the injection, whatever survived in between."""
    book = struck(FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC)
    since = INJECT_NS - 200 * MILLISECOND
    assert take(book, since_ns=since, until_ns=INJECT_NS) > 1
    first = min(note.t_ns for note in book.notes(EventKind.OUTCOME, arm=FAN_OUT) if note.t_ns >= since)
    assert agreed(book).lost_log_s == (INJECT_NS - first) / 1e9


def test_seconds_of_what_a_deposed_master_acknowledged() -> None:
    """It acknowledged all of it after it was struck: they run from the first to the last that is gone."""
    book = struck(FaultModel.HUNG_MASTER)
    seen_ns = HEAL_NS + 300 * MILLISECOND
    for note in book.notes(EventKind.HEAL_OBSERVED):
        note.t_ns = seen_ns
    count = take(book, since_ns=HEAL_NS, until_ns=seen_ns)
    times = [
        note.t_ns
        for note in book.notes(EventKind.OUTCOME, arm=FAN_OUT)
        if HEAL_NS <= note.t_ns <= seen_ns and note.sequence < 2**31
    ]
    result = agreed(book)
    assert result.gone_by_mechanism == {UNREPLICATED: count}
    assert result.lost_log_s == (max(times) - min(times)) / 1e9 > 0.1


def test_a_death_that_took_nothing() -> None:
    """Zero seconds, which is something else than not having been put to the test."""
    assert agreed(struck(FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC)).lost_log_s == 0.0
    assert agreed(struck(FaultModel.SERVER_KILL, Persistence.AOF_ALWAYS)).lost_log_s is None


@pytest.mark.parametrize(
    ("model", "from_ms"),
    [(FaultModel.SERVER_KILL, 1), (FaultModel.FAILOVER, 1), (FaultModel.HUNG_MASTER, 103)],
)
def test_what_the_next_life_acknowledged(model: FaultModel, from_ms: int) -> None:
    """Or the new master: it cannot have gone with the one before, and nothing explains that it is gone.

    A master that hung was seen to follow 2 ms after the heal; a tenth of a second is left to write its answers down.
    """
    book = struck(model)
    count = take(book, since_ns=HEAL_NS + from_ms * MILLISECOND, until_ns=HEAL_NS + 400 * MILLISECOND)
    assert count > 0
    assert agreed(book).gone_by_mechanism == {UNEXPLAINED: count}


@pytest.mark.parametrize("model", [FaultModel.SERVER_KILL, FaultModel.FAILOVER, FaultModel.HUNG_MASTER])
def test_a_death_that_nobody_saw(model: FaultModel) -> None:
    """A fault without evidence explains nothing, and its trial proves nothing."""
    book = struck(model)
    count = take(book, until_ns=INJECT_NS)
    book.remove(EventKind.EFFECT_OBSERVED)
    assert agreed(book).gone_by_mechanism == {UNEXPLAINED: count}
    assert judged(book).result.verdict is Verdict.INCONCLUSIVE


def see_evicted(book: Book, count: int, *, at_ns: int) -> None:
    """The server's counter of evicted keys is seen."""
    stat = Note(EventKind.SERVER_STAT, at_ns, 0, -1, 0)
    stat.code, stat.value = ServerStat.EVICTED_KEYS, count
    book.journals["conductor"].notes.append(stat)


@pytest.mark.parametrize(
    ("risen_to", "seen_after_ms", "expected"), [(1, 5, EVICTED), (0, 5, UNEXPLAINED), (1, -2_000, UNEXPLAINED)]
)
def test_evicted(risen_to: int, seen_after_ms: int, expected: Mechanism) -> None:
    """The counter has to have risen, after the message was acknowledged."""
    book = struck(FaultModel.EVICTION)
    count = take(book, until_ns=INJECT_NS)
    see_evicted(book, risen_to, at_ns=INJECT_NS + seen_after_ms * MILLISECOND)
    assert agreed(book).gone_by_mechanism == {expected: count}


def test_what_two_explain_the_fault_explains() -> None:
    """The whole log up to the strike is gone, and the counter rose as well."""
    book = struck(FaultModel.FAILOVER)
    count = take(book, until_ns=INJECT_NS)
    see_evicted(book, 1, at_ns=INJECT_NS + 5 * MILLISECOND)
    assert agreed(book).gone_by_mechanism == {UNREPLICATED: count}


@pytest.mark.parametrize("producer", [0, 1])
@pytest.mark.parametrize("model", [FaultModel.SERVER_KILL, FaultModel.POWER_LOSS, FaultModel.FAILOVER])
def test_a_hole_in_the_log(model: FaultModel, producer: int) -> None:
    """All of one producer is gone: of it, only what is younger than the other's last entry can have been cut off."""
    book = struck(model, Persistence.OFF)
    outcomes = [note for note in book.notes(EventKind.OUTCOME, arm=FAN_OUT) if note.t_ns <= INJECT_NS]
    kept = max(note.entry for note in outcomes if note.producer != producer)
    count = take(book, until_ns=INJECT_NS, producer=producer)
    younger = sum(note.entry > kept for note in outcomes if note.producer == producer)
    found = agreed(book).gone_by_mechanism
    assert found[UNEXPLAINED] == count - younger > 0
    assert sum(found.values()) == count


def test_an_eviction_takes_a_stream_whole() -> None:
    """One producer's entries are gone, the other's are not: nothing that is younger than one of these was evicted."""
    book = struck(FaultModel.EVICTION)
    count = take(book, until_ns=INJECT_NS, producer=1)
    see_evicted(book, 1, at_ns=INJECT_NS + 5 * MILLISECOND)
    first = min(note.entry for note in book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT))
    outcomes = book.notes(EventKind.OUTCOME, arm=FAN_OUT, producer=1)
    older = sum(note.entry < first for note in outcomes if note.t_ns <= INJECT_NS)
    found = agreed(book).gone_by_mechanism
    assert (found.get(EVICTED, 0), found[UNEXPLAINED]) == (older, count - older)


def test_a_retried_entry_that_survived_is_the_older_one() -> None:
    """A message was written twice, and the second entry, which was acknowledged, went with the end of the log."""
    book = struck(FaultModel.SERVER_KILL)
    last = last_before(book)
    before = last_before(book, last.t_ns)
    retry_by_producer(Target(book, FAN_OUT, before.producer, before.sequence))
    second, younger = before.entry, (last.entry[0], last.entry[1] + 1)
    assert 1 == book.remove(EventKind.LOG_ENTRY, arm=FAN_OUT, entry=second)
    for note in book.notes(*CONSUMED, EventKind.OUTCOME, arm=FAN_OUT, entry=second):
        note.entry = younger
    book.remove(EventKind.LOG_ENTRY, arm=FAN_OUT, producer=last.producer, sequence=last.sequence)
    recount_log(book)
    assert agreed(book).gone_by_mechanism == {RESTART: 1}


def keep(book: Book, length: int) -> None:
    """The fan-out arm is trimmed to a length."""
    arms = list(book.trial.scenario.arms)
    arms[FAN_OUT] = arms[FAN_OUT].model_copy(update={"retention": Retention(max_length=length)})
    book.trial = book.trial.model_copy(
        update={"scenario": book.trial.scenario.model_copy(update={"arms": tuple(arms)})}
    )


def test_what_was_trimmed_before_the_server_died() -> None:
    """The log was full, and two were trimmed; a death then took its end, and it is short ever since."""
    book = struck(FaultModel.SERVER_KILL)
    outcomes = [note for note in book.notes(EventKind.OUTCOME, arm=FAN_OUT) if note.t_ns <= INJECT_NS]
    later = len(book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT)) - len(outcomes)
    keep(book, len(outcomes) - 2)
    for note in (*outcomes[:2], *outcomes[4:]):
        book.remove(EventKind.LOG_ENTRY, arm=FAN_OUT, producer=note.producer, sequence=note.sequence)
    for note in book.notes(EventKind.LOG_ENTRY, arm=FAN_OUT)[-later + 1 :]:
        about = {"arm": FAN_OUT, "producer": note.producer, "sequence": note.sequence}
        book.remove(*CONSUMED, EventKind.ATTEMPT, EventKind.OUTCOME, EventKind.LOG_ENTRY, **about)
    recount_log(book)
    result = agreed(book)
    assert result.durability is not None
    assert result.durability.trimmed_by_configuration == 2
    assert result.gone_by_mechanism == {RESTART: len(outcomes) - 4}


@pytest.mark.parametrize("kept", [5, 500])
def test_what_was_trimmed_as_told_no_fault_took(kept: int) -> None:
    """All that was acknowledged before the death is gone, and two scopes had not read the oldest of it."""
    book = struck(FaultModel.SERVER_KILL)
    keep(book, kept)
    first = book.notes(EventKind.OUTCOME, arm=FAN_OUT)[0]
    book.remove(*CONSUMED, arm=FAN_OUT, producer=first.producer, sequence=first.sequence)
    count = take(book, until_ns=INJECT_NS)
    result = agreed(book)
    trimmed = kept == 5
    assert result.durability is not None
    assert (count if trimmed else 0) == result.durability.trimmed_by_configuration
    assert {Mechanism.TRIMMED_UNREAD if trimmed else RESTART: 2} == result.lost_by_mechanism
    assert ({} if trimmed else {RESTART: count}) == result.gone_by_mechanism


def test_lost_before_anybody_read_it() -> None:
    """Gone and never received: lost, by the same mechanism; at least once and durable are both refuted."""
    book = struck(FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC)
    last = last_before(book)
    lose_from_log(Target(book, FAN_OUT, last.producer, last.sequence))
    recount_log(book)
    result = agreed(book)
    assert result.lost_by_mechanism == {UNFSYNCED: 1}
    assert result.gone_by_mechanism == {UNFSYNCED: 1}
    refuted = {clause.guarantee for clause in judged(book).result.clauses if clause.measured is Verdict.VIOLATED}
    assert refuted == {Guarantee.AT_LEAST_ONCE, Guarantee.DURABLE, Guarantee.EFFECTIVELY_ONCE}


@pytest.mark.parametrize(
    ("model", "expected"), [(FaultModel.POWER_LOSS, UNFSYNCED), (FaultModel.SERVER_PAUSE, UNEXPLAINED)]
)
def test_received_and_rolled_back_before_the_effect(model: FaultModel, expected: Mechanism) -> None:
    """Its consumer had it in hand when the server went; the next life has neither the entry nor that it was pending."""
    book = struck(model, Persistence.AOF_EVERYSEC)
    last = last_before(book)
    for kind in (EventKind.LOG_ENTRY, EventKind.EFFECT, EventKind.ACK):
        book.remove(kind, arm=FAN_OUT, producer=last.producer, sequence=last.sequence)
    recount_log(book)
    result = agreed(book)
    assert result.unsettled_by_mechanism == {expected: result.scopes}
    assert result.durability is not None
    assert result.durability.gone_without_effect == 1


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FaultModel.SERVER_KILL, RESTART),
        (FaultModel.SERVER_PAUSE, Mechanism.NOT_CONNECTED),
        (FaultModel.FAILOVER, Mechanism.NOT_CONNECTED),
        (FaultModel.HUNG_MASTER, Mechanism.NOT_CONNECTED),
    ],
)
def test_pubsub_while_the_server_was_away(model: FaultModel, expected: Mechanism) -> None:
    """A subscriber's gap in which the server was dead was made by the restart; a stopped server ends no connection."""
    book = struck(model)
    back = HEAL_NS + 100 * MILLISECOND
    for note in book.notes(EventKind.RECEIVE, arm=PUBSUB, scope=0):
        about = {"arm": PUBSUB, "scope": 0, "producer": note.producer, "sequence": note.sequence}
        if INJECT_NS < note.t_ns < back:
            book.remove(EventKind.RECEIVE, EventKind.EFFECT, **about)
        elif note.t_ns >= back:
            note.count = 2
    subscribed = book.notes(EventKind.SUBSCRIBED, arm=PUBSUB, scope=0)[0]
    book.repeat(subscribed, after_ns=0, count=2).t_ns = back
    result = agreed(book, PUBSUB)
    assert set(result.lost_by_mechanism) == {expected}
    assert result.lost_contract_view == 0
