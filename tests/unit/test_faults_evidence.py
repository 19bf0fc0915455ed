"""Evidence: literal histories of a sentinel, mapped to exactly what they prove.

Times are milliseconds for readability. Every history has the injection at 100 to 102 and the heal at 200 to 202.
"""

from __future__ import annotations

import pytest

from harness.faults.base import CallTimes, Evidence, Probe
from harness.faults.evidence import duration
from harness.faults.registry import make_fault
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole, ProbeResult

MS = 1_000_000
INJECT = CallTimes(100 * MS, 102 * MS)
HEAL = CallTimes(200 * MS, 202 * MS)


def answered(sent: float, arrived: float, connection: int = 1, link: LinkRole = LinkRole.CONSUMERS) -> Probe:
    moment = int(arrived * MS)
    return Probe(link, int(sent * MS), moment, moment, ProbeResult.ANSWERED, connection)


def unanswered(sent: float, ended: float, result: ProbeResult, connection: int = 1) -> Probe:
    return Probe(LinkRole.CONSUMERS, int(sent * MS), None, int(ended * MS), result, connection)


def closed(sent: float, ended: float, connection: int = 1) -> Probe:
    return unanswered(sent, ended, ProbeResult.CLOSED, connection)


def silent(sent: float, ended: float, connection: int = 1) -> Probe:
    return unanswered(sent, ended, ProbeResult.SILENT, connection)


def reset(sent: float, ended: float, connection: int) -> Probe:
    return unanswered(sent, ended, ProbeResult.RESET, connection)


def refused(sent: float) -> Probe:
    return unanswered(sent, sent + 0.1, ProbeResult.REFUSED, 0)


BEFORE = [answered(50, 51), answered(75, 76)]
HELD = [answered(110, 203), answered(150, 203.1), answered(190, 203.2)]
DROPPED = [closed(110, 201), closed(150, 201), closed(190, 201)]
NEW = [answered(201, 204, 2), answered(226, 227, 2)]
DOWN = [closed(101, 101), refused(110), refused(150)]
RESET = [closed(103, 104), reset(110, 111, 2), reset(150, 151, 3)]
AFTER_RESET = [answered(203, 205, 4)]
WORKING = [*BEFORE, *(answered(at, at + 1) for at in range(100, 300, 25))]


def evidence(model: FaultModel, probes: list[Probe]) -> Evidence:
    fault = make_fault(FaultPlan(model=model, link=LinkRole.CONSUMERS))
    return fault.evidence(probes, inject=INJECT, heal=HEAL)


def seen(model: FaultModel, probes: list[Probe]) -> tuple[float | None, float | None]:
    """From when to when the fault is proven, in ms."""
    found = evidence(model, probes)
    begin, end = found.observed_from_ns, found.observed_to_ns
    return None if begin is None else begin / MS, None if end is None else end / MS


H, D, W, R = FaultModel.HOLD, FaultModel.DROP, FaultModel.DOWN, FaultModel.RESET

SANE = {
    "hold": (H, [*BEFORE, *HELD, answered(226, 227)], (110, 203)),
    "hold, a ping in flight at the injection": (H, [*BEFORE, answered(101, 203), *HELD], (101, 203)),
    "hold, a ping sent before the injection was struck too": (H, [*BEFORE, answered(99, 203), *HELD], (110, 203)),
    "hold, answers still coming when looked": (H, [*BEFORE, HELD[0], silent(190, 204)], (110, 203)),
    "hold, answered while the injection was being made": (H, [*BEFORE, answered(100.5, 102.5), *HELD], (110, 203)),
    "drop": (D, [*BEFORE, *DROPPED, *NEW], (110, 204)),
    "drop, closed with RST": (D, [*BEFORE, unanswered(110, 201, ProbeResult.RESET), *NEW], (110, 204)),
    "drop, the first new connection is closed as well": (
        D,
        [*BEFORE, *DROPPED, closed(201, 202, 2), answered(203, 205, 3)],
        (110, 205),
    ),
    "down, closed between two pings": (W, [*BEFORE, *DOWN, *NEW], (101, 204)),
    "down, closed under a ping sent before": (W, [*BEFORE, closed(99, 101.5), refused(110), *NEW], (101.5, 204)),
    "reset": (R, [*BEFORE, *RESET, *AFTER_RESET], (103, 205)),
}


@pytest.mark.parametrize(("model", "probes", "expected"), SANE.values(), ids=SANE)
def test_evidence_of_a_fault_that_worked(model: FaultModel, probes: list[Probe], expected: tuple[float, float]) -> None:
    """What is proven begins with the first struck probe and ends with the first answer on a working connection."""
    assert expected == seen(model, probes)


HEAL_NOT_SEEN = {
    "hold, never answered": (H, [*BEFORE, silent(110, 900), silent(150, 900)], 110),
    "hold, closed by the heal": (H, [*BEFORE, *DROPPED, *NEW], 110),
    "hold, some answered and then closed": (H, [*BEFORE, HELD[0], closed(150, 204), *NEW], 110),
    "drop, never closed": (D, [*BEFORE, silent(110, 900)], 110),
    "drop, closed and nothing new answers": (D, [*BEFORE, *DROPPED, silent(203, 900, 2)], 110),
    "down, refused for ever": (W, [*BEFORE, *DOWN, refused(300)], 101),
    "reset, reset for ever": (R, [*BEFORE, *RESET, reset(300, 301, 4)], 103),
}


@pytest.mark.parametrize(("model", "probes", "begin"), HEAL_NOT_SEEN.values(), ids=HEAL_NOT_SEEN)
def test_a_heal_that_was_not_seen(model: FaultModel, probes: list[Probe], begin: float) -> None:
    """A fault whose end is not shown has a beginning and no end."""
    assert (begin, None) == seen(model, probes)


