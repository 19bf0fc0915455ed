"""The scenarios in which packets are really lost, and the proxy's models beside them: what they have in common.

Both have the same arms, workload, timeline and outage. Where packets are dropped clients reach the server from network
namespaces of their own; the counterparts, which name the scenario that they stand ``beside``, use a proxy as all other
families do.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.values import FaultPlan, Scenario, Timeline, Workload
from harness.model.words import PACKET_FAULTS
from harness.plan.building import Statement, fault_scenario, select_arms

NETWORK_ARMS = ("pubsub", "stream-group")
NETWORK_TIMELINE = Timeline(warm_up_s=1.0, steady_s=2.0, outage_s=4.0, recovery_s=5.0)
"""TCP doubles its pause after each try, so an outage goes on for up to as long again after its heal."""
NETWORK_LONG = NETWORK_TIMELINE.model_copy(update={"outage_s": 50.0, "recovery_s": 8.0})
"""Longer than a keepalive waits (45 s in redis-py as shipped), and ended shortly before TCP tries again at 54 s."""
NETWORK_WORKLOAD = Workload(rate_per_s=100.0)


def network_scenario(
    *,
    name: str,
    story: str,
    question: str,
    mechanism: str,
    fault: FaultPlan,
    statements: Sequence[Statement],
    beside: str = "",
    timeline: Timeline = NETWORK_TIMELINE,
    slow: bool = False,
) -> Scenario:
    """A scenario of the family; it is wired where ``fault`` strikes packets."""
    return fault_scenario(
        name=name,
        family="network",
        story=story,
        question=question,
        mechanism=mechanism,
        arms=select_arms(*NETWORK_ARMS, scopes=1),
        faults=[fault],
        statements=statements,
        timeline=timeline,
        workload=NETWORK_WORKLOAD,
        wired=fault.model in PACKET_FAULTS,
        beside=beside,
        slow=slow,
    )
