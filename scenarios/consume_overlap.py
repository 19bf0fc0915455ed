"""A subscriber listens to a channel and to a pattern that matches it.

Nothing is broken but the idea: each subscription gets its own copy, so the application gets every message twice, and
"at most once" was about neither. A little latency is injected so that this is a trial and not a control.

Prediction: every message arrives twice; a plain subscriber beside it gets each once.
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
    name="consume_overlap",
    family="consume",
    story=__doc__ or "",
    question="How often does a message arrive that a channel and a pattern both match?",
    mechanism="replies to the consumers are delayed by 50 ms; the subscriptions overlap all the time",
    arms=select_arms("pubsub", "pubsub-overlap", scopes=1),
    faults=[FaultPlan(model=FaultModel.LATENCY, link=LinkRole.CONSUMERS, delay_ms=50)],
    statements=[
        holds("pubsub", Guarantee.AT_MOST_ONCE, "one subscription, one copy"),
        breaks("pubsub-overlap", Guarantee.AT_MOST_ONCE, "two subscriptions, two copies"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
