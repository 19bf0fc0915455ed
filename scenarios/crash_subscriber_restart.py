"""One subscriber is restarted in order, as any deploy does it.

Nothing crashes: the process is told to stop, stops, and 0.4 s later its successor is up and subscribes.
Between the two nobody listens. A group's successor is handed what came meanwhile.

Prediction: Pub/Sub and sharded Pub/Sub lose what is published in between; Streams lose and double nothing.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    Members,
    WorkerRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="crash_subscriber_restart",
    family="crash",
    story=__doc__ or "",
    question="What does an orderly restart of one subscriber cost?",
    mechanism="one consumer ends in order; its successor is up 0.4 s later",
    arms=select_arms("pubsub", "sharded-pubsub", "stream-read", "stream-group", scopes=1),
    faults=[FaultPlan(model=FaultModel.RESTART, worker=WorkerRole.CONSUMER, members=Members.FIRST)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody listens in between", Mechanism.NOT_CONNECTED),
        breaks("sharded-pubsub", Guarantee.AT_LEAST_ONCE, "nobody listens in between", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "the successor goes on from the checkpoint"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the group remembers"),
        holds("stream-group", Guarantee.EFFECTIVELY_ONCE, "the predecessor finished what it had"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
