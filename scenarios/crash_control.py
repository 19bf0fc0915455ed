"""Nothing crashes: the control of the crash family.

Every arm that the family kills runs here undisturbed. What is lost or doubled here is the harness's fault or a fault of
our idea of the arm, and no crash trial beside it can be believed.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import CRASH_ARMS, family_control, run_script, select_arms

SCENARIO = family_control(
    name="crash_control",
    family="crash",
    story=__doc__ or "",
    question="Is every arm of the family perfect while nothing crashes?",
    arms=select_arms(*CRASH_ARMS, "sharded-pubsub", "stream-group-no-recovery", scopes=1)
    + select_arms("stream-queue", "stream-queue-no-recovery", "stream-queue-set-nx", "stream-queue-lua"),
)

if __name__ == "__main__":
    run_script(__file__)
