"""Nothing is done to a master with two replicas and three Sentinels.

The control of the family: what goes wrong here goes wrong without a failover.

Prediction: nothing is lost, doubled or reordered.
"""

from harness import (
    FAILOVER_ARMS,
    FAILOVER_SENTINEL_ARMS,
    FAILOVER_TIMELINE,
    FAILOVER_WAITING_ARMS,
    FAILOVER_WORKLOAD,
    Persistence,
    failover_arms,
    family_control,
    run_script,
)

SCENARIO = family_control(
    name="failover_control",
    family="failover",
    story=__doc__ or "",
    question="Is everything in order while replication works and nobody fails?",
    arms=failover_arms(*FAILOVER_ARMS, *FAILOVER_SENTINEL_ARMS, *FAILOVER_WAITING_ARMS),
    timeline=FAILOVER_TIMELINE.model_copy(update={"outage_s": 1.0, "recovery_s": 1.0}),
    workload=FAILOVER_WORKLOAD,
    persistence=Persistence.AOF_EVERYSEC,
    replicated=True,
)

if __name__ == "__main__":
    run_script(__file__)
