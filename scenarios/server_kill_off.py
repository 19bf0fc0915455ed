"""The server is killed, and had nothing on disk.

Without persistence the stream and its groups are gone at once, whatever was acknowledged. Producers' next XADD makes a
new stream; the consumers find no group (NOGROUP) and make it again at 0. The old log cannot be replayed by anybody.
What had been read before is no loss to its readers: the group was hardly ever behind.

Prediction: all that was acknowledged before the kill is gone from the log (server restart), some seconds of it. Pub/Sub
loses what is published before its subscriber is back.
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
    name="server_kill_off",
    model=FaultModel.SERVER_KILL,
    persistence=Persistence.OFF,
    story=__doc__ or "",
    statements=[
        breaks("stream-group", Guarantee.DURABLE, "nothing was on disk", Mechanism.SERVER_RESTART),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
