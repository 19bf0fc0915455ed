"""What pings and INFO prove about a fault of a server: literal sights, exact answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.faults.base import CallTimes, Evidence, Probe
from harness.faults.lookout import Sight
from harness.faults.server_base import Deed, Proof, Seen
from harness.faults.server_evidence import (
    judge_aof_refused,
    judge_counter,
    judge_died,
    judge_ended_itself,
    judge_failover,
    judge_paused,
)
from harness.model.words import LinkRole, ProbeResult

MS = 1_000_000
PORT, OTHER = 7000, 7001
INJECT, HEAL = Deed(CallTimes(100 * MS, 110 * MS)), Deed(CallTimes(500 * MS, 510 * MS))
BEFORE = Sight(PORT, 50 * MS, 51 * MS, "first-life", "master")
DURING = replace(BEFORE, asked_ns=300 * MS, answered_ns=301 * MS)
AFTER = replace(BEFORE, asked_ns=600 * MS, answered_ns=601 * MS)
REBORN = replace(AFTER, run_id="second-life")
GREW = replace(DURING, oom_errors=7, maxmemory=1)


def probe(sent: int, ended: int, result: ProbeResult, connection: int) -> Probe:
    answered = ended * MS if result is ProbeResult.ANSWERED else None
    return Probe(LinkRole.STRAIGHT, sent * MS, answered, ended * MS, result, connection)


DEATH = (
    probe(80, 81, ProbeResult.ANSWERED, 1),
    probe(99, 105, ProbeResult.CLOSED, 1),
    probe(200, 201, ProbeResult.REFUSED, 0),
    probe(520, 521, ProbeResult.ANSWERED, 2),
)
STOP = (
    probe(80, 81, ProbeResult.ANSWERED, 1),
    probe(200, 505, ProbeResult.ANSWERED, 1),
    probe(520, 521, ProbeResult.ANSWERED, 1),
)


def test_a_death_is_another_life_behind_a_refused_port() -> None:
    """From the closing of the connection to the first answer of a server that has its data."""
    loading = replace(REBORN, asked_ns=520 * MS, answered_ns=521 * MS, loading=True)
    found = judge_died(Seen(DEATH, (BEFORE, loading, REBORN)), inject=INJECT, heal=HEAL)
    assert (105 * MS, 601 * MS) == (found.observed_from_ns, found.observed_to_ns)
    assert "another life of the server had its data 101 ms after the heal began" in found.sentence


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Seen(DEATH, (BEFORE, AFTER)), "the same life (run id first-li)"),
        (Seen(DEATH, (BEFORE,)), "INFO was not answered before and after"),
        (Seen(DEATH[:1] + DEATH[3:], (BEFORE, REBORN)), "neither closed nor reset"),
        (Seen(STOP, (BEFORE, REBORN)), "neither closed nor reset"),
        (Seen((), ()), "no ping was answered before"),
    ],
    ids=["same life", "no INFO", "not closed", "only silent", "nothing seen"],
)
def test_what_is_no_death(seen: Seen, words: str) -> None:
    """Each contradiction makes it unproven, and the sentence says which."""
    found = judge_died(seen, inject=INJECT, heal=HEAL)
    assert found.observed_to_ns is None
    assert words in found.sentence


def test_an_end_before_the_heal_is_none() -> None:
    """Another life that answers while nobody has mended anything: the heal is not what brought it back."""
    early = replace(REBORN, asked_ns=300 * MS, answered_ns=301 * MS)
    found = judge_died(Seen(DEATH, (BEFORE, early)), inject=INJECT, heal=HEAL)
    assert (105 * MS, None) == (found.observed_from_ns, found.observed_to_ns)
    assert "INFO was not answered before and after" in found.sentence


def test_what_was_seen_long_ago_is_not_how_it_was() -> None:
    """Two questions in a row without an answer before the injection: the server may have failed by itself."""
    late = 3_000 * MS
    inject, heal = (Deed(CallTimes(it.times.before_ns + late, it.times.after_ns + late)) for it in (INJECT, HEAL))

    def seen_before(ago_ms: int) -> list[str]:
        moment = inject.times.before_ns - ago_ms * MS
        before = replace(BEFORE, asked_ns=moment, answered_ns=moment)
        shifted = [replace(it, asked_ns=it.asked_ns + late, answered_ns=it.answered_ns + late) for it in (GREW, AFTER)]
        promoted, reigns = (replace(it, port=OTHER, run_id="replica") for it in shifted)
        counted = judge_counter(
            Seen(sights=(before, *shifted)), inject=inject, heal=heal, counter=lambda it: it.oom_errors, what="refusals"
        )
        deposed = judge_failover(
            Seen(sights=(before, promoted, reigns)),
            inject=inject,
            heal=heal,
            old_port=PORT,
            new_port=OTHER,
            dies=True,
            old_returns=False,
        )
        return [it.sentence[:9] for it in (counted, deposed) if it.observed_to_ns is None]

    assert [] == seen_before(2_000)
    assert ["not shown"] * 2 == seen_before(2_200)


def test_a_proof_that_fails_outweighs_everything() -> None:
    """A power cut whose control survived is no power cut."""
    cut = replace(INJECT, proofs=(Proof(False, "a file that was never synced survived the cut"),))
    found = judge_died(Seen(DEATH, (BEFORE, REBORN)), inject=cut, heal=HEAL)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    assert "not shown: a file that was never synced survived the cut" == found.sentence


def test_a_server_may_go_on_for_a_while_before_it_ends_itself() -> None:
    """What it answers before its end is no leak; what anybody answers between its end and the heal is one."""
    late = (
        probe(80, 81, ProbeResult.ANSWERED, 1),
        probe(150, 151, ProbeResult.ANSWERED, 1),
        probe(160, 170, ProbeResult.CLOSED, 1),
        *DEATH[2:],
    )
    seen = Seen(late, (BEFORE, REBORN))
    assert judge_died(seen, inject=INJECT, heal=HEAL).observed_from_ns is None
    found = judge_ended_itself(seen, inject=INJECT, heal=HEAL)
    assert (160 * MS, 601 * MS) == (found.observed_from_ns, found.observed_to_ns)
    ending = probe(171, 172, ProbeResult.RESET, 2)
    found = judge_ended_itself(Seen((*late[:3], ending, *late[3:]), (BEFORE, REBORN)), inject=INJECT, heal=HEAL)
    assert (160 * MS, 601 * MS) == (found.observed_from_ns, found.observed_to_ns)
    leak = probe(300, 301, ProbeResult.ANSWERED, 2)
    found = judge_ended_itself(Seen((*late[:4], leak, late[4]), (BEFORE, REBORN)), inject=INJECT, heal=HEAL)
    assert found.observed_from_ns is None
    found = judge_ended_itself(Seen(STOP, (BEFORE, AFTER)), inject=INJECT, heal=HEAL)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)


def test_a_pause_is_the_same_life_that_answers_late() -> None:
    """Silence on a connection that stays, and the same run id on both sides of it."""
    found = judge_paused(Seen(STOP, (BEFORE, AFTER)), inject=INJECT, heal=HEAL)
    assert (200 * MS, 505 * MS) == (found.observed_from_ns, found.observed_to_ns)
    found = judge_paused(Seen(STOP, (BEFORE, REBORN)), inject=INJECT, heal=HEAL)
    assert found.observed_to_ns is None
    found = judge_paused(Seen(DEATH, (BEFORE, REBORN)), inject=INJECT, heal=HEAL)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)


def grown(sight: Sight, *, errors: int, limit: int = 1) -> Sight:
    return replace(sight, oom_errors=errors, maxmemory=limit)


@pytest.mark.parametrize(
    ("sights", "expected", "words"),
    [
        ((BEFORE, grown(DURING, errors=7), grown(AFTER, errors=9, limit=0)), (301 * MS, 601 * MS), "7 refusals"),
        ((BEFORE, DURING, AFTER), (None, None), "no refusals while"),
        ((BEFORE, grown(DURING, errors=7, limit=0), AFTER), (None, None), "a memory limit"),
        ((BEFORE, grown(DURING, errors=7), grown(AFTER, errors=9)), (301 * MS, None), "not seen to be mended"),
        ((BEFORE, grown(DURING, errors=7, limit=0), grown(AFTER, errors=9)), (None, None), "a memory limit"),
        ((grown(DURING, errors=7), AFTER), (None, None), "not answered before"),
        ((BEFORE, replace(grown(DURING, errors=7), run_id="second-life"), AFTER), (None, None), "no refusals while"),
    ],
    ids=[
        "grew and was lifted",
        "nothing refused",
        "no limit",
        "never lifted",
        "a limit after the heal",
        "not seen before",
        "another life",
    ],
)
def test_a_counter_has_to_grow_while_the_limit_is_on(
    sights: tuple[Sight, ...], expected: tuple[int | None, int | None], words: str
) -> None:
    """Only what was counted between injection and heal, in one life, under a limit that was lifted again."""
    found = judge_counter(
        Seen(sights=sights), inject=INJECT, heal=HEAL, counter=lambda sight: sight.oom_errors, what="refusals"
    )
    assert expected == (found.observed_from_ns, found.observed_to_ns)
    assert words in found.sentence


def test_a_full_disk_is_what_the_server_says_of_its_file() -> None:
    """Failed in between, in order before and after."""
    failing = replace(DURING, aof_write_ok=False, misconf_errors=12)
    found = judge_aof_refused(Seen(sights=(BEFORE, failing, AFTER)), inject=INJECT, heal=HEAL)
    assert (301 * MS, 601 * MS) == (found.observed_from_ns, found.observed_to_ns)
    assert "refused 12 writes" in found.sentence
    for sights in ((BEFORE, DURING, AFTER), (replace(BEFORE, aof_write_ok=False), failing, AFTER)):
        found = judge_aof_refused(Seen(sights=sights), inject=INJECT, heal=HEAL)
        assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    for ends in ((), (REBORN,)):
        found = judge_aof_refused(Seen(sights=(BEFORE, failing, *ends)), inject=INJECT, heal=HEAL)
        assert (301 * MS, None) == (found.observed_from_ns, found.observed_to_ns)


THIRD = 7002
PROMOTED = replace(DURING, port=OTHER, run_id="replica")
REIGNS = replace(PROMOTED, asked_ns=600 * MS, answered_ns=602 * MS)
USURPER = replace(PROMOTED, port=THIRD, asked_ns=320 * MS, answered_ns=321 * MS)
RETURNED = replace(REBORN, role="slave")


def failed_over(*sights: Sight, dies: bool = True, old_returns: bool = False) -> Evidence:
    """What is found where clients were led to `OTHER`."""
    return judge_failover(
        Seen(sights=sights),
        inject=INJECT,
        heal=HEAL,
        old_port=PORT,
        new_port=OTHER,
        dies=dies,
        old_returns=old_returns,
    )


def test_a_failover_lasts_until_the_new_master_was_seen_after_the_heal() -> None:
    """From the injection on: who is cut off feels it until clients were led on, however early the promotion was."""
    found = failed_over(BEFORE, replace(PROMOTED, role="slave"), PROMOTED, REIGNS)
    assert (110 * MS, 602 * MS) == (found.observed_from_ns, found.observed_to_ns)
    assert "the server on port 7001 said that it is the master 201 ms after the injection began" == found.sentence


@pytest.mark.parametrize(
    ("dies", "back", "expected"),
    [
        (True, replace(REBORN, role="slave"), 602 * MS),
        (True, replace(AFTER, role="slave"), None),
        (False, replace(AFTER, role="slave"), 602 * MS),
        (False, replace(REBORN, role="slave"), None),
        (True, REBORN, None),
    ],
    ids=["killed", "killed but same life", "hung", "hung but another life", "still a master"],
)
def test_the_old_master_comes_back_as_this_fault_lets_it(dies: bool, back: Sight, expected: int | None) -> None:
    """A killed one as another life, a hung one as the same, both as a replica."""
    found = failed_over(BEFORE, PROMOTED, back, REIGNS, dies=dies, old_returns=True)
    assert (110 * MS, expected) == (found.observed_from_ns, found.observed_to_ns)


def test_an_old_master_that_wakes_up_is_one_until_it_is_told() -> None:
    """It is deposed, and believes that it is not: no second failover. The fault ends when it follows."""
    woken, told = AFTER, replace(AFTER, role="slave", asked_ns=900 * MS, answered_ns=901 * MS)
    found = failed_over(BEFORE, PROMOTED, woken, REIGNS, told, dies=False, old_returns=True)
    assert (110 * MS, 901 * MS) == (found.observed_from_ns, found.observed_to_ns)


@pytest.mark.parametrize(
    ("sights", "words"),
    [
        ((BEFORE,), "no other server said that it is the master"),
        ((BEFORE, replace(PROMOTED, role="slave")), "no other server said that it is the master"),
        ((BEFORE, DURING, PROMOTED, REIGNS), "answered INFO while it should not"),
        ((replace(BEFORE, role="slave"), PROMOTED, REIGNS), "was not seen as the master before"),
        ((PROMOTED, REIGNS), "was not seen as the master before"),
        ((replace(BEFORE, port=OTHER), BEFORE, REIGNS), "which said that it is the master 49 ms before the injection"),
    ],
    ids=["nobody", "still a replica", "old one answers", "was a replica", "not seen before", "two from the beginning"],
)
def test_what_is_no_failover(sights: tuple[Sight, ...], words: str) -> None:
    """A master that answers, or no other one, is no failover."""
    found = failed_over(*sights)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    assert words in found.sentence


@pytest.mark.parametrize(
    ("sights", "words"),
    [
        (
            (BEFORE, USURPER, replace(USURPER, asked_ns=350 * MS, answered_ns=351 * MS), PROMOTED, REIGNS),
            "there was more than one failover; who said that it is the master: port 7002 from 221 ms after the "
            "injection began to 251 ms after the injection began, port 7001 from 201 ms after the injection began to "
            "502 ms after the injection began; clients were led to the server on port 7001",
        ),
        (
            (BEFORE, USURPER, replace(REIGNS, role="slave")),
            "clients were led to the server on port 7001, which did not say that it is the master; who said so: "
            "port 7002 from 221 ms after the injection began to 221 ms after the injection began",
        ),
        (
            (BEFORE, PROMOTED, replace(REIGNS, role="slave")),
            "clients were led to the server on port 7001, which was the master no more 502 ms after the injection "
            "began; who said so: port 7001 from 201 ms after the injection began to 201 ms after the injection began",
        ),
        (
            (BEFORE, PROMOTED, REIGNS, replace(USURPER, asked_ns=900 * MS, answered_ns=901 * MS)),
            "there was more than one failover",
        ),
    ],
    ids=["between", "led to another", "deposed again", "after the heal"],
)
def test_a_second_failover_is_told_and_proves_nothing(sights: tuple[Sight, ...], words: str) -> None:
    """What is counted would be of neither: who claimed to be the master when is in the sentence."""
    found = failed_over(*sights)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    assert words in found.sentence


@pytest.mark.parametrize(
    "sights",
    [
        (BEFORE, PROMOTED, REIGNS, replace(REIGNS, run_id="another", asked_ns=900 * MS, answered_ns=901 * MS)),
        (BEFORE, PROMOTED, replace(REIGNS, run_id="another")),
        (BEFORE, replace(PROMOTED, role="slave", run_id="another", asked_ns=200 * MS), PROMOTED, REIGNS),
    ],
    ids=["after the heal", "before it", "before it was promoted"],
)
def test_a_new_master_that_was_started_anew_proves_nothing(sights: tuple[Sight, ...]) -> None:
    """What its log holds is then what its files had kept, too."""
    found = failed_over(*sights)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    assert "clients were led to the server on port 7001, which was started anew" in found.sentence
    assert "after the injection began: no failover alone" in found.sentence


@pytest.mark.parametrize(
    ("returns", "later", "words"),
    [
        (
            True,
            replace(RETURNED, asked_ns=900 * MS, answered_ns=901 * MS, run_id="third-life"),
            "the old one was started anew",
        ),
        (
            True,
            replace(RETURNED, asked_ns=900 * MS, answered_ns=901 * MS, role="master"),
            "the old one was the master again",
        ),
        (False, RETURNED, "the old one, dead for good, answered"),
    ],
)
def test_an_old_master_that_does_not_stay_deposed(returns: bool, later: Sight, words: str) -> None:
    """It reigns again, or lives where it should be dead: seen to take effect, not to have ended."""
    sights = (BEFORE, PROMOTED, REIGNS, *((RETURNED,) if returns else ()))
    assert failed_over(*sights, old_returns=returns).observed_to_ns is not None
    found = failed_over(*sights, later, old_returns=returns)
    assert (110 * MS, None) == (found.observed_from_ns, found.observed_to_ns)
    assert words in found.sentence


def test_a_new_master_that_was_not_seen_after_the_heal() -> None:
    """It took effect, and nobody knows whether clients were led to a master."""
    for later in ((), (replace(REIGNS, asked_ns=505 * MS),)):
        found = failed_over(BEFORE, PROMOTED, *later)
        assert (110 * MS, None) == (found.observed_from_ns, found.observed_to_ns)
        assert "it was not seen as the master after the heal" in found.sentence
