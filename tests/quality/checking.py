"""Brings the checker's result and ledger into the naive recount's words, rows and names."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

from comparing import Counts, flatten

from harness.check.judge import JudgedTrial, judge_trial
from harness.check.ledger_table import read_ledger, write_ledger
from harness.history.table import read_history, write_history
from harness.model.accounts import ArmResult
from harness.model.words import Fate, Guarantee, LossPosition, Mechanism, Outcome, OutcomeCode
from harness.selftest.book import Book

COMPARED = (
    *("attempted", "outcomes", "wire_attempts", "owed", "fates", "foreign_receives", "stuck_effect_done"),
    *("duplicated", "duplicates_by_cause", "duplicate_effects", "missing_effects", "reordered", "recovered"),
    *("lost_by_mechanism", "lost_by_position", "lost_silently", "lost_detectably", "lost_contract_view"),
    *("log_entries", "log_duplicates", "durability", "publish", "gone_by_mechanism"),
    *("unsettled_by_mechanism", "unsettled_effects", "suppressed_effects", "false_dedup", "dead_lettered"),
    *("failed_handlings", "refused_acknowledgements", "load"),
)
"""What both count; what an arm cost comes on top."""


def judged(book: Book) -> JudgedTrial:
    """What the checker says of the book, by way of a real folder and a real history file."""
    with tempfile.TemporaryDirectory() as folder:
        return judge_trial(read_history(write_history(book.write(Path(folder)))))


def checked(judgement: JudgedTrial) -> list[Counts]:
    """What the checker counts, per arm, under the naive program's names."""
    promised = {
        clause.arm: clause.samples for clause in judgement.result.clauses if clause.guarantee is Guarantee.AT_LEAST_ONCE
    }
    return [flatten(_named_alike(arm) | {"promised": promised[arm.arm]}) for arm in judgement.result.arms]


def _named_alike(arm: ArmResult) -> dict[str, Any]:
    """Its phantoms include the receives that have no owed row; the naive program keeps those apart."""
    whole = arm.model_dump(mode="json")
    found = {name: whole[name] for name in COMPARED}
    found["fates"] = found["fates"] | {"phantom": found["fates"]["phantom"] - found["foreign_receives"]}
    return found | {
        "acknowledgement_calls": arm.cost.acknowledgement_calls,
        "dedup_requests": arm.cost.dedup_requests,
        "dedup_memory_bytes": arm.cost.dedup_memory_bytes or 0,
        "lost_log_ns": round(1e9 * (arm.lost_log_s or 0)),
        "handling_half_ns": round(2_000 * (arm.cost.handling_p50_us or 0)),
        "latency": _latency(arm),
    }


def _latency(arm: ArmResult) -> Counts:
    """Over the whole trial, in ns; -1: never."""
    whole = next(one.from_intended for one in arm.latency if one.phase is None)
    known = {"p50_ns": whole.p50_ms, "p99_ns": whole.p99_ms, "p999_ns": whole.p999_ms, "max_ns": whole.max_ms}
    found = {name: -1 if math.isinf(ms) else round(ms * 1e6) for name, ms in known.items() if ms is not None}
    return found | {"samples": whole.samples}


def checked_rows(judgement: JudgedTrial) -> list[list[dict[str, Any]]]:
    """The checker's ledger, one list per arm, in the naive program's words and order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.parquet"
        write_ledger(path, judgement.ledger)
        table = read_ledger(path)
    rows: list[list[dict[str, Any]]] = [[] for _ in judgement.result.arms]
    for record in table.to_dict("records"):
        rows[int(record["arm"])].append(_row_in_words(record))
    return [sorted(arm, key=lambda row: (row["producer"], row["sequence"], row["scope"])) for arm in rows]


def _row_in_words(record: dict[str, Any]) -> dict[str, Any]:
    flags = int(record["flags"])
    mechanism, position = int(record["mechanism"]), int(record["position"])
    return {
        "producer": int(record["producer"]),
        "sequence": int(record["sequence"]),
        "scope": int(record["scope"]),
        "outcome": list(Outcome)[list(OutcomeCode).index(OutcomeCode(record["outcome"]))].value,
        "fate": list(Fate)[int(record["fate"])].value,
        "mechanism": list(Mechanism)[mechanism - 1].value if mechanism else None,
        "position": list(LossPosition)[position - 1].value if position else None,
        "receives": int(record["receives"]),
        "effects": int(record["effects"]),
        "log_entries": int(record["log_entries"]),
        "reordered": bool(flags & 2),
        "recovered": bool(flags & 8),
        "beyond_contract": bool(flags & 16),
        "silent": bool(flags & 32),
        "effect_missing": bool(flags & 64),
        "shell": bool(flags & 128),
        "unsettled": bool(flags & 256),
        "false_dedup": bool(flags & 512),
        "dead_lettered": bool(flags & 1024),
    }


def naive_rows(whole: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The naive rows, without what a ledger has no column for."""
    unknown = {"causes", "detectable"}
    return [[{k: v for k, v in row.items() if k not in unknown} for row in arm["rows"]] for arm in whole["arms"]]
