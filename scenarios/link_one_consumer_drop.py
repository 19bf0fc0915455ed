"""One worker of three is cut off; the other two are not.

What the server had handed to the one that is cut off is pending under its name, and its reply was swallowed: the worker
never saw it. The other two go on with new entries. After a second they claim what the first left; or nobody does.

Prediction: with claiming nothing is lost and nobody waits for the heal; without any recovery the swallowed entries stay
pending under the name of a worker that never saw them.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    Mechanism,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="link_one_consumer_drop",
    family="link",
    story=__doc__ or "",
    question="What becomes of a work queue when one of three workers is cut off?",
    mechanism="bytes of one worker's connection are discarded; the heal closes it",
    arms=select_arms("pubsub", "stream-queue", "stream-queue-no-recovery"),
    faults=[FaultPlan(model=FaultModel.DROP, link=LinkRole.ONE_CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "each subscriber is on its own", Mechanism.NOT_CONNECTED),
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the others claim it"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
