"""Connections of the producers are torn down, and every new one is reset as soon as it is used, until the heal.

Here a request may have been written before the reset comes, and nobody knows whether the server saw it: that is an
indeterminate message. redis-py as shipped sends it again, so it may arrive twice. The application is told of one
success.

Prediction: nothing acknowledged is lost for either primitive.
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
    name="partition_producers_reset",
    story=__doc__ or "",
    question="What becomes of messages while each of the producers' connections is reset?",
    mechanism="connections break as soon as they carry bytes; the client retries",
    link=LinkRole.PRODUCERS,
    model=FaultModel.RESET,
    pubsub_loses=False,
    predictions=[
        predict(
            "pubsub",
            Guarantee.AT_LEAST_ONCE,
            Verdict.HELD,
            "the subscribers stay connected; what was not acknowledged is sent again",
        ),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
