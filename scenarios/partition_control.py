"""Nothing is broken: the same arms, the same load, the same length, and no fault.

If anything is lost, doubled or out of order here, then the harness or the machine did it, and no other scenario of
the family can be believed. The checker makes them inconclusive in that case.

Prediction: perfect, for both primitives.
"""

from harness import control_scenario, run_script

SCENARIO = control_scenario(
    name="partition_control",
    story=__doc__ or "",
    question="Is everything perfect while nothing is broken?",
    mechanism="none: the control",
)

if __name__ == "__main__":
    run_script(__file__)
