"""A stream keeps a second of history, and its consumers are away for longer: trimming by age.

MINID says "forget what is older than". That is a promise about time, so what it loses does not depend on the rate: an
outage that is longer than the age loses the difference.

Prediction: with a minimum id one second back, an outage of three seconds loses about two seconds' worth.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    Timeline,
    Workload,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_trim_age",
    family="consume",
    story=__doc__ or "",
    question="What does MINID cost a consumer that is away for longer than it keeps?",
    mechanism="the consumers are cut off (connections closed and refused) while producers trim to one second",
    arms=select_arms("stream-group", "stream-group-minid", scopes=1),
    faults=[FaultPlan(model=FaultModel.DOWN, link=LinkRole.CONSUMERS)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "nothing is trimmed"),
        breaks("stream-group-minid", Guarantee.AT_LEAST_ONCE, "trimmed before it was read", Mechanism.TRIMMED_UNREAD),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=3.0, recovery_s=2.5),
    workload=Workload(rate_per_s=200.0),
)

if __name__ == "__main__":
    run_script(__file__)
