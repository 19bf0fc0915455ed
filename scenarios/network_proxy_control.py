"""Nothing is done to clients that reach the server through proxies, with the workload of the network family.

The control of the family's counterparts.

Prediction: nothing is lost, doubled or reordered.
"""

from harness import NETWORK_ARMS, NETWORK_TIMELINE, NETWORK_WORKLOAD, family_control, run_script, select_arms

SCENARIO = family_control(
    name="network_proxy_control",
    family="network",
    story=__doc__ or "",
    question="Is everything in order behind a proxy that does nothing?",
    arms=select_arms(*NETWORK_ARMS, scopes=1),
    timeline=NETWORK_TIMELINE.model_copy(update={"outage_s": 1.0, "recovery_s": 1.0}),
    workload=NETWORK_WORKLOAD,
)

if __name__ == "__main__":
    run_script(__file__)
