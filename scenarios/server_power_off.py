"""The machine of a server without persistence loses power.

Nothing was ever to reach the disk, so this is the same as a kill.

Prediction: all that was acknowledged before is gone from the log (server restart).
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
    name="server_power_off",
    model=FaultModel.POWER_LOSS,
    persistence=Persistence.OFF,
    story=__doc__ or "",
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "nothing was on disk", Mechanism.SERVER_RESTART),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
