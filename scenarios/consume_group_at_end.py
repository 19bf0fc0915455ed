"""The consumers come late, and their group is created at `$`.

Most examples create a group at `$`: from now on. Whoever deploys the consumer after the producer has begun finds a
group that is not entitled to anything that came before. That is no loss, it is what was asked for; it feels like one.

Prediction: the group at `$` is not entitled to what was sent before it existed, and is handed none of it; the group
at 0 is handed everything.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    SourceClaim,
    Verdict,
    WorkerRole,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_group_at_end",
    family="consume",
    story=__doc__ or "",
    question="What is a group entitled to that was created at $ after the producers had begun?",
    mechanism="the consumers, who create the group, are not started before the heal",
    arms=select_arms("stream-group", "stream-group-at-end", scopes=1),
    faults=[FaultPlan(model=FaultModel.LATE_START, worker=WorkerRole.CONSUMER)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "it begins at 0"),
        holds("stream-group-at-end", Guarantee.AT_LEAST_ONCE, "what it is entitled to arrives"),
    ],
    claims=[
        SourceClaim(
            row="groups",
            text="a group created at $ is handed nothing that came before",
            arm="stream-group-at-end",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        )
    ],
)

if __name__ == "__main__":
    run_script(__file__)
