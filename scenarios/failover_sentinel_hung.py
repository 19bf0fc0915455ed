"""The master hangs for longer than its clients wait, and half of them ask Sentinels where the new one is.

Its connections stay open and nothing comes. Who waits for a reply gives up after redis-py's five seconds, asks the
Sentinels, and goes to the new master. Who only listens waits for nothing: a subscriber has no reason to ask, and does
not. After eight seconds the old master wakes up; eight seconds later the Sentinels make it a replica and close its
clients' connections, and only then does its subscriber learn anything.

Prediction: the stream loses nothing; its clients are gone before the old master answers again. Pub/Sub loses what is
published at the new master for as long as its subscriber believes that it is connected: more than ten seconds.
"""

from harness import (
    FAILOVER_ARMS,
    FAILOVER_SENTINEL_ARMS,
    FAILOVER_TIMELINE,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    Verdict,
    breaks,
    failover_arms,
    failover_scenario,
    guess,
    run_script,
)

SCENARIO = failover_scenario(
    name="failover_sentinel_hung",
    story=__doc__ or "",
    question="How long does a subscriber stay with a master that hangs and is deposed, and what does it miss?",
    mechanism="SIGSTOP of the master for longer than its clients wait; a replica is promoted; SIGCONT",
    fault=FaultPlan(model=FaultModel.HUNG_MASTER),
    arms=failover_arms(*FAILOVER_ARMS, *FAILOVER_SENTINEL_ARMS),
    timeline=FAILOVER_TIMELINE.model_copy(update={"outage_s": 8.0, "recovery_s": 12.0}),
    statements=[
        guess(
            "stream-group-sentinel",
            Guarantee.AT_LEAST_ONCE,
            Verdict.HELD,
            "its clients give up, ask, and go on with the new one",
        ),
        guess(
            "stream-group-sentinel",
            Guarantee.DURABLE,
            Verdict.HELD,
            "nobody waits for the old master any more when it wakes up",
        ),
        breaks(
            "pubsub-sentinel",
            Guarantee.AT_LEAST_ONCE,
            "the subscriber stays with the old master until a Sentinel closes its connection",
            Mechanism.NOT_CONNECTED,
        ),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the log of the new master has it"),
        guess("stream-group", Guarantee.DURABLE, Verdict.HELD, "clients are led away before it wakes up"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
