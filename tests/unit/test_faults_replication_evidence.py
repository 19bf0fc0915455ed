"""What INFO of a master and its replicas proves about a cut of the replication: literal sights, exact answers.

Times are milliseconds. The cut is made from 100 to 110, the strike begins at 500.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.faults.base import CallTimes
from harness.faults.lookout import Sight
from harness.faults.replication_evidence import bytes_behind, has_been_seen, judge_cut
from harness.faults.server_base import Proof

MS = 1_000_000
MASTER, OTHER, THIRD = 7000, 7001, 7002
CUT, STRIKE = CallTimes(100 * MS, 110 * MS), CallTimes(500 * MS, 510 * MS)


def at(port: int, asked_ms: int, offset: int) -> Sight:
    role = "master" if port == MASTER else "slave"
    return Sight(port, asked_ms * MS, (asked_ms + 1) * MS, f"life of {port}", role, replication_offset=offset)


def judge(*sights: Sight, strike_ms: int = 500) -> Proof:
    """What is found of ``sights``, in the order in which they were answered."""
    ordered = sorted(sights, key=lambda it: it.answered_ns)
    strike = CallTimes(strike_ms * MS, (strike_ms + 10) * MS)
    return judge_cut(ordered, master_port=MASTER, cut=CUT, strike=strike)


REIGN = (at(MASTER, 90, 900), at(MASTER, 120, 1_000), at(MASTER, 290, 3_000), at(MASTER, 490, 5_000))
ONE = (at(OTHER, 105, 1_000), at(OTHER, 480, 1_000))
TWO = (at(THIRD, 350, 990), at(THIRD, 520, 9_000))
STILL = (*REIGN, *ONE, *TWO)


def test_a_cut_is_a_replication_that_stands_still() -> None:
    """What was on its way when it was cut may still arrive; what the master writes later may not."""
    proof = judge(*STILL)
    assert (True, "4,000, 4,010 bytes behind") == (proof.holds, proof.sentence[-25:])
    on_its_way = (at(OTHER, 105, 900), at(OTHER, 130, 900), at(OTHER, 165, 1_000), at(OTHER, 480, 1_000))
    assert judge(*REIGN, *on_its_way, *TWO).holds


@pytest.mark.parametrize(
    ("sights", "words"),
    [
        ((*STILL, at(OTHER, 495, 1_001)), "its replicas went on to be fed, the one on port 7001 by 1 bytes"),
        ((*STILL, at(OTHER, 200, 1_001)), "its replicas went on to be fed, the one on port 7001 by 1 bytes"),
        ((*REIGN[:2], at(MASTER, 490, 1_000), *ONE, *TWO), "the master wrote nothing"),
        ((REIGN[0], REIGN[3], *ONE, *TWO), "the master was not seen twice"),
        ((*REIGN[:2], *ONE, *TWO), "the master was not seen twice"),
        (REIGN, "no replica was seen"),
        ((*REIGN, *ONE, at(THIRD, 80, 990)), "not every replica was seen"),
        ((*REIGN, *ONE, at(THIRD, 280, 990)), "not every replica was seen"),
        ((*REIGN, *ONE, at(THIRD, 350, -1)), "the replica on port 7002 did not say how far it is"),
        ((), "the master was not seen twice"),
    ],
    ids=[
        "fed",
        "fed, and rolled back",
        "nothing written",
        "no sight at the cut",
        "none before the strike",
        "no replica",
        "one",
        "asked before",
        "lost",
        "none",
    ],
)
def test_what_is_no_cut(sights: tuple[Sight, ...], words: str) -> None:
    """Fed on, nothing to feed, or not seen."""
    proof = judge(*sights)
    assert not proof.holds
    assert words in proof.sentence


def test_a_replica_that_did_not_run_gets_what_lay_in_its_socket_late() -> None:
    """All that the master had written when it was first seen after the cut, and no byte more."""
    idle = (at(THIRD, 105, 900), at(THIRD, 165, 900))
    assert judge(*REIGN, *ONE, *idle, at(THIRD, 350, 1_000), at(THIRD, 450, 1_000)).holds
    assert not judge(*REIGN, *ONE, *idle, at(THIRD, 350, 1_001), at(THIRD, 450, 1_001)).holds


def test_a_replica_that_gets_more_again_and_again_is_being_fed() -> None:
    """One that is far behind may be fed for long before it has what the master wrote after the cut."""
    fed = [at(THIRD, 130 + 60 * turn, 500 + 5 * turn) for turn in range(6)]
    proof = judge(*REIGN, *ONE, *fed)
    assert not proof.holds
    assert "20 bytes more had reached the replica on port 7002 321 ms after its cut" in proof.sentence


def every(interval_ms: int, port: int, *, until_ms: int, gap_ms: tuple[int, int] = (0, 0)) -> list[Sight]:
    """Sights from -1 s on, of a master that writes a byte each millisecond or of a replica that stands still since 90.

    None is asked inside of ``gap_ms``.
    """
    moments = [moment for moment in range(-1_000, until_ms, interval_ms) if not gap_ms[0] < moment < gap_ms[1]]
    return [at(port, it, 2_000 + it if port == MASTER else 2_000 + min(it, 90)) for it in moments]


SLOW, QUICK = 120, 50
"""Intervals of sighting, ms."""


@pytest.mark.parametrize(
    ("interval_ms", "master_gap", "replica_gap", "words"),
    [
        (QUICK, (100, 290), (1_895, 2_000), ""),
        (QUICK, (100, 345), (0, 0), "the master was first seen 240 ms after the cut of the replication"),
        (QUICK, (0, 0), (1_750, 2_000), "the replica on port 7001 was last seen 250 ms before the strike"),
        (SLOW, (100, 345), (1_750, 2_000), ""),
        (SLOW, (100, 700), (0, 0), "the master was first seen 690 ms after the cut"),
    ],
    ids=["near", "cut not seen", "strike not seen", "a slow machine", "too late for it too"],
)
def test_the_ends_of_a_cut_have_to_be_seen(
    interval_ms: int, master_gap: tuple[int, int], replica_gap: tuple[int, int], words: str
) -> None:
    """Within four intervals of sighting, as they usually are on this machine."""
    proof = judge(
        *every(interval_ms, MASTER, until_ms=2_000, gap_ms=master_gap),
        *every(interval_ms, OTHER, until_ms=2_000, gap_ms=replica_gap),
        *every(interval_ms, THIRD, until_ms=2_000),
        strike_ms=2_000,
    )
    assert (words == "") is proof.holds, proof.sentence
    assert words in proof.sentence


def test_what_nobody_saw_may_not_be_most_of_it() -> None:
    """However slow the machine is: where sights are a quarter of a second apart, four of them are all of the cut."""
    sights = [it for port in (OTHER, THIRD) for it in every(250, port, until_ms=1_400)]
    assert judge(*every(250, MASTER, until_ms=1_400), *sights, strike_ms=1_400).holds
    late = judge(*every(250, MASTER, until_ms=1_400, gap_ms=(0, 760)), *sights, strike_ms=1_400)
    assert (False, True) == (late.holds, "first seen 890 ms after the cut" in late.sentence)


@pytest.mark.parametrize("port", [MASTER, OTHER])
def test_a_server_that_was_started_anew_says_nothing_of_a_cut(port: int) -> None:
    """What its new life has is not what it had been sent."""
    proof = judge(
        *(replace(it, run_id="another life") if it.port == port and it.asked_ns > 450 * MS else it for it in STILL)
    )
    assert not proof.holds
    assert f"the server on port {port} was started anew between the cut" in proof.sentence


ASKED = (*REIGN, at(OTHER, 460, 1_000), at(THIRD, 470, 990))


@pytest.mark.parametrize(
    ("sights", "now_ms", "seen"),
    [
        (ASKED, 500, True),
        (ASKED, 560, True),
        (ASKED, 561, False),
        (ASKED, 420, False),
        ((REIGN[0], *ASKED[4:]), 500, False),
        ((*REIGN[:2], at(MASTER, 400, 1_000), *ASKED[4:]), 500, False),
        ((*REIGN[:2], REIGN[3], *ASKED[4:]), 500, False),
        (ASKED[:5], 500, True),
        ((*ASKED[:5], at(THIRD, 399, 990)), 500, False),
        ((*ASKED[:5], at(THIRD, 480, 9_000)), 500, True),
        ((), 500, False),
    ],
    ids=[
        "all of it",
        "two intervals ago",
        "one replica is longer ago",
        "the master was not alone for long enough",
        "no master since the cut",
        "it wrote nothing",
        "replicas asked before it wrote",
        "one replica",
        "the other is longer ago",
        "what they say is for the evidence",
        "nothing",
    ],
)
def test_what_a_strike_waits_for(sights: tuple[Sight, ...], now_ms: int, *, seen: bool) -> None:
    """The master was first seen at 121, was to be left alone for 300 ms, and was seen to have written at 291."""
    ordered = sorted(sights, key=lambda it: it.answered_ns)
    found = has_been_seen(ordered, master_port=MASTER, cut=CUT, now_ns=now_ms * MS, alone_ns=300 * MS)
    assert seen is found


def test_a_strike_that_has_seen_enough_has_its_ends_seen() -> None:
    """Also where sights are a quarter of a second apart: half of the time is the most that may go unseen."""
    replicas = [it for port in (OTHER, THIRD) for it in every(250, port, until_ms=1_400)]
    sights = sorted([*every(250, MASTER, until_ms=1_400), *replicas], key=lambda it: it.answered_ns)
    for now_ms in range(700, 1_400, 10):
        seen = [it for it in sights if it.answered_ns <= now_ms * MS]
        if has_been_seen(seen, master_port=MASTER, cut=CUT, now_ns=now_ms * MS, alone_ns=300 * MS):
            assert judge(*seen, strike_ms=now_ms).holds


def test_how_far_replicas_were_behind() -> None:
    """The last sights before the moment count; without the master's nothing is known."""
    sights = (at(MASTER, 50, 1_000), at(OTHER, 50, 400), at(THIRD, 50, 1_005), at(OTHER, 600, 2_000))
    assert {OTHER: 600, THIRD: 0} == bytes_behind(sights, master_port=MASTER, at_ns=100 * MS)
    assert {} == bytes_behind(sights, master_port=MASTER + 9, at_ns=100 * MS)
