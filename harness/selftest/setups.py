"""Violations whose mechanism depends on how the arm is set up, and on who died: each alone in a trial of its own.

A clean trial of the altered arm has the same counts as any other, so ``finds`` is set against the usual ones.
"""

from __future__ import annotations

from typing import Any

from harness.model.values import Retention, StreamSettings
from harness.model.words import AckPolicy, Checkpoint, Dedup, Recovery, StartAt
from harness.selftest import deeds, setup, setup_deeds
from harness.selftest.moments import FAN_OUT, PUBSUB, QUEUE
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, MOST
from harness.selftest.setup import Setup


def _forgotten(mechanism: str) -> dict[str, int]:
    return {"missing_effects": 1, "unsettled_effects": 1, f"unsettled_by_mechanism.{mechanism}": 1}


def _stuck(mechanism: str, *, done: bool) -> dict[str, int]:
    found = {"fates.delivered": -1, "fates.stuck": 1, f"unsettled_by_mechanism.{mechanism}": 1}
    return found | {"acknowledgement_calls": -1, "stuck_effect_done" if done else "missing_effects": 1}


def _lost(mechanism: str, position: str = "middle") -> dict[str, int]:
    found = {"fates.delivered": -1, "fates.lost": 1, "missing_effects": 1, f"lost_by_position.{position}": 1}
    return found | {f"lost_by_mechanism.{mechanism}": 1, "acknowledgement_calls": -1}


def _cut_off(mechanism: str) -> dict[str, int]:
    found = {"fates.delivered": -1, "fates.lost": 1, "missing_effects": 1, "lost_by_position.middle": 1}
    found |= {"lost_silently": 1, "publish.received_sum": -1, "publish.overstated": 1}
    return found | {f"lost_by_mechanism.{mechanism}": 1}


def _stream(**settings: Any) -> dict[str, Any]:
    return {"stream": StreamSettings(**settings)}


_LEFT = {"log_entries": -1, "durability.in_log_with_effect": -1, "durability.gone_with_effect": 1}
_GONE = _LEFT | {"gone_by_mechanism.unexplained": 1}
_TRIMMED = _LEFT | {"durability.trimmed_by_configuration": 1}
_QUEUE_ROW = {"durability.in_log_with_effect": -1, "durability.in_log_without_effect": 1}
_NOT_DONE = frozenset({LEAST, EFFECTIVELY})
_READER = {"driver": "stream_read"}

