"""What XREAD and XREADGROUP answer, in one shape, whichever release of redis-py and of RESP gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.drivers.base import Delivery, EntryId, Names, Tombstone
from harness.drivers.entries import parse_id
from harness.model.message import read_event
from harness.model.words import ReceiveTag

Fields = Mapping[str, str] | None
"""An entry's content; nothing where it is pending and was trimmed away."""


@dataclass(frozen=True, slots=True)
class ClaimReply:
    """What one XREADGROUP with CLAIM gave: entries that others (or we) left pending, and new ones."""

    claimed: Sequence[tuple[str, Fields]]
    fresh: Sequence[tuple[str, Fields]]


def entries_of(reply: Any) -> list[tuple[str, Fields]]:
    """The entries of a reply on one key.

    RESP2: ``[[key, [(id, fields), ...]]]``. RESP3: ``{key: [[(id, fields), ...]]}`` or ``{key: [(id, fields), ...]}``.
    """
    return [(str(row[0]), row[1]) for row in rows_of(reply)]


def claim_reply_of(reply: Any) -> ClaimReply:
    """The raw reply of XREADGROUP with CLAIM (see `keep_raw`): ``id, [name, value, ...], idle ms, deliveries before``.

    The two numbers come with entries that were claimed, and are missing or zero with new ones.
    """
    claimed: list[tuple[str, Fields]] = []
    fresh: list[tuple[str, Fields]] = []
    for row in rows_of(reply):
        kind = claimed if len(row) > 3 and int(row[3]) > 0 else fresh
        kind.append((str(row[0]), _paired(row[1])))
    return ClaimReply(claimed, fresh)


def keep_raw(reply: Any, **_options: Any) -> Any:
    """A response callback for redis-py that changes nothing: older releases drop what they do not know."""
    return reply


def deliveries_of(
    entries: Sequence[tuple[str, Fields]],
    tag: ReceiveTag,
    *,
    names: Names,
    connection: int,
    counts: Mapping[EntryId, int] | int = 0,
) -> list[Delivery | Tombstone]:
    """What arrived, opened. ``counts``: how often each was delivered, or one number for all."""
    opened: list[Delivery | Tombstone] = []
    for name, fields in entries:
        entry = parse_id(name)
        if not fields:
            opened.append(Tombstone(entry))
            continue
        count = counts if isinstance(counts, int) else counts.get(entry, 0)
        read = read_event(fields, token=names.token)
        opened.append(Delivery(read, tag, connection, entry=entry, delivery_count=count, fields=fields))
    return opened


def rows_of(reply: Any) -> Sequence[Any]:
    """The entries of a reply on one key, each as the client gave it."""
    if not reply:
        return []
    rows: Sequence[Any] = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if rows and isinstance(rows[0], list) and (not rows[0] or isinstance(rows[0][0], list | tuple)):
        inner: Sequence[Any] = rows[0]
        return inner
    return rows


def _paired(content: Any) -> Fields:
    if content is None or isinstance(content, dict):
        return content
    return dict(zip(content[::2], content[1::2], strict=True))
