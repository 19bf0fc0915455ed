"""The master hangs, a replica is promoted, and the old master wakes up and does not know.

A virtual machine that is paused, a disk that blocks: the process exists and its connections stay open. Clients wait
on them. Sentinels agree that it is down and promote a replica. Then the old one goes on, executes what has queued up
in its sockets, and acknowledges writes as a master that nobody follows any more, until somebody tells it or its
clients.

Prediction: what the deposed master acknowledges is gone (un-replicated at failover). Pub/Sub: its subscribers hang on
the old master and lose what is published at the new one until they are led there.
"""

from harness import FaultModel, FaultPlan, Guarantee, Verdict, failover_scenario, guess, run_script

SCENARIO = failover_scenario(
    name="failover_hung",
    story=__doc__ or "",
    question="What does a master lose that hangs, is deposed, and wakes up?",
    mechanism="SIGSTOP of the master; a replica is promoted; SIGCONT, while clients are led to the new one",
    fault=FaultPlan(model=FaultModel.HUNG_MASTER),
    statements=[
        guess("stream-group", Guarantee.DURABLE, Verdict.HELD, "clients are led away before it wakes up"),
        guess("stream-group", Guarantee.AT_LEAST_ONCE, Verdict.HELD, "the log of the new master has it"),
        guess("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "who publishes anew before the subscriber is back"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
