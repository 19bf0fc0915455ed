"""The server is killed between two snapshots.

The last snapshot is what there is: stream, groups and pending lists as they were then. What was acknowledged since is
gone, and what the group was handed since is handed out once more, if it is still there.

Prediction: the log lacks what came after the last snapshot, about a second of it (server restart); what the snapshot
has is kept. Nobody misses a message that had been read before.
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
    name="server_kill_rdb",
    model=FaultModel.SERVER_KILL,
    persistence=Persistence.RDB,
    story=__doc__ or "",
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "the last snapshot is older than the kill", Mechanism.SERVER_RESTART),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
