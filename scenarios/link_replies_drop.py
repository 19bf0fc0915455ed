"""The producers' requests arrive; what the server answers is swallowed.

A firewall that forgot one direction, a full queue on the way back: XADD and PUBLISH are executed, and the producer
never hears of it. When the connection breaks at last, the client library does what it was built for and sends again
what had long been executed. Nobody raised anything.

Prediction: nothing is lost; whoever retries doubles the message that was in flight, in the log and at the subscribers;
whoever doesn't is left with an indeterminate one that was delivered all the same.
"""

from harness import (
    Direction,
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Verdict,
    breaks,
    fault_scenario,
    guess,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_replies_drop",
    family="link",
    story=__doc__ or "",
    question="What happens when only the answers to the producers get lost?",
    mechanism="what the server sends to the producers is discarded; the heal closes the connections",
    arms=select_arms("pubsub", "pubsub-no-retry", "stream-group", "stream-group-no-retry"),
    faults=[FaultPlan(model=FaultModel.DROP, link=LinkRole.PRODUCERS, direction=Direction.REPLIES)],
    statements=[
        breaks("pubsub", Guarantee.AT_MOST_ONCE, "the client publishes again what had been published"),
        holds("pubsub-no-retry", Guarantee.AT_MOST_ONCE, "nobody sends twice"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log has it"),
        breaks("stream-group", Guarantee.AT_MOST_ONCE, "the client appends again what had been appended"),
        # Where the one message in flight was sent before the fault began, this arm is told nothing while it is on.
        guess("stream-group-no-retry", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the log has it"),
        holds("stream-group-no-retry", Guarantee.AT_MOST_ONCE, "nobody sends twice"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
