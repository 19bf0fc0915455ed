"""The master dies, and its replicas are up to date.

The machine is gone, Sentinels agree on it after a second or two, a replica is promoted, and the address that clients
use leads to it. Replication is asynchronous: a healthy link is behind by less than a write, or by some on a busy
machine.

Prediction: the stream loses nothing that was acknowledged, though nothing guarantees it; Pub/Sub loses what is
published before its subscribers are back.
"""

from harness import FaultModel, FaultPlan, Guarantee, Verdict, failover_scenario, guess, run_script

SCENARIO = failover_scenario(
    name="failover_healthy",
    story=__doc__ or "",
    question="What does a failover lose whose replicas are up to date?",
    mechanism="SIGKILL of the master; Sentinel promotes a replica; the clients' address leads to it",
    fault=FaultPlan(model=FaultModel.FAILOVER),
    statements=[
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the replicas have what was acknowledged"),
        guess("stream-group", Guarantee.DURABLE, Verdict.HELD, "the replicas have what was acknowledged"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
