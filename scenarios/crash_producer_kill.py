"""Every producer gets a SIGKILL in the middle of its work.

What a dead producer was told is acknowledged is safe with either primitive as long as the consumers are well. At most
one message each is in doubt: the one in its hands, of which nobody will ever know whether it was sent. It is not lost
and not delivered twice; it is indeterminate, and whoever starts the producer anew has to decide.

Prediction: nothing acknowledged is lost and nothing is doubled, by either primitive.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    WorkerRole,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="crash_producer_kill",
    family="crash",
    story=__doc__ or "",
    question="Is anything lost that a producer was sure of before it died?",
    mechanism="SIGKILL of the producers at a drawn moment; they are started anew at the heal",
    arms=select_arms("pubsub", "stream-read", "stream-group", scopes=1) + select_arms("stream-queue"),
    faults=[FaultPlan(model=FaultModel.KILL, worker=WorkerRole.PRODUCER)],
    statements=[
        holds("pubsub", Guarantee.AT_LEAST_ONCE, "the subscribers are well"),
        holds("pubsub", Guarantee.AT_MOST_ONCE, "nobody sends anything twice"),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
        holds("stream-group", Guarantee.EFFECTIVELY_ONCE, "nobody sends anything twice"),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "what was acknowledged is in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
