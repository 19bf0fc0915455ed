"""The packets between the consumers and the server are lost for fifty seconds: longer than a keepalive waits.

A subscriber sends nothing, so TCP has nothing to send again for it; what ends its connection is the keepalive, which
redis-py as shipped sends after 30 seconds of silence and gives up after three more tries, five seconds apart. Then it
connects anew, into a black hole: nobody refuses, nobody answers, and each try waits for its own timeout until the heal.
The server knows nothing of it, and keeps what it published for a connection that has no other end any more.

Prediction: Pub/Sub loses all that was published meanwhile, although a shorter outage costs it nothing; a stream's group
loses nothing. A proxy never shows this: it answers the keepalive in the server's name, and takes every connection.
"""

from harness import (
    NETWORK_LONG,
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
    name="network_consumers_long",
    story=__doc__ or "",
    question="What do consumers miss while packets are lost for longer than their keepalive waits?",
    mechanism="packets are discarded; the keepalive ends the connection, and new ones are never answered",
    fault=FaultPlan(model=FaultModel.PACKET_DROP, link=LinkRole.CONSUMERS),
    statements=[
        breaks(
            "pubsub",
            Guarantee.AT_LEAST_ONCE,
            "its keepalive ends the connection, and with it what waits in the server's socket",
            Mechanism.NOT_CONNECTED,
        ),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "the producers are not disturbed, so nothing is published twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was not delivered waits in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
    ],
    timeline=NETWORK_LONG,
    slow=True,
)

if __name__ == "__main__":
    run_script(__file__)
