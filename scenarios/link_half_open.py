"""The consumers' side is gone, and the server is not told.

The machine lost power, the NAT forgot the connection: no FIN, no RST. The server goes on counting the subscriber, and
PUBLISH answers that it was delivered to one receiver, message after message.

Prediction: Pub/Sub loses what is sent meanwhile; Streams lose nothing.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_half_open",
    family="link",
    story=__doc__ or "",
    question="What does a subscriber miss whose death the server did not notice?",
    mechanism="nothing passes, and the clients' closing is not passed on",
    arms=select_arms("pubsub", "pubsub-hardened", "stream-group", "stream-queue"),
    faults=[FaultPlan(model=FaultModel.HALF_OPEN, link=LinkRole.CONSUMERS)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "its side is gone", Mechanism.NOT_CONNECTED),
        breaks("pubsub-hardened", Guarantee.AT_LEAST_ONCE, "its side is gone", Mechanism.NOT_CONNECTED),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log waits"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the log waits"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
