"""Somebody arrives late and wants to know what happened before.

The tutorial's third solution. A reader or a group that begins at 0 is handed the whole past, in order; a state that is
rebuilt from the stream must equal the state that came about through the effects, which the checker compares order by
order; and a replay from the moment of the fault on must bring all that was acknowledged since. A late subscriber is
told nothing about the past, and there is nobody to ask.

Prediction: late readers and groups at 0 get everything; Pub/Sub has nothing to replay.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    SourceClaim,
    Verdict,
    WorkerRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_replay",
    family="consume",
    story=__doc__ or "",
    question="What can somebody who comes late still learn?",
    mechanism="the consumers are not started before the heal",
    arms=select_arms("pubsub", "stream-read", "stream-group", scopes=1),
    faults=[FaultPlan(model=FaultModel.LATE_START, worker=WorkerRole.CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "there is no past", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "it reads from 0"),
        holds("stream-read", Guarantee.ORDERED, "a stream has one order"),
        holds("stream-read", Guarantee.EFFECTIVELY_ONCE, "state from the stream = state from the effects"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the group begins at 0"),
    ],
    claims=[
        SourceClaim(
            row="history",
            text="a stream can be replayed from its beginning",
            arm="stream-read",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
        SourceClaim(
            row="history",
            text="Pub/Sub has no history",
            arm="pubsub",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.VIOLATED,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
