"""The packets between the consumers and the server are lost for four seconds, and nobody is told.

This is what a partition is where no proxy stands between. The server sends, hears nothing, and sends again after 0.2,
0.4, 0.8 ... seconds; what it publishes meanwhile waits in its socket. Nothing is refused and nothing is closed, so
nothing is lost either, as long as both ends keep the connection. The heal is not felt at once: the fifth pause goes on
until about 6.5 seconds after the packets began to vanish, 2.5 seconds after they no longer do. A client that gives up
earlier than TCP is well again earlier: redis-py as shipped waits five seconds for a reply, and a reader of a group
that then connects anew reaches a server that can be reached. A subscriber asks for nothing and waits for TCP.

Prediction: Pub/Sub loses nothing, and is well again 2 to 3 seconds after the heal; a stream's group loses nothing, and
is well again after about one.
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
    name="network_consumers_drop",
    story=__doc__ or "",
    question="What do consumers miss while their packets are lost, and when do they feel the heal?",
    mechanism="packets are discarded; TCP sends again, ever more seldom, until after the heal",
    fault=FaultPlan(model=FaultModel.PACKET_DROP, link=LinkRole.CONSUMERS),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the connection lives, and TCP brings all of it late"),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "the producers are not disturbed, so nothing is published twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was not delivered waits in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
