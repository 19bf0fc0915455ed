"""Connections of the consumers are torn down, and every new one is reset as soon as it is used, until the heal.

Like a firewall that answers with RST, or a load balancer without a backend: connecting works, using the connection
does not. Clients that retry connect again and again; each time the subscription is gone before it counts.

Prediction: Pub/Sub loses what was published meanwhile; Streams lose nothing.
"""

from harness import (
    FaultModel,
    Guarantee,
    LinkRole,
    Verdict,
    partition_scenario,
    predict,
    predict_streams,
    run_script,
)

SCENARIO = partition_scenario(
    name="partition_consumers_reset",
    story=__doc__ or "",
    question="What does a subscriber miss while each of its connections is reset?",
    mechanism="connections break as soon as they carry bytes; no subscription survives",
    link=LinkRole.CONSUMERS,
    model=FaultModel.RESET,
    pubsub_loses=True,
    predictions=[
        predict("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "no subscription survives until the heal"),
        predict("pubsub", Guarantee.AT_MOST_ONCE, Verdict.HELD, "nothing is published twice"),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
