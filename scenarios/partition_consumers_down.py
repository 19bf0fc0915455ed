"""The path between consumers and server is cut: connections are closed and new ones refused until the heal.

The subscriber knows at once that it is cut off, and so does the server: PUBLISH answers 0 receivers. The loss is the
same as when messages are swallowed, but a producer that looks at the answer can see it.

Prediction: Pub/Sub loses what was published meanwhile, detectably; Streams lose nothing.
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
    name="partition_consumers_down",
    story=__doc__ or "",
    question="What does a subscriber miss while its connections are closed and refused?",
    mechanism="connections are closed; the server has no subscriber to queue for",
    link=LinkRole.CONSUMERS,
    model=FaultModel.DOWN,
    pubsub_loses=True,
    predictions=[
        predict("pubsub", Guarantee.AT_LEAST_ONCE, Verdict.VIOLATED, "nobody is subscribed while the path is cut"),
        predict("pubsub", Guarantee.AT_MOST_ONCE, Verdict.HELD, "nothing is published twice"),
        *predict_streams(Guarantee.AT_LEAST_ONCE, Verdict.HELD, "what was not delivered waits in the log"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
