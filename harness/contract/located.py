"""YAML as plain data that remembers its lines.

Only what a contract needs is taken: mappings with text as keys, sequences, text, numbers, truth, nothing. Aliases are
followed, within bounds: a file of a few lines can otherwise grow to billions of nodes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Data = None | bool | int | float | str | list["Data"] | dict[str, "Data"]
Place = tuple[str | int, ...]
"""Where in the data: keys and indices from the top."""

_TAG = "tag:yaml.org,2002:"
MOST_BYTES = 1_000_000
MOST_NODES = 50_000
DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and in which line (from 1)."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class LocatedData:
    """A document: its data, the line of everything in it, and what is wrong with it as YAML."""

    data: Data
    lines: Mapping[Place, int]
    problems: tuple[Problem, ...]

    def line_of(self, path: Place) -> int:
        """The line of ``path``, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def load_located(content: bytes) -> LocatedData:
    """Parse one YAML document; what is wrong with it comes back as problems, never as an exception."""
    if len(content) > MOST_BYTES:
        return _broken(1, f"{len(content):,} bytes: a contract has at most {MOST_BYTES:,}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _broken(content[: error.start].count(b"\n") + 1, f"not UTF-8 (byte {error.start:,}): save it as UTF-8")
    try:
        with warnings.catch_warnings(action="ignore"):  # of an anchor that is used again, which YAML allows
            root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "cannot be read"
        return _broken(mark.line + 1 if mark else 1, f"not YAML: {' '.join(str(reason).split())}")
    except RecursionError:
        return _broken(1, f"nested too deeply: a contract has at most {DEEPEST} levels")
    except YAMLError as error:
        return _broken(1, f"not YAML: {' '.join(str(error).split())}")
    except (ValueError, TypeError, AttributeError, LookupError) as error:  # the parser's own slips on odd input
        return _broken(1, f"not YAML: {type(error).__name__}: {' '.join(str(error).split())}")
    walk = _Walk()
    data = walk.take(root, (), ()) if root is not None else None
    return LocatedData(data, walk.lines, tuple(walk.problems))


def _broken(line: int, text: str) -> LocatedData:
    return LocatedData(None, {}, (Problem(line, text),))


class _Walk:
    """From nodes to data, noting the line of everything on the way."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []
        self._nodes = 0

    def take(self, node: Node, place: Place, above: tuple[Node, ...]) -> Data:
        """The data of ``node`` at ``place``, which lies within the nodes ``above``."""
        self._nodes += 1
        self.lines.setdefault(place, _line(node))
        if node in above:
            return self._refuse(node, "an alias stands inside of its own anchor")
        if len(above) > DEEPEST:
            return self._refuse(node, f"nested too deeply: a contract has at most {DEEPEST} levels")
        if self._nodes > MOST_NODES:
            if self._nodes == MOST_NODES + 1:
                self._refuse(node, f"more than {MOST_NODES:,} values, aliases counted where they are used")
            return None
        match node:
            case MappingNode():
                return self._mapping(node, place, (*above, node))
            case SequenceNode():
                inner = (*above, node)
                return [self.take(item, (*place, number), inner) for number, item in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node)
            case _:
                return self._refuse(node, "not a value")

    def _mapping(self, node: MappingNode, place: Place, above: tuple[Node, ...]) -> dict[str, Data]:
        taken: dict[str, Data] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                self._refuse(key_node, "merge keys (<<) are not read: use an alias for the whole value")
                continue
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else None
            if key is None or key_node.tag not in {_TAG + "str", _TAG + "null"}:
                self._refuse(key_node, f"a key has to be text, not {_shown(key_node)}")
            elif key in taken:
                self._refuse(key_node, f'"{key}" stands here a second time (first in line {self.lines[(*place, key)]})')
            else:
                self.lines[(*place, key)] = _line(key_node)
                taken[key] = self.take(value_node, (*place, key), above)
        return taken

    def _scalar(self, node: ScalarNode) -> Data:
        text = str(node.value)
        try:
            match str(node.tag).removeprefix(_TAG):
                case "str" | "timestamp":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text.replace("_", ""), base=0 if text.lstrip("+-").startswith(("0x", "0o")) else 10)
                case "float":
                    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            return self._refuse(node, f"not a number: {_shown(node)}")
        return self._refuse(node, f"a value of a kind that is not read here: {node.tag} {_shown(node)}")

    def _refuse(self, node: Node, text: str) -> Data:
        """Note a problem; nothing stands in the value's place."""
        self.problems.append(Problem(_line(node), text))
        return None


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _shown(node: Node) -> str:
    if isinstance(node, ScalarNode):
        text = str(node.value)
        return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'
    return "a list" if isinstance(node, SequenceNode) else "a mapping"
