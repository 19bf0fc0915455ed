"""Nothing happens: the control of the remedies.

The same arms, persistence and traffic as where the power is lost. Waiting for the disk makes a message late for its
producer, and for nobody else: the entry is in the stream before it is confirmed.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import REMEDY_WORKLOAD, SERVER_TIMELINE, Persistence, family_control, remedy_arms, run_script

SCENARIO = family_control(
    name="remedy_control",
    family="remedy",
    story=__doc__ or "",
    question="Is every arm of the family perfect while nothing fails?",
    arms=remedy_arms(),
    timeline=SERVER_TIMELINE,
    workload=REMEDY_WORKLOAD,
    persistence=Persistence.AOF_EVERYSEC,
)

if __name__ == "__main__":
    run_script(__file__)
