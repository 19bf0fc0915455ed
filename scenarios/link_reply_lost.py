"""Commands are executed, their replies never arrive, and the connection breaks.

The shortest way to a duplicate: XADD appends, the answer is lost, the client library reconnects and appends again. It
does so as often as its retry policy allows while the fault lasts, and reports success once.

Prediction: as shipped, both primitives deliver messages more than once; without retries nothing is doubled, and what
was delivered is indeterminate to its producer.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    SourceClaim,
    Verdict,
    breaks,
    fault_scenario,
    guess,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_reply_lost",
    family="link",
    story=__doc__ or "",
    question="How often is a message sent whose acknowledgement gets lost?",
    mechanism="requests pass, the first byte of a reply closes the connection",
    arms=select_arms("pubsub", "pubsub-no-retry", "stream-group", "stream-group-no-retry"),
    faults=[FaultPlan(model=FaultModel.REPLY_LOST, link=LinkRole.PRODUCERS)],
    statements=[
        breaks("pubsub", Guarantee.AT_MOST_ONCE, "redis-py publishes again"),
        holds("pubsub-no-retry", Guarantee.AT_MOST_ONCE, "nobody sends twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was executed is in the log"),
        breaks("stream-group", Guarantee.AT_MOST_ONCE, "redis-py appends again"),
        holds("stream-group-no-retry", Guarantee.AT_MOST_ONCE, "nobody sends twice"),
        guess(
            "stream-group-no-retry",
            Guarantee.AT_LEAST_ONCE,
            Verdict.HELD,
            "it is told nothing, so nothing that it was told is lost",
        ),
    ],
    claims=[
        SourceClaim(
            row="delivery",
            text="Pub/Sub delivers at most once",
            arm="pubsub",
            guarantee=Guarantee.AT_MOST_ONCE,
            holds_when=Verdict.HELD,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
