"""Feeds the harness with files that nobody should have written: ``python tests/quality/fuzz.py --inputs 10000``.

Each input is a valid one that was spoilt by a seed: a contract, a scenario script or its values, or the stored run of
a small made-up trial (journals torn, flipped, or lying with right checksums; Parquet cut or foreign; JSON bent; files
missing, doubled or replaced by folders). It is read and judged in this process, behind the command line's own error
boundary for a share of them. Then: it is accepted, or refused with one `HarnessError` that says how to mend it and has
one of the exit codes; never another exception, never longer than the deadline. And what was torn or flipped is never
*held*.

Prints how many of each kind were accepted and refused, and every seed that failed; ends with 1 if one did.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_mutators import lie_in_records, spoil_bytes, spoil_text, spoil_tree
from ruamel.yaml import YAML

from harness.check.judge import judge_run
from harness.cli import finish
from harness.cli.app import app
from harness.cli.verifying import known_names
from harness.contract.clauses import clauses_of
from harness.contract.evaluate import evaluate
from harness.contract.gather import gather
from harness.contract.names import KnownNames
from harness.contract.read import parse_contract
from harness.history.table import write_history
from harness.model.errors import ExitCode, HarnessError
from harness.model.results import RunSummary
from harness.model.words import Verdict
from harness.plan.catalogue import find_scenarios, load_scenario, scenario_folder
from harness.plan.planning import Overrides, override, plan_run
from harness.selftest.clean import build
from harness.trial.run import read_plan

DEADLINE_S = 60
"""For one input. A report with its figures takes ten seconds of a processor that nobody else wants."""
CODES = {ExitCode.HELD, ExitCode.VIOLATED, ExitCode.USAGE, ExitCode.INCONCLUSIVE, ExitCode.INTERNAL}
WORST_SHARE = 40
"""One of so many goes through a whole verb, with its report and its error boundary."""


class TooLongError(Exception):
    """An input took longer than the deadline."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is spoilt, made once."""

    folder: Path
    run: Path
    """A whole run: one trial with its control, with journals and without history."""

    @classmethod
    def make(cls, folder: Path) -> Ground:
        """Write the made-up run."""
        run = folder / "run"
        books = [build(messages=8, seed=1), build(messages=8, seed=2, control=True)]
        trials = []
        for index, book in enumerate(books):
            scenario = book.trial.scenario.model_copy(update={"name": f"made-up-{index}"})
            book.trial = book.trial.model_copy(update={"scenario": scenario})
            trials.append(book.trial)
            book.write(run / "trials" / book.trial.folder_name)
        plan = _plan([trials[0].scenario], trials=1).model_copy(update={"trials": tuple(trials)})
        (run / "run.json").write_text(plan.model_dump_json(indent=2), encoding="utf-8")
        assert judge_run(run, write=False).verdict is Verdict.HELD
        return cls(folder, run)


def _plan(scenarios: Sequence[Any], *, trials: int) -> Any:
    from harness.model.values import StackChoice

    return plan_run(
        scenarios, name="fuzz", trials=trials, seed=1, stack=StackChoice(), harness_version="0", repeat_command="none"
    )


@cache
def _known() -> KnownNames:
    return known_names(find_scenarios(["all"], slow=True))


@cache
def _contract_text() -> str:
    return (scenario_folder() / "guarantees.yaml").read_text(encoding="utf-8")


def fuzz_contract(ground: Ground, draw: random.Random) -> str:
    """A contract, spoilt as text or as a tree; a valid one is also evaluated."""
    if draw.random() < 0.5:
        text = _contract_text()
        for _ in range(draw.choice((1, 1, 2, 6))):
            text = spoil_text(text, draw)
    else:
        spoilt = spoil_tree(YAML(typ="safe", pure=True).load(_contract_text()), draw)
        text = json.dumps(spoilt) if draw.random() < 0.5 else _as_yaml(spoilt)
    content = text.encode("utf-8", "surrogatepass")
    if draw.random() < 0.2:
        content = spoil_bytes(content, draw)
    if draw.randrange(WORST_SHARE) == 0:
        path = ground.folder / "contract.yaml"
        path.write_bytes(content)
        return _through_the_verb(["verify", str(path), "--run", str(ground.run)])
    contract = parse_contract(content, name="fuzzed.yaml", known=_known())
    clauses = clauses_of(contract, chosen=None, profile=None, trials=None)
    result = evaluate(
        clauses, gather([("run", _summary(ground.run))]), contract="fuzzed.yaml", profile=None, runs=["run"]
    )
    if result.verdict is Verdict.HELD:
        raise AssertionError("a contract of other scenarios was held by this run")
    return "accepted"


