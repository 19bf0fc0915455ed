"""Slow, deceptive and flapping links: literal histories, mapped to exactly what they prove.

Times are milliseconds. Every history has the injection at 100 to 102 and the heal at 400 to 402.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.faults.base import CallTimes, Evidence, Headcount, Passage, Probe, Scouting
from harness.faults.cycles import judge_cycles
from harness.faults.pace import ping_padding
from harness.faults.registry import make_fault
from harness.model.values import FaultPlan
from harness.model.words import Direction, FaultModel, LinkRole, ProbeResult

MS = 1_000_000
INJECT, HEAL = CallTimes(100 * MS, 102 * MS), CallTimes(400 * MS, 402 * MS)
LINK = LinkRole.CONSUMERS
REQUESTS, REPLIES = Direction.REQUESTS, Direction.REPLIES
Span = tuple[float | None, float | None]


def answered(sent: float, arrived: float, connection: int = 1) -> Probe:
    moment = int(arrived * MS)
    return Probe(LINK, int(sent * MS), moment, moment, ProbeResult.ANSWERED, connection)


def ended(sent: float, at: float, result: ProbeResult = ProbeResult.CLOSED, connection: int = 1) -> Probe:
    return Probe(LINK, int(sent * MS), None, int(at * MS), result, connection)


def span(found: Evidence) -> Span:
    begin, end = found.observed_from_ns, found.observed_to_ns
    return None if begin is None else begin / MS, None if end is None else end / MS


def judged(plan: FaultPlan, probes: Sequence[Probe], scouting: Scouting | None = None) -> Evidence:
    return make_fault(plan).evidence(probes, inject=INJECT, heal=HEAL, scouting=scouting)


LATENCY = FaultPlan(model=FaultModel.LATENCY, link=LINK, delay_ms=50, jitter_ms=10)
# 40 bytes at 1 KB/s take 40 ms each way.
BANDWIDTH = FaultPlan(model=FaultModel.BANDWIDTH, link=LINK, rate_kb_per_s=1)
BEFORE = [answered(50, 51), answered(75, 76)]
AFTER = [answered(405, 406), answered(430, 431)]

PACE = {
    "latency": (LATENCY, [*BEFORE, answered(110, 155), answered(150, 205), *AFTER], (110, 406)),
    "latency, the first after the heal is late still": (
        LATENCY,
        [*BEFORE, answered(110, 155), answered(150, 205), answered(401, 450), answered(430, 431)],
        (110, 431),
    ),
    "latency, one answer too quick": (LATENCY, [*BEFORE, answered(110, 155), answered(150, 151), *AFTER], (None, None)),
    "latency as before": (LATENCY, [answered(40, 90), answered(110, 160), answered(150, 200)], (None, None)),
    "latency, silent before": (LATENCY, [answered(-1_925, -1_920), answered(110, 155), *AFTER], (None, None)),
    "latency, nothing before": (LATENCY, [answered(110, 155), *AFTER], (None, None)),
    "latency, nothing meanwhile": (LATENCY, [*BEFORE, *AFTER], (None, None)),
    "latency that closes": (LATENCY, [*BEFORE, answered(110, 155), ended(200, 210), *AFTER], (None, None)),
    "latency for ever": (LATENCY, [*BEFORE, answered(110, 155), answered(405, 455)], (110, None)),
    "bandwidth": (BANDWIDTH, [*BEFORE, answered(110, 200), answered(150, 240), *AFTER], (110, 406)),
    "bandwidth, bytes too quick": (BANDWIDTH, [*BEFORE, answered(110, 140), answered(150, 240)], (None, None)),
    "bandwidth one way only": (BANDWIDTH, [*BEFORE, answered(110, 151), answered(150, 191), *AFTER], (None, None)),
}


@pytest.mark.parametrize(("plan", "probes", "expected"), PACE.values(), ids=PACE)
def test_a_slow_link_is_measured(plan: FaultPlan, probes: list[Probe], expected: Span) -> None:
    """Round trips while the fault is on, against those before and after."""
    assert expected == span(judged(plan, probes))


@pytest.mark.parametrize(("rate", "padding"), [(1, 0), (2, 20), (10, 260), (1_000, 29_960), (1_000_000, 64_000)])
def test_a_ping_carries_what_shows_a_rate(rate: int, padding: int) -> None:
    """About 30 ms of bytes, and no more than is fit to be sent forty times a second."""
    assert padding == ping_padding(BANDWIDTH.model_copy(update={"rate_kb_per_s": rate}))


HELD = [*BEFORE, answered(110, 403), answered(250, 403), answered(405, 406)]


def passed(way: Direction, *moments: tuple[float, float | None]) -> list[Passage]:
    return [Passage(way, int(sent * MS), None if at is None else int(at * MS)) for sent, at in moments]


def scouting(*passages: Sequence[Passage], counts: Sequence[tuple[float, int]] = (), left: float = 0) -> Scouting:
    return Scouting(
        tuple(passage for part in passages for passage in part),
        tuple(Headcount(int(at * MS), receivers) for at, receivers in counts),
        (int(left * MS),) if left else (),
    )


OPEN = [(120, 121), (200, 201), (280, 281)]
STOPPED = [(120, 403), (200, 403), (280, None)]
ONE_WAY = {
    "as it should be": (scouting(passed(REQUESTS, *STOPPED), passed(REPLIES, *OPEN)), (110, 403)),
    "the other way": (scouting(passed(REQUESTS, *OPEN), passed(REPLIES, *STOPPED)), (None, None)),
    "both ways": (scouting(passed(REQUESTS, *STOPPED), passed(REPLIES, *STOPPED)), (None, None)),
    "one got through": (scouting(passed(REQUESTS, *STOPPED, (300, 301)), passed(REPLIES, *OPEN)), (None, None)),
    "nothing was sent": (scouting(passed(REPLIES, *OPEN)), (None, None)),
    "only shortly before the heal": (scouting(passed(REQUESTS, (390, 403)), passed(REPLIES, *OPEN)), (None, None)),
    "nobody looked any more": (scouting(passed(REQUESTS, (120, 403)), passed(REPLIES, (120, 121))), (None, None)),
    "nobody looked": (None, (None, None)),
}


@pytest.mark.parametrize(("seen", "expected"), ONE_WAY.values(), ids=ONE_WAY)
def test_which_way_a_hold_strikes(seen: Scouting | None, expected: Span) -> None:
    """Pings alone can't tell: what was sent from each end has to show it."""
    plan = FaultPlan(model=FaultModel.HOLD, link=LINK, direction=REQUESTS)
    assert expected == span(judged(plan, HELD, seen))


