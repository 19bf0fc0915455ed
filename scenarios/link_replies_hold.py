"""The consumers' requests arrive; what the server sends them is held back, and comes when the link heals.

For a subscriber it is a long hold: the messages wait in buffers on the way. A group's members get their replies late,
and meanwhile the server believes that they have what it sent.

Prediction: nothing is lost by either primitive; what a group's member was handed waits in its socket and is not claimed
by anybody who is cut off as well.
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
    name="link_replies_hold",
    family="link",
    story=__doc__ or "",
    question="What happens when only the answers to the consumers are held back?",
    mechanism="what the server sends to the consumers is held, and arrives at the heal",
    arms=select_arms("pubsub", "stream-group", "stream-queue"),
    faults=[FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS, direction=Direction.REPLIES)],
    statements=[
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "everything arrives late, in order"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "everything arrives late"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "everything arrives late"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
