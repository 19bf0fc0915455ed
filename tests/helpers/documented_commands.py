"""The commands that the documentation shows, and what is wrong with one: a verb, a target, an option or a script that
does not exist.

Commands are the lines of fenced blocks, and the inline code, that begin with ``harness``, ``make`` or
``python scenarios/``, after any settings of variables. Words in capitals stand for something (RUN, NAME) and are
believed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import typer.main

from harness.cli.app import app
from harness.cli.script import script_app
from harness.lint.finding import Point
from harness.model.errors import UsageError
from harness.plan.arms import named_arm
from harness.plan.catalogue import example_names, find_scenarios, script_names

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
SETTING = re.compile(r"[A-Z_]+=.*")
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
VARIABLE = re.compile(r"^([A-Z]+) [?:]?=", re.MULTILINE)
PLACEHOLDER = re.compile(r"[A-Z]+|…|\.\.\.")


@dataclass(frozen=True)
class Command:
    """One command as it is written, and where."""

    where: str
    text: str

    @property
    def words(self) -> list[str]:
        """Without comments and without the settings in front."""
        words = shlex.split(self.text, comments=True)
        while words and SETTING.fullmatch(words[0]):
            words = words[1:]
        return words


def commands_in(path: Path) -> list[Command]:
    """Every command in a Markdown file."""
    text = path.read_text(encoding="utf-8")
    lines = [
        part for block in FENCE.findall(text) for line in block.splitlines() for part in re.split("&&|;|\\|", line)
    ]
    pieces = [*lines, *INLINE.findall(FENCE.sub("", text))]
    return [command for piece in pieces if _is_ours(command := Command(path.name, piece.strip()))]


def _is_ours(command: Command) -> bool:
    try:
        words = command.words
    except ValueError:  # a quote that is not closed: prose, or another language
        return False
    if len(words) < 2:
        return False
    return words[0] in {"harness", "make"} or (words[0] == "python" and words[1].startswith("scenarios/"))


def complaints(command: Command) -> list[str]:
    """What is wrong with it; empty = it can be typed as it stands."""
    first, *rest = command.words
    if first == "make":
        found = list(_wrong_with_make(rest))
    elif first == "python":
        found = list(_wrong_with_script(rest))
    else:
        found = list(_wrong_with_verb(rest))
    return [f"{command.where}: {command.text}: {wrong}" for wrong in found]


def _wrong_with_make(words: list[str]) -> Iterator[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets, variables = set(TARGET.findall(makefile)), set(VARIABLE.findall(makefile))
    for word in words:
        name, is_setting, value = word.partition("=")
        if not is_setting and word not in targets and not PLACEHOLDER.fullmatch(word):
            yield f"no target {word}"
        if is_setting and name not in variables:
            yield f"no variable {name}"
        if name == "ARGS" and "test" not in words:  # there they are pytest's
            yield from _wrong_options(shlex.split(value), _options("run"))


def _wrong_with_script(words: list[str]) -> Iterator[str]:
    script, *rest = words
    name = Path(script).stem
    if PLACEHOLDER.fullmatch(name):
        return
    if not (ROOT / script).is_file():
        yield f"no file {script}"
    elif name in example_names():
        yield from (f"an example takes no {word}" for word in rest)
    else:
        command = typer.main.get_command(script_app(str(ROOT / script)))
        yield from _wrong_options(rest, {option for parameter in command.params for option in parameter.opts})


def _wrong_with_verb(words: list[str]) -> Iterator[str]:
    verb, *rest = words
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    if verb in {"--help", "--version"} or PLACEHOLDER.fullmatch(verb):
        return
    if verb not in verbs:
        yield f"no verb {verb}"
        return
    if verb != "proxy":  # its flags are toxiproxy-server's, with one hyphen
        yield from _wrong_options(rest, _options(verb))
    if verb == "run":
        yield from _wrong_names(rest)


def _options(verb: str) -> set[str]:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    return {option for parameter in verbs[verb].params for option in parameter.opts} | {"--help"}


def _wrong_options(words: list[str], known: set[str]) -> Iterator[str]:
    for option, value in zip_longest(words, words[1:], fillvalue=""):
        name, _, attached = option.partition("=")
        if not name.startswith("-"):
            continue
        if " " in option:  # what abab is given for each of its set-ups: options of a run, in quotes
            yield from _wrong_options(option.split(), _options("run"))
        elif name not in known:
            yield f"no option {name}"
        if name == "--arm" and not _is_arm(attached or value):
            yield f"no arm {attached or value}"
        if name == "--skip" and (attached or value) not in list(Point):
            yield f"no point {attached or value}"


def _is_arm(name: str) -> bool:
    try:
        named_arm(name)
    except UsageError:
        return bool(PLACEHOLDER.fullmatch(name))
    return True


def _wrong_names(words: list[str]) -> Iterator[str]:
    """Of scenarios and families: what stands before the first option."""
    families = {scenario.family for scenario in find_scenarios(["all"], slow=True)}
    for word in words:
        if word.startswith("-"):
            return
        if word not in {*script_names(), *families, "all"} and not PLACEHOLDER.fullmatch(word):
            yield f"no scenario or family {word}"