NOT_SHOWN = {
    "nothing before": (H, HELD),
    "no ping while on": (H, [*BEFORE, answered(226, 227)]),
    "only a ping on its way when the heal began": (H, [*BEFORE, answered(199.5, 200.4)]),
    "hold that leaks": (H, [*BEFORE, answered(110, 111), *HELD]),
    "hold that closes": (H, [*BEFORE, closed(110, 150), answered(151, 203, 2)]),
    "drop that leaks": (D, [*BEFORE, answered(110, 111), *DROPPED, *NEW]),
    "drop that closes at once": (D, [*BEFORE, closed(110, 112), *NEW]),
    "drop that held": (D, [*BEFORE, *HELD]),
    "drop that held, then closed": (D, [*BEFORE, *HELD, closed(230, 231), answered(240, 241, 2)]),
    "down that leaves the connection open": (W, [*BEFORE, silent(110, 150), refused(150), *NEW]),
    "down without an attempt": (W, [*BEFORE, closed(101, 101), *NEW]),
    "down that accepts and closes": (W, [*BEFORE, closed(101, 101), closed(110, 111, 2), *NEW]),
    "down that lets new ones through": (W, [*BEFORE, *DOWN, answered(160, 161, 2), *NEW]),
    "down that resets": (W, [*BEFORE, *RESET, *AFTER_RESET]),
    "reset that refuses": (R, [*BEFORE, *DOWN, *NEW]),
    "reset that closes new ones": (R, [*BEFORE, closed(103, 104), closed(110, 111, 2), *AFTER_RESET]),
    "reset that spares the open one": (R, [*BEFORE, silent(103, 250), reset(110, 111, 2), *AFTER_RESET]),
    "closed before the injection": (W, [*BEFORE, closed(90, 91), refused(95), *NEW]),
    "closed after the heal": (W, [*BEFORE, closed(201, 202), *NEW]),
}


@pytest.mark.parametrize(("model", "probes"), NOT_SHOWN.values(), ids=NOT_SHOWN)
def test_what_contradicts_a_fault_makes_it_unproven(model: FaultModel, probes: list[Probe]) -> None:
    """A fault that the probes contradict or do not touch has neither beginning nor end, and the sentence says why."""
    assert (None, None) == seen(model, probes)


@pytest.mark.parametrize("model", [H, D, W, R])
@pytest.mark.parametrize("probes", [[], BEFORE, WORKING], ids=["empty", "ends early", "no fault at all"])
def test_no_fault_is_no_evidence(model: FaultModel, probes: list[Probe]) -> None:
    """Where nothing happened, nothing is proven for any fault."""
    assert (None, None) == seen(model, probes)


@pytest.mark.parametrize("case", SANE, ids=SANE)
def test_no_history_proves_two_faults(case: str) -> None:
    """A history that proves one fault proves none of the others: their names mean different things."""
    model, probes, _ = SANE[case]
    others = [other for other in (H, D, W, R) if other is not model and None not in seen(other, probes)]
    assert [] == others


@pytest.mark.parametrize(
    ("model", "struck"), [(H, HELD), (D, [*DROPPED, *NEW]), (W, [*DOWN, *NEW]), (R, [*RESET, *AFTER_RESET])]
)
def test_a_link_that_was_silent_before_was_not_struck(model: FaultModel, struck: list[Probe]) -> None:
    """Whatever happened to it had happened long before the injection."""
    assert None not in seen(model, [answered(-1_895, -1_890), *struck])
    silent_for_long = [answered(-1_925, -1_920), *struck]
    assert (None, None) == seen(model, silent_for_long)
    words = "not shown: no ping had been answered for 2.02 s when the injection began"
    assert words == evidence(model, silent_for_long).sentence


@pytest.mark.parametrize("model", [H, D, W, R])
def test_probes_of_other_links_do_not_count(model: FaultModel) -> None:
    """A fault is judged by its own link's sentinel only."""
    own = [*BEFORE, *HELD]
    foreign = [answered(at, at + 1, link=LinkRole.PRODUCERS) for at in range(50, 300, 25)]
    assert evidence(model, own) == evidence(model, [*foreign, *own])


def test_order_of_the_probes_does_not_matter() -> None:
    """The history is sorted by the evidence, not by whoever wrote it."""
    probes = [*BEFORE, *DROPPED, *NEW]
    assert evidence(D, probes) == evidence(D, list(reversed(probes)))


SENTENCES: dict[str, tuple[FaultModel, list[Probe], str]] = {
    "hold": (
        H,
        [*BEFORE, *HELD],
        "3 pings went unanswered for up to 90 ms on a connection that stayed open; "
        "3 of 3 pings got a late answer on the same connection, the first 3.0 ms after the heal began",
    ),
    "down": (
        W,
        [*BEFORE, *DOWN, *NEW],
        "the open connection was closed 1.0 ms after the injection began, and all 2 new connections were refused; "
        "a new one answered 4.0 ms after the heal began",
    ),
    "leak": (
        H,
        WORKING,
        "not shown: 3 pings sent while the fault should have been on were answered, "
        "the first sent 23 ms after the injection",
    ),
}


@pytest.mark.parametrize(("model", "probes", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_the_sentence_has_the_numbers(model: FaultModel, probes: list[Probe], sentence: str) -> None:
    """What was seen is told in one sentence, with counts and times."""
    assert sentence == evidence(model, probes).sentence


@pytest.mark.parametrize(("ns", "text"), [(300_000, "0.3 ms"), (41_200_000, "41 ms"), (3_020_000_000, "3.02 s")])
def test_durations_for_humans(ns: int, text: str) -> None:
    """A duration has the unit and digits that a reader needs."""
    assert text == duration(ns)
