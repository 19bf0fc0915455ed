"""The server hangs for a while and knows nothing of it.

A stopped virtual machine, a host that swaps: connections stay, nothing is answered. When the server goes on, it reads
what its sockets held and answers all of it late. The pause is shorter than the clients' timeouts.

Prediction: nothing is lost and nothing is doubled, in either primitive; everything is late.
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
    name="server_pause",
    family="server",
    story=__doc__ or "",
    question="What is lost while a server hangs for less than its clients are ready to wait?",
    mechanism="SIGSTOP of the server, SIGCONT at the heal",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.SERVER_PAUSE)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the requests wait in the sockets"),
        holds("stream-group", Guarantee.DURABLE, "it is the same life"),
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "no connection ends, so nobody is unsubscribed"),
    ],
    timeline=SERVER_TIMELINE,
    workload=SERVER_WORKLOAD,
)

if __name__ == "__main__":
    run_script(__file__)
