"""The machine loses power, with appendfsync always.

No reply leaves the server before its write was synced. This is the only setting under which an acknowledgement means
that the message survives the machine.

Prediction: nothing that was acknowledged is gone, and nothing is lost on the way to the group.
"""

from harness import (
    FaultModel,
    Guarantee,
    Persistence,
    Verdict,
    guess,
    holds,
    run_script,
    server_death,
)

SCENARIO = server_death(
    name="server_power_aof_always",
    model=FaultModel.POWER_LOSS,
    persistence=Persistence.AOF_ALWAYS,
    story=__doc__ or "",
    statements=[
        holds("stream-group", Guarantee.DURABLE, "a reply comes after the fsync"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log has it, and the group goes on where it was"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
