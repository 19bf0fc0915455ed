"""Until when a scope was certainly given nothing, told by the drain's sentinels, and whose barrier was reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from literal_history import MS, LiteralTrial, pubsub_arm, stream_arm

from harness.check.clauses import spoil_clause
from harness.history.journal import BarrierPart
from harness.model.message import SENTINEL_BASE
from harness.model.results import ClauseResult
from harness.model.words import Guarantee, OutcomeCode, Stance, Verdict

UNSEEN = (BarrierPart.SENTINELS_SEEN,)
TWO_SCOPES = pubsub_arm(scopes=2, producers=2)


def drained(folder: Path, *, without: tuple[BarrierPart, ...] = UNSEEN) -> LiteralTrial:
    """Ten messages of each of two producers for two scopes, which get the first sentinels; then 0 stops, 1 goes on.

    Producer 0 sends its last sentinel at 1.2 s and producer 1 at 5 s; the drain gives up at 8 s.
    """
    trial = LiteralTrial(folder, [TWO_SCOPES])
    trial.sane(10)
    trial.send(SENTINEL_BASE + 1, 1_200)
    trial.send(SENTINEL_BASE + 1, 5_000, producer=1)
    trial.finish(without=without)
    return trial


def deaf(trial: LiteralTrial, *scopes: int) -> None:
    """These scopes got no sentinel."""
    for scope in scopes:
        trial.without(f"consumer-0-{scope}-0", sequence=SENTINEL_BASE)


def test_a_scope_without_a_sentinel_is_deaf_until_the_last_that_was_acknowledged(tmp_path: Path) -> None:
    """Whichever producer sent it, and whichever scope it is; it does not matter that the other one died."""
    for scopes in ((0,), (1,), (0, 1)):
        trial = drained(tmp_path / str(len(scopes)) / str(scopes[0]))
        deaf(trial, *scopes)
        assert 5_000 * MS == trial.result().deaf_until_ns


def test_a_scope_that_got_one_sentinel_is_not_deaf(tmp_path: Path) -> None:
    """Producer 1 died before it could send any: it is not the reader who did not do its part."""
    trial = drained(tmp_path)
    for scope in (0, 1):
        trial.without(f"consumer-0-{scope}-0", sequence=SENTINEL_BASE, producer=1)
    trial.without("producer-0-1", sequence=SENTINEL_BASE)
    trial.without("producer-0-1", sequence=SENTINEL_BASE + 1)
    assert trial.result().deaf_until_ns is None


def test_a_sentinel_that_came_after_the_drain_gave_up_came(tmp_path: Path) -> None:
    """The scope was late, and from when on it was reading nobody knows."""
    trial = drained(tmp_path)
    deaf(trial, 0)
    trial.receive(SENTINEL_BASE + 1, 8_500, producer=1, effect=False)
    assert trial.result().deaf_until_ns is None


@pytest.mark.parametrize("code", [OutcomeCode.REJECTED, OutcomeCode.INDETERMINATE])
def test_only_what_was_acknowledged_in_time_was_missed(tmp_path: Path, code: OutcomeCode) -> None:
    """What came to nothing may never have reached the server, nor before the drain gave up what was answered later."""
    trial = LiteralTrial(tmp_path, [stream_arm()])
    trial.sane(10)
    deaf(trial, 0)
    trial.send(SENTINEL_BASE + 1, 2_000, takes=3_000)
    trial.send(SENTINEL_BASE + 2, 6_000, code)
    trial.send(SENTINEL_BASE + 3, 7_900, takes=200)
    trial.finish(without=UNSEEN)
    assert 2_000 * MS == trial.result().deaf_until_ns


def test_nothing_is_said_where_no_sentinel_was_waited_for_in_vain(tmp_path: Path) -> None:
    """None was acknowledged; the drain was content; nobody noted how it went."""
    silent = LiteralTrial(tmp_path / "silent", [stream_arm()])
    silent.sane(10)
    deaf(silent, 0)
    silent.without("producer-0-0", sequence=SENTINEL_BASE)
    silent.finish(without=UNSEEN)
    content, killed = drained(tmp_path / "content", without=()), drained(tmp_path / "killed")
    for trial in (content, killed):
        deaf(trial, 0, 1)
    killed.without("conductor", code=BarrierPart.SENTINELS_SEEN)
    assert [None] * 3 == [trial.result().deaf_until_ns for trial in (silent, content, killed)]


def test_each_arm_has_its_own_barrier(tmp_path: Path) -> None:
    """Only a stream has to catch up."""
    trial = LiteralTrial(tmp_path, [pubsub_arm(), stream_arm()])
    trial.sane(10)
    trial.finish(without=(BarrierPart.CAUGHT_UP,))
    result = trial.judge().result
    assert [True, False] == [arm.barrier_reached for arm in result.arms]
    assert not result.barrier_reached


# doubts of the control --------------------------------------------------------------------------------------------
def clause(measured: Verdict, reason: str, *, doubted: bool = False) -> ClauseResult:
    return ClauseResult(
        arm="group",
        guarantee=Guarantee.AT_LEAST_ONCE,
        stance=Stance.REQUIRED,
        measured=measured,
        verdict=measured,
        violations=1,
        samples=10,
        reason=reason,
        doubted=doubted,
    )


@pytest.mark.parametrize("measured", [Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE])
def test_the_doubt_of_a_control_comes_before_the_want_of_a_barrier(measured: Verdict) -> None:
    spoilt = spoil_clause(clause(measured, "the drain barrier was not reached; 1 lost"), "there is no control")
    assert (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, True) == (spoilt.measured, spoilt.verdict, spoilt.doubted)
    assert "there is no control; counted all the same: the drain barrier was not reached; 1 lost" == spoilt.reason


def test_what_is_in_doubt_or_in_error_stays_as_it_is() -> None:
    """Nor does no doubt change anything."""
    doubted, error = clause(Verdict.INCONCLUSIVE, "it was late", doubted=True), clause(Verdict.ERROR, "a hole")
    assert [doubted, error] == [spoil_clause(one, "there is no control") for one in (doubted, error)]
    assert clause(Verdict.HELD, "0 lost") == spoil_clause(clause(Verdict.HELD, "0 lost"), "")


def test_a_trial_tells_which_clauses_are_in_doubt(tmp_path: Path) -> None:
    """Its drain barrier makes none; a harness that was late makes all."""
    for number, (late_ms, expected) in enumerate(((0, False), (80, True))):
        trial = LiteralTrial(tmp_path / str(number), [stream_arm()])
        for sequence in range(20):
            at = 100 + 10 * sequence
            trial.attempt(sequence, at, intended=at - late_ms, free=at - late_ms)
            trial.outcome(sequence, at + 1)
            trial.receive(sequence, at + 2)
            trial.log(sequence)
        trial.finish(without=(BarrierPart.CAUGHT_UP,))
        found = [one for one in trial.judge().result.clauses if one.measured is Verdict.INCONCLUSIVE]
        assert found
        assert {expected} == {one.doubted for one in found}
