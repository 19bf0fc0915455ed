"""What the scenarios of the partition family have in common: arms, timeline and the stances of their expectations.

A script of the family says which link is broken how, why it matters, and what it predicts; the rest is here, so that
the scripts differ only in what their question differs in.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.values import Expectation, FaultPlan, Prediction, Scenario
from harness.model.words import FaultModel, Guarantee, LinkRole, Stance, Verdict
from harness.plan.arms import PARTITION_ARMS, named_arm
from harness.plan.building import perfect

FAMILY = "partition"
STREAM_ARMS = ("stream-group", "stream-queue")


def partition_scenario(
    *,
    name: str,
    story: str,
    question: str,
    mechanism: str,
    link: LinkRole,
    model: FaultModel,
    pubsub_loses: bool,
    predictions: Sequence[Prediction],
) -> Scenario:
    """One scenario of the family.

    ``pubsub_loses`` tells whether Pub/Sub is expected to lose what was sent meanwhile: then a run in which it did not
    is inconclusive (did the fault work?), and one in which it did is no failure. Streams must hold at-least-once and
    durable whatever breaks.
    """
    stance = Stance.EXPECTED_NOT_TO_HOLD if pubsub_loses else Stance.FREE
    return Scenario(
        name=name,
        family=FAMILY,
        story=story,
        question=question,
        mechanism=mechanism,
        arms=tuple(named_arm(arm) for arm in PARTITION_ARMS),
        faults=() if model is FaultModel.NONE else (FaultPlan(model=model, link=link),),
        expectations=(Expectation(arm="pubsub", guarantee=Guarantee.AT_LEAST_ONCE, stance=stance), *_streams_hold()),
        predictions=tuple(predictions),
    )


def control_scenario(*, name: str, story: str, question: str, mechanism: str) -> Scenario:
    """The family's no-fault control: nothing is injected, and everything must be perfect for both primitives."""
    arms = tuple(named_arm(arm) for arm in PARTITION_ARMS)
    promised = [(arm.name, guarantee) for arm in arms for guarantee in perfect(arm)]
    return Scenario(
        name=name,
        family=FAMILY,
        story=story,
        question=question,
        mechanism=mechanism,
        arms=arms,
        expectations=tuple(
            Expectation(arm=arm, guarantee=guarantee, stance=Stance.REQUIRED) for arm, guarantee in promised
        ),
        predictions=tuple(predict(arm, guarantee, Verdict.HELD, "nothing is injected") for arm, guarantee in promised),
    )


def predict(arm: str, guarantee: Guarantee, verdict: Verdict, reason: str) -> Prediction:
    """A prediction; ``verdict`` is HELD or VIOLATED."""
    return Prediction.model_validate({"arm": arm, "guarantee": guarantee, "verdict": verdict, "reason": reason})


def predict_streams(guarantee: Guarantee, verdict: Verdict, reason: str) -> list[Prediction]:
    """The same prediction for every Streams arm of the family."""
    return [predict(arm, guarantee, verdict, reason) for arm in STREAM_ARMS]


def _streams_hold() -> list[Expectation]:
    return [
        Expectation(arm=arm, guarantee=guarantee, stance=Stance.REQUIRED)
        for arm in STREAM_ARMS
        for guarantee in (Guarantee.AT_LEAST_ONCE, Guarantee.DURABLE)
    ]
