"""The same failover, by replicas that are seven tenths of a second behind.

The tutorial says that Streams lose none. It does not speak of replication, which is asynchronous: XADD answers before
any replica has the entry. Here the links to the replicas are held for seven tenths of a second before the master dies,
as a congested network or a busy replica does.

Prediction: what XADD acknowledged in these seven tenths of a second is gone from the log (un-replicated at failover):
whoever had read it has it, and nobody can ever again. Pub/Sub loses what it loses without the lag.
"""

from harness import (
    INCIDENT_FAILOVER_ARMS,
    INCIDENT_FAILOVER_CLAIMS,
    INCIDENT_FAILOVER_WORKLOAD,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    ReplicationCut,
    SourceClaim,
    Verdict,
    breaks,
    failover_scenario,
    guess,
    run_script,
)

SCENARIO = failover_scenario(
    name="incident_failover_lag",
    family="incident",
    story=__doc__ or "",
    question="Do Streams lose nothing in a failover whose replicas are seven tenths of a second behind?",
    mechanism="a hold of the replication links, SIGKILL of the master 0.7 s later; a replica is promoted",
    arms=INCIDENT_FAILOVER_ARMS,
    fault=FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.HOLD),
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "no replica was sent it", Mechanism.UNREPLICATED),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "it was read before the master died"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "some publisher is back before some subscriber"),
    ],
    workload=INCIDENT_FAILOVER_WORKLOAD,
    claims=[
        *INCIDENT_FAILOVER_CLAIMS,
        SourceClaim(
            row="incident: failover",
            text="read into it: with Streams none is lost, also when replicas lag",
            arm="stream-group",
            guarantee=Guarantee.DURABLE,
            holds_when=Verdict.HELD,
            claimed_loss=0,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
