"""The consumers' link comes and goes, four times in four seconds.

Each time the connections are closed and new ones refused for half a second. Clients back off, come back, subscribe
again, are cut off again. A subscriber loses a little each time; a group is handed what it missed.

Prediction: Pub/Sub loses in every gap, Streams lose nothing.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    Timeline,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_flap",
    family="link",
    story=__doc__ or "",
    question="What does a link cost that comes and goes?",
    mechanism="four times: connections closed and refused for half a second, then half a second of peace",
    arms=select_arms("pubsub", "sharded-pubsub", "stream-group", "stream-queue"),
    faults=[FaultPlan(model=FaultModel.DOWN, link=LinkRole.CONSUMERS, cycles=4)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "each gap swallows what is published in it", Mechanism.NOT_CONNECTED),
        breaks("sharded-pubsub", Guarantee.AT_LEAST_ONCE, "the same", Mechanism.NOT_CONNECTED),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log waits"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the log waits"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=4.0, recovery_s=2.5),
)

if __name__ == "__main__":
    run_script(__file__)
