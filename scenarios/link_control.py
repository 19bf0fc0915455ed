"""The links are left alone: the control of the link family.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import family_control, run_script, select_arms

SCENARIO = family_control(
    name="link_control",
    family="link",
    story=__doc__ or "",
    question="Is every arm of the family perfect while the links are well?",
    arms=select_arms(
        "pubsub",
        "pubsub-no-retry",
        "pubsub-hardened",
        "sharded-pubsub",
        "stream-group",
        "stream-group-no-retry",
        "stream-queue",
        "stream-queue-no-recovery",
    ),
)

if __name__ == "__main__":
    run_script(__file__)
