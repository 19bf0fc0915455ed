"""Everybody who listens comes late.

The producers have begun, the consumers are still being deployed. Plain, sharded, with a group, without one: who is told
what had been said before?

Prediction: neither kind of Pub/Sub tells anything; a reader from 0 and a group at 0 get everything.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    WorkerRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_late_start",
    family="consume",
    story=__doc__ or "",
    question="What does a consumer miss that is started after the producers?",
    mechanism="the consumers are not started before the heal",
    arms=select_arms("pubsub", "sharded-pubsub", "stream-read", scopes=1) + select_arms("stream-queue"),
    faults=[FaultPlan(model=FaultModel.LATE_START, worker=WorkerRole.CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody was subscribed", Mechanism.NOT_CONNECTED),
        breaks("sharded-pubsub", Guarantee.AT_LEAST_ONCE, "nobody was subscribed", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "it reads from 0"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the group begins at 0"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
