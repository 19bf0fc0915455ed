"""Which streams there are: SCAN, never KEYS, with a bound on keys, on streams and on time.

A pattern without a wildcard is a name: nothing is scanned for it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.lint.asking import Denied, Guest

MAX_STREAMS = 100
MAX_STEPS = 2_000
STEP_KEYS = 500
DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """The streams' names, sorted, and why there may be more."""

    keys: tuple[str, ...]
    incomplete: str = ""
    by_name: bool = False
    """Not looked for: it may not be there."""


def find_streams(guest: Guest, pattern: str) -> Found:
    """The streams that match ``pattern``, at most `MAX_STREAMS` of them."""
    if not any(character in pattern for character in "*?[\\"):
        return Found((pattern,), by_name=True)
    deadline = time.monotonic() + DEADLINE_S
    keys: set[str] = set()
    cursor = 0
    for _ in range(MAX_STEPS):
        try:
            cursor, found = guest.scan(cursor, pattern=pattern, count=STEP_KEYS)
        except Denied as denied:
            return Found(tuple(sorted(keys)), incomplete=f"{denied}: name one with --stream NAME")
        keys |= set(found)
        if len(keys) > MAX_STREAMS:
            return Found(tuple(sorted(keys))[:MAX_STREAMS], incomplete=f"only {MAX_STREAMS} streams were looked at")
        if cursor == 0:
            return Found(tuple(sorted(keys)))
        if time.monotonic() > deadline:
            return Found(tuple(sorted(keys)), incomplete=f"not all keys were walked in {DEADLINE_S:g} s")
    return Found(tuple(sorted(keys)), incomplete=f"only {MAX_STEPS * STEP_KEYS:,} keys were walked")
