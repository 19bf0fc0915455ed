"""The server reaches its memory limit and evicts whole keys (allkeys-lru).

A stream is one key: what is evicted is all of it, with its groups, though it is in use. When nothing is left to evict,
writes are refused with OOM until the heal; what was acknowledged before has gone without anybody being told.

Prediction: acknowledged messages are gone from the log (evicted).
"""

from harness import (
    SERVER_ARMS,
    SERVER_TIMELINE,
    SERVER_WORKLOAD,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="server_eviction",
    family="server",
    story=__doc__ or "",
    question="What is left of a stream on a server that is set up as a cache?",
    mechanism="maxmemory below use with allkeys-lru",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.EVICTION)],
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "the stream is a key like any other", Mechanism.EVICTED),
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "it stores nothing"),
    ],
    timeline=SERVER_TIMELINE,
    workload=SERVER_WORKLOAD,
)

if __name__ == "__main__":
    run_script(__file__)
