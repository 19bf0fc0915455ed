"""The same history, the same answer: elsewhere, in other surroundings, and by a later checker."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.check.judge import judge_run
from harness.report.json_export import to_json

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "results" / "reference"
PROGRAM = """
import hashlib, sys
from pathlib import Path
from harness.check.judge import judge_run
summary = judge_run(Path(sys.argv[1]), write=False)
print(hashlib.sha256(summary.model_dump_json().encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def here() -> str:
    """What the reference run comes to in this process."""
    return hashlib.sha256(judge_run(REFERENCE, write=False).model_dump_json().encode()).hexdigest()


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["-O"], {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1"}),
        (["-X", "utf8=0"], {"LC_ALL": "C", "TZ": "America/St_Johns", "PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "1"}),
        ([], {"ARROW_IO_THREADS": "1", "OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7", "PYTHONHASHSEED": "0"}),
    ],
)
def test_other_surroundings_give_the_same_bytes(
    options: list[str], environment: dict[str, str], here: str, tmp_path: Path
) -> None:
    """A copy at another path; another language, time zone, order of hashes and number of threads; without asserts."""
    copy = tmp_path / "a copy"
    shutil.copytree(REFERENCE, copy)
    done = subprocess.run(
        [sys.executable, *options, "-c", PROGRAM, str(copy)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=120,
        check=False,
    )
    assert (here, "") == (done.stdout.strip(), done.stderr)


def test_a_later_checker_still_says_what_was_committed() -> None:
    """Whatever the committed summary says, today's checker says too; it may say more. If it does not, its answers have
    changed: then say so in the schema's version and commit the reference anew."""
    committed = json.loads((REFERENCE / "summary.json").read_text(encoding="utf-8"))
    judged = json.loads(to_json(judge_run(REFERENCE, write=False)))
    del committed["schema_version"]
    assert [] == list(_differences(committed, judged, ""))


def test_a_number_that_changed_would_be_seen() -> None:
    """The comparison looks into every branch."""
    committed = {"a": [{"b": 1, "c": 2.0}], "d": "x"}
    assert [".a[0].b"] == list(_differences(committed, {"a": [{"b": 2, "c": 2.0, "new": 0}], "d": "x"}, ""))
    assert [".a"] == list(_differences(committed, {"a": [], "d": "x"}, ""))


def _differences(old: Any, new: Any, place: str) -> Any:
    """Where ``new`` does not say what ``old`` says."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            yield from _differences(value, new.get(key, "missing"), f"{place}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, value in enumerate(old):
            yield from _differences(value, new[number], f"{place}[{number}]")
    elif old != new:
        yield place
