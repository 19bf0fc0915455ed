"""The master refuses to write for replicas that have fallen silent, and dies.

min-replicas-to-write 1 with a min-replicas-max-lag of 1 s: once no replica has been heard for longer than that, writes
are refused with NOREPLICAS. The master counts in whole seconds and looks once a second, so it notices one to three
seconds after the links are held; what it acknowledges until then is lost like without the setting. It bounds a loss
that would grow with the silence, and does not end it. XREADGROUP and XACK are writes too: consumers stand still as
well. PUBLISH is none.

The links are held for 3.5 s before the master dies, and the phase is long enough for Sentinel after that.

Prediction: one to three seconds of acknowledged log are gone (un-replicated at failover), the rest of the 3.5 s was
refused, and its producers know. Pub/Sub loses only what is published into the gap.
"""

from harness import (
    FAILOVER_TIMELINE,
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
    name="failover_min_replicas",
    story=__doc__ or "",
    question="What does min-replicas-to-write save of what a failover loses whose replicas are 3.5 s behind?",
    mechanism="a hold of the replication links, SIGKILL of the master 3.5 s later; a replica is promoted",
    fault=FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.HOLD, cut_ms=3_500),
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "it is refused only after max-lag", Mechanism.UNREPLICATED),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "it was read before the master refused"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
    timeline=FAILOVER_TIMELINE.model_copy(update={"outage_s": 8.0}),
    server_settings={"min-replicas-to-write": "1", "min-replicas-max-lag": "1"},
)

if __name__ == "__main__":
    run_script(__file__)
