"""The network between producers and server stalls for a while and then goes on.

A producer that sends one message after the other waits for the reply to the one that the stall caught; the messages
behind it are sent late, in a burst, after the heal. Nothing can be lost on the way, since nothing is dropped. What
could happen is a message sent twice: when the stall outlasts the client's patience (5 s as shipped), the client sends
it again on another connection, and the first copy still arrives at the heal.

Prediction, for a stall shorter than the client's timeout: nothing lost, nothing doubled, for both primitives.
"""

from harness import (
    FaultModel,
    Guarantee,
    LinkRole,
    Verdict,
    partition_scenario,
    predict,
    predict_streams,
    run_script,
)

SCENARIO = partition_scenario(
    name="partition_producers_hold",
    story=__doc__ or "",
    question="Does a stall in front of the server lose or double what producers send?",
    mechanism="requests wait in buffers; the producer waits for its reply",
    link=LinkRole.PRODUCERS,
    model=FaultModel.HOLD,
    pubsub_loses=False,
    predictions=[
        predict(
            "pubsub",
            Guarantee.AT_LEAST_ONCE,
            Verdict.HELD,
            "the subscribers stay connected and every request arrives late",
        ),
        predict(
            "pubsub",
            Guarantee.AT_MOST_ONCE,
            Verdict.HELD,
            "the stall is shorter than the client timeout, so nothing is sent twice",
        ),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
        *predict_streams(
            Guarantee.AT_MOST_ONCE,
            Verdict.HELD,
            "the stall is shorter than the client timeout, so nothing is added twice",
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
