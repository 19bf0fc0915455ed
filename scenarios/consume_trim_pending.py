"""Entries are trimmed while they are pending: handed out, never seen, and gone when somebody comes back for them.

The replies to the consumers are swallowed, so the server believes that some entries are being worked on. Meanwhile
producers trim. When the consumers come back for their pending entries they get the ids and no content.

Four groups are cut off at once, so that some are waiting for an entry when it happens.

Prediction: besides what is trimmed unread, a few messages are lost while pending.
"""

from harness import (
    Direction,
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Timeline,
    Workload,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_trim_pending",
    family="consume",
    story=__doc__ or "",
    question="What is left of a pending entry that was trimmed?",
    mechanism="replies to the consumers are swallowed while producers trim to 200 entries; the heal closes connections",
    arms=select_arms("stream-group", "stream-group-maxlen-exact", scopes=4),
    faults=[FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS, direction=Direction.REPLIES)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "nothing is trimmed"),
        breaks("stream-group-maxlen-exact", Guarantee.AT_LEAST_ONCE, "trimmed, pending or not"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=3.0, recovery_s=2.5),
    workload=Workload(rate_per_s=200.0),
)

if __name__ == "__main__":
    run_script(__file__)
