"""A deploy restarts every consumer, one after the other.

The tutorial's second story: no outage, no alarm, a plain rolling restart, and messages are missing. Each subscriber is
gone for as long as its successor takes to start.

Prediction: Pub/Sub loses what is published to each subscriber while it is restarted; Streams lose and double nothing.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    SourceClaim,
    Timeline,
    Verdict,
    WorkerRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="incident_rolling_restart",
    family="incident",
    story=__doc__ or "",
    question="Does a rolling restart lose messages?",
    mechanism="every consumer in turn ends in order; its successor is up 0.4 s later",
    arms=select_arms("pubsub", "stream-group", scopes=1) + select_arms("stream-queue"),
    faults=[FaultPlan(model=FaultModel.RESTART, worker=WorkerRole.CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody listens in between", Mechanism.NOT_CONNECTED),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the group remembers"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the group remembers"),
        holds("stream-queue", Guarantee.EFFECTIVELY_ONCE, "every predecessor finished what it had"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=5.0, recovery_s=2.5),
    claims=[
        SourceClaim(
            row="incident: rolling restart",
            text="a rolling restart of the consumers lost messages with Pub/Sub",
            arm="pubsub",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.VIOLATED,
        ),
        SourceClaim(
            row="incident: rolling restart",
            text="with a consumer group none is lost",
            arm="stream-queue",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
            claimed_loss=0,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