def _as_yaml(tree: Any) -> str:
    stream = io.StringIO()
    with contextlib.suppress(Exception):  # not everything can be said in YAML: then it is said in JSON
        YAML(typ="safe", pure=True).dump(tree, stream)
        return stream.getvalue()
    return json.dumps(tree)


@cache
def _summary(run: Path) -> RunSummary:
    return judge_run(run, write=False)


def fuzz_scenario(ground: Ground, draw: random.Random) -> str:
    """A scenario script with a spoilt text, or the values of one with spoilt branches; a valid one is planned."""
    names = sorted(path.stem for path in scenario_folder().glob("*_*.py"))
    if draw.random() < 0.5:
        text = (scenario_folder() / f"{draw.choice(names)}.py").read_text(encoding="utf-8")
        script = ground.folder / "script.py"
        script.write_bytes(spoil_text(text, draw).encode("utf-8", "surrogatepass"))
        _plan([override(load_scenario(script), Overrides(duration_s=9, outage_s=2))], trials=2)
        return "accepted"
    plan = _plan(find_scenarios([draw.choice(names)]) if draw.random() < 0.1 else [_any_scenario()], trials=1)
    spoilt = spoil_tree(plan.model_dump(mode="json"), draw)
    run = ground.folder / "plan"
    run.mkdir(exist_ok=True)
    (run / "run.json").write_text(json.dumps(spoilt), encoding="utf-8")
    read_plan(run)
    judge_run(run, write=False)
    return "accepted"


@cache
def _any_scenario() -> Any:
    return find_scenarios(["link_flap"])[0]


def fuzz_history(ground: Ground, draw: random.Random) -> str:
    """A stored run in which something is not as it was written."""
    run = ground.folder / "spoilt"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(ground.run, run)
    deed = draw.choice(_RUN_DEEDS)
    destroyed = deed(run, draw)
    if draw.randrange(WORST_SHARE) == 0:
        return _through_the_verb([draw.choice(["check", "report", "lint"]), str(run)])
    summary = judge_run(run, write=draw.random() < 0.1)
    if destroyed and summary.verdict is Verdict.HELD:
        raise AssertionError(f"held, after {deed.__name__}")
    return "accepted"


def _journals(run: Path) -> list[Path]:
    return sorted(run.glob("trials/*/journals/*.journal"))


def _spoil_journal(run: Path, draw: random.Random) -> bool:
    path = draw.choice(_journals(run))
    path.write_bytes(spoil_bytes(path.read_bytes(), draw))
    return False


def _tear_journal(run: Path, draw: random.Random) -> bool:
    path = draw.choice(_journals(run))
    data = path.read_bytes()
    begin = 12 + int.from_bytes(data[8:12], "little")
    cut = draw.randrange(begin, len(data)) if len(data) > begin else begin
    path.write_bytes(data[:cut])
    return (cut - begin) % 64 != 0


