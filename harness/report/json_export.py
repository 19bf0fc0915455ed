"""``summary.json``: the whole `RunSummary` as JSON that every parser reads, and back.

JSON has no infinity, so an infinite latency ("never delivered") is written as the string ``"inf"``, everywhere and
only there. `read_summary` gives back exactly what `write_summary` was given.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from pydantic import BaseModel, ValidationError

from harness.model.errors import InvalidFileError
from harness.model.results import SUMMARY_SCHEMA, RunSummary
from harness.report.atomic import write_text

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_JUDGE_AGAIN = "judge the run again from its histories: harness check RUN"


def to_json(value: BaseModel) -> str:
    """``value`` as indented JSON text; ±∞ as the strings ``"inf"`` and ``"-inf"``."""
    return json.dumps(_finite(value.model_dump(mode="json")), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_summary(path: Path, summary: RunSummary) -> None:
    """Write ``summary`` to ``path``, completely or not at all."""
    write_text(path, to_json(summary))


def read_summary(path: Path) -> RunSummary:
    """Read a ``summary.json``; a truncated, foreign or newer file is an `InvalidFileError`."""
    content = _load(path)
    _check_schema(path, content)
    try:
        return RunSummary.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{path}: not a run summary: {where}: {first['msg']} ({error.error_count()} problems in all)"
        raise InvalidFileError(message, fix=_JUDGE_AGAIN) from error


def _load(path: Path) -> dict[str, JsonValue]:
    """The JSON object in ``path``."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidFileError(f"{path}: there is no such file", fix=_JUDGE_AGAIN) from error
    except OSError as error:
        raise InvalidFileError(
            f"{path}: cannot be read: {error.strerror}", fix="check the file's permissions"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path}: not JSON, or cut off: {error}", fix=_JUDGE_AGAIN) from error
    if not isinstance(content, dict):
        raise InvalidFileError(f"{path}: holds a {type(content).__name__}, not a run summary", fix=_JUDGE_AGAIN)
    return content


def _check_schema(path: Path, content: dict[str, JsonValue]) -> None:
    """Refuse what is no summary, and one whose schema is newer than ours."""
    version = content.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidFileError(f"{path}: has no schema_version, so it is not a run summary", fix=_JUDGE_AGAIN)
    if version > SUMMARY_SCHEMA:
        message = f"{path}: written with schema {version}, this harness reads up to {SUMMARY_SCHEMA}"
        raise InvalidFileError(message, fix="upgrade: pip install --upgrade pubsub-vs-streams")
    if version < SUMMARY_SCHEMA:
        message = f"{path}: written with schema {version}, this harness reads {SUMMARY_SCHEMA}"
        raise InvalidFileError(message, fix=_JUDGE_AGAIN)


def _finite(value: JsonValue) -> JsonValue:
    """``value`` with every infinite number as a string."""
    match value:
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list():
            return [_finite(item) for item in value]
        case float() if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        case _:
            return value
