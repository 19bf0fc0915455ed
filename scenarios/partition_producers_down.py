"""The path between producers and server is cut: connections are closed and new ones refused until the heal.

The producer knows at once. redis-py as shipped tries again and again, with growing pauses, for a few seconds; a
message it gives up on is rejected: it was never written to a socket, so the application can say that it is not sent.
Either way nothing that was acknowledged is lost.

Prediction: nothing acknowledged is lost for either primitive; some messages may be refused to the producer.
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
    name="partition_producers_down",
    story=__doc__ or "",
    question="What becomes of messages while producers cannot connect?",
    mechanism="connections are refused; the client retries or gives the message back",
    link=LinkRole.PRODUCERS,
    model=FaultModel.DOWN,
    pubsub_loses=False,
    predictions=[
        predict(
            "pubsub",
            Guarantee.AT_LEAST_ONCE,
            Verdict.HELD,
            "the subscribers stay connected; only the producers are cut off",
        ),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
