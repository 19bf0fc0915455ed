"""The rooms and the direction of imports, as ARCHITECTURE.md draws them."""

import ast
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent
MAY_IMPORT = {
    "model": set(),
    "history": {"model"},
    "check": {"model", "history"},
    "selftest": {"model", "history", "check"},
    "contract": {"model", "history", "check"},
    "report": {"model", "history", "check", "contract"},
    "stack": {"model"},
    "drivers": {"model", "stack"},
    "faults": {"model", "stack"},
    "plan": {"model"},
    "explore": {"model", "plan"},
    "lint": {"model", "stack"},
    "trial": {"model", "history", "drivers", "faults", "stack"},
    "cli": {
        "model",
        "history",
        "check",
        "contract",
        "report",
        "stack",
        "drivers",
        "faults",
        "plan",
        "lint",
        "trial",
        "selftest",
        "explore",
    },
}
MUST_NOT_TOUCH = {
    "model": {"redis", "docker", "toxiproxy", "pyarrow", "pandas", "matplotlib"},
    "history": {"redis", "docker", "toxiproxy", "matplotlib"},
    "check": {"redis", "docker", "toxiproxy", "matplotlib", "time"},
    "selftest": {"redis", "docker", "toxiproxy", "matplotlib", "time"},
    "contract": {"redis", "docker", "toxiproxy", "matplotlib", "time"},
    "explore": {"redis", "docker", "toxiproxy", "pandas", "matplotlib", "time"},
    "report": {"redis", "docker", "toxiproxy"},
    "drivers": {"docker", "toxiproxy", "pandas", "matplotlib"},
    "lint": {"docker", "toxiproxy", "pandas", "matplotlib"},
    "plan": {"redis", "docker", "toxiproxy", "pandas", "matplotlib"},
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def imported(path: Path) -> set[str]:
    """Dotted names of everything that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_from_left_to_right(path: Path) -> None:
    """A room imports only the rooms to its left, and the packages that it may touch."""
    room = room_of(path)
    names = imported(path)
    rooms = {name.split(".")[1] for name in names if name.startswith("harness.")} - {room}
    packages = {name.split(".")[0] for name in names}
    assert set() == rooms - MAY_IMPORT[room]
    assert set() == packages & MUST_NOT_TOUCH.get(room, set())


def test_every_room_is_drawn() -> None:
    """A new folder has to be given its place here and in ARCHITECTURE.md."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert set(MAY_IMPORT) == rooms
    drawing = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert [] == [room for room in sorted(rooms) if f"harness/{room}" not in drawing]


def test_every_public_name_can_be_had() -> None:
    """What `harness.__all__` names is found, although it is only loaded when asked for."""
    import harness

    assert [] == [name for name in harness.__all__ if getattr(harness, name, None) is None]


def test_no_two_test_files_have_one_name() -> None:
    """They are imported by it: the second of two would not be collected."""
    names = [path.name for path in Path(__file__).parents[1].rglob("*.py") if path.name != "conftest.py"]
    assert [] == sorted({name for name in names if names.count(name) > 1})
