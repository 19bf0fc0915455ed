"""The scenarios in which a replica takes over from its master: what they have in common.

One master, two replicas, three Sentinels. Producers and consumers reach the master by an address that follows the
failover, as a virtual address, a name, or a proxy in front of it does.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.values import FaultPlan, Scenario, SourceClaim, Timeline, Workload
from harness.model.words import Persistence
from harness.plan.building import Statement, fault_scenario, select_arms

FAILOVER_ARMS = ("pubsub", "stream-group")
FAILOVER_TIMELINE = Timeline(warm_up_s=1.0, steady_s=2.0, outage_s=5.0, recovery_s=3.0)
"""Sentinel takes a second of silence for a failure, and a second or two to agree and to promote."""
FAILOVER_WORKLOAD = Workload(rate_per_s=100.0)


def failover_scenario(
    *,
    name: str,
    story: str,
    question: str,
    mechanism: str,
    fault: FaultPlan,
    statements: Sequence[Statement],
    arms: Sequence[str] = FAILOVER_ARMS,
    family: str = "failover",
    claims: Sequence[SourceClaim] = (),
    server_settings: dict[str, str] | None = None,
) -> Scenario:
    """A scenario of the family: a replicated server, and ``fault`` of its master."""
    return fault_scenario(
        name=name,
        family=family,
        story=story,
        question=question,
        mechanism=mechanism,
        arms=select_arms(*arms, scopes=1),
        faults=[fault],
        statements=statements,
        timeline=FAILOVER_TIMELINE,
        workload=FAILOVER_WORKLOAD,
        persistence=Persistence.AOF_EVERYSEC,
        server_settings=server_settings,
        replicated=True,
        claims=claims,
    )
