"""The machine loses power between two snapshots.

A snapshot is synced before it takes the place of the last one. What was acknowledged after it is gone, as after a kill;
a snapshot that was not complete is worth nothing.

Prediction: the log lacks what came after the last complete snapshot, about a second (un-fsynced at power loss).
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
    name="server_power_rdb",
    model=FaultModel.POWER_LOSS,
    persistence=Persistence.RDB,
    story=__doc__ or "",
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "the last snapshot is older than the cut", Mechanism.UNFSYNCED),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
