"""The same long outage of the consumers as a proxy makes it: bytes are held for fifty seconds, and go on at the heal.

The keepalive is answered by the proxy's machine, so a subscriber believes in its connection for as long as it likes.

Prediction: nothing is lost, where lost packets cost Pub/Sub everything of the outage.
"""

from harness import (
    NETWORK_LONG,
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
    name="network_proxy_consumers_long_hold",
    beside="network_consumers_long",
    story=__doc__ or "",
    question="Does a proxy that holds bytes for longer than a keepalive waits tell the same story as lost packets?",
    mechanism="a proxy holds bytes and passes them on at the heal; it answers keepalives, and takes connections",
    fault=FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the connection lives, and what was held arrives late"),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "the producers are not disturbed, so nothing is published twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was not delivered waits in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
    ],
    timeline=NETWORK_LONG,
    slow=True,
)

if __name__ == "__main__":
    run_script(__file__)
