"""The consumers' link gets narrow: a few kilobytes a second for everybody together.

More is sent than fits. The excess waits in buffers: of the proxy, of the kernel, of the server. With Pub/Sub the
server's is the one that matters, since it cuts off a subscriber whose buffer grows too large; for a few seconds at this
rate it does not.

Prediction: nothing is lost by either primitive; everything is late until the link is wide again.

The prediction about Pub/Sub is refuted, and stays here as it was made: redis-py's `get_message(timeout=0.1)` gives up
in the middle of a message that trickles in, and with it the connection and all that was on its way. Since then the
heal closes the connections too (Toxiproxy may block for ever where a limit is lifted while a client hangs up), which
throws away what still waits for a subscriber.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Verdict,
    fault_scenario,
    guess,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_bandwidth",
    family="link",
    story=__doc__ or "",
    question="Does a narrow link lose anything?",
    mechanism="each connection of the consumers gets 4 kB a second; the heal closes them",
    arms=select_arms("pubsub", "stream-group", "stream-queue"),
    faults=[FaultPlan(model=FaultModel.BANDWIDTH, link=LinkRole.CONSUMERS, rate_kb_per_s=4)],
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "buffers hold a few seconds"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log waits"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the log waits"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
