"""The network between producers and server swallows everything for a while; the heal closes the connections.

The producer waits for a reply that will not come. When its connection breaks, redis-py as shipped sends the request
again on a new one. If the first request was swallowed, that is the only copy; if only its reply was swallowed, there
are two. A client without retries reports an error instead, and its application cannot know which of the two it was.

Prediction: nothing lost for either primitive, because the subscribers and groups were never cut off.
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
    name="partition_producers_drop",
    story=__doc__ or "",
    question="What becomes of messages whose requests or replies are swallowed?",
    mechanism="requests and replies are discarded; the client retries after the heal closes the connection",
    link=LinkRole.PRODUCERS,
    model=FaultModel.DROP,
    pubsub_loses=False,
    predictions=[
        predict(
            "pubsub",
            Guarantee.AT_LEAST_ONCE,
            Verdict.HELD,
            "the subscribers stay connected; what was not acknowledged is sent again",
        ),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
