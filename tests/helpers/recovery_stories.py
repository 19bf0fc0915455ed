"""Literal trials of which it is known, in whole milliseconds from the heal, when writes, reads and backlog were back.

Each lasts 8 s: the steady phase begins at 50 ms, the fault at 2 s, and its heal at 4 s. Where nothing else is told a
message goes out every 10 ms, is acknowledged 0.25 ms later, arrives after 1 ms, and is settled after 1.5 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from literal_history import DROP, MS, LiteralTrial, entry_id, pubsub_arm, stream_arm

from harness.history.journal import EventKind
from harness.model.accounts import RecoveryTimes
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, Members, OutcomeCode, Primitive, WorkerRole

INJECT, HEAL, END = 2_000, 4_000, 8_000
NOT_BACK = "not back"
Moment = Callable[[float], float | None]
Told = tuple[int | str | None, int | str | None, int | str | None]
"""Write, read and backlog; ``None``: not interrupted, or no backlog to be told."""


def at_once(due: float) -> float | None:
    """It is acknowledged at its time."""
    return due


def refused(*stretches: tuple[float, float]) -> Moment:
    """What is due in one of these stretches is not acknowledged."""
    return lambda due: None if any(begin <= due < end for begin, end in stretches) else due


class Story:
    """One arm's trial, told producer by producer."""

    def __init__(
        self, folder: Path, *, pubsub: bool = False, asks: bool = False, producers: int = 1, fault: FaultPlan = DROP
    ) -> None:
        arm = pubsub_arm(producers=producers) if pubsub else stream_arm(producers=producers)
        self.trial = LiteralTrial(folder, [arm.model_copy(update={"asks_sentinel": asks})], faults=[fault])
        self.trial.subscribe(1)
        self.trial.fault(INJECT, HEAL)
        self.trial.phases(0, 50, INJECT, HEAL, END, 9_900)

    def sends(
        self,
        *,
        producer: int = 0,
        due: range | tuple[int, ...] = range(100, END, 10),
        answered: Moment = at_once,
        heard: Moment = at_once,
        settled: Moment = at_once,
        logged: Moment = at_once,
    ) -> Story:
        """A producer's messages. ``None`` from one of the functions: it was not acknowledged, not heard, and so on.

        What is not acknowledged is refused, and goes nowhere. A call that takes long holds up those that follow.
        """
        free = 0.0
        for sequence, moment in enumerate(due):
            at, answer = max(moment, free), answered(moment)
            free = at + 0.25 if answer is None else max(at, answer) + 0.25
            code = OutcomeCode.REJECTED if answer is None else OutcomeCode.ACKNOWLEDGED
            self.trial.attempt(sequence, at, intended=moment, producer=producer)
            self.trial.outcome(sequence, free, code, producer=producer)
            if answer is None:
                continue
            if self._streams and logged(moment) is not None:
                self.trial.log(sequence, producer=producer)
            arrival = heard(moment)
            if arrival is not None:
                self._arrives(sequence, producer, max(free, arrival + 1), settled(moment))
        return self

    @property
    def _streams(self) -> bool:
        return self.trial.trial.scenario.arms[0].primitive is Primitive.STREAMS

    def _arrives(self, sequence: int, producer: int, at: float, settled: float | None) -> None:
        self.trial.receive(sequence, at, producer=producer, ack=False)
        if settled is not None and self._streams:
            self.settles(EventKind.ACK, sequence, max(at + 0.5, settled), producer=producer)

    def settles(
        self, kind: EventKind, sequence: int, at: float, *, producer: int = 0, value: int = 1, member: int = 0
    ) -> Story:
        """XACK, or a dead letter."""
        entry = entry_id(sequence, producer)
        self.trial.consumer(kind, at, member=member, producer=producer, sequence=sequence, entry=entry, value=value)
        return self

    def pending(self, sequence: int, at: float, *, idle: int = 0) -> Story:
        """The group has it pending at the end."""
        where = {"scope": 0, "sequence": sequence, "entry": entry_id(sequence), "count": 1}
        self.trial.conductor(EventKind.PENDING, at, aux_ns=idle * MS, **where)
        return self


