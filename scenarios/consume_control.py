"""Nothing is broken: the control of the consume family, and its measure of latency, memory and effort.

Every way to consume that the family uses, undisturbed. Two arms are not perfect by their own choice and are not asked
to be: a subscriber of a channel and of a pattern that matches it gets everything twice.

Prediction: every other arm delivers everything once, in order, with one effect each.
"""

from harness import Guarantee, SourceClaim, family_control, run_script, select_arms

SCENARIO = family_control(
    name="consume_control",
    family="consume",
    story=__doc__ or "",
    question="Is every way to consume perfect while nothing is broken, and what does each take?",
    arms=select_arms(
        "pubsub",
        "sharded-pubsub",
        "pubsub-overlap",
        "stream-read",
        "stream-read-at-end",
        "stream-group",
        "stream-group-at-end",
        "stream-group-count-1",
        "stream-group-count-100",
        "stream-group-dead-letter",
        scopes=1,
    )
    + select_arms("stream-queue"),
    imperfect={"pubsub-overlap": (Guarantee.AT_MOST_ONCE, Guarantee.EFFECTIVELY_ONCE)},
    claims=[
        SourceClaim(row="latency", text="Pub/Sub delivers within 10 to 50 ms", arm="pubsub"),
        SourceClaim(row="latency", text="Streams deliver within 20 to 100 ms", arm="stream-group"),
        SourceClaim(row="memory", text="Pub/Sub keeps nothing in memory", arm="pubsub"),
        SourceClaim(row="memory", text="Streams take memory for every message", arm="stream-group"),
        SourceClaim(row="complexity", text="Pub/Sub is one call on each side", arm="pubsub"),
        SourceClaim(row="complexity", text="Streams need a group, reads and acknowledgements", arm="stream-group"),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
