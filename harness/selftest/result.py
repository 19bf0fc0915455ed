"""What the self-test came to, as values: one row per violation class, and one per round of several at once."""

from __future__ import annotations

from harness.model.values import Frozen


class SelftestRow(Frozen):
    """One violation class, over the arms that it was planted into; or one round."""

    name: str
    arms: tuple[str, ...]
    planted: int
    """How many instances of what the class counts: messages, or reasons to doubt the trial."""
    found: int
    verdict: str
    """Of the trial, as found; several where the arms' trials differ."""
    ok: bool
    """Whether exactly what was planted was found."""
    problems: tuple[str, ...] = ()
    """Every way in which what was found is not what was planted."""


class SelftestResult(Frozen):
    """The whole self-test."""

    seed: int
    rounds: int
    trials: int
    """How many histories were judged."""
    ok: bool
    rows: tuple[SelftestRow, ...]
