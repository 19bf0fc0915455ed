"""The same outage of the producers as a proxy makes it: bytes are held, and go on at the heal.

The reply comes four seconds late, within the five that redis-py waits, and the producer goes on where it was.

Prediction: nothing lost and nothing doubled: here the proxy's model is kinder than the network.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Verdict,
    guess,
    holds,
    network_scenario,
    run_script,
)

SCENARIO = network_scenario(
    name="network_proxy_producers_hold",
    beside="network_producers_drop",
    story=__doc__ or "",
    question="Does a proxy that holds the producers' bytes tell the same story as lost packets?",
    mechanism="a proxy holds bytes and passes them on at the heal; no connection is closed",
    fault=FaultPlan(model=FaultModel.HOLD, link=LinkRole.PRODUCERS),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the subscriber stays connected"),
        guess("pubsub", Guarantee.AT_MOST_ONCE, Verdict.HELD, "the hold is shorter than the client's patience"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
        guess("stream-group", Guarantee.AT_MOST_ONCE, Verdict.HELD, "the hold is shorter than the client's patience"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