ENDING = [*BEFORE, ended(105, 106), ended(110, 111, connection=2), ended(130, 131, connection=3)]
NEW = [answered(405, 406, 4)]
EXECUTED = scouting(passed(REQUESTS, *OPEN), passed(REPLIES, *STOPPED))
REPLY_LOST = {
    "as it should be": ([*ENDING, *NEW], EXECUTED, (106, 406)),
    "never again": (ENDING, EXECUTED, (106, None)),
    "not executed": ([*ENDING, *NEW], scouting(passed(REQUESTS, *STOPPED), passed(REPLIES, *STOPPED)), (None, None)),
    "a reply came": ([*ENDING, answered(150, 151, 4), *NEW], EXECUTED, (None, None)),
    "pushed to a subscriber": (
        [*ENDING, *NEW],
        scouting(passed(REQUESTS, *OPEN), passed(REPLIES, *OPEN)),
        (None, None),
    ),
    "refused": ([*ENDING, ended(150, 151, ProbeResult.REFUSED, 0), *NEW], EXECUTED, (None, None)),
    "never closed": ([*BEFORE, *NEW], EXECUTED, (None, None)),
    "silent before": ([answered(-1_925, -1_920), *ENDING[2:], *NEW], EXECUTED, (None, None)),
    "nobody looked any more": (
        [*ENDING, *NEW],
        scouting(passed(REQUESTS, *OPEN[:2]), passed(REPLIES, *STOPPED[:2])),
        (None, None),
    ),
    "nobody looked": ([*ENDING, *NEW], None, (None, None)),
}


