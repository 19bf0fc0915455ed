"""The violations that are planted into the two Streams arms, each with what must be found."""

from __future__ import annotations

from harness.selftest import deeds
from harness.selftest.moments import FAN_OUT, QUEUE
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, MOST, ORDERED, Place, Plant

_NOT_DONE = frozenset({LEAST, EFFECTIVELY})
_DONE_TWICE = frozenset({MOST, EFFECTIVELY})
_LEFT = {"log_entries": -1, "durability.in_log_with_effect": -1, "gone_by_mechanism.unexplained": 1}
_GONE = {"durability.gone_with_effect": 1} | _LEFT
_GONE_UNDONE = {"durability.gone_without_effect": 1} | _LEFT
_UNKNOWN = {"outcomes.indeterminate": 1, "outcomes.acknowledged": -1, "durability.in_log_with_effect": -1}
_REJECTED = {"outcomes.rejected": 1, "outcomes.acknowledged": -1, "durability.in_log_with_effect": -1}
_STUCK = {"fates.stuck": 1, "fates.delivered": -1, "acknowledgement_calls": -1, "unsettled_by_mechanism.unexplained": 1}
_ONCE_MORE = {"duplicated": 1, "duplicate_effects": 1}


def _lost(mechanism: str, position: str = "middle") -> dict[str, int]:
    found = {f"lost_by_position.{position}": 1, "fates.lost": 1, "fates.delivered": -1, "missing_effects": 1}
    return found | {f"lost_by_mechanism.{mechanism}": 1, "acknowledgement_calls": -1}


def _retried(scopes: int) -> dict[str, int]:
    found = {"duplicates_by_cause.producer retry": scopes, "duplicated": scopes, "wire_attempts": 1}
    return found | {"log_entries": 1, "log_duplicates": 1, "acknowledgement_calls": scopes}


FAN_OUT_PLANTS = (
    Plant("lost: prefix", FAN_OUT, deeds.lose_on_the_way, _lost("unexplained", "prefix"), _NOT_DONE, Place.FIRST),
    Plant(
        "lost: middle",
        FAN_OUT,
        deeds.lose_from_log,
        _lost("unexplained") | _GONE,
        frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Plant("lost: postfix", FAN_OUT, deeds.lose_on_the_way, _lost("unexplained", "postfix"), _NOT_DONE, Place.LAST),
    Plant("lost: passed over by the group", FAN_OUT, deeds.lose_on_the_way, _lost("unexplained"), _NOT_DONE),
    Plant(
        "lost: trimmed while pending",
        FAN_OUT,
        deeds.trim_while_pending,
        _lost("trimmed while pending") | _GONE,
        frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Plant("gone from the log", FAN_OUT, deeds.forget_after_processing, _GONE, frozenset({DURABLE})),
    Plant(
        "duplicate: producer retry",
        FAN_OUT,
        deeds.retry_by_producer,
        _retried(2) | {"duplicate_effects": 2},
        _DONE_TWICE,
    ),
    Plant(
        "duplicate: retry, effect suppressed",
        FAN_OUT,
        deeds.retry_and_suppress,
        _retried(2) | {"suppressed_effects": 2},
        frozenset({MOST}),
    ),
    Plant(
        "duplicate: redelivery",
        FAN_OUT,
        deeds.redeliver,
        {"duplicates_by_cause.redelivery": 1} | _ONCE_MORE,
        _DONE_TWICE,
    ),
    Plant(
        "duplicate: after XACK",
        FAN_OUT,
        deeds.redeliver_after_ack,
        {"duplicates_by_cause.after XACK": 1, "acknowledgement_calls": 1, "refused_acknowledgements": 1} | _ONCE_MORE,
        _DONE_TWICE,
    ),
    Plant("reorder", FAN_OUT, deeds.swap_with_next, {"reordered": 1}, frozenset({ORDERED})),
    Plant(
        "phantom: never attempted",
        FAN_OUT,
        deeds.receive_what_nobody_sent,
        {"foreign_receives": 1},
        frozenset({MOST, LEAST}),
    ),
    Plant(
        "damaged content", FAN_OUT, deeds.damage, {"fates.phantom": 1, "fates.delivered": -1}, frozenset({MOST, LEAST})
    ),
    Plant(
        "rejected but delivered",
        FAN_OUT,
        deeds.reject_yet_deliver,
        {"fates.rejected-but-delivered": 2, "fates.delivered": -2} | _REJECTED,
        _DONE_TWICE,
    ),
    Plant("stuck: effect done", FAN_OUT, deeds.leave_pending, _STUCK | {"stuck_effect_done": 1}, frozenset({LEAST})),
    Plant(
        "stuck: effect not done",
        FAN_OUT,
        deeds.leave_pending_without_effect,
        _STUCK | {"missing_effects": 1},
        _NOT_DONE,
    ),
    Plant("effect twice", FAN_OUT, deeds.double_effect, {"duplicate_effects": 1}, frozenset({EFFECTIVELY})),
    Plant(
        "effect missing",
        FAN_OUT,
        deeds.skip_effect,
        {"missing_effects": 1, "unsettled_effects": 1, "unsettled_by_mechanism.unexplained": 1},
        _NOT_DONE,
    ),
    Plant(
        "false dedup",
        FAN_OUT,
        deeds.suppress_only_effect,
        {"false_dedup": 1, "missing_effects": 1, "suppressed_effects": 1}
        | {"unsettled_effects": 1, "unsettled_by_mechanism.false dedup": 1},
        _NOT_DONE,
    ),
    Plant("ack before effect: nobody dies", FAN_OUT, deeds.acknowledge_early),
    Plant("legal: reply lost", FAN_OUT, deeds.lose_reply, {"recovered": 2} | _UNKNOWN),
    Plant("legal: killed before the reply", FAN_OUT, deeds.kill_before_outcome, {"recovered": 2} | _UNKNOWN),
    Plant(
        "effect missing: still to come",
        FAN_OUT,
        deeds.leave_undone_for_a_moment,
        {"missing_effects": 1, "acknowledgement_calls": -1},
        frozenset({EFFECTIVELY}),
    ),
    Plant("legal: pending for a moment", FAN_OUT, deeds.leave_pending_for_a_moment, {"acknowledgement_calls": -1}),
)

QUEUE_PLANTS = (
    Plant(
        "lost: middle",
        QUEUE,
        deeds.lose_from_log,
        _lost("unexplained") | _GONE_UNDONE,
        frozenset({LEAST, EFFECTIVELY, DURABLE}),
    ),
    Plant(
        "duplicate: producer retry",
        QUEUE,
        deeds.retry_by_producer,
        _retried(1) | {"duplicate_effects": 1},
        _DONE_TWICE,
    ),
    Plant(
        "duplicate: redelivery",
        QUEUE,
        deeds.redeliver,
        {"duplicates_by_cause.redelivery": 1} | _ONCE_MORE,
        _DONE_TWICE,
    ),
    Plant("reorder", QUEUE, deeds.swap_with_next, {"reordered": 1}, frozenset({ORDERED})),
    Plant(
        "stuck: effect not done",
        QUEUE,
        deeds.leave_pending_without_effect,
        _STUCK | {"missing_effects": 1} | {"durability.in_log_with_effect": -1, "durability.in_log_without_effect": 1},
        _NOT_DONE,
    ),
)
