"""The consumers' connections are cut for a moment, with four releases of redis-py.

How much a subscriber misses is how long it takes to be back: the library's back-off, not the network's outage. 6 and 7
wait a second and more before they try again, 8 a few hundredths.

Prediction: every release loses with Pub/Sub, the older ones more; none loses with a group.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    Timeline,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

_RELEASES = ("@5.3.1", "@6.4.0", "@7.4.1", "")

SCENARIO = fault_scenario(
    name="link_release_cut",
    family="link",
    story=__doc__ or "",
    question="How much longer than the outage is a subscriber away, and who decides that?",
    mechanism="all consumers' connections are closed and refused for half a second",
    arms=select_arms(
        *(f"pubsub{release}" for release in _RELEASES), *(f"stream-group{release}" for release in _RELEASES), scopes=1
    ),
    faults=[FaultPlan(model=FaultModel.DOWN, link=LinkRole.CONSUMERS)],
    statements=[
        *(
            breaks(f"pubsub{release}", Guarantee.AT_LEAST_ONCE, "it is away for a while", Mechanism.NOT_CONNECTED)
            for release in _RELEASES
        ),
        *(holds(f"stream-group{release}", Guarantee.AT_LEAST_ONCE, "the group remembers") for release in _RELEASES),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=0.5, recovery_s=4.0),
)

if __name__ == "__main__":
    run_script(__file__)
