"""The server reaches its memory limit and may evict nothing (noeviction).

XADD is refused with OOM, and the client knows that it was not taken. PUBLISH stores nothing and needs no memory of the
keyspace: it goes on as if nothing were.

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
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="server_out_of_memory",
    family="server",
    story=__doc__ or "",
    question="What becomes of messages while the server has no memory left to store them?",
    mechanism="maxmemory one byte below use with noeviction",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.OUT_OF_MEMORY)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.DURABLE, "noeviction removes nothing"),
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "PUBLISH is not refused"),
    ],
    timeline=SERVER_TIMELINE,
    workload=SERVER_WORKLOAD,
)

if __name__ == "__main__":
    run_script(__file__)
