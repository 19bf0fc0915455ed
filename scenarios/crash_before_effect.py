"""Every consumer dies with a message in its hands, right before its effect.

The consumer has received a message and has not done anything with it yet. Whoever told the server "done" before that
moment (an acknowledgement before the effect, NOACK, a checkpoint saved first) has told a lie that nobody can take back.
Whoever marked the message as done in a dedup store, to be safe from duplicates, has told the same lie to itself: the
redelivered message is taken for a duplicate and its effect never happens. Only a mark that is set in one step with the
effect, or one that expires, survives this point.

Prediction: acknowledging after the effect loses nothing and doubles nothing here; acknowledging first, NOACK and an
early checkpoint lose the message; SET NX before the effect loses it by false dedup; Lua in one step does not; a Pub/Sub
subscriber loses it and everything that is published until it is back.
"""

from harness import (
    CRASH_ARMS,
    CrashPoint,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    SourceClaim,
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
    name="crash_before_effect",
    family="crash",
    story=__doc__ or "",
    question="Who loses the message that a consumer held when it died, before it did anything with it?",
    mechanism="SIGKILL after the receive and right before the effect; the consumers are started anew at the heal",
    arms=select_arms(*CRASH_ARMS, scopes=1),
    faults=[FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.BEFORE_EFFECT)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed while it is dead", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "the checkpoint lies before the message: it is read again"),
        breaks(
            "stream-read-checkpoint-first",
            Guarantee.AT_LEAST_ONCE,
            "the checkpoint says that it was done",
            Mechanism.CRASH_BEFORE_EFFECT,
        ),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "it stays pending and is read again"),
        holds("stream-group", Guarantee.EFFECTIVELY_ONCE, "no effect had happened yet"),
        breaks(
            "stream-group-ack-first",
            Guarantee.AT_LEAST_ONCE,
            "it was acknowledged before anything was done",
            Mechanism.CRASH_BEFORE_EFFECT,
        ),
        breaks("stream-group-noack", Guarantee.AT_LEAST_ONCE, "the server keeps nothing pending", Mechanism.NOACK),
        breaks(
            "stream-group-set-nx",
            Guarantee.EFFECTIVELY_ONCE,
            "the mark stands, the effect was never done",
            Mechanism.FALSE_DEDUP,
        ),
        holds("stream-group-lua", Guarantee.EFFECTIVELY_ONCE, "mark and effect are one step"),
        guess(
            "stream-group-window",
            Guarantee.EFFECTIVELY_ONCE,
            Verdict.HELD,
            "the mark has expired when the message comes again",
        ),
    ],
    claims=[
        SourceClaim(
            row="acknowledgement",
            text="a message is not lost when its consumer dies before XACK",
            arm="stream-group",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
        SourceClaim(
            row="acknowledgement",
            text="Pub/Sub has no acknowledgement: what its subscriber dies with is gone",
            arm="pubsub",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.VIOLATED,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
