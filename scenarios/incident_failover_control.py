"""A streaming service with a replicated Redis, on a quiet day.

The control of the incident's two failovers: the same arms on a master with two replicas and three Sentinels.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import (
    FAILOVER_TIMELINE,
    INCIDENT_FAILOVER_ARMS,
    INCIDENT_FAILOVER_WORKLOAD,
    Persistence,
    family_control,
    run_script,
)

SCENARIO = family_control(
    name="incident_failover_control",
    family="incident",
    story=__doc__ or "",
    question="Is everything delivered while replication works and nobody fails?",
    arms=INCIDENT_FAILOVER_ARMS,
    timeline=FAILOVER_TIMELINE.model_copy(update={"outage_s": 1.0, "recovery_s": 1.0}),
    workload=INCIDENT_FAILOVER_WORKLOAD,
    persistence=Persistence.AOF_EVERYSEC,
    replicated=True,
)

if __name__ == "__main__":
    run_script(__file__)
