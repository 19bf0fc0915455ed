"""Every twentieth message cannot be handled, however often it is tried.

A bug, a missing field, a customer without an address: the handler fails each time. At-least-once takes that literally
and delivers the message for ever: it stays pending, is claimed, fails, is claimed again. A dead-letter stream takes it
out of the way after a few deliveries, which loses its effect on purpose and on the record. Pub/Sub forgets it at once.

Prediction: without a dead-letter stream the poisoned messages are stuck; with one nothing is stuck.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    Timeline,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_poison",
    family="consume",
    story=__doc__ or "",
    question="What becomes of a message that nobody can handle?",
    mechanism="the handling of every twentieth message of the fault phase fails each time",
    arms=select_arms("pubsub", "stream-group", "stream-group-dead-letter", scopes=1),
    faults=[FaultPlan(model=FaultModel.POISON, every=20)],
    statements=[
        breaks("pubsub", Guarantee.EFFECTIVELY_ONCE, "what failed does not come again"),
        breaks("stream-group", Guarantee.AT_LEAST_ONCE, "it stays pending for good", Mechanism.HANDLER_FAILED),
        holds("stream-group-dead-letter", Guarantee.AT_LEAST_ONCE, "it is put aside after three deliveries"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=2.0, recovery_s=4.0),
)

if __name__ == "__main__":
    run_script(__file__)
