"""A streaming service's Redis fails over, and every notification in flight is lost.

The tutorial's fourth story. Four publishers and four subscribers; the master dies, Sentinel promotes a replica that is
up to date, and everybody is led there. Pub/Sub keeps nothing: what is published before a subscriber is back is lost to
it. But a publisher cannot publish either while there is no master: what it has kept until then is not lost. A stream's
log was replicated, as far as its replicas had come: nothing guarantees more.

Prediction: Pub/Sub loses some of what was meant to be sent during the failover, not all of it; Streams lose none.
"""

from harness import (
    INCIDENT_FAILOVER_ARMS,
    INCIDENT_FAILOVER_CLAIMS,
    INCIDENT_FAILOVER_WORKLOAD,
    FaultModel,
    FaultPlan,
    Guarantee,
    SourceClaim,
    Verdict,
    failover_scenario,
    guess,
    run_script,
)

SCENARIO = failover_scenario(
    name="incident_failover",
    family="incident",
    story=__doc__ or "",
    question="Are all notifications in flight lost in a failover whose replicas are up to date?",
    mechanism="SIGKILL of the master; Sentinel promotes a replica; the clients' address leads to it",
    arms=INCIDENT_FAILOVER_ARMS,
    fault=FaultPlan(model=FaultModel.FAILOVER),
    statements=[
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "some publisher is back before some subscriber"),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the replicas have what was acknowledged"),
        guess("stream-group", Guarantee.DURABLE, Verdict.HELD, "the replicas have what was acknowledged"),
    ],
    workload=INCIDENT_FAILOVER_WORKLOAD,
    claims=[
        *INCIDENT_FAILOVER_CLAIMS,
        SourceClaim(
            row="incident: failover",
            text="with Streams none is lost",
            arm="stream-group",
            guarantee=Guarantee.DURABLE,
            holds_when=Verdict.HELD,
            claimed_loss=0,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
