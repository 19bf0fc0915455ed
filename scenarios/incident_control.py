"""The incidents' arms on a quiet day.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import family_control, run_script, select_arms

SCENARIO = family_control(
    name="incident_control",
    family="incident",
    story=__doc__ or "",
    question="Is everything delivered when nothing happens?",
    arms=select_arms("pubsub", "stream-group", "stream-group-at-end", scopes=1) + select_arms("stream-queue"),
)

if __name__ == "__main__":
    run_script(__file__)