def told(times: RecoveryTimes) -> Told:
    """What was found, in the words of the stories."""
    found = {
        "write": times.write_from_heal_ns,
        "read": times.read_from_heal_ns,
        "backlog": times.backlog_from_heal_ns,
    }
    words: list[int | str | None] = [
        NOT_BACK if what in times.not_back else None if value is None else value // MS for what, value in found.items()
    ]
    return words[0], words[1], words[2]


# ------------------------------------------------------------------------------------------------ writes and reads

_FAILOVER = FaultPlan(model=FaultModel.FAILOVER)


def _cut(due: float) -> float | None:
    """Nothing is heard while the fault is on; what was sent meanwhile comes in its order right after the heal."""
    return HEAL + (due - INJECT) / 100 if INJECT <= due < HEAL else due


def _nothing(folder: Path) -> Story:
    return Story(folder).sends()


def _one_of_two_producers(folder: Path) -> Story:
    return Story(folder, producers=2).sends().sends(producer=1, answered=refused((2_000, 4_300)))


def _two_producers(folder: Path) -> Story:
    """Both are refused, one for a second longer."""
    story = Story(folder, producers=2).sends(answered=refused((2_000, 5_300)))
    return story.sends(producer=1, answered=refused((2_000, 4_300)))


def _nothing_to_send(folder: Path) -> Story:
    return Story(folder, producers=2).sends().sends(producer=1, due=(500, 900, 1_500, 5_000, 5_300))


def _nothing_left_to_send(folder: Path) -> Story:
    """Its call hung for 1.5 s, which was all that it had to send."""
    late = (100, 2_100)
    story = Story(folder, producers=2).sends(answered=refused((2_000, 4_300)))
    return story.sends(producer=1, due=late, answered=lambda due: 3_600 if due == late[1] else due)


def _struck_producer(folder: Path) -> Story:
    """Nobody was there to attempt anything."""
    kill = FaultPlan(model=FaultModel.KILL, worker=WorkerRole.PRODUCER, members=Members.FIRST)
    due = (*range(100, 2_000, 10), *range(4_200, END, 10))
    return Story(folder, producers=2, fault=kill).sends(due=due).sends(producer=1)


def _struck_producer_and_another(folder: Path) -> Story:
    """The other one has little to send."""
    kill = FaultPlan(model=FaultModel.KILL, worker=WorkerRole.PRODUCER, members=Members.FIRST)
    due = (*range(100, 2_000, 10), *range(4_200, END, 10))
    story = Story(folder, producers=2, fault=kill).sends(due=due)
    return story.sends(producer=1, due=(500, 900, 1_500, 5_000, 5_300))


def _one_answer(folder: Path) -> Story:
    """The call after the first that succeeded hangs for two seconds and a half."""
    well = refused((2_000, 4_000))
    return Story(folder).sends(answered=lambda due: 6_500 if due == 4_010 else well(due))


def _one_delivery(folder: Path) -> Story:
    return Story(folder, pubsub=True).sends(heard=refused((2_000, 4_000), (4_010, 6_500)))


def _seldom(folder: Path) -> Story:
    """Five more take two seconds here, as they always do."""
    return Story(folder).sends(due=range(100, END, 400), answered=refused((2_000, 4_000)))


def _before_the_end(folder: Path) -> Story:
    """Three messages are left."""
    return Story(folder).sends(answered=refused((2_000, 7_970)))


def _not_all_that_could(folder: Path) -> Story:
    """Of the three that are left the last is refused."""
    return Story(folder).sends(answered=refused((2_000, 7_970), (7_990, END)))


def _seldom_at_the_end(folder: Path) -> Story:
    """The last message of all: nothing could follow it."""
    return Story(folder).sends(due=range(100, END, 400), answered=refused((2_000, 7_700)))


def _never_answered(folder: Path) -> Story:
    return Story(folder).sends(answered=refused((2_000, END)))


def _pubsub_scope_stays_away(folder: Path) -> Story:
    return Story(folder, pubsub=True).sends(heard=refused((2_000, END)))


# ------------------------------------------------------------------------------------------------ who asks Sentinels


def _asks_across_the_heal(folder: Path) -> Story:
    return Story(folder, asks=True, fault=_FAILOVER).sends(answered=refused((3_700, 7_000)))


