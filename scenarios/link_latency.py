"""Every answer to the consumers takes a fifth of a second longer, more or less.

Latency is no partition: everything arrives. A claim loop that is too eager would mistake a slow consumer for a dead
one; with a minimum idle time of a second this one should not.

Prediction: nothing is lost, doubled or reordered by either primitive; everything is late.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_latency",
    family="link",
    story=__doc__ or "",
    question="Does latency alone lose or double anything?",
    mechanism="replies are delayed by 200 ms ± 50 ms",
    arms=select_arms("pubsub", "stream-group", "stream-queue"),
    faults=[FaultPlan(model=FaultModel.LATENCY, link=LinkRole.CONSUMERS, delay_ms=200, jitter_ms=50)],
    statements=[
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "everything arrives"),
        holds("pubsub", Guarantee.ORDERED, "one connection keeps its order"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "everything arrives"),
        holds("stream-group", Guarantee.AT_MOST_ONCE, "nothing stays pending for a second"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "everything arrives"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
