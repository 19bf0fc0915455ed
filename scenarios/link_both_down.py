"""Producers and consumers are cut off together: the server is alone.

Producers are refused, so little is sent and nothing is acknowledged meanwhile; consumers are refused, so nothing is
read. What Pub/Sub loses here is what producers get through before the subscribers are back.

Prediction: Streams lose nothing; Pub/Sub may lose what is published while its subscribers are still coming back.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Verdict,
    fault_scenario,
    guess,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_both_down",
    family="link",
    story=__doc__ or "",
    question="Who is back first, the producer or the subscriber?",
    mechanism="all connections are closed and new ones refused, for both roles at once",
    arms=select_arms("pubsub", "stream-group", "stream-queue"),
    faults=[
        FaultPlan(model=FaultModel.DOWN, link=LinkRole.PRODUCERS),
        FaultPlan(model=FaultModel.DOWN, link=LinkRole.CONSUMERS),
    ],
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "a producer that is back first speaks to nobody"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log waits"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the log waits"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