def _across_the_heal(folder: Path) -> Story:
    return Story(folder, fault=_FAILOVER).sends(answered=refused((3_700, 7_000)))


def _a_little_across_the_heal(folder: Path) -> Story:
    """Less than half of the fault."""
    return Story(folder).sends(answered=refused((3_700, 4_600)))


def _a_usual_pause_across_the_heal(folder: Path) -> Story:
    """One message in 400 ms: a bound of 8 s, and three that are refused."""
    return Story(folder).sends(due=range(100, END, 400), answered=refused((3_200, 4_500)))


def _two_stray_deliveries(folder: Path) -> Story:
    """Never half of the fault without one; after the second nothing until 1.5 s after the heal."""
    strays = {2_000: 2_700, 2_010: 3_400}
    return Story(folder).sends(heard=lambda due: strays.get(int(due), 5_500) if INJECT <= due < 5_500 else due)


def _reads_end_before_the_heal(folder: Path) -> Story:
    return Story(folder).sends(heard=lambda due: 6_000 if 3_100 <= due < 6_000 else due)


def _traffic_ends_in_the_fault(folder: Path) -> Story:
    """The last message of all is delivered at once."""
    return Story(folder).sends(due=range(100, 2_200, 10))


def _the_last_comes_in_the_fault(folder: Path) -> Story:
    """What came after a silence of more than half of the fault was all that was to come."""
    return Story(folder).sends(due=range(100, 2_200, 10), heard=lambda due: 3_900 if due >= INJECT else due)


def _the_last_never_comes(folder: Path) -> Story:
    """It was acknowledged while nobody was connected."""
    return Story(folder, pubsub=True).sends(due=range(100, 2_200, 10), heard=refused((2_100, END)))


def _nothing_to_read(folder: Path) -> Story:
    """Nothing is sent while the fault is on, and what is sent after it comes at once; one was lost before."""
    due = (*range(100, 2_000, 10), *range(4_500, END, 10))
    return Story(folder, pubsub=True).sends(due=due, heard=refused((1_000, 1_010)))


def _acknowledged_late_and_then_heard(folder: Path) -> Story:
    """A call that was begun in the fault is answered after it: to the scope its message was on its way."""
    due = (*range(100, 2_200, 10), *range(4_500, END, 10))
    return Story(folder, producers=2).sends(due=due, answered=lambda at: 4_400 if at == 2_190 else at)


def _asks_after_the_heal(folder: Path) -> Story:
    """Nothing was to be sent from before the heal until after it: what is refused then is not the fault's any more."""
    due = (*range(100, 3_500, 10), *range(4_200, END, 10))
    return Story(folder, asks=True, fault=_FAILOVER).sends(due=due, answered=refused((4_200, 7_000)))


def _asks_twice(folder: Path) -> Story:
    return Story(folder, asks=True, fault=_FAILOVER).sends(answered=refused((2_000, 3_500), (3_700, 5_000)))


def _asks_and_has_done(folder: Path) -> Story:
    """Nothing is sent from half a second before the heal on."""
    return Story(folder, asks=True, fault=_FAILOVER).sends(due=range(100, 3_500, 10))


def _asks_in_vain(folder: Path) -> Story:
    return Story(folder, asks=True, fault=_FAILOVER).sends(answered=refused((3_700, END)))


def _asks_and_is_refused_once_more(folder: Path) -> Story:
    """Back before the heal; of what is refused from then on the scope cannot tell."""
    return Story(folder, asks=True, fault=_FAILOVER).sends(answered=refused((2_000, 3_500), (3_700, END)))


def _asks_and_hears_nothing_more(folder: Path) -> Story:
    return Story(folder, asks=True, pubsub=True, fault=_FAILOVER).sends(heard=refused((3_700, END)))


# ------------------------------------------------------------------------------------------------ backlog

_HELD = 250
"""The sequence of a message that is due at 2600 ms, in the middle of the fault."""


def _is_held(due: float) -> bool:
    return due == 100 + 10 * _HELD


def _cut_off(folder: Path) -> Story:
    return Story(folder).sends(heard=_cut)


def _slow_and_quick(folder: Path) -> Story:
    """One reply, 120 ms after the heal, holds one that is quick and one that is not."""
    return Story(folder).sends(heard=lambda due: 4_120 if due == 4_100 else _cut(due))


