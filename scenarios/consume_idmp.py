"""A producer that retries, and a server that remembers what it appended: XADD ... IDMP.

Redis 8.6 and newer remember each producer's last ids for a while and append a repeated one only once. Servers without
it are asked, not guessed at: where it is missing the trial is skipped, and says so.

Prediction: lost replies double messages in the plain arm and none with IDMP.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    LinkRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="consume_idmp",
    family="consume",
    story=__doc__ or "",
    question="Does an idempotent XADD keep a retrying client from doubling messages?",
    mechanism="requests pass, the first byte of a reply closes the connection",
    arms=select_arms("stream-group-idmp", "stream-group", scopes=1),
    faults=[FaultPlan(model=FaultModel.REPLY_LOST, link=LinkRole.PRODUCERS)],
    statements=[
        holds("stream-group-idmp", Guarantee.AT_MOST_ONCE, "the server knows the repeated id"),
        breaks("stream-group", Guarantee.AT_MOST_ONCE, "redis-py appends again"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
