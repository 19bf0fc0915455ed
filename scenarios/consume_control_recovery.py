"""Nothing is broken: the second control of the consume family, for ways to recover and to trim.

Trimming that runs behind consumers that keep up takes only what has been read; recovering what nobody left behind does
nothing.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import Workload, family_control, run_script, select_arms

SCENARIO = family_control(
    name="consume_control_recovery",
    family="consume",
    story=__doc__ or "",
    question="Is every way to recover and to trim perfect while nobody falls behind?",
    arms=select_arms(
        "stream-group-own-pending",
        "stream-group-claim",
        "stream-group-no-recovery",
        "stream-group-maxlen",
        "stream-group-maxlen-exact",
        "stream-group-minid",
        scopes=1,
    )
    + select_arms("stream-queue-maxlen-exact"),
    workload=Workload(rate_per_s=100.0),
)

if __name__ == "__main__":
    run_script(__file__)
