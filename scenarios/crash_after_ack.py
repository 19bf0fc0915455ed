"""Every consumer dies right after it acknowledged: the harmless point.

Effect and acknowledgement are done, nothing is in flight. A group goes on where it was; whatever is lost here is lost
for another reason. The point is here because a tool that reports a loss at it counts wrongly.

Prediction: no Streams arm loses or doubles anything; a Pub/Sub subscriber loses what is published until it is back.
"""

from harness import (
    CRASH_ARMS,
    CrashPoint,
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
    name="crash_after_ack",
    family="crash",
    story=__doc__ or "",
    question="Is anything lost or doubled when a consumer dies right after XACK?",
    mechanism="SIGKILL right after XACK or checkpoint; the consumers are started anew at the heal",
    arms=select_arms(*CRASH_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.AFTER_ACK)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed while it is dead", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "it goes on from its checkpoint"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "nothing was in flight"),
        holds("stream-group", Guarantee.EFFECTIVELY_ONCE, "nothing was in flight"),
        holds("stream-group-set-nx", Guarantee.EFFECTIVELY_ONCE, "nothing was in flight"),
        holds("stream-group-lua", Guarantee.EFFECTIVELY_ONCE, "nothing was in flight"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
