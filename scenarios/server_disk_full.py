"""There is no room left for the append-only file.

The server can no longer write down what it would acknowledge, says so (MISCONF) and refuses every write until there is
room again: XADD, and for the same reason XREADGROUP and XACK. PUBLISH writes nothing to the file and goes on.

Prediction: the stream loses nothing that was acknowledged; what is refused is refused for certain. Pub/Sub loses
nothing at all.
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
    name="server_disk_full",
    family="server",
    story=__doc__ or "",
    question="What becomes of messages while the append-only file has no room to grow?",
    mechanism="a file takes the last block of the server's disk, and is removed at the heal",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.DISK_FULL)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.DURABLE, "nothing is acknowledged that could not be written"),
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "PUBLISH is not refused"),
    ],
    timeline=SERVER_TIMELINE,
    workload=SERVER_WORKLOAD,
    persistence=Persistence.AOF_EVERYSEC,
)

if __name__ == "__main__":
    run_script(__file__)
