"""The old master comes back, with writes in its file that the new one has never seen.

What is sent to the replicas is swallowed for seven tenths of a second before the master dies. A replica is promoted
without these writes. Then the old master is started anew on its append-only file, and has them all: for a while it is
a second master, until a Sentinel tells it whom to follow. It fetches the new master's data and drops its own. Nobody
merges anything, and nobody says what was dropped.

Prediction: what the replicas had not been sent is gone (un-replicated at failover), although it was on a disk that
came back. Pub/Sub had delivered it already and loses only what is published into the gap; the return itself costs it
nothing, since clients were led to the new master before.
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
    name="failover_old_master_returns",
    story=__doc__ or "",
    question="Does what only the old master had come back with it?",
    mechanism="a drop of the replication links, SIGKILL 0.7 s later, a promotion; the old master is started anew",
    fault=FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.DROP, old_returns=True),
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "a replica drops what its master has not", Mechanism.UNREPLICATED),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "it was read before the master died"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
