"""The master dies, and half of its clients ask Sentinels where the new one is.

``redis.sentinel.Sentinel(…).master_for(…)`` is how redis-py finds a master without an address that follows it. Each new
connection asks the Sentinels. As shipped such a client has none of the retries of ``redis.Redis``: until a Sentinel
names another master, every call fails at once, and nothing was written. The twin of each arm reaches the master by an
address that leads to the new one at the heal, and has redis-py's retries.

Prediction: the stream loses nothing that was acknowledged. Who asks is back within the second in which the replica is
promoted, and is refused until then, provably. A publisher asks again with each message and a subscriber ten times a
second, so the publisher is there first, and what it publishes until then reaches nobody.
"""

from harness import (
    FAILOVER_ARMS,
    FAILOVER_SENTINEL_ARMS,
    FaultModel,
    FaultPlan,
    Guarantee,
    Verdict,
    failover_arms,
    failover_scenario,
    guess,
    run_script,
)

SCENARIO = failover_scenario(
    name="failover_sentinel_kill",
    story=__doc__ or "",
    question="How does a client fare that asks Sentinels for the new master, beside one whose address leads there?",
    mechanism="SIGKILL of the master; Sentinel promotes a replica; clients ask Sentinels, or are led there at the heal",
    fault=FaultPlan(model=FaultModel.FAILOVER),
    arms=failover_arms(*FAILOVER_ARMS, *FAILOVER_SENTINEL_ARMS),
    statements=[
        guess(
            "stream-group-sentinel", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the replicas have what was acknowledged"
        ),
        guess("stream-group-sentinel", Guarantee.DURABLE, Verdict.HELD, "the replicas have what was acknowledged"),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the replicas have what was acknowledged"),
        guess("stream-group", Guarantee.DURABLE, Verdict.HELD, "the replicas have what was acknowledged"),
        guess("pubsub-sentinel", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "the publisher asks again sooner"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
