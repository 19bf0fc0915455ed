"""Brings the naive recount and the checker's result into one shape, so that tests can set them side by side."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from naive_recount import recount

from harness.selftest.book import Book

Counts = dict[str, int]


def recounted(book: Book) -> list[Counts]:
    """What the naive program counts, per arm, with dotted names."""
    return [flatten(arm) for arm in recounted_whole(book)["arms"]]


def recounted_whole(book: Book, *, with_rows: bool = False) -> dict[str, Any]:
    """Everything that the naive program says of the book."""
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = recount(book.write(Path(folder)), with_rows=with_rows)
    return found


def flatten(nested: dict[str, Any], prefix: str = "") -> Counts:
    """Only the numbers, under dotted names; what is 0 is left out, since "none" and "not mentioned" are the same."""
    flat: Counts = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        elif isinstance(value, int) and value != 0:
            flat[prefix + key] = value
    return flat


def differences(before: Counts, after: Counts) -> Counts:
    """By how much each count changed; unchanged ones are left out.

    So are latency and how long a message took its consumer, which are no counts, who of several did how much, and what
    was promised, which follows from outcomes and fates.
    """
    aside = ("handling", "latency.", "load.", "promised")
    names = {name for name in before.keys() | after.keys() if not name.startswith(aside)}
    changes = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    return {name: change for name, change in changes.items() if change}


def added(*finds: Counts) -> Counts:
    """The sum of several changes."""
    total: Counts = {}
    for one in finds:
        for name, change in one.items():
            total[name] = total.get(name, 0) + change
    return {name: change for name, change in total.items() if change}
