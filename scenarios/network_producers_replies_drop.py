"""Only the packets from the server to the producers are lost, for four seconds.

The requests arrive and are executed; their acknowledgements, TCP's and the server's, do not. The producer hears nothing
for five seconds, gives up, and sends the message once more on a new connection. The server goes on sending the reply of
the first to a socket that nobody reads.

Prediction: one message of each producer is there twice; a proxy that holds replies for four seconds doubles nothing.
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
    name="network_producers_replies_drop",
    story=__doc__ or "",
    question="What does a producer do whose requests arrive and whose replies are lost?",
    mechanism="packets of one direction are discarded; the client gives up before TCP does, and repeats",
    fault=FaultPlan(model=FaultModel.PACKET_DROP, link=LinkRole.PRODUCERS, direction=Direction.REPLIES),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the subscriber stays connected"),
        guess("pubsub", Guarantee.AT_MOST_ONCE, Verdict.VIOLATED, "the request was executed, and is repeated"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
        guess("stream-group", Guarantee.AT_MOST_ONCE, Verdict.VIOLATED, "the log has the message twice"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
