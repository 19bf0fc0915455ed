"""The same outage of the consumers as a proxy makes it: bytes are held, and go on at the heal.

The model that is closest to lost packets: connections stay, nothing is lost, everything is late. What it has not is
TCP's pause after the heal: a proxy delivers what it held at once. A new connection is taken by the proxy, which speaks
for a server that cannot be reached.

Prediction: nothing lost, as with lost packets; but well again at once.
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
    name="network_proxy_consumers_hold",
    beside="network_consumers_drop",
    story=__doc__ or "",
    question="Does a proxy that holds the consumers' bytes tell the same story as lost packets?",
    mechanism="a proxy holds bytes and passes them on at the heal; no connection is closed",
    fault=FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the connection lives, and what was held arrives late"),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "the producers are not disturbed, so nothing is published twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was not delivered waits in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
