"""Nothing is done to clients that reach the server through namespaces of their own.

The control of the family: what goes wrong here is the work of namespaces, routes and rules, and not of lost packets.

Prediction: nothing is lost, doubled or reordered.
"""

from harness import NETWORK_ARMS, NETWORK_TIMELINE, NETWORK_WORKLOAD, family_control, run_script, select_arms

SCENARIO = family_control(
    name="network_control",
    family="network",
    story=__doc__ or "",
    question="Is everything in order behind a wire on which nothing is dropped?",
    arms=select_arms(*NETWORK_ARMS, scopes=1),
    timeline=NETWORK_TIMELINE.model_copy(update={"outage_s": 1.0, "recovery_s": 1.0}),
    workload=NETWORK_WORKLOAD,
    wired=True,
)

if __name__ == "__main__":
    run_script(__file__)
