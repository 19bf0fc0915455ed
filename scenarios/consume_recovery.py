"""Entries were handed out and never acknowledged: four ways to come back to them.

The tutorial's fourth solution. The consumers die with entries pending and come back under their old names. One reads
its own pending entries again (XREADGROUP from 0), one claims what has been idle (XAUTOCLAIM), one does both, one reads
only new entries and believes that all is well.

Prediction: each of the first three loses nothing; the last one's entries are stuck, for want of a claimer.
"""

from harness import (
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
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_recovery",
    family="consume",
    story=__doc__ or "",
    question="Which way to recover pending entries recovers them?",
    mechanism="SIGKILL of every consumer right before an effect; started anew under their old names at the heal",
    arms=select_arms(
        "stream-group", "stream-group-own-pending", "stream-group-claim", "stream-group-no-recovery", scopes=1
    ),
    faults=[FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.BEFORE_EFFECT)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "it reads its own pending entries, and claims"),
        holds("stream-group-own-pending", Guarantee.AT_LEAST_ONCE, "it has its old name"),
        holds("stream-group-claim", Guarantee.AT_LEAST_ONCE, "it claims what has been idle"),
        breaks("stream-group-no-recovery", Guarantee.AT_LEAST_ONCE, "it reads only new entries", Mechanism.NO_CLAIMER),
    ],
    claims=[
        SourceClaim(
            row="pending recovery",
            text="XAUTOCLAIM recovers what a dead consumer left pending",
            arm="stream-group-claim",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
        SourceClaim(
            row="delivery",
            text="a consumer group delivers at least once, also to members that never claim",
            arm="stream-group-no-recovery",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