@pytest.mark.parametrize(("probes", "seen", "expected"), REPLY_LOST.values(), ids=REPLY_LOST)
def test_a_lost_reply_means_an_executed_request(probes: list[Probe], seen: Scouting | None, expected: Span) -> None:
    """Every connection ends at its first reply, and what was asked was done."""
    assert expected == span(judged(FaultPlan(model=FaultModel.REPLY_LOST, link=LINK), probes, seen))


DROPPED = [*BEFORE, ended(110, 401), ended(250, 401), answered(405, 406, 2)]
COUNTED = [(90, 1), (130, 1), (200, 1), (300, 1)]
HALF_OPEN = {
    "as it should be": (DROPPED, scouting(counts=[*COUNTED, (410, 0)], left=120), (110, 410)),
    "noticed before": (DROPPED, scouting(counts=[*COUNTED, (350, 0)], left=120), (None, None)),
    "never noticed": (DROPPED, scouting(counts=[*COUNTED, (410, 1)], left=120), (110, None)),
    "nobody hung up": (DROPPED, scouting(counts=[*COUNTED, (410, 0)]), (None, None)),
    "hung up before": (DROPPED, scouting(counts=[*COUNTED, (410, 0)], left=80), (None, None)),
    "nobody asked any more": (DROPPED, scouting(counts=[*COUNTED[:2], (410, 0)], left=120), (None, None)),
    "nobody asked": (DROPPED, scouting(counts=[(410, 0)], left=120), (None, None)),
    "the link was never silent": ([*BEFORE, answered(150, 151)], scouting(counts=COUNTED, left=120), (None, None)),
    "nobody looked": (DROPPED, None, (None, None)),
}


@pytest.mark.parametrize(("probes", "seen", "expected"), HALF_OPEN.values(), ids=HALF_OPEN)
def test_half_open_means_that_the_dead_are_counted(probes: list[Probe], seen: Scouting | None, expected: Span) -> None:
    """From the first silent ping until the server has noticed, after the heal, that a subscriber had gone."""
    assert expected == span(judged(FaultPlan(model=FaultModel.HALF_OPEN, link=LINK), probes, seen))


FLAP = FaultPlan(model=FaultModel.HOLD, link=LINK, cycles=2)
CYCLES = [
    (CallTimes(100 * MS, 102 * MS), CallTimes(200 * MS, 202 * MS)),
    (CallTimes(300 * MS, 302 * MS), CallTimes(400 * MS, 402 * MS)),
]
FIRST = [answered(110, 203), answered(150, 203), answered(225, 226)]
SECOND = [answered(310, 403), answered(350, 403)]
FLAPPING = {
    "both": ([*BEFORE, *FIRST, *SECOND], (110, 403)),
    "the first did nothing": ([*BEFORE, answered(110, 111), answered(225, 226), *SECOND], (None, None)),
    "the second did nothing": ([*BEFORE, *FIRST, answered(310, 311)], (None, None)),
    "the first ended only with the second": ([*BEFORE, answered(110, 403), answered(150, 403), *SECOND], (110, None)),
    "the second never ended": ([*BEFORE, *FIRST, ended(310, 900, ProbeResult.SILENT)], (110, None)),
}


@pytest.mark.parametrize(("probes", "expected"), FLAPPING.values(), ids=FLAPPING)
def test_a_flapping_link_is_proven_cycle_by_cycle(probes: list[Probe], expected: Span) -> None:
    """From the first effect to the last heal, if each cycle was seen to come and to go before the next."""
    assert expected == span(judge_cycles(make_fault(FLAP).evidence, probes, CYCLES, planned=2))


def test_a_cycle_that_did_not_take_place_is_missed() -> None:
    """Two were planned, one was injected."""
    found = judge_cycles(make_fault(FLAP).evidence, [*BEFORE, *FIRST], CYCLES[:1], planned=2)
    assert (None, None, "not shown: 1 of 2 cycles took place") == (*span(found), found.sentence)