def _acknowledged_late(folder: Path) -> Story:
    """All that waited for the heal is acknowledged at once, 900 ms after it."""
    return Story(folder).sends(heard=_cut, settled=lambda due: HEAL + 900 if INJECT <= due < HEAL else due)


def _refused_acknowledgements(folder: Path) -> Story:
    """Their first answers were lost: the second XACK finds them acknowledged."""
    story = Story(folder).sends(heard=_cut, settled=lambda due: None if INJECT <= due < HEAL else due)
    for sequence in range(190, 390):
        story.settles(EventKind.ACK, sequence, HEAL + 900, value=0)
    return story


def _acknowledged_by_a_zombie(folder: Path) -> Story:
    """Who had them before acknowledges them once more, much later."""
    story = _acknowledged_late(folder)
    for sequence in range(190, 390):
        story.settles(EventKind.ACK, sequence, HEAL + 3_000, value=0, member=1)
    return story


def _dead_letters(folder: Path) -> Story:
    story = Story(folder).sends(heard=_cut, settled=lambda due: None if INJECT <= due < HEAL else due)
    for sequence in range(190, 390):
        story.settles(EventKind.DEAD_LETTER, sequence, HEAL + 900)
    return story


def _answers_lost(folder: Path) -> Story:
    """No XACK of theirs was answered, and they are not pending: it was done some time after they came."""
    return Story(folder).sends(heard=_cut, settled=lambda due: None if INJECT <= due < HEAL else due)


def _stuck(folder: Path) -> Story:
    story = Story(folder).sends(heard=_cut, settled=lambda due: None if _is_held(due) else due)
    return story.pending(_HELD, 8_500, idle=4_000)


def _stuck_again(folder: Path) -> Story:
    """It was acknowledged, and a server that had forgotten it kept it pending."""
    return Story(folder).sends(heard=_cut).pending(_HELD, 8_500, idle=4_000)


def _pending_a_moment(folder: Path) -> Story:
    """The last of all came a second before the end, and was no more than one has under way at any time."""
    story = Story(folder).sends(heard=_cut, settled=lambda due: None if due == END - 10 else due)
    return story.pending(789, 8_500)


def _many_pending_a_moment(folder: Path) -> Story:
    """Those of the last second and a half are all pending."""
    story = Story(folder).sends(
        heard=lambda due: 7_000 if INJECT <= due < 7_000 else due,
        settled=lambda due: None if due >= INJECT else due,
    )
    story.settles(EventKind.ACK, 0, 102)
    for sequence in range(190, 790):
        story.pending(sequence, 8_500)
    return story


def _lost(folder: Path) -> Story:
    """What is lost is behind nobody."""
    return Story(folder).sends(
        heard=lambda due: None if _is_held(due) else _cut(due), logged=lambda due: None if _is_held(due) else due
    )


def _unread(folder: Path) -> Story:
    """A consumer was there to the end."""
    story = _never_read(folder)
    story.trial.consumer(EventKind.END, 8_600)
    return story


def _never_read(folder: Path) -> Story:
    """The group was never handed the last two of what the log holds; nothing more is known of its consumer."""
    story = Story(folder).sends(heard=lambda due: None if due >= END - 20 else _cut(due))
    story.trial.conductor(EventKind.GROUP, 8_900, scope=0, entry=entry_id(787))
    return story


def _pubsub_backlog(folder: Path) -> Story:
    """It is no backlog that nothing comes; but there is none that is gone before something does."""
    return Story(folder, pubsub=True).sends(heard=refused((2_000, 5_000)))


@dataclass(frozen=True, slots=True)
class Chapter:
    """A story and what must be told of it."""

    about: str
    play: Callable[[Path], Story]
    told: Told


