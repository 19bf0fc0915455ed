"""Nothing happens to the server: the control of the server family.

The same arms and the same traffic as where it is struck down. What is lost here is the harness's fault, and no trial
beside it can be believed.

Prediction: every arm delivers everything once, in order, with one effect each.
"""

from harness import SERVER_ARMS, SERVER_TIMELINE, SERVER_WORKLOAD, family_control, run_script, select_arms

SCENARIO = family_control(
    name="server_control",
    family="server",
    story=__doc__ or "",
    question="Is every arm of the family perfect while the server is left alone?",
    arms=select_arms(*SERVER_ARMS, scopes=1),
    timeline=SERVER_TIMELINE,
    workload=SERVER_WORKLOAD,
)

if __name__ == "__main__":
    run_script(__file__)