def _flip_record(run: Path, draw: random.Random) -> bool:
    path = draw.choice([one for one in _journals(run) if one.stat().st_size > 600])
    data = bytearray(path.read_bytes())
    begin = 12 + int.from_bytes(data[8:12], "little")
    data[draw.randrange(begin, len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    return True


def _lie(run: Path, draw: random.Random) -> bool:
    path = draw.choice(_journals(run))
    path.write_bytes(lie_in_records(path.read_bytes(), draw))
    return False


def _bend_json(run: Path, draw: random.Random) -> bool:
    path = draw.choice(sorted([*run.glob("trials/*/*.json"), run / "run.json"]))
    text = path.read_text(encoding="utf-8")
    if draw.random() < 0.3:
        path.write_bytes(spoil_bytes(text.encode(), draw))
    else:
        path.write_text(json.dumps(spoil_tree(json.loads(text), draw)), encoding="utf-8")
    return False


def _lose_file(run: Path, draw: random.Random) -> bool:
    draw.choice([path for path in sorted(run.rglob("*")) if path.is_file() and path.name != "run.json"]).unlink()
    return False


def _put_folder(run: Path, draw: random.Random) -> bool:
    path = draw.choice([path for path in sorted(run.rglob("*")) if path.is_file()])
    path.unlink()
    path.mkdir()
    return False


def _swap_files(run: Path, draw: random.Random) -> bool:
    first, second = draw.sample([path for path in sorted(run.rglob("*")) if path.is_file()], 2)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    return False


def _add_foreign(run: Path, draw: random.Random) -> bool:
    folder = draw.choice(sorted(run.glob("trials/*")))
    name = draw.choice(["journals/x.journal", "history.parquet", "facts.json", "journals/y.journal"])
    (folder / name).write_bytes(draw.choice([b"", b"\x7fELF", b"PAR1" * 9, draw.randbytes(300), b"{}"]))
    return False


def _spoil_parquet(run: Path, draw: random.Random) -> bool:
    path = write_history(draw.choice(sorted(run.glob("trials/*"))))
    path.write_bytes(spoil_bytes(path.read_bytes(), draw))
    return False


def _other_schema(run: Path, draw: random.Random) -> bool:
    path = write_history(draw.choice(sorted(run.glob("trials/*"))))
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata or pq.read_metadata(path).metadata)
    metadata |= pq.read_metadata(path).metadata or {}
    match draw.randrange(4):
        case 0:
            metadata[b"harness_history_schema"] = str(draw.choice([0, 2, 99, -1, 10**30, "x", "²", ""])).encode()
        case 1:
            content = json.loads(metadata[b"harness_history"])
            metadata[b"harness_history"] = json.dumps(spoil_tree(content, draw)).encode()
        case 2:
            table = table.drop_columns([draw.choice(table.schema.names)])
        case _:
            table = table.slice(0, draw.randrange(len(table)))
    with contextlib.suppress(pa.ArrowException):
        pq.write_table(table.replace_schema_metadata(metadata), path)
    return False


_RUN_DEEDS: tuple[Callable[[Path, random.Random], bool], ...] = (
    *(_spoil_journal, _tear_journal, _flip_record, _lie, _lie, _lie, _bend_json, _bend_json),
    *(_lose_file, _put_folder, _swap_files, _add_foreign, _spoil_parquet, _other_schema),
)
KINDS = {"contract": fuzz_contract, "scenario": fuzz_scenario, "history": fuzz_history}


def _through_the_verb(arguments: list[str]) -> str:
    """The whole verb behind its error boundary, in this process."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            finish(lambda: app(arguments, prog_name="harness", standalone_mode=True))
    except SystemExit as error:
        said = errors.getvalue()
        if error.code not in CODES or "internal error" in said or "Traceback" in said:
            raise AssertionError(f"{arguments[0]} ended with {error.code}: {said}") from error
        return f"exit {error.code}"
    raise AssertionError("the verb did not end")


@contextlib.contextmanager
def deadline() -> Iterator[None]:
    """Raise `TooLongError` in this thread after the deadline."""

    def too_long(*_: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(DEADLINE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def feed(ground: Ground, kind: str, seed: int) -> tuple[str, str]:
    """What came of one input in a word, and what was wrong with it, empty where nothing was."""
    try:
        with deadline():
            return KINDS[kind](ground, random.Random(f"{kind} {seed}")), ""
    except HarnessError as error:
        wrong = "" if error.fix and error.exit_code in CODES else f"{type(error).__name__}, no way out: {error}"
        return f"refused ({error.exit_code})", wrong
    except BaseException as error:  # whatever else it is, it is what is looked for
        if isinstance(error, KeyboardInterrupt):
            raise
        last = traceback.extract_tb(error.__traceback__)[-3:]
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(last))
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())[:200]} at {where}"


def feed_many(inputs: int, *, first: int = 1, kinds: Sequence[str] = tuple(KINDS)) -> tuple[Counter[str], list[str]]:
    """``inputs`` in all, in turn of each kind: how often what came of them, and the failures."""
    counts: Counter[str] = Counter()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground.make(Path(folder))
        for number in range(inputs):
            kind, seed = kinds[number % len(kinds)], first + number // len(kinds)
            word, wrong = feed(ground, kind, seed)
            counts[f"{kind}: {word}"] += 1
            if wrong:
                failures.append(f"{kind} {seed}: {wrong}")
    return counts, failures


def main() -> int:
    """The program."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--inputs", type=int, default=10_000)
    options.add_argument("--first", type=int, default=1, help="the first seed of each kind")
    options.add_argument("--kind", choices=list(KINDS))
    given = options.parse_args()
    counts, failures = feed_many(given.inputs, first=given.first, kinds=[given.kind] if given.kind else list(KINDS))
    for word, count in sorted(counts.items()):
        print(f"{count:>7,}  {word}")
    print(f"{len(failures)} failures", *failures, sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
