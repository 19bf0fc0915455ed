"""What INFO of a master and its replicas proves about a cut of the replication: literal sights, exact answers.

Times are milliseconds. The cut is made from 100 to 110, the strike begins at 500.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.faults.base import CallTimes
from harness.faults.lookout import Sight
from harness.faults.replication_evidence import bytes_behind, judge_cut
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


def test_what_arrives_late_was_not_cut_off() -> None:
    """Bytes of before the cut may be on their way right after it, and a quarter of a second later not any more."""
    proof = judge(*REIGN, *ONE, at(THIRD, 200, 980), at(THIRD, 350, 980), at(THIRD, 450, 990))
    assert not proof.holds
    assert "10 bytes more had reached the replica on port 7002 341 ms after its cut" in proof.sentence


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


def test_how_far_replicas_were_behind() -> None:
    """The last sights before the moment count; without the master's nothing is known."""
    sights = (at(MASTER, 50, 1_000), at(OTHER, 50, 400), at(THIRD, 50, 1_005), at(OTHER, 600, 2_000))
    assert {OTHER: 600, THIRD: 0} == bytes_behind(sights, master_port=MASTER, at_ns=100 * MS)
    assert {} == bytes_behind(sights, master_port=MASTER + 9, at_ns=100 * MS)
