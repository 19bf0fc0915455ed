"""The network between consumers and server swallows everything for a while; the heal closes the connections.

This is the partition that the stories tell. The subscriber's connection looks alive and is silent. The server counts
it as a receiver all the while: PUBLISH answers "1" for message after message that nobody will ever see. When the
connections break at last, the clients come back and a stream's group goes on where it was; a channel has forgotten.

Prediction: Pub/Sub loses what was published meanwhile, silently; Streams lose nothing.
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
    name="partition_consumers_drop",
    story=__doc__ or "",
    question="What does a subscriber miss while the network swallows its messages?",
    mechanism="bytes are discarded on a connection that stays open; the heal closes it",
    link=LinkRole.CONSUMERS,
    model=FaultModel.DROP,
    pubsub_loses=True,
    predictions=[
        predict("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "what is sent into the dead connection is gone"),
        predict("pubsub", Guarantee.AT_MOST_ONCE, Verdict.HELD, "nothing is published twice"),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
