"""The producers' requests are swallowed; the way back is fine.

Nothing is executed while it lasts, and nothing answers. What was written into the dead connection is gone; the client
sends it again on the next one. The other half of a one-way partition, and the harmless one.

Prediction: nothing is lost and nothing is doubled by either primitive: what was swallowed was never executed.
"""

from harness import (
    Direction,
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_requests_drop",
    family="link",
    story=__doc__ or "",
    question="What happens when only the producers' requests get lost?",
    mechanism="what producers send is discarded; the heal closes the connections",
    arms=select_arms("pubsub", "stream-group", "stream-queue"),
    faults=[FaultPlan(model=FaultModel.DROP, link=LinkRole.PRODUCERS, direction=Direction.REQUESTS)],
    statements=[
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "the subscribers are well"),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "what was swallowed was never published"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.AT_MOST_ONCE, "what was swallowed was never appended"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
