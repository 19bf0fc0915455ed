"""The machine loses power, with appendfsync no.

Each write went to the page cache and was acknowledged; when it reaches the disk is the kernel's business, some 30 s
later as a rule. The trial is shorter than that.

Prediction: all that was acknowledged before the cut is gone, seconds of it (un-fsynced at power loss).
"""

from harness import (
    FaultModel,
    Guarantee,
    Mechanism,
    Persistence,
    Verdict,
    breaks,
    guess,
    run_script,
    server_death,
)

SCENARIO = server_death(
    name="server_power_aof_no",
    model=FaultModel.POWER_LOSS,
    persistence=Persistence.AOF_NO,
    story=__doc__ or "",
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "the kernel had not written it back yet", Mechanism.UNFSYNCED),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
