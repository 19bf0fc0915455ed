"""The names that a contract may use: given from outside, because the catalogue of scenarios lies in another room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.model.words import Primitive

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Scenarios with their families, arms, and what an arm is made of (``None``: there is no such arm)."""

    families: Mapping[str, str]
    arms: tuple[str, ...]
    primitive_of: Callable[[str], Primitive | None]

    def chosen(self, word: str) -> list[str]:
        """The scenarios that ``word`` (a scenario, a family or ``all``) means; empty when it means nothing."""
        if word in self.families:
            return [word]
        return [name for name, family in self.families.items() if word in {family, EVERYTHING}]

    def scenario_words(self) -> list[str]:
        """Everything that `chosen` understands."""
        return [*self.families, *dict.fromkeys(self.families.values()), EVERYTHING]
