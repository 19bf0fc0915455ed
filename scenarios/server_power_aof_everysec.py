"""The machine loses power, with appendfsync everysec.

The default of most who turn the append-only file on: once a second the file is synced in the background, and what was
acknowledged since is at risk.

Prediction: up to about a second of acknowledged log is gone (un-fsynced at power loss), and no more than two.
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
    name="server_power_aof_everysec",
    model=FaultModel.POWER_LOSS,
    persistence=Persistence.AOF_EVERYSEC,
    story=__doc__ or "",
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "it is synced once a second", Mechanism.UNFSYNCED),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
