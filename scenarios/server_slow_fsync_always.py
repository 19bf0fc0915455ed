"""Every fsync of the server takes 0.3 s, with appendfsync always.

A disk that is worn out, or shared with a neighbour. The server syncs before it replies, in its one thread: while it
waits nobody is answered, whoever asks for what. Pub/Sub stores nothing and waits all the same.

Prediction: nothing is lost and nothing is doubled, in either primitive; everything is late, Pub/Sub too.
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
    name="server_slow_fsync_always",
    family="server",
    story=__doc__ or "",
    question="What becomes of messages while each fsync of a server with appendfsync always takes 0.3 s?",
    mechanism="a library in front of the C library sleeps before each fsync of the server",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.SLOW_FSYNC, delay_ms=300)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "a reply that comes late is a reply"),
        holds("stream-group", Guarantee.DURABLE, "it is the same life"),
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "no connection ends, so nobody is unsubscribed"),
    ],
    timeline=SERVER_TIMELINE,
    workload=SERVER_WORKLOAD,
    persistence=Persistence.AOF_ALWAYS,
)

if __name__ == "__main__":
    run_script(__file__)
