"""The server is killed, with appendfsync always.

A write to the append-only file comes before the reply, and what was written lies in the page cache, which belongs to
the machine and survives the process. So a SIGKILL takes nothing, and says nothing about fsync: see the power loss.

Prediction: nothing that was acknowledged is gone from the log, and nothing is lost on the way to the group.
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
    name="server_kill_aof_always",
    model=FaultModel.SERVER_KILL,
    persistence=Persistence.AOF_ALWAYS,
    story=__doc__ or "",
    statements=[
        holds("stream-group", Guarantee.DURABLE, "each write was synced"),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the log has it, and the group goes on where it was"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
