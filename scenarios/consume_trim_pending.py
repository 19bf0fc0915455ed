"""Entries are trimmed while they are pending: handed out, never seen, and gone when somebody comes back for them.

The replies to the consumers are swallowed, so the server believes that some entries are being worked on. Meanwhile
producers trim. When the consumers come back for their pending entries they get the ids and no content.

Three workers of one group are cut off at once. One may be waiting for the answer to its XACK just then, and stays so;
the others wait for an entry, are handed one, and never see it.

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
    arms=select_arms("stream-queue", "stream-queue-maxlen-exact"),
    faults=[FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS, direction=Direction.REPLIES)],
    statements=[
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "nothing is trimmed"),
        breaks("stream-queue-maxlen-exact", Guarantee.AT_LEAST_ONCE, "trimmed, pending or not"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=3.5, recovery_s=2.5),
    workload=Workload(rate_per_s=100.0),
)

if __name__ == "__main__":
    run_script(__file__)
