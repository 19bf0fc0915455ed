"""The pytest plugin's own behaviour, in suites made up for it. Nothing here starts a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import check_consumer, read_settings
from harness.cli.consumer_check import FAULTS, importable
from harness.model.errors import UsageError
from harness.model.words import Guarantee

DEADLINE_S = 60
OUTER = frozenset({"CI", "GITHUB_ACTIONS", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "STACK"})


def run(folder: Path, text: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in OUTER} | environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("guarantee='at-least-onc'", 'unknown guarantee "at-least-onc"'),
        ("guarantee='durable'", "durable is a promise of the server"),
        ("fault='crush-before-effect'", 'unknown fault "crush-before-effect"'),
        ("falt='kill'", 'unknown setting "falt"'),
        ("trials=0", "trials=0: out of range"),
        ("trials='many'", "trials='many': out of range"),
        ("fault=[]", "no fault is named"),
        ("'at-least-once'", "takes names only"),
    ],
)
def test_a_mark_that_cannot_be_played_is_refused_at_collection(tmp_path: Path, mark: str, words: str) -> None:
    """One message that names the test, before anything runs."""
    done = run(
        tmp_path,
        f"import pytest\n@pytest.mark.delivery({mark})\ndef test_orders(redis_chaos):\n    raise SystemError\n",
    )
    said = done.stdout + done.stderr
    assert pytest.ExitCode.USAGE_ERROR == done.returncode, said
    assert "test_it.py::test_orders" in said
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("consumer", "words"),
    [
        ("lambda seat: None", "another process cannot import it"),
        ("'nowhere'", "no place to import from"),
        ("'nowhere:at_all'", "No module named 'nowhere'"),
        ("'json:nothing'", "has no attribute 'nothing'"),
        ("'json:__doc__'", "not callable"),
    ],
)
def test_a_consumer_that_no_other_process_finds_fails_in_one_sentence(
    tmp_path: Path, consumer: str, words: str
) -> None:
    """The test fails with what to do, and without the harness's own traceback."""
    done = run(tmp_path, f"def test_orders(redis_chaos):\n    redis_chaos.check({consumer})\n")
    assert pytest.ExitCode.TESTS_FAILED == done.returncode, done.stdout
    assert words in done.stdout
    assert "consumer_check.py" not in done.stdout


def test_where_it_cannot_be_played_it_is_skipped_and_in_ci_it_fails(tmp_path: Path) -> None:
    """No server is no pass: skipped with the reason for a developer, red where CI is set."""
    text = "def consume(seat):\n    pass\ndef test_orders(redis_chaos):\n    redis_chaos.check(consume)\n"
    nobody = {"STACK": "external", "REDIS_URL": "redis://127.0.0.1:1"}
    here = run(tmp_path, text, "-rs", **nobody)
    assert pytest.ExitCode.OK == here.returncode, here.stdout
    assert "1 skipped" in here.stdout
    assert "127.0.0.1:1" in here.stdout
    ci = run(tmp_path, text, CI="true", **nobody)
    assert pytest.ExitCode.TESTS_FAILED == ci.returncode, ci.stdout
    assert "127.0.0.1:1" in ci.stdout


def test_suites_without_it_are_left_alone(tmp_path: Path) -> None:
    """Nothing heavy is imported, and it can be switched off."""
    text = (
        "import sys\n"
        "def test_light():\n"
        "    heavy = {'redis', 'pydantic', 'numpy', 'pandas', 'pyarrow', 'matplotlib', 'harness.cli'}\n"
        "    assert set() == heavy & set(sys.modules)\n"
    )
    assert pytest.ExitCode.OK == run(tmp_path, text).returncode
    off = run(tmp_path, "def test_orders(redis_chaos):\n    pass\n", "-p", "no:redis_chaos")
    assert "fixture 'redis_chaos' not found" in off.stdout


def test_the_mark_is_documented(tmp_path: Path) -> None:
    """``pytest --markers`` tells of it."""
    assert "@pytest.mark.delivery(guarantee, fault" in run(tmp_path, "", "--markers").stdout


def test_settings_are_read() -> None:
    """One name or several; every fault that a mark can name."""
    test = read_settings({"guarantee": ["ordered", "at-most-once"], "fault": list(FAULTS)})
    assert (Guarantee.ORDERED, Guarantee.AT_MOST_ONCE) == test.guarantees()
    assert FAULTS == test.faults()


def test_a_function_is_found_by_its_name() -> None:
    """As a worker will look for it."""
    code = importable(importable)
    assert ("harness.cli.consumer_check", "importable") == (code.module, code.name)
    assert code.path


def test_nothing_is_written_for_what_is_refused(tmp_path: Path) -> None:
    """The settings are read before a folder is made."""
    with pytest.raises(UsageError, match="unknown fault"):
        check_consumer(importable, results=tmp_path, fault="crush")
    assert [] == list(tmp_path.iterdir())
