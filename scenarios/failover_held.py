"""The master dies while its replicas hear nothing from it.

What is on its way to the replicas stays there: for seven tenths of a second the master goes on and acknowledges,
alone. Then it dies, and a replica is promoted that has never seen these writes. XADD had been answered with an id for
each.

Prediction: seven tenths of a second of acknowledged log are gone (un-replicated at failover), read or not; the group
goes on where the replica knows it to be. Pub/Sub had delivered them already and loses only what is published into the
gap.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    ReplicationCut,
    Verdict,
    breaks,
    failover_scenario,
    guess,
    run_script,
)

SCENARIO = failover_scenario(
    name="failover_held",
    story=__doc__ or "",
    question="What does a failover lose whose replicas are seven tenths of a second behind?",
    mechanism="a hold of the replication links, SIGKILL of the master 0.7 s later; a replica is promoted",
    fault=FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.HOLD),
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "no replica was sent it", Mechanism.UNREPLICATED),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "it was read before the master died"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
