"""A stream is kept short, and its consumers fall behind: trimming by length.

The tutorial's fifth solution. MAXLEN bounds memory and forgets whatever is oldest, read or not, pending or not. Nobody
is told: XADD succeeds, XINFO shows no lag worth worrying about, and the group goes on behind the gap. How long an
outage it bears is the length over the rate, here about a second.

Prediction: with MAXLEN a cut of two and a half seconds loses what was trimmed unread, exact or approximate; without
retention nothing is lost.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    SourceClaim,
    Timeline,
    Verdict,
    Workload,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_trim_length",
    family="consume",
    story=__doc__ or "",
    question="What does MAXLEN cost a consumer that falls behind?",
    mechanism="the consumers are cut off (connections closed and refused) while producers trim to 200 entries",
    arms=select_arms("stream-group", "stream-group-maxlen", "stream-group-maxlen-exact", scopes=1),
    faults=[FaultPlan(model=FaultModel.DOWN, link=LinkRole.CONSUMERS)],
    statements=[
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "nothing is trimmed"),
        breaks("stream-group-maxlen", Guarantee.AT_LEAST_ONCE, "trimmed before it was read", Mechanism.TRIMMED_UNREAD),
        breaks(
            "stream-group-maxlen-exact", Guarantee.AT_LEAST_ONCE, "trimmed before it was read", Mechanism.TRIMMED_UNREAD
        ),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=3.0, recovery_s=2.5),
    workload=Workload(rate_per_s=200.0),
    claims=[
        SourceClaim(
            row="trimming",
            text="Streams lose nothing, also when MAXLEN trims them",
            arm="stream-group-maxlen",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        )
    ],
)

if __name__ == "__main__":
    run_script(__file__)
