"""The master dies while its replicas hear nothing from it, and the producers had waited for them.

WAIT asks how many replicas have what this connection wrote, and answers after a tenth of a second with how many there
are. It takes nothing back: the entry is in the master's log, and may survive or not. So it turns a loss that nobody was
told of into an uncertainty that the producer knows of. With WAIT 2 every replica has what is acknowledged, whichever is
promoted. With WAIT 1 it depends on Sentinel choosing the one that has it, which it does, as it prefers the replica that
is least behind; but what it knows of that is what a replica told it last. WAIT 2 has its price afterwards: of three
servers two are left, so nothing is ever confirmed until the third is back.

Several producers, since each is held up over each message. Clients are as shipped: they wait for the new master, so
that what is indeterminate is so for WAIT and not for the outage.

Prediction: without WAIT the acknowledged log of seven tenths of a second is gone. With WAIT 1 and WAIT 2 nothing that
was acknowledged is: what was sent meanwhile is indeterminate, and with WAIT 2 everything after the failover too.
"""

from harness import (
    FAILOVER_ARMS,
    FAILOVER_WAITING_ARMS,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    ReplicationCut,
    Verdict,
    Workload,
    breaks,
    failover_arms,
    failover_scenario,
    guess,
    holds,
    run_script,
)

SCENARIO = failover_scenario(
    name="failover_wait",
    story=__doc__ or "",
    question="What does WAIT save of what a failover loses whose replicas are seven tenths of a second behind?",
    mechanism="a hold of the replication links, SIGKILL of the master 0.7 s later; a replica is promoted",
    arms=failover_arms(*FAILOVER_ARMS, *FAILOVER_WAITING_ARMS, producers=6),
    fault=FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.HOLD),
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "no replica was sent it", Mechanism.UNREPLICATED),
        guess("stream-group-wait-1", Guarantee.DURABLE, Verdict.HELD, "the replica that is least behind is promoted"),
        holds("stream-group-wait-2", Guarantee.DURABLE, "whoever is promoted has what both confirmed"),
        holds("stream-group-wait-2", Guarantee.AT_LEAST_ONCE, "whoever is promoted has what both confirmed"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
    workload=Workload(rate_per_s=40.0),
)

if __name__ == "__main__":
    run_script(__file__)
