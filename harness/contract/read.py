"""Reads a contract, and tells everything that is wrong with it at once, each with file, line, value and the way out.

scenarios/guarantees.yaml:7: unknown arm "stream-grup" (did you mean "stream-group"?)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.check.guarantees import applicable
from harness.contract.located import LocatedData, Place, Problem, load_located
from harness.contract.names import KnownNames
from harness.contract.schema import DEMANDS, ArmContract, ContractFile, keys_at, quoted
from harness.model.errors import InvalidFileError, nearest
from harness.model.words import Guarantee, Stance

MOST_SHOWN = 50
STANCE_KEYS = {
    "required": Stance.REQUIRED,
    "expected_not_to_hold": Stance.EXPECTED_NOT_TO_HOLD,
    "free": Stance.FREE,
}


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that can be checked: its path as it was given, what it says, and in which lines."""

    path: str
    file: ContractFile
    lines: Mapping[Place, int]

    def line_of(self, *place: str | int) -> int:
        """The line of what stands at ``place``, or of the nearest thing around it."""
        return LocatedData(None, self.lines, ()).line_of(place)


def read_contract(path: Path, known: KnownNames) -> Contract:
    """The contract in ``path``.

    Raises:
        InvalidFileError: it cannot be read, or something in it is wrong: all of it is told.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidFileError(
            f"{path}: cannot be read: {error.strerror or error}", fix="name a contract, e.g. scenarios/guarantees.yaml"
        ) from error
    return parse_contract(content, name=str(path), known=known)


def parse_contract(content: bytes, *, name: str, known: KnownNames) -> Contract:
    """The contract with this content; ``name`` is what its errors call it.

    Raises:
        InvalidFileError: something in it is wrong: all of it is told.
    """
    located = load_located(content)
    problems = list(located.problems)
    file = None
    if not problems or located.lines:
        try:
            file = ContractFile.model_validate(located.data, context=known)
        except ValidationError as error:
            # What has entries is not empty: that they are wrong is told of each.
            told = [one for one in error.errors(include_url=False) if one["type"] != "too_short" or not one["input"]]
            problems += [_problem(one, located) for one in told]
        problems += _contradictions(located, known)
    if problems or file is None:
        raise _invalid(name, problems)
    return Contract(name, file, located.lines)


def _invalid(name: str, problems: Iterable[Problem]) -> InvalidFileError:
    lines = list(
        dict.fromkeys(
            f"{name}:{one.line}: {_printable(one.text)}" for one in sorted(problems, key=lambda one: one.line)
        )
    )
    more = len(lines) - MOST_SHOWN
    shown = lines[:MOST_SHOWN] + ([f"... and {more:,} more"] if more > 0 else [])
    return InvalidFileError(
        "\n".join(shown),
        fix="mend the file; docs/contract.md explains it, and editors can check it with its JSON Schema",
    )


def _printable(text: str) -> str:
    """``text`` in one line and without anything that a terminal would obey."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "backslashreplace").decode() for sign in text
    )


def _problem(error: Mapping[str, Any], located: LocatedData) -> Problem:
    """One of pydantic's errors in our words."""
    place = tuple(part for part in error["loc"] if part != "[key]")
    where = ".".join(str(part) for part in place)
    value = error["input"]
    match error["type"]:
        case "unknown_name":
            text = error["msg"]
        case "extra_forbidden":
            text = f'unknown key "{place[-1]}" ({nearest(str(place[-1]), keys_at(place[:-1]))})'
        case "enum":
            words = [guarantee.value for guarantee in Guarantee]
            text = f"unknown guarantee {quoted(value)} ({nearest(value if isinstance(value, str) else '', words)})"
        case "missing":
            text = f'"{place[-1]}" is missing'
        case "model_type" | "dict_type":
            text = f"{where or 'the file'} has to be a mapping (key: value), not {quoted(value)}"
        case "no_value" | "no_limit":
            text = f"{where} {error['msg']}"
        case "too_short":
            text = _empty(place)
        case "tuple_type":
            text = f"{where} has to be a list, such as [at-least-once], not {quoted(value)}"
        case _:
            text = f"{where} is {quoted(value)}: {_lower(error['msg']).removeprefix('input ')}"
    return Problem(located.line_of(place), text)


def _empty(place: Place) -> str:
    """What is missing in a list or a mapping that has to name something."""
    match place:
        case ("scenarios",):
            return "scenarios names no scenario: nothing is demanded of any"
        case ("scenarios", scenario):
            return f'{scenario} names no arm: add one, e.g. "stream-group: {{required: [at-least-once]}}"'
        case ("profiles", profile, "scenarios"):
            return f'profile "{profile}" names no scenario: add one, a family, or "all"'
        case _:
            return f"{place[-1]} names no guarantee: add one, e.g. [at-least-once], or leave the key out"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _contradictions(located: LocatedData, known: KnownNames) -> Iterator[Problem]:
    """What is wrong between parts that are right by themselves. Looks at the data, so that it is told with the rest."""
    data = located.data if isinstance(located.data, dict) else {}
    scenarios = data.get("scenarios")
    scenarios = scenarios if isinstance(scenarios, dict) else {}
    for scenario, arms in scenarios.items():
        for arm, said in arms.items() if isinstance(arms, dict) else ():
            if isinstance(said, dict):
                place = ("scenarios", scenario, arm)
                yield from _about_arm(located, place, said, known)
    profiles = data.get("profiles")
    for profile, said in profiles.items() if isinstance(profiles, dict) else ():
        words = said.get("scenarios") if isinstance(said, dict) else None
        for number, word in enumerate(words if isinstance(words, list) else []):
            meant = known.chosen(word) if isinstance(word, str) else []
            if meant and not any(name in scenarios for name in meant):
                line = located.line_of(("profiles", profile, "scenarios", number))
                yield Problem(line, f'profile "{profile}" names {word}, of which this contract says nothing')


def _about_arm(
    located: LocatedData, place: tuple[str, str, str], said: Mapping[str, object], known: KnownNames
) -> Iterator[Problem]:
    """An arm of which nothing is said, something twice, or something that cannot be asked of it."""
    arm = place[2]
    if not set(said) & set(DEMANDS) and set(said) <= set(ArmContract.model_fields):
        yield Problem(located.line_of(place), f'nothing is demanded of {arm}: add e.g. "required: [at-least-once]"')
    primitive = known.primitive_of(arm)
    possible = [guarantee.value for guarantee in applicable(primitive)] if primitive is not None else list(Guarantee)
    seen: dict[str, str] = {}
    for key in STANCE_KEYS:
        words = said.get(key)
        for number, word in enumerate(words if isinstance(words, list) else []):
            if word not in list(Guarantee):
                continue
            line = located.line_of((*place, key, number))
            if word in seen:
                yield Problem(line, f'"{word}" is {key} here, and {seen[word]} as well: {arm} can have it once')
            elif word not in possible:
                yield Problem(
                    line, f'"{word}" cannot be asked of {arm}: {primitive} keeps nothing that could be durable'
                )
            seen.setdefault(str(word), key)
