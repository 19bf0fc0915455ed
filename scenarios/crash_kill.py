"""Every consumer gets a SIGKILL at a moment that nobody chose.

Exact crash points show what can happen; this shows what does. The moment is drawn from the seed, and what it hits is
left to chance: mostly a consumer that waits for the next message.

Prediction: acknowledging after the effect never loses; with mark and effect in one step nothing doubles either; what
happens to the other arms depends on the moment and is only reported.
"""

from harness import (
    CRASH_ARMS,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    WorkerRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="crash_kill",
    family="crash",
    story=__doc__ or "",
    question="What does a SIGKILL at any moment cost each way to consume?",
    mechanism="SIGKILL at a drawn moment; the consumers are started anew at the heal",
    arms=select_arms(*CRASH_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.KILL, worker=WorkerRole.CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed while it is dead", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "it goes on from its checkpoint"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what it held is still pending"),
        holds("stream-group-lua", Guarantee.AT_LEAST_ONCE, "what it held is still pending"),
        holds("stream-group-lua", Guarantee.EFFECTIVELY_ONCE, "mark and effect are one step"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
