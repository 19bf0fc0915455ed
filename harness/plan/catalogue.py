"""Finds the scenario scripts: those beside the package in a checkout, those inside it in an installed wheel.

A script is a Python file with a module docstring (the story and the prediction) and a `SCENARIO`. A file beside them
that defines no `SCENARIO` is an example: it runs by itself, and nothing here loads it.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from pathlib import Path

from harness.model.errors import InvalidFileError, UsageError, nearest
from harness.model.values import Scenario

_PACKAGE = Path(__file__).resolve().parent.parent


def scenario_folder() -> Path:
    """Where the scripts lie: ``HARNESS_SCENARIOS``, the checkout's ``scenarios/``, or the wheel's copy of it.

    Raises:
        UsageError: none of them is there.
    """
    named = os.environ.get("HARNESS_SCENARIOS")
    candidates = [Path(named)] if named else [_PACKAGE.parent / "scenarios", _PACKAGE / "bundled_scenarios"]
    for folder in candidates:
        if folder.is_dir() and any(folder.glob("*.py")):
            return folder
    raise UsageError(
        f"no scenario scripts in {' or '.join(map(str, candidates))}",
        fix="set HARNESS_SCENARIOS to a folder with scenario scripts",
    )


def script_names() -> list[str]:
    """The names of all scripts, sorted."""
    return [path.stem for path in _python_files() if _may_define_scenario(path)]


def example_names() -> list[str]:
    """The names of the examples, sorted."""
    return [path.stem for path in _python_files() if not _may_define_scenario(path)]


def _python_files() -> list[Path]:
    return sorted(path for path in scenario_folder().glob("*.py") if not path.stem.startswith("_"))


def _may_define_scenario(path: Path) -> bool:
    """Whether ``SCENARIO`` is bound in the file, read without running it; a file that cannot be read is to be loaded
    and complained about, not passed over."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return True
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return "SCENARIO" in bound | {alias.asname or alias.name for alias in _imports(tree)}


def _imports(tree: ast.Module) -> list[ast.alias]:
    return [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]


def load_scenario(path: Path) -> Scenario:
    """The `SCENARIO` of the script at ``path``, with the script's docstring as its story.

    Raises:
        InvalidFileError: the script does not load or has no scenario.
    """
    specification = importlib.util.spec_from_file_location(f"harness_scenario_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise InvalidFileError(f"{path}: not a Python script", fix="name a script that defines SCENARIO")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:  # whatever a user's script raises becomes one clear error
        raise InvalidFileError(f"{path}: {type(error).__name__}: {error}", fix="mend the script") from error
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise InvalidFileError(f"{path}: defines no SCENARIO", fix="add `SCENARIO = partition_scenario(...)`")
    return scenario


def find_scenarios(names: list[str], *, slow: bool = False) -> list[Scenario]:
    """The scenarios that ``names`` mean: names of scripts, of families, or ``all``; each once, in a fixed order.

    A scenario that is marked slow is in its family, and in ``all``, only with ``slow``; by its own name always.

    Raises:
        UsageError: a name means nothing, the nearest one is told; or nothing but slow scenarios is meant.
        InvalidFileError: a name means a file without a scenario.
    """
    folder = scenario_folder()
    known = {name: load_scenario(folder / f"{name}.py") for name in script_names()}
    families = {scenario.family for scenario in known.values()}
    wanted: dict[str, Scenario] = {}
    for name in names:
        if name in known:
            wanted[name] = known[name]
        elif name in families or name == "all":
            wanted.update(_members(known, family=name, slow=slow))
        elif name in example_names():
            raise InvalidFileError(
                f"{folder / name}.py: defines no SCENARIO, so it is an example and not a scenario",
                fix=f"run it by itself: python {folder / name}.py",
            )
        else:
            raise UsageError(f'unknown scenario "{name}"', fix=nearest(name, [*known, *families, "all"]))
    if not wanted:
        raise UsageError(f"all scenarios of {', '.join(names)} are slow", fix="add --slow, or name one of them")
    return list(wanted.values())


def _members(known: dict[str, Scenario], *, family: str, slow: bool) -> dict[str, Scenario]:
    """The scenarios of ``family``, or of all; slow ones only when wanted."""
    return {
        name: scenario
        for name, scenario in known.items()
        if family in {scenario.family, "all"} and (slow or not scenario.slow)
    }


def control_of(scenarios: list[Scenario]) -> list[Scenario]:
    """The no-fault controls of what is in ``scenarios`` that are not among them already.

    A fault that is compared with nothing proves nothing: the checker asks for a perfect control in every run.
    """
    present = {scenario.name for scenario in scenarios}
    controlled = {scenario.control_key for scenario in scenarios if scenario.is_control}
    open_keys = {scenario.control_key for scenario in scenarios} - controlled
    if not open_keys:
        return []
    folder = scenario_folder()
    everything = [load_scenario(folder / f"{name}.py") for name in script_names()]
    return [s for s in everything if s.is_control and s.control_key in open_keys and s.name not in present]
