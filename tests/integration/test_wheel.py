"""The built wheel is whole: installed away from the checkout it lists and runs the scenarios it carries."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout and unpacked into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=150)
    (wheel,) = folder.glob("pubsub_vs_streams-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def harness(installed: Path, cwd: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_carries_scenarios_templates_and_the_compose_file(installed: Path) -> None:
    """Nothing of the checkout is needed to run, to report, or to use Docker."""
    scripts = {path.name for path in (ROOT / "scenarios").glob("*.py")}
    assert scripts == {path.name for path in (installed / "harness" / "bundled_scenarios").glob("*.py")}
    assert (installed / "harness" / "stack" / "docker-compose.yml").read_bytes() == (
        ROOT / "docker-compose.yml"
    ).read_bytes()
    templates = {path.name for path in (ROOT / "harness" / "report" / "templates").iterdir()}
    assert templates == {path.name for path in (installed / "harness" / "report" / "templates").iterdir()}


def test_the_wheel_brings_the_pytest_plugin(installed: Path) -> None:
    """Where it is installed, pytest finds the mark and the fixture."""
    (metadata,) = installed.glob("pubsub_vs_streams-*.dist-info")
    assert "redis_chaos = harness.pytest_plugin" in (metadata / "entry_points.txt").read_text(encoding="utf-8")


@pytest.mark.servers
def test_the_wheel_runs_what_it_carries(installed: Path, tmp_path: Path) -> None:
    """`harness list` and a short `harness run` from a folder that is no checkout."""
    listed = json.loads(harness(installed, tmp_path, "list", "--json"))
    assert 9 == len([row for row in listed if row["family"] == "partition"])
    options = ["--arm", "stream-group", "--duration", "3", "--outage", "1", "--engine", "builtin", "--json"]
    summary = json.loads(harness(installed, tmp_path, "run", "partition_control", *options))
    assert "held" == summary["verdict"]
    assert (tmp_path / "results" / "latest" / "report.html").exists()