STORIES = (
    Chapter("nothing was interrupted", _nothing, (None, None, None)),
    Chapter("one of two producers is refused", _one_of_two_producers, (300, None, 1)),
    Chapter("one of two producers hangs for longer", _two_producers, (1_300, 301, 301)),
    Chapter("a producer has nothing to send", _nothing_to_send, (None, None, None)),
    Chapter("a producer has nothing left to send", _nothing_left_to_send, (300, 301, 301)),
    Chapter("a struck producer attempts nothing", _struck_producer, (200, None, 1)),
    Chapter("a struck producer, and one with nothing to send", _struck_producer_and_another, (200, None, 201)),
    Chapter("one acknowledgement, then silence", _one_answer, (2_500, 2_500, 2_571)),
    Chapter("one delivery, then silence", _one_delivery, (None, 2_501, 2_501)),
    Chapter("five more take long where little is sent", _seldom, (100, 101, None)),
    Chapter("three were left, and all of them followed", _before_the_end, (3_970, 3_971, NOT_BACK)),
    Chapter("three were left, and not all of them followed", _not_all_that_could, (NOT_BACK, 3_971, NOT_BACK)),
    Chapter("nothing could follow", _seldom_at_the_end, (3_700, 3_701, None)),
    Chapter("writes never come back", _never_answered, (NOT_BACK, None, None)),
    Chapter("reads never come back", _pubsub_scope_stays_away, (None, NOT_BACK, NOT_BACK)),
    Chapter("asks: a silence across the heal", _asks_across_the_heal, (3_000, 3_001, 3_001)),
    Chapter("a silence across the heal", _across_the_heal, (3_000, 3_001, 3_001)),
    Chapter("a short silence across the heal", _a_little_across_the_heal, (None, None, None)),
    Chapter("a usual pause across the heal", _a_usual_pause_across_the_heal, (None, None, None)),
    Chapter("two stray deliveries", _two_stray_deliveries, (None, 1_501, 1_511)),
    Chapter("reads end before the heal", _reads_end_before_the_heal, (None, 2_001, 2_011)),
    Chapter("traffic ends in the fault", _traffic_ends_in_the_fault, (None, None, None)),
    Chapter("the last of all comes in the fault", _the_last_comes_in_the_fault, (None, None, None)),
    Chapter("the last of all never comes", _the_last_never_comes, (None, NOT_BACK, NOT_BACK)),
    Chapter("there was nothing to read", _nothing_to_read, (None, None, None)),
    Chapter("on its way until after the heal", _acknowledged_late_and_then_heard, (400, 400, 501)),
    Chapter("asks: a silence after the heal", _asks_after_the_heal, (None, None, None)),
    Chapter("asks: a second silence", _asks_twice, (1_000, 1_001, 1_001)),
    Chapter("asks: the end of traffic is no silence", _asks_and_has_done, (None, None, None)),
    Chapter("asks: never again", _asks_in_vain, (NOT_BACK, None, None)),
    Chapter("asks: refused for good", _asks_and_is_refused_once_more, (NOT_BACK, 0, None)),
    Chapter("asks: heard of no more", _asks_and_hears_nothing_more, (None, NOT_BACK, NOT_BACK)),
    Chapter("backlog: read at once", _cut_off, (None, 1, 21)),
    Chapter("backlog: slow and quick in one reply", _slow_and_quick, (None, 1, 131)),
    Chapter("backlog: acknowledged late", _acknowledged_late, (None, 1, 900)),
    Chapter("backlog: acknowledged before", _refused_acknowledgements, (None, 1, 900)),
    Chapter("backlog: acknowledged by a zombie", _acknowledged_by_a_zombie, (None, 1, 900)),
    Chapter("backlog: dead letters", _dead_letters, (None, 1, 900)),
    Chapter("backlog: answers of XACK were lost", _answers_lost, (None, 1, 21)),
    Chapter("backlog: stuck", _stuck, (None, 1, NOT_BACK)),
    Chapter("backlog: pending once more", _stuck_again, (None, 1, NOT_BACK)),
    Chapter("backlog: pending for a moment", _pending_a_moment, (None, 1, 21)),
    Chapter("backlog: many pending for a moment", _many_pending_a_moment, (None, 3_001, NOT_BACK)),
    Chapter("backlog: lost", _lost, (None, 1, 21)),
    Chapter("backlog: unread", _unread, (None, 1, NOT_BACK)),
    Chapter("backlog: never read", _never_read, (None, 1, NOT_BACK)),
    Chapter("backlog: not before reads are back", _pubsub_backlog, (None, 1_001, 1_001)),
)
