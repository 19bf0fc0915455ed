"""The same outage of the producers as a proxy makes it that swallows bytes; the heal closes the connections.

The message that was under way is gone with the proxy's buffer, and the client, whose connection breaks at the heal,
sends it again at once. If its reply was what was swallowed, and not the message, it is there twice.

Prediction: nothing lost; nothing doubled, unless the reply was caught and not the request.
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
    name="network_proxy_producers_drop",
    beside="network_producers_drop",
    story=__doc__ or "",
    question="Does a proxy that swallows the producers' bytes tell the same story as lost packets?",
    mechanism="a proxy discards bytes that TCP believes to have arrived; the heal closes the connections",
    fault=FaultPlan(model=FaultModel.DROP, link=LinkRole.PRODUCERS),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the subscriber stays connected"),
        guess("pubsub", Guarantee.AT_MOST_ONCE, Verdict.HELD, "the request was swallowed, so its repetition is alone"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.DURABLE, "the server is not touched"),
        guess("stream-group", Guarantee.AT_MOST_ONCE, Verdict.HELD, "the request was swallowed, so it is added once"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
