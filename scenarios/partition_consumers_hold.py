"""The network between consumers and server stalls for a while and then goes on: nothing is dropped, nothing is closed.

TCP keeps what cannot be delivered: bytes wait in the kernel, in the proxy and in the server's output buffer, and all
of them arrive, in order, when the stall ends. So this partition should lose nothing, not even on Pub/Sub; it makes
everything late. Whoever says "a partition loses Pub/Sub messages" means another partition than this one.

Prediction: Pub/Sub loses nothing, Streams lose nothing; every message of the outage is late by up to its length. A
group may be handed a message twice: entries that were on their way for longer than the minimum idle time are claimed.
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
    name="partition_consumers_hold",
    story=__doc__ or "",
    question="Does Pub/Sub lose messages when the network stalls and then resumes?",
    mechanism="bytes wait in buffers and arrive after the heal; no connection is closed",
    link=LinkRole.CONSUMERS,
    model=FaultModel.HOLD,
    pubsub_loses=False,
    predictions=[
        predict(
            "pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the connection survives and what was queued arrives late"
        ),
        predict(
            "pubsub",
            Guarantee.AT_MOST_ONCE,
            Verdict.HELD,
            "the producers are not disturbed, so nothing is published twice",
        ),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
