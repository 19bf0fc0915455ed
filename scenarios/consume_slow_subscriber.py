"""A subscriber is too slow, and the server throws it out.

What a subscriber has not read yet lies in the server's memory, and that has a limit. Past it the connection is closed
and everything in it is gone. PUBLISH had answered 1 for every one of them. The subscriber sees a broken connection,
comes back, and does not know what it missed.

Prediction: Pub/Sub loses by an output-buffer kill; a group that is just as slow loses nothing: its backlog is the log.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Limits,
    Mechanism,
    Timeline,
    WorkerRole,
    Workload,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_slow_subscriber",
    family="consume",
    story=__doc__ or "",
    question="What becomes of a subscriber that cannot keep up?",
    mechanism="each message takes the consumers 200 ms; the server allows a subscriber 1 MB of backlog",
    arms=select_arms("pubsub", "stream-group", scopes=1),
    faults=[FaultPlan(model=FaultModel.SLOW, worker=WorkerRole.CONSUMER, handling_ms=200)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "the server throws it out", Mechanism.OUTPUT_BUFFER_KILL),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "its backlog is the log"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=5.0, recovery_s=4.0, drain_deadline_s=40.0),
    workload=Workload(rate_per_s=150.0, padding_bytes=65_536),
    limits=Limits(lateness_p99_ms=100.0),
    server_settings={"client-output-buffer-limit": "pubsub 1mb 512kb 1"},
)

if __name__ == "__main__":
    run_script(__file__)
