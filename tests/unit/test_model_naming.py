"""What faults are called."""

from __future__ import annotations

import pytest

from harness.model.naming import MODEL_MEANING, fault_name, faults_name, ordinal, short_name
from harness.model.values import FaultPlan
from harness.model.words import CrashPoint, Direction, FaultModel, LinkRole, Members, WorkerRole

CONSUMER, PRODUCER = WorkerRole.CONSUMER, WorkerRole.PRODUCER


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS), "consumers' link · drop"),
        (FaultPlan(model=FaultModel.HOLD, link=LinkRole.ONE_CONSUMER), "one consumer's link · hold"),
        (
            FaultPlan(model=FaultModel.DROP, link=LinkRole.PRODUCERS, direction=Direction.REPLIES, cycles=5),
            "producers' link · drop, replies only, 5 times",
        ),
        (
            FaultPlan(model=FaultModel.LATENCY, link=LinkRole.CONSUMERS, delay_ms=200, jitter_ms=50),
            "consumers' link · latency 200 ± 50 ms",
        ),
        (
            FaultPlan(model=FaultModel.BANDWIDTH, link=LinkRole.CONSUMERS, rate_kb_per_s=4),
            "consumers' link · bandwidth 4 kB/s",
        ),
        (FaultPlan(model=FaultModel.REPLY_LOST, link=LinkRole.PRODUCERS), "producers' link · reply lost"),
        (FaultPlan(model=FaultModel.HALF_OPEN, link=LinkRole.CONSUMERS), "consumers' link · half-open"),
        (
            FaultPlan(model=FaultModel.CRASH, worker=CONSUMER, point=CrashPoint.AFTER_EFFECT, members=Members.FIRST),
            "first consumer · crash between effect and XACK",
        ),
        (
            FaultPlan(model=FaultModel.PAUSE, worker=CONSUMER, members=Members.FIRST),
            "first consumer · pause",
        ),
        (FaultPlan(model=FaultModel.KILL, worker=PRODUCER), "all producers · kill"),
        (FaultPlan(model=FaultModel.SERVER_KILL), "server-kill"),
        (FaultPlan(model=FaultModel.NONE), "no fault (control)"),
        (FaultPlan(model=FaultModel.LATE_START, worker=CONSUMER), "all consumers · late start"),
        (FaultPlan(model=FaultModel.SLOW, worker=CONSUMER, handling_ms=80), "all consumers · slow, 80 ms a message"),
        (FaultPlan(model=FaultModel.POISON, every=21), "poison, every 21st message"),
        (FaultPlan(model=FaultModel.POISON, every=1), "poison, every message"),
    ],
)
def test_a_fault_is_named_by_what_it_strikes_and_what_it_does(plan: FaultPlan, expected: str) -> None:
    """Settings are said where they matter to the model, and only where they are not the plain case."""
    assert expected == fault_name(plan)


def test_several_faults_have_one_name() -> None:
    """The same deed is said once; different ones are added up; none is the control."""
    both = [FaultPlan(model=FaultModel.DROP, link=link) for link in (LinkRole.PRODUCERS, LinkRole.CONSUMERS)]
    slow = FaultPlan(model=FaultModel.SLOW, worker=CONSUMER)

    assert "producers' link and consumers' link · drop" == faults_name(both)
    assert "consumers' link · drop + all consumers · slow, 50 ms a message" == faults_name([both[1], slow])
    assert "no fault (control)" == faults_name([])


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([], "no fault"),
        ([FaultPlan(model=FaultModel.KILL, worker=PRODUCER)], "prod. kill"),
        ([FaultPlan(model=FaultModel.PAUSE, worker=CONSUMER, members=Members.FIRST)], "one pause"),
        ([FaultPlan(model=FaultModel.CRASH, worker=CONSUMER, point=CrashPoint.AFTER_EFFECT)], "after effect"),
        ([FaultPlan(model=FaultModel.CRASH, worker=CONSUMER, point=CrashPoint.AFTER_ACK)], "after XACK"),
        ([FaultPlan(model=FaultModel.DROP, link=LinkRole.ONE_CONSUMER)], "one consumer drop"),
        ([FaultPlan(model=FaultModel.SERVER_KILL), FaultPlan(model=FaultModel.POISON)], None),
    ],
)
def test_a_short_name_fits_a_narrow_column(plans: list[FaultPlan], expected: str | None) -> None:
    """Few and short words, whose lines a heading can stack."""
    assert (expected or "server kill + poison, every 20th message") == short_name(plans)


def test_every_model_is_explained() -> None:
    """No reader meets a word without its meaning."""
    assert set(FaultModel) == set(MODEL_MEANING)


def test_ordinals() -> None:
    """Eleventh to thirteenth are the exceptions."""
    assert ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"] == [
        ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 112)
    ]
