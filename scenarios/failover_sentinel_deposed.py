"""The master hangs for less than its clients wait, is deposed meanwhile, and half of them ask Sentinels.

They ask when they connect, and they are connected. After three and a half seconds the old master wakes up, answers what
they were waiting for, and goes on as a master: nobody has told it. Sentinels wait for eight seconds before they make a
replica of a server that says that it is the master. Until then it acknowledges, and all of that is gone when it copies
the new master's data.

Prediction: more than eight seconds of acknowledged log are gone (un-replicated at failover), though the consumer has
read them there. Pub/Sub loses less than the stream: its subscriber is with the same deposed master, and hears all of it
until both are sent away.
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
    name="failover_sentinel_deposed",
    story=__doc__ or "",
    question="What does a deposed master take that wakes up before its clients have given it up?",
    mechanism="SIGSTOP of the master for less than its clients wait; a replica is promoted; SIGCONT",
    fault=FaultPlan(model=FaultModel.HUNG_MASTER),
    arms=failover_arms(*FAILOVER_ARMS, *FAILOVER_SENTINEL_ARMS),
    timeline=FAILOVER_TIMELINE.model_copy(update={"outage_s": 3.5, "recovery_s": 12.0}),
    statements=[
        breaks(
            "stream-group-sentinel",
            Guarantee.DURABLE,
            "its clients are connected to the deposed master, which acknowledges until it is made a replica",
            Mechanism.UNREPLICATED,
        ),
        guess("stream-group-sentinel", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "its consumer read it there"),
        guess(
            "pubsub-sentinel", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "the publisher comes to the new one sooner"
        ),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the log of the new master has it"),
        guess("stream-group", Guarantee.DURABLE, Verdict.HELD, "clients are led away before it wakes up"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
