"""The violations that are planted into the Pub/Sub arm, each with what must be found."""

from __future__ import annotations

from harness.selftest import deeds
from harness.selftest.moments import PUBSUB
from harness.selftest.plant import EFFECTIVELY, LEAST, MOST, ORDERED, Place, Plant

_NOT_DONE = frozenset({LEAST, EFFECTIVELY})
_NO_ANSWER = {"publish.answers_sum": -2, "publish.received_sum": -2}
_REJECTED = {"outcomes.rejected": 1, "outcomes.acknowledged": -1} | _NO_ANSWER
_UNKNOWN = {"outcomes.indeterminate": 1, "outcomes.acknowledged": -1} | _NO_ANSWER


def _lost(position: str) -> dict[str, int]:
    found = {f"lost_by_position.{position}": 1, "fates.lost": 1, "fates.delivered": -1, "missing_effects": 1}
    found |= {"lost_by_mechanism.unexplained": 1, "lost_silently": 1, "lost_contract_view": 1}
    return found | {"publish.received_sum": -1, "publish.overstated": 1}


PUBSUB_PLANTS = (
    Plant("lost: prefix", PUBSUB, deeds.lose_on_the_way, _lost("prefix"), _NOT_DONE, Place.FIRST),
    Plant("lost: middle", PUBSUB, deeds.lose_on_the_way, _lost("middle"), _NOT_DONE),
    Plant("lost: postfix", PUBSUB, deeds.lose_on_the_way, _lost("postfix"), _NOT_DONE, Place.LAST),
    Plant(
        "lost: nobody listened",
        PUBSUB,
        deeds.lose_unheard,
        {"lost_detectably": 2, "fates.lost": 2, "fates.delivered": -2, "missing_effects": 2}
        | {"lost_by_mechanism.unexplained": 2, "lost_by_position.middle": 2, "lost_contract_view": 2}
        | {"publish.no_receiver": 1}
        | _NO_ANSWER,
        _NOT_DONE,
    ),
    Plant(
        "duplicate: producer retry",
        PUBSUB,
        deeds.retry_by_producer,
        {"duplicates_by_cause.producer retry": 2, "wire_attempts": 1, "duplicated": 2, "duplicate_effects": 2},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant(
        "duplicate: redelivery",
        PUBSUB,
        deeds.push_twice,
        {"duplicates_by_cause.redelivery": 1, "duplicated": 1, "duplicate_effects": 1},
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant("reorder", PUBSUB, deeds.swap_with_next, {"reordered": 1}, frozenset({ORDERED})),
    Plant(
        "phantom: never attempted",
        PUBSUB,
        deeds.receive_what_nobody_sent,
        {"foreign_receives": 1},
        frozenset({MOST, LEAST}),
    ),
    Plant(
        "phantom: of another run",
        PUBSUB,
        deeds.receive_from_elsewhere,
        {"foreign_receives": 1},
        frozenset({MOST, LEAST}),
    ),
    Plant("phantom: unreadable", PUBSUB, deeds.receive_unreadable, {"foreign_receives": 1}, frozenset({MOST, LEAST})),
    Plant(
        "damaged content", PUBSUB, deeds.damage, {"fates.phantom": 1, "fates.delivered": -1}, frozenset({MOST, LEAST})
    ),
    Plant(
        "rejected but delivered",
        PUBSUB,
        deeds.reject_yet_deliver,
        {"fates.rejected-but-delivered": 2, "fates.delivered": -2} | _REJECTED,
        frozenset({MOST, EFFECTIVELY}),
    ),
    Plant("effect twice", PUBSUB, deeds.double_effect, {"duplicate_effects": 1}, frozenset({EFFECTIVELY})),
    Plant(
        "effect twice: of an unanswered message",
        PUBSUB,
        deeds.lose_reply_and_double_effect,
        {"duplicate_effects": 1, "recovered": 2} | _UNKNOWN,
        frozenset({EFFECTIVELY}),
    ),
    Plant(
        "effect missing",
        PUBSUB,
        deeds.skip_effect,
        {"missing_effects": 1, "unsettled_effects": 1, "unsettled_by_mechanism.unexplained": 1},
        _NOT_DONE,
    ),
    Plant("legal: reply lost", PUBSUB, deeds.lose_reply, {"recovered": 2} | _UNKNOWN),
    Plant("legal: killed before the reply", PUBSUB, deeds.kill_before_outcome, {"recovered": 2} | _UNKNOWN),
    Plant("legal: unanswered and undone", PUBSUB, deeds.lose_reply_and_effect, {"recovered": 2} | _UNKNOWN),
    Plant(
        "legal: rejected",
        PUBSUB,
        deeds.reject,
        {"fates.absent": 2, "fates.delivered": -2, "wire_attempts": -1} | _REJECTED,
    ),
    Plant(
        "legal: unanswered and absent",
        PUBSUB,
        deeds.lose_with_its_reply,
        {"fates.absent": 2, "fates.delivered": -2} | _UNKNOWN,
    ),
)
