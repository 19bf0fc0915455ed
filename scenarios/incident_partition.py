"""The story the tutorial begins with: twelve minutes of partition, 14,700 orders gone.

Orders came in at 20.4 a second, the network between Redis and its subscriber swallowed everything for twelve minutes,
and PUBLISH answered "1 receiver" all the while. By default the twelve minutes are compressed into half a minute with
the same number of orders; `--real-time` takes the twelve minutes.

Prediction: the loss of Pub/Sub is about the 14,700 of the story; Streams as the tutorial sets them up lose none, and
take as long as the backlog needs.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    SourceClaim,
    Timeline,
    Verdict,
    Workload,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="incident_partition",
    family="incident",
    story=__doc__ or "",
    question="Are 14,700 orders lost in a partition of twelve minutes at 20.4 a second?",
    mechanism="bytes of the consumers are discarded on connections that stay open; the heal closes them",
    arms=select_arms("pubsub", "stream-group", scopes=1),
    faults=[FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody hears them", Mechanism.NOT_CONNECTED),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log waits"),
        holds("stream-group", Guarantee.DURABLE, "nothing happened to the server"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=24.0, recovery_s=6.0, drain_deadline_s=60.0),
    workload=Workload(rate_per_s=612.0),
    real_time=(720.0, 20.4),
    claims=[
        SourceClaim(
            row="incident: partition",
            text="14,700 orders were lost with Pub/Sub",
            arm="pubsub",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.VIOLATED,
            claimed_loss=14_700,
        ),
        SourceClaim(
            row="incident: partition",
            text="with Streams none would have been lost",
            arm="stream-group",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
            claimed_loss=0,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
