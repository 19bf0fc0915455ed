"""Every consumer dies after its effect and before it could say so.

The money is sent, the acknowledgement is not. At-least-once means that the message comes again, and that its effect
happens twice unless something remembers it. This is where dedup earns its keep, and where its window shows: a mark that
has expired by the time of the redelivery remembers nothing.

Prediction: acknowledging after the effect doubles it; so does a checkpoint after it; SET NX and Lua don't; a one-second
window does, since the consumers are away for two. Without any recovery nothing is doubled, and the message stays
pending for good, done and never settled.
"""

from harness import (
    CRASH_ARMS,
    CrashPoint,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    Verdict,
    WorkerRole,
    breaks,
    fault_scenario,
    guess,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="crash_after_effect",
    family="crash",
    story=__doc__ or "",
    question="Whose effect happens twice when a consumer dies between effect and acknowledgement?",
    mechanism="SIGKILL right after the effect, before XACK or checkpoint; the consumers are started anew at the heal",
    arms=select_arms(*CRASH_ARMS, "stream-group-no-recovery", scopes=1),
    faults=[FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.AFTER_EFFECT)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed while it is dead", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "it is read again from the checkpoint"),
        breaks("stream-read", Guarantee.EFFECTIVELY_ONCE, "its effect was done and is done again"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "it stays pending and is read again"),
        breaks("stream-group", Guarantee.EFFECTIVELY_ONCE, "its effect was done and is done again"),
        guess("stream-group-ack-first", Guarantee.EFFECTIVELY_ONCE, Verdict.HELD, "it was acknowledged and done"),
        holds("stream-group-set-nx", Guarantee.EFFECTIVELY_ONCE, "the mark was set before the effect"),
        holds("stream-group-lua", Guarantee.EFFECTIVELY_ONCE, "mark and effect are one step"),
        breaks(
            "stream-group-no-recovery",
            Guarantee.AT_LEAST_ONCE,
            "its effect is done, and it stays pending for good",
            Mechanism.CRASH_BEFORE_ACK,
        ),
        breaks("stream-group-window", Guarantee.EFFECTIVELY_ONCE, "the mark expired while the consumer was away"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
