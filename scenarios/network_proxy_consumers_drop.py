"""The same outage of the consumers as a proxy makes it that swallows bytes: what it took is gone, and the heal closes.

The proxy has acknowledged to the server what it swallowed, so nobody sends it again: no network does that to a
connection that lives. It stands for a partition that outlasts the connection.

Prediction: Pub/Sub loses what is published meanwhile, which it does not where packets are lost; Streams lose nothing.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    breaks,
    holds,
    network_scenario,
    run_script,
)

SCENARIO = network_scenario(
    name="network_proxy_consumers_drop",
    beside="network_consumers_drop",
    story=__doc__ or "",
    question="Does a proxy that swallows the consumers' bytes tell the same story as lost packets?",
    mechanism="a proxy discards bytes that TCP believes to have arrived; the heal closes the connections",
    fault=FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS),
    statements=[
        breaks(
            "pubsub",
            Guarantee.AT_LEAST_ONCE,
            "nobody sends again what the proxy has acknowledged",
            Mechanism.NOT_CONNECTED,
        ),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "the producers are not disturbed, so nothing is published twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was not delivered waits in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
