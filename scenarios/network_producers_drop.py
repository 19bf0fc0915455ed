"""The packets between the producers and the server are lost for four seconds, and nobody is told.

A producer waits for the reply to the message that was caught. TCP will send it again until about 6.5 seconds after the
packets began to vanish; redis-py as shipped gives up after five, and sends the message once more on a new connection,
which finds the network mended. The first copy is still in the old socket. Closing it does not take it back: the kernel
goes on sending, and a second and a half later the server executes what the client had given up.

Prediction: nothing is lost, and one message of each producer is sent twice: twice in the log, and twice to the
subscriber. An outage of four seconds that a proxy holds, below the client's five, doubles nothing.
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
    name="network_producers_drop",
    story=__doc__ or "",
    question="What becomes of the message that was under way when the producers' packets began to be lost?",
    mechanism="packets are discarded; the client gives up before TCP does, and TCP delivers what it gave up",
    fault=FaultPlan(model=FaultModel.PACKET_DROP, link=LinkRole.PRODUCERS),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the subscriber stays connected"),
        guess("pubsub", Guarantee.AT_MOST_ONCE, Verdict.VIOLATED, "TCP delivers the copy that the client gave up"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
        guess("stream-group", Guarantee.AT_MOST_ONCE, Verdict.VIOLATED, "the log has the message twice"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
