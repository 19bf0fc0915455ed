"""One worker of three dies with a message in its hands, and its work is taken over, or not.

A consumer group remembers who was handed what. That helps only if somebody asks: XAUTOCLAIM by the others, or the
worker's own pending entries when it comes back under its old name. Three workers that only ever read `>` never see the
dead one's message again: it stays pending for good, and no error says so.

Prediction: with a claim loop nothing is lost; without any recovery the message is stuck, for want of a claimer.
"""

from harness import (
    CrashPoint,
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    Members,
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
    name="crash_one_worker",
    family="crash",
    story=__doc__ or "",
    question="Who does the work that one dead worker of three was holding?",
    mechanism="SIGKILL of one of three workers right before an effect; it is started anew at the heal",
    arms=select_arms("stream-queue", "stream-queue-lua", "stream-queue-no-recovery"),
    faults=[
        FaultPlan(
            model=FaultModel.CRASH,
            worker=WorkerRole.CONSUMER,
            members=Members.FIRST,
            point=CrashPoint.BEFORE_EFFECT,
        )
    ],
    statements=[
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the others claim it after a second"),
        holds("stream-queue-lua", Guarantee.EFFECTIVELY_ONCE, "the others claim it, and mark and effect are one step"),
        breaks(
            "stream-queue-no-recovery",
            Guarantee.AT_LEAST_ONCE,
            "everybody reads only new entries",
            Mechanism.NO_CLAIMER,
        ),
    ],
    claims=[
        SourceClaim(
            row="groups",
            text="when one worker of a group dies, the others take its work over",
            arm="stream-queue",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
        SourceClaim(
            row="groups",
            text="read into it: a consumer group takes work over by itself, without a claim loop",
            arm="stream-queue-no-recovery",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
