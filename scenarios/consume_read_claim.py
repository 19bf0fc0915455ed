"""One command that reads new entries and claims idle ones: XREADGROUP ... CLAIM.

Redis 8.4 and newer can do in one call what took a loop. Servers without it are asked, not guessed at: where it is
missing the trial is skipped, and says so.

Prediction: it recovers everything that XAUTOCLAIM does.
"""

from harness import (
    CrashPoint,
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
    name="consume_read_claim",
    family="consume",
    story=__doc__ or "",
    question="Does XREADGROUP ... CLAIM recover what a claim loop recovers?",
    mechanism="SIGKILL of every consumer right before an effect; started anew at the heal",
    arms=select_arms("stream-group-read-claim", "stream-group-claim", scopes=1),
    faults=[FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.BEFORE_EFFECT)],
    statements=[
        holds("stream-group-read-claim", Guarantee.AT_LEAST_ONCE, "it claims what has been idle"),
        holds("stream-group-claim", Guarantee.AT_LEAST_ONCE, "it claims what has been idle"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
