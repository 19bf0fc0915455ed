"""What a no-fault control must not have, each written down by hand, and what excuses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from literal_history import LiteralTrial, entry_id, pubsub_arm, required, stream_arm

from harness.check.controls import imperfection
from harness.history.journal import BarrierPart, EventKind
from harness.model.results import TrialResult
from harness.model.values import Retention
from harness.model.words import Guarantee, OutcomeCode, ReceiveTag, Stance

ALO, AMO, ONCE, DURABLE, ORDERED = (
    Guarantee.AT_LEAST_ONCE,
    Guarantee.AT_MOST_ONCE,
    Guarantee.EFFECTIVELY_ONCE,
    Guarantee.DURABLE,
    Guarantee.ORDERED,
)
Deed = Callable[[LiteralTrial], None]


def control(
    folder: Path,
    deed: Deed = lambda _: None,
    *,
    excused: tuple[Guarantee, ...] = (),
    without: tuple[BarrierPart, ...] = (),
) -> TrialResult:
    """Ten messages of a Streams arm, all of them well but for ``deed``, and expected so but for ``excused``."""
    stances = [required("stream-group", one, Stance.EXPECTED_NOT_TO_HOLD) for one in excused]
    trial = LiteralTrial(folder, [stream_arm()], expectations=stances)
    trial.sane(10)
    deed(trial)
    trial.finish(without=without)
    return trial.judge().result


def flaw(result: TrialResult, arm: str = "stream-group") -> str:
    """What is wrong with it, without the name of its folder."""
    return imperfection(result, arm).removeprefix("literal-1").removeprefix(": ")


def not_received(trial: LiteralTrial) -> None:
    """Message 4 is in the log, and nobody got it."""
    for kind in (EventKind.RECEIVE, EventKind.ACK):
        trial.without("consumer-0-0-0", kind=kind, sequence=4)
    trial.without("effects-0", sequence=4)


def lost(trial: LiteralTrial) -> None:
    not_received(trial)
    gone(trial)


def never_read(trial: LiteralTrial) -> None:
    """Acknowledged, and in the log, when the only consumer had written its last."""
    trial.send(20, 1_500)
    trial.log(20)


def without_effect(trial: LiteralTrial) -> None:
    trial.without("effects-0", sequence=4)


def effect_twice(trial: LiteralTrial) -> None:
    trial.effect(4, 700)


def delivered_twice(trial: LiteralTrial) -> None:
    trial.receive(4, 700, effect=False, code=ReceiveTag.CLAIMED)


def rejected(trial: LiteralTrial) -> None:
    trial.send(20, 600, OutcomeCode.REJECTED)
    trial.receive(20, 700, effect=False)
    trial.log(20)


def gone(trial: LiteralTrial) -> None:
    """Message 4 was acknowledged and handled, and is no longer in the log, whose beginning is there."""
    trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=4)


def overtaken(trial: LiteralTrial) -> None:
    trial.send(20, 600)
    trial.send(21, 601)
    trial.receive(21, 700)
    trial.receive(20, 701)
    trial.log(20)
    trial.log(21)


FLAWS: list[tuple[Deed, str, tuple[Guarantee, ...]]] = [
    (lost, "stream-group had 1 lost, 1 gone from the log, 1 unexplained", ()),
    (not_received, "stream-group had 1 unread", (ALO,)),
    (never_read, "stream-group had 1 never read", (ALO,)),
    (effect_twice, "stream-group had 1 duplicate effects", (ONCE,)),
    (delivered_twice, "stream-group had 1 duplicated", (AMO,)),
    (rejected, "stream-group had 1 rejected but delivered", (AMO,)),
    (gone, "stream-group had 1 gone from the log", (DURABLE,)),
    (overtaken, "stream-group had 1 reordered", (ORDERED,)),
    (without_effect, "stream-group had 1 without effect", (ONCE,)),
]


@pytest.mark.parametrize(("deed", "expected", "excuse"), FLAWS)
def test_what_goes_wrong_without_a_fault_makes_a_control_imperfect(
    tmp_path: Path, deed: Deed, expected: str, excuse: tuple[Guarantee, ...]
) -> None:
    """Unless the control's own scenario says that the arm does not keep the guarantee that it is about."""
    assert expected == flaw(control(tmp_path, deed))
    others = tuple(one for one in Guarantee if one not in excuse)
    assert ("" if excuse else expected) == flaw(control(tmp_path / "excused", deed, excused=excuse))
    if excuse:
        assert expected == flaw(control(tmp_path / "others", deed, excused=others))


