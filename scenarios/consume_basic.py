"""A basic stream: XADD here, XREAD there, and the reader dies in between.

The tutorial's first solution. XREAD has no group and no acknowledgement: where to go on is the reader's own business.
A reader that saved its last id goes on from there. One that starts at `$` again, as many examples do, begins with what
comes next: the log holds everything that it missed, and it never looks.

Prediction: the reader with a checkpoint loses nothing; the one at `$` loses what was written while it was dead, out of
a log that has it all; Pub/Sub loses the same, and has no log.
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
    name="consume_basic",
    family="consume",
    story=__doc__ or "",
    question="Where does an XREAD reader go on after it died?",
    mechanism="SIGKILL of the readers; they are started anew at the heal",
    arms=select_arms("pubsub", "stream-read", "stream-read-at-end", scopes=1),
    faults=[FaultPlan(model=FaultModel.KILL, worker=WorkerRole.CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed", Mechanism.NOT_CONNECTED),
        holds("stream-read", Guarantee.AT_LEAST_ONCE, "it goes on from its last id"),
        breaks("stream-read-at-end", Guarantee.AT_LEAST_ONCE, "it starts at $ again", Mechanism.GROUP_AT_DOLLAR),
    ],
    claims=[
        SourceClaim(
            row="basic stream",
            text="read into it: a reader of a stream misses nothing, wherever it starts",
            arm="stream-read-at-end",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
        ),
        SourceClaim(
            row="persistence",
            text="what a dead reader missed is still in the stream",
            arm="stream-read",
            guarantee=Guarantee.DURABLE,
            holds_when=Verdict.HELD,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
