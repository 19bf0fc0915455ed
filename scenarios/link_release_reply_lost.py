"""The same lost replies, with four releases of redis-py.

redis-py 5 retries nothing by itself, 6 and 7 retry three times, 8 ten times. The application is the same to the letter;
what the log holds at the end is not. Each release runs in an environment of its own.

Prediction: 5.3 doubles nothing and leaves indeterminate messages; 6.4, 7.4 and 8.1 double messages and say nothing.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_release_reply_lost",
    family="link",
    story=__doc__ or "",
    question="Does the client library decide whether a message is sent twice?",
    mechanism="requests pass, the first byte of a reply closes the connection",
    arms=select_arms(
        "stream-group@5.3.1",
        "stream-group@6.4.0",
        "stream-group@7.4.1",
        "stream-group",
        "pubsub@5.3.1",
        "pubsub@6.4.0",
        "pubsub@7.4.1",
        "pubsub",
        scopes=1,
    ),
    faults=[FaultPlan(model=FaultModel.REPLY_LOST, link=LinkRole.PRODUCERS)],
    statements=[
        holds("stream-group@5.3.1", Guarantee.AT_MOST_ONCE, "it does not retry"),
        breaks("stream-group@6.4.0", Guarantee.AT_MOST_ONCE, "it retries"),
        breaks("stream-group@7.4.1", Guarantee.AT_MOST_ONCE, "it retries"),
        breaks("stream-group", Guarantee.AT_MOST_ONCE, "it retries"),
        holds("pubsub@5.3.1", Guarantee.AT_MOST_ONCE, "it does not retry"),
        breaks("pubsub@6.4.0", Guarantee.AT_MOST_ONCE, "it retries"),
        breaks("pubsub@7.4.1", Guarantee.AT_MOST_ONCE, "it retries"),
        breaks("pubsub", Guarantee.AT_MOST_ONCE, "it retries"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