def test_a_control_in_which_all_is_well_is_perfect(tmp_path: Path) -> None:
    """And one that did not come to its end, or not to the end of its drain, is not."""
    assert "" == flaw(control(tmp_path))
    assert "literal-1 did not reach its drain barrier" == imperfection(
        control(tmp_path / "drain", without=(BarrierPart.SENTINELS_SEEN,)), "stream-group"
    )


def nothing_acknowledged(trial: LiteralTrial, arm: int) -> None:
    """Of one arm, no call came to an end; everything arrived all the same."""
    trial.without(f"producer-{arm}-0", kind=EventKind.OUTCOME)


def test_an_arm_of_which_nothing_was_acknowledged_shows_nothing(tmp_path: Path) -> None:
    """Nothing was owed, so nothing could go wrong; what the other arm did is there to compare with."""
    trial = LiteralTrial(tmp_path, [pubsub_arm(), stream_arm()])
    trial.sane(10)
    nothing_acknowledged(trial, 1)
    trial.finish()
    result = trial.judge().result
    assert ["", "nothing of stream-group was acknowledged"] == [flaw(result, arm) for arm in ("pubsub", "stream-group")]


def test_an_arm_that_sent_nothing_shows_nothing(tmp_path: Path) -> None:
    """A control that played no traffic."""
    trial = LiteralTrial(tmp_path, [stream_arm()])
    trial.finish()
    assert "nothing of stream-group was acknowledged" == flaw(trial.judge().result)


@pytest.mark.parametrize(
    ("overlap", "extra", "expected"),
    [
        (True, 0, ""),
        (True, 1, "pubsub had 1 duplicate effects"),
        (False, 0, "pubsub had 1 duplicate effects, 1 duplicated"),
    ],
)
def test_an_overlap_makes_its_effects_twice_and_no_more(
    tmp_path: Path, overlap: bool, extra: int, expected: str
) -> None:
    """By channel and by pattern: two receives, two effects; a third is nobody's design."""
    trial = LiteralTrial(tmp_path, [pubsub_arm().model_copy(update={"pattern_overlap": overlap})])
    trial.sane(10)
    trial.receive(3, 140, code=ReceiveTag.PATTERN)
    for _ in range(extra):
        trial.effect(3, 700)
    trial.finish()
    assert expected == flaw(trial.judge().result, "pubsub")


@pytest.mark.parametrize(
    ("kept", "expected"), [(7, ""), (8, "stream-group had 4 gone from the log"), (None, "stream-group had 4 gone from")]
)
def test_what_the_retention_trims_is_not_gone_of_itself(tmp_path: Path, kept: int | None, expected: str) -> None:
    """The first four of eleven entries were trimmed (one is a sentinel); 8 were to be kept, or all."""
    arm = stream_arm().model_copy(update={"retention": Retention(max_length=kept) if kept else None})
    trial = LiteralTrial(tmp_path, [arm])
    trial.sane(10)
    for sequence in range(4):
        trial.without("conductor", kind=EventKind.LOG_ENTRY, sequence=sequence)
    trial.finish()
    found = flaw(trial.judge().result)
    assert found.startswith(expected) if expected else found == ""


def test_what_came_before_a_group_at_the_end_is_owed_to_nobody(tmp_path: Path) -> None:
    """Neither lost nor unread."""
    trial = LiteralTrial(tmp_path, [stream_arm()])
    trial.sane(10)
    not_received(trial)
    for sequence in range(4):
        for kind in (EventKind.RECEIVE, EventKind.ACK):
            trial.without("consumer-0-0-0", kind=kind, sequence=sequence)
        trial.without("effects-0", sequence=sequence)
    trial.conductor(EventKind.GROUP_START, 10, scope=0, entry=entry_id(4))
    trial.finish()
    assert "" == flaw(trial.judge().result)
