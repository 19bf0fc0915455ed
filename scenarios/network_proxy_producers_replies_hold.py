"""The same one-way outage of the producers as a proxy makes it: replies are held, and go on at the heal.

The reply comes four seconds late, within the five that redis-py waits.

Prediction: nothing lost and nothing doubled.
"""

from harness import (
    Direction,
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
    name="network_proxy_producers_replies_hold",
    beside="network_producers_replies_drop",
    story=__doc__ or "",
    question="Does a proxy that holds the producers' replies tell the same story as lost packets?",
    mechanism="a proxy holds replies and passes them on at the heal; no connection is closed",
    fault=FaultPlan(model=FaultModel.HOLD, link=LinkRole.PRODUCERS, direction=Direction.REPLIES),
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
