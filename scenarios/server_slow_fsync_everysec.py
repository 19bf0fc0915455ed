"""Every fsync of the server takes 1.5 s, with appendfsync everysec.

The fsync is another thread's business. While it is under way the server puts its writes off for up to two seconds, and
replies all the same: what is acknowledged meanwhile is in its memory only. Nobody sees that as long as nothing dies.

Prediction: nothing is lost, nothing is doubled, and nobody notices anything.
"""

from harness import (
    SERVER_ARMS,
    SERVER_TIMELINE,
    SERVER_WORKLOAD,
    FaultModel,
    FaultPlan,
    Guarantee,
    Persistence,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="server_slow_fsync_everysec",
    family="server",
    story=__doc__ or "",
    question="What becomes of messages while each fsync of a server with appendfsync everysec takes 1.5 s?",
    mechanism="a library in front of the C library sleeps before each fsync of the server",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.SLOW_FSYNC, delay_ms=1_500)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "a reply that comes late is a reply"),
        holds("stream-group", Guarantee.DURABLE, "it is the same life"),
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "no connection ends, so nobody is unsubscribed"),
    ],
    timeline=SERVER_TIMELINE.model_copy(update={"outage_s": 4.0}),
    workload=SERVER_WORKLOAD,
    persistence=Persistence.AOF_EVERYSEC,
)

if __name__ == "__main__":
    run_script(__file__)
