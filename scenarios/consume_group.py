"""Three workers share a group, and one of them dies with a message in its hands.

The tutorial's second solution. The server hands each entry to one of the three; which one is a race that the quickest
reader wins, so the shares are even only while all are idle. The report tells each worker's share. With COUNT 100 a
worker takes a handful at a time, and dies with a handful.

Prediction: nothing is lost; the dead worker's entries are claimed by the others after a second.
"""

from harness import (
    CrashPoint,
    FaultModel,
    FaultPlan,
    Guarantee,
    Members,
    SourceClaim,
    Verdict,
    WorkerRole,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_group",
    family="consume",
    story=__doc__ or "",
    question="How do three workers share the load, and who does a dead one's work?",
    mechanism="SIGKILL of one of three workers right before an effect; it is started anew at the heal",
    arms=select_arms("stream-queue") + select_arms("stream-group-count-1", "stream-group-count-100", scopes=1),
    faults=[
        FaultPlan(
            model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, members=Members.FIRST, point=CrashPoint.BEFORE_EFFECT
        )
    ],
    statements=[
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the others claim it"),
        holds("stream-queue", Guarantee.EFFECTIVELY_ONCE, "no effect had happened yet"),
        holds("stream-group-count-1", Guarantee.AT_LEAST_ONCE, "it reads its own pending entry when it is back"),
        holds("stream-group-count-100", Guarantee.AT_LEAST_ONCE, "it reads its own pending entries when it is back"),
    ],
    claims=[
        SourceClaim(
            row="groups",
            text="a consumer group shares the load over its workers and loses nothing when one dies",
            arm="stream-queue",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        )
    ],
)

if __name__ == "__main__":
    run_script(__file__)
