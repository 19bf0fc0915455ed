"""The machine loses power under appendfsync everysec, and a producer had waited for the disk.

WAITAOF 1 0 is said to answer when the server has synced what the connection wrote: acknowledged would be what survives
the machine, without appendfsync always. It is believed only as far as it is measured: valkey 9.1.2 without replicas
answers while no fsync has followed the write (docs/server-faults.md).

Prediction: nothing that was confirmed is gone; of what was only answered, up to a second is (un-fsynced at power loss).
"""

from harness import (
    REMEDY_WORKLOAD,
    SERVER_TIMELINE,
    FaultModel,
    FaultPlan,
    Guarantee,
    Persistence,
    Verdict,
    fault_scenario,
    guess,
    remedy_arms,
    run_script,
)

SCENARIO = fault_scenario(
    name="remedy_power_waitaof",
    family="remedy",
    story=__doc__ or "",
    question="Does WAITAOF keep what it confirmed when the machine loses power under appendfsync everysec?",
    mechanism="SIGKILL, and only what had reached the block device is there for the next life",
    arms=remedy_arms(),
    faults=[FaultPlan(model=FaultModel.POWER_LOSS)],
    statements=[
        guess("stream-group", Guarantee.DURABLE, Verdict.VIOLATED, "it is synced once a second"),
        guess("stream-group-waitaof", Guarantee.DURABLE, Verdict.HELD, "acknowledged is what the server has synced"),
    ],
    timeline=SERVER_TIMELINE,
    workload=REMEDY_WORKLOAD,
    persistence=Persistence.AOF_EVERYSEC,
)

if __name__ == "__main__":
    run_script(__file__)
