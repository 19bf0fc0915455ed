"""The checker and the naive reckoning agree on when things were back: to the nanosecond, whatever happened."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from literal_history import DROP
from naive_recount import read_trial
from naive_recovery import NOT_BACK, Recovery
from recovery_stories import END, STORIES, Chapter, Moment, Story

from harness.history.journal import EventKind
from harness.model.accounts import RecoveryTimes
from harness.model.values import FaultPlan
from harness.model.words import FaultModel

BOUNDED = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def told(times: RecoveryTimes) -> tuple[int | str | None, ...]:
    """In nanoseconds from the heal."""
    found = {
        "write": times.write_from_heal_ns,
        "read": times.read_from_heal_ns,
        "backlog": times.backlog_from_heal_ns,
    }
    return tuple(NOT_BACK if what in times.not_back else value for what, value in found.items())


def assert_agreement(story: Story) -> None:
    """Of the one arm there is."""
    story.trial.finish()
    found = told(story.trial.result().recovery)
    assert Recovery(read_trial(story.trial.folder), 0).told() == found


@pytest.mark.parametrize("chapter", STORIES, ids=lambda chapter: chapter.about)
def test_the_literal_trials(tmp_path: Path, chapter: Chapter) -> None:
    """What is told of them in milliseconds."""
    assert_agreement(chapter.play(tmp_path))


@st.composite
def pauses(draw: st.DrawFn, *, most: int = 3) -> Moment:
    """What is due in some stretches never happens, or happens at the end of the stretch."""
    stretches = draw(
        st.lists(st.tuples(st.integers(1_500, 7_900), st.integers(50, 3_000), st.booleans()), max_size=most)
    )

    def moment(due: float) -> float | None:
        for begin, length, late in stretches:
            if begin <= due < begin + length:
                return begin + length if late else None
        return due

    return moment


@st.composite
def tales(draw: st.DrawFn) -> dict[str, object]:
    """Everything that a story can be told of."""
    producers = draw(st.integers(1, 2))
    return {
        "asks": draw(st.booleans()),
        "pubsub": draw(st.booleans()),
        "producers": producers,
        "steps": [draw(st.sampled_from((15, 40, 700))) for _ in range(producers)],
        "ends": [draw(st.sampled_from((END, END, 4_200, 3_000))) for _ in range(producers)],
        "answered": [draw(pauses()) for _ in range(producers)],
        "heard": draw(pauses()),
        "settled": draw(pauses(most=1)),
        "pending": draw(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=2)),
        "again": draw(st.lists(st.integers(0, 400), max_size=4)),
    }


@BOUNDED
@given(tales())
def test_arbitrary_trials(tale: dict[str, object]) -> None:
    """One or two producers, each with its own pace, end and pauses."""
    with tempfile.TemporaryDirectory() as folder:
        assert_agreement(_played(Path(folder), **tale))  # type: ignore[arg-type]  # each value is what its name says


def _played(
    folder: Path,
    *,
    asks: bool,
    pubsub: bool,
    producers: int,
    steps: list[int],
    ends: list[int],
    answered: list[Moment],
    heard: Moment,
    settled: Moment,
    pending: list[tuple[int, bool]],
    again: list[int],
) -> Story:
    fault = FaultPlan(model=FaultModel.FAILOVER) if asks else DROP
    story = Story(folder, asks=asks, pubsub=pubsub, producers=producers, fault=fault)
    for producer in range(producers):
        due = range(100 + producer, ends[producer], steps[producer])
        story.sends(producer=producer, due=due, answered=answered[producer], heard=heard, settled=settled)
    if not pubsub:
        for sequence, long in pending:
            story.pending(sequence, 8_500, idle=4_000 * long)
        for sequence in again:
            story.settles(EventKind.ACK, sequence, 7_990, value=0, member=1)
    return story
