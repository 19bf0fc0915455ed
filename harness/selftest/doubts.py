"""The reasons to doubt a trial, each with the sentences that must then be told, and no others."""

from __future__ import annotations

from harness.history.journal import BarrierPart
from harness.model.words import Verdict
from harness.selftest import doubt_deeds as deeds
from harness.selftest import file_deeds
from harness.selftest.doubt import ALL_ARMS, Doubt
from harness.selftest.moments import FAN_OUT, PUBSUB, QUEUE
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, MOST

_NAMES = {PUBSUB: "pubsub", FAN_OUT: "stream-fan-out", QUEUE: "stream-queue"}
_BARRIER = "the drain barrier was not reached"
_SENTINEL = "scope {} did not see every producer's sentinel"
_NOT_TESTED = "nothing was attempted while the fault was on"


def told_of(arms: tuple[int, ...], sentence: str) -> tuple[str, ...]:
    return tuple(f"{_NAMES[arm]}: {sentence}" for arm in arms)


def _unseen(*scopes: int) -> str:
    return f"{_BARRIER}: " + "; ".join(_SENTINEL.format(scope) for scope in scopes)


_BEHIND = f"{_BARRIER}: {_SENTINEL.format(0)}; group 0 did not catch up"

DOUBTS = (
    Doubt(
        "heal missing",
        deeds.forget_heal,
        ("consumers' link · hold: it was not seen to end: .*",),
        combines=True,
    ),
    Doubt(
        "fault without effect",
        deeds.forget_effect,
        ("consumers' link · hold: no effect of it was seen: .*", *told_of(ALL_ARMS, _NOT_TESTED)),
        combines=True,
    ),
    Doubt(
        "fault never injected",
        deeds.forget_fault,
        ("only 0 of 1 faults were injected", *told_of(ALL_ARMS, _NOT_TESTED)),
        combines=True,
    ),
    Doubt("nothing sent in the fault", deeds.be_silent_in_fault, told_of(ALL_ARMS, _NOT_TESTED)),
    Doubt("nothing sent at all", deeds.be_silent, (), control=True),
    Doubt(
        "nothing acknowledged in the fault",
        deeds.be_unanswered_in_fault,
        told_of(ALL_ARMS, "nothing that was attempted while the fault was on was ever acknowledged"),
    ),
    Doubt(
        "nothing acknowledged before the heal",
        deeds.be_answered_late,
        told_of(ALL_ARMS, "nothing was acknowledged before the fault was over"),
    ),
    Doubt("died before the fault, in a call", deeds.die_before_fault, told_of(ALL_ARMS, _NOT_TESTED)),
    Doubt(
        "struck down before anything was promised",
        deeds.strike_producers_unpromised,
        told_of(ALL_ARMS, "nothing was acknowledged before the producers were struck down"),
        spoils=frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Doubt(
        "producer behind schedule",
        deeds.fall_behind,
        told_of(ALL_ARMS, r"the harness itself was 80\.0 ms late \(p99, limit 50 ms\): .*"),
        combines=True,
    ),
    Doubt(
        "drain: producers not done",
        deeds.miss_barrier(BarrierPart.PRODUCERS_DONE, 0),
        told_of(ALL_ARMS, f"{_BARRIER}: producers did not get through their schedule"),
    ),
    Doubt(
        "drain: sentinels not seen",
        deeds.miss_barrier(BarrierPart.SENTINELS_SEEN, PUBSUB),
        told_of((PUBSUB,), _unseen(0, 1)),
        arms=(PUBSUB,),
    ),
    Doubt(
        "drain: sentinels not noted",
        deeds.forget_barrier,
        (*told_of((PUBSUB, FAN_OUT), _unseen(0, 1)), *told_of((QUEUE,), _unseen(0))),
    ),
    Doubt(
        "drain: group not caught up",
        deeds.miss_barrier(BarrierPart.CAUGHT_UP, QUEUE),
        told_of((QUEUE,), f"{_BARRIER}: group 0 did not catch up"),
        arms=(QUEUE,),
    ),
    Doubt(
        "drain: pending not settled",
        deeds.miss_barrier(BarrierPart.PENDING_SETTLED, QUEUE),
        told_of((QUEUE,), f"{_BARRIER}: group 0 still had entries on their way"),
        arms=(QUEUE,),
    ),
    Doubt(
        "drain: log not read",
        deeds.forget_log,
        told_of((FAN_OUT, QUEUE), f"{_BARRIER}: the log was not read to its end"),
        arms=(FAN_OUT, QUEUE),
    ),
    Doubt("unseen, not proven lost", deeds.lose_unproven, told_of((PUBSUB,), _unseen(0, 1)), arms=(PUBSUB,)),
    Doubt(
        "twice is twice, drain or not",
        deeds.double_unproven,
        told_of((PUBSUB,), _unseen(0, 1)),
        arms=(PUBSUB,),
        refutes={PUBSUB: frozenset({MOST, EFFECTIVELY})},
    ),
    Doubt("unread: the group lags", deeds.stay_behind, told_of((FAN_OUT,), _BEHIND), arms=(FAN_OUT,)),
    Doubt(
        "unread: the drain saw no lag",
        deeds.lag_after_drain,
        (),
        arms=(FAN_OUT,),
        spoils=frozenset({LEAST}),
        refutes={FAN_OUT: frozenset({EFFECTIVELY})},
    ),
    Doubt(
        "unread: handed out a moment ago",
        deeds.hand_out_late,
        (),
        arms=(FAN_OUT,),
        spoils=frozenset({LEAST}),
        refutes={FAN_OUT: frozenset({EFFECTIVELY})},
    ),
    Doubt("never read: the consumer died", deeds.die_early, told_of((FAN_OUT,), _BEHIND), arms=(FAN_OUT,)),
    Doubt(
        "journal torn mid-record",
        deeds.leave_book,
        (rf"the journal of {file_deeds.VICTIM} ends in a torn record \(40 bytes\)",),
        combines=True,
        spoil_files=file_deeds.tear_last_record,
    ),
    Doubt(
        "damaged record",
        file_deeds.expect_damaged_receive,
        (
            f"1 records in the journal of {file_deeds.VICTIM} are damaged",
            *told_of((PUBSUB,), "1 effects of messages never received: .*"),
        ),
        Verdict.ERROR,
        spoil_files=file_deeds.damage_receive,
    ),
    Doubt(
        "journal gone",
        deeds.leave_book,
        (
            *told_of((PUBSUB,), "only 0 of 1 consumer journals of scope 0 are there"),
            *told_of((PUBSUB,), r"\d+ effects of messages never received: .*"),
        ),
        Verdict.ERROR,
        worthless=(PUBSUB,),
        spoil_files=file_deeds.remove_journal,
    ),
    Doubt(
        "attempt not noted",
        deeds.forget_attempt,
        told_of((PUBSUB,), "1 outcomes of messages without an attempt: .*"),
        Verdict.ERROR,
    ),
    Doubt(
        "log entry not noted",
        deeds.read_log_short,
        told_of((FAN_OUT,), r"the log had \d+ entries when it was read, but \d+ were noted"),
        Verdict.ERROR,
    ),
    Doubt(
        "two processes with one number",
        deeds.share_an_actor,
        (
            r"2 processes wrote as actor \d+: consumer-2-0-1, consumer-2-0-2",
            r"the clock of consumer-2-0-[12] ran backwards \d+ times",
            r"the clock of consumer-2-0-[12] ran backwards \d+ times",
        ),
        Verdict.ERROR,
        worthless=(QUEUE,),
    ),
    Doubt(
        "clock going backwards",
        deeds.turn_clock_back,
        (r"the clock of producer-0-0 ran backwards \d+ times",),
        Verdict.ERROR,
        combines=True,
    ),
    Doubt("interrupted", deeds.interrupt, ("the trial was interrupted",), combines=True),
    Doubt("harness killed", deeds.lose_facts, ("the trial was killed before it could say how it went",), combines=True),
)
