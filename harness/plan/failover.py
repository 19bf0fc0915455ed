"""The scenarios in which a replica takes over from its master: what they have in common.

One master, two replicas, three Sentinels. Producers and consumers reach the master by an address that follows the
failover, as a virtual address, a name, or a proxy in front of it does: at the heal. Those of the arms that ask
Sentinels connect straight to whom these name, and follow as soon as they ask again.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.values import Arm, FaultPlan, Scenario, SourceClaim, Timeline, Workload
from harness.model.words import Guarantee, Persistence, Verdict
from harness.plan.building import Statement, fault_scenario, select_arms

FAILOVER_ARMS = ("pubsub", "stream-group")
FAILOVER_TIMELINE = Timeline(warm_up_s=1.0, steady_s=2.0, outage_s=5.0, recovery_s=3.0)
"""Sentinel takes 1.5 s of silence for a failure, and a second or so to agree and to promote."""
FAILOVER_WORKLOAD = Workload(rate_per_s=100.0)

FAILOVER_SENTINEL_ARMS = ("pubsub-sentinel", "stream-group-sentinel")
"""The same, asking Sentinels for the master."""
FAILOVER_WAITING_ARMS = ("stream-group-wait-1", "stream-group-wait-2")
"""What is acknowledged is what replicas confirmed."""
FAILOVER_WAIT_MS = 100


def failover_arms(*names: str, producers: int = 1, scopes: int = 1) -> tuple[Arm, ...]:
    """The arms called ``names``, each with so many producers and recipients; those that wait do so for 100 ms."""
    told = {"producers": producers, "wait_ms": FAILOVER_WAIT_MS}
    return tuple(arm.model_copy(update=told) for arm in select_arms(*names, scopes=scopes))


INCIDENT_FAILOVER_ARMS = failover_arms(*FAILOVER_ARMS, producers=4, scopes=4)
"""Several publishers and several subscribers: which of them is back first is not left to one throw of the dice."""
INCIDENT_FAILOVER_WORKLOAD = Workload(rate_per_s=40.0)
INCIDENT_FAILOVER_CLAIMS = (
    SourceClaim(
        row="incident: failover",
        text="a failover of a streaming service's Redis lost notifications with Pub/Sub",
        arm="pubsub",
        guarantee=Guarantee.AT_LEAST_ONCE,
        holds_when=Verdict.VIOLATED,
    ),
    SourceClaim(row="incident: failover", text="with Pub/Sub every notification in flight was lost", arm="pubsub"),
)
"""What the source document says of Pub/Sub, whether or not replicas lag."""


def failover_scenario(
    *,
    name: str,
    story: str,
    question: str,
    mechanism: str,
    fault: FaultPlan,
    statements: Sequence[Statement],
    arms: Sequence[Arm] | None = None,
    family: str = "failover",
    timeline: Timeline = FAILOVER_TIMELINE,
    workload: Workload = FAILOVER_WORKLOAD,
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
        arms=failover_arms(*FAILOVER_ARMS) if arms is None else arms,
        faults=[fault],
        statements=statements,
        timeline=timeline,
        workload=workload,
        persistence=Persistence.AOF_EVERYSEC,
        server_settings=server_settings,
        replicated=True,
        claims=claims,
    )