SETUPS = (
    Setup(
        "ack before effect: crash",
        FAN_OUT,
        setup.forget_by_crash,
        _forgotten("crash before effect"),
        _NOT_DONE,
        _stream(ack=AckPolicy.BEFORE_EFFECT),
    ),
    Setup("effect missing: seen to die", FAN_OUT, setup.forget_by_kill, _forgotten("crash before effect"), _NOT_DONE),
    Setup("effect missing: crash", PUBSUB, setup.forget_by_crash, _forgotten("crash before effect"), _NOT_DONE),
    Setup(
        "effect missing: NOACK",
        FAN_OUT,
        setup.skip_acknowledged,
        _forgotten("NOACK") | {"acknowledgement_calls": -1},
        _NOT_DONE,
        _stream(ack=AckPolicy.NOACK, recovery=Recovery.NONE),
    ),
    Setup("lost: NOACK", FAN_OUT, deeds.lose_on_the_way, _lost("NOACK"), _NOT_DONE, _stream(ack=AckPolicy.NOACK)),
    Setup(
        "poison: failed once",
        PUBSUB,
        setup.fail_once,
        _forgotten("handler failed") | {"failed_handlings": 1},
        _NOT_DONE,
    ),
    Setup(
        "poison: stuck",
        FAN_OUT,
        setup.fail_for_ever,
        _stuck("handler failed", done=False) | {"failed_handlings": 1},
        _NOT_DONE,
    ),
    Setup(
        "dead letter",
        FAN_OUT,
        setup.bury,
        {"missing_effects": 1, "failed_handlings": 1, "dead_lettered": 1},
        frozenset({EFFECTIVELY}),
        _stream(dead_letter_after=1),
    ),
    Setup(
        "false dedup: SET NX",
        FAN_OUT,
        deeds.suppress_only_effect,
        _forgotten("false dedup") | {"suppressed_effects": 1, "false_dedup": 1},
        _NOT_DONE,
        {"dedup": Dedup.SET_NX},
    ),
    Setup(
        "stuck: crash between effect and XACK",
        FAN_OUT,
        setup.stay_pending_by_crash,
        _stuck("crash between effect and XACK", done=True),
        frozenset({LEAST}),
        _stream(recovery=Recovery.NONE),
    ),
    Setup(
        "stuck: no claimer",
        FAN_OUT,
        setup.stay_pending_undone,
        _stuck("no claimer", done=False),
        _NOT_DONE,
        _stream(recovery=Recovery.NONE),
    ),
    Setup(
        "stuck: own pending, never back",
        FAN_OUT,
        setup.stay_pending_undone,
        _stuck("no claimer", done=False),
        _NOT_DONE,
        _stream(recovery=Recovery.OWN_PENDING),
    ),
    Setup(
        "stuck: crash before effect",
        QUEUE,
        setup.stay_pending_undone,
        _stuck("crash before effect", done=False) | _QUEUE_ROW,
        _NOT_DONE,
        _stream(recovery=Recovery.CLAIM),
    ),
    Setup(
        "stuck: handed out into nothing",
        FAN_OUT,
        setup.hand_out_into_nothing,
        _stuck("no claimer", done=False),
        _NOT_DONE,
        _stream(recovery=Recovery.NONE),
    ),
    Setup(
        "lost: trimmed while pending, unclaimed",
        FAN_OUT,
        setup.empty_pending,
        _lost("trimmed while pending") | _GONE,
        _NOT_DONE | {DURABLE},
    ),
    Setup(
        "stuck: trimmed while pending",
        FAN_OUT,
        setup.empty_pending_after_receive,
        _stuck("trimmed while pending", done=False) | _GONE,
        _NOT_DONE | {DURABLE},
    ),
    Setup(
        "lost: NOACK, gone from the log",
        FAN_OUT,
        setup.drop_from_log,
        _lost("NOACK") | _GONE,
        _NOT_DONE | {DURABLE},
        _stream(ack=AckPolicy.NOACK) | {"retention": Retention(max_length=5)},
    ),
    Setup(
        "lost: reader began again at $",
        FAN_OUT,
        setup.start_again_at_end,
        _lost("group created at $"),
        _NOT_DONE,
        _READER | _stream(start=StartAt.END, checkpoint=Checkpoint.NONE),
    ),
    Setup(
        "lost: checkpoint before effect",
        FAN_OUT,
        setup.save_before_noting,
        _lost("crash before effect"),
        _NOT_DONE,
        _READER | _stream(checkpoint=Checkpoint.BEFORE_EFFECT),
    ),
    Setup("lost: reader passed over it", FAN_OUT, deeds.lose_on_the_way, _lost("unexplained"), _NOT_DONE, _READER),
    Setup(
        "duplicate: overlap",
        PUBSUB,
        setup.push_by_pattern,
        {"duplicated": 1, "duplicates_by_cause.overlapping subscription": 1},
        frozenset({MOST}),
        {"pattern_overlap": True},
    ),
    Setup(
        "duplicate: pattern, no overlap",
        PUBSUB,
        setup.push_by_pattern,
        {"duplicated": 1, "duplicates_by_cause.redelivery": 1},
        frozenset({MOST}),
    ),
    Setup(
        "lost: not connected",
        PUBSUB,
        setup_deeds.miss_while_away,
        _cut_off("not connected"),
        _NOT_DONE,
    ),
    Setup(
        "lost: output-buffer kill",
        PUBSUB,
        setup_deeds.miss_after_kill,
        _cut_off("output-buffer kill"),
        _NOT_DONE,
        early=True,
    ),
    Setup(
        "lost: not connected in the fault",
        PUBSUB,
        setup_deeds.miss_in_fault,
        _cut_off("not connected"),
        _NOT_DONE,
    ),
    Setup(
        "group at $",
        FAN_OUT,
        setup_deeds.start_behind_it,
        {"fates.not-entitled": 1, "fates.delivered": -1, "acknowledgement_calls": -1},
        changes=_stream(start=StartAt.END),
    ),
    Setup(
        "lost: trimmed unread",
        FAN_OUT,
        setup_deeds.trim_oldest,
        _lost("trimmed unread", "prefix") | _TRIMMED,
        _NOT_DONE,
        {"retention": Retention(max_length=5)},
    ),
    Setup(
        "legal: trimmed when done",
        FAN_OUT,
        setup_deeds.trim_oldest_done,
        _TRIMMED,
        changes={"retention": Retention(max_length=5)},
    ),
    Setup(
        "gone from the log: too early",
        FAN_OUT,
        setup_deeds.trim_oldest_done,
        _GONE,
        frozenset({DURABLE}),
        {"retention": Retention(max_length=500)},
    ),
    Setup(
        "gone from the log: too young",
        FAN_OUT,
        setup_deeds.trim_oldest_done,
        _GONE,
        frozenset({DURABLE}),
        {"retention": Retention(max_age_ms=60_000)},
    ),
)
