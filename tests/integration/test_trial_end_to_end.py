"""Real servers, real proxies, real processes: a trial from its value to its folder, and what survives a hard end."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.model.results import TrialFacts
from harness.model.values import RunPlan, StackChoice
from harness.plan.catalogue import find_scenarios
from harness.plan.planning import Overrides, override, plan_run

pytestmark = pytest.mark.servers
SHORT = Overrides(duration_s=3.5, outage_s=1.2, rate_per_s=60)
DEADLINE_S = 60.0


def short_plan(*names: str, engine: str = "builtin") -> RunPlan:
    scenarios = [override(scenario, SHORT) for scenario in find_scenarios(list(names))]
    choice = StackChoice.model_validate({"proxy_engine": engine})
    return plan_run(scenarios, name="short", trials=1, seed=5, stack=choice, harness_version="0", repeat_command="none")


def play(plan: RunPlan, folder: Path) -> subprocess.Popen[str]:
    """Start one trial in a process of its own, as a run does."""
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.trial", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(plan.trials[0].model_dump_json() + "\n")
    process.stdin.flush()
    return process


def wait_for_phase(process: subprocess.Popen[str], phase: str) -> None:
    """Read the trial's news until it says that ``phase`` begins."""
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("phase") == phase:
            return
    pytest.fail(f"the trial ended before {phase}")


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Everything that the trial started, by process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def assert_all_gone(processes: list[psutil.Process]) -> None:
    """Each of ``processes`` ends within the deadline."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    still = [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert [] == still


def recount(folder: Path) -> dict[str, object]:
    """What the naive, separate program counts in the raw journals."""
    script = Path(__file__).parent.parent / "quality" / "naive_recount.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_a_trial_leaves_its_folder_and_nothing_else(tmp_path: Path) -> None:
    """Played to its end: facts, history and journals are there, the fault is proven, and no process is left."""
    folder = tmp_path / "trial"
    process = play(short_plan("partition_consumers_drop"), folder)
    wait_for_phase(process, "steady")
    started = descendants(process)
    process.communicate(timeout=DEADLINE_S)
    facts = TrialFacts.model_validate_json((folder / "facts.json").read_text())
    assert (0, "complete") == (process.returncode, facts.status)
    assert "went unanswered" in facts.evidence[0]
    assert (folder / "history.parquet").exists()
    assert len(started) >= 12
    assert_all_gone(started)


def test_sigterm_in_the_fault_heals_and_keeps_what_there_is(tmp_path: Path) -> None:
    """What Ctrl-C comes to: exit 130, status interrupted, journals kept, nothing left running."""
    folder = tmp_path / "trial"
    process = play(short_plan("partition_consumers_hold"), folder)
    wait_for_phase(process, "fault")
    started = descendants(process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE_S)
    facts = TrialFacts.model_validate_json((folder / "facts.json").read_text())
    assert (130, "interrupted") == (process.returncode, facts.status)
    assert (folder / "journals" / "producer-0-0.journal").stat().st_size > 64
    assert_all_gone(started)


def test_sigkill_of_the_trial_leaves_nothing_running(tmp_path: Path) -> None:
    """Servers, proxies and workers end with a conductor that can do nothing any more."""
    process = play(short_plan("partition_consumers_down"), tmp_path / "trial")
    wait_for_phase(process, "fault")
    started = descendants(process)
    assert len(started) >= 12
    process.kill()
    process.communicate(timeout=DEADLINE_S)
    assert_all_gone(started)


def test_a_killed_consumer_makes_the_trial_an_error(tmp_path: Path) -> None:
    """A worker that ends by itself was not planned: no count of that trial can be trusted."""
    folder = tmp_path / "trial"
    process = play(short_plan("partition_control"), folder)
    wait_for_phase(process, "steady")
    victims = [one for one in descendants(process) if "harness.trial.worker" in " ".join(one.cmdline())]
    victims[0].kill()
    process.communicate(timeout=DEADLINE_S)
    facts = TrialFacts.model_validate_json((folder / "facts.json").read_text())
    assert ("error", True) == (facts.status, "ended by itself" in facts.status_reason)


def harness(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-c", "from harness.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        timeout=150,
        check=False,
    )


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One short run of a partition with its control, as the command leaves it."""
    where = tmp_path_factory.mktemp("run")
    done = harness(
        "run", "partition_consumers_drop", "--engine", "builtin", "--duration", "4", "--outage", "1.5", cwd=where
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return where


def test_the_whole_way_through_counts_what_was_lost(run_folder: Path) -> None:
    """Pub/Sub lost what the outage covered, Streams nothing; summary, report and tables are written."""
    latest = run_folder / "results" / "latest"
    summary = json.loads((latest / "summary.json").read_text())
    rows = {(row["scenario"], row["arm"]): row for row in summary["rows"]}
    assert rows["partition_consumers_drop", "pubsub"]["lost"] > 50
    assert 0 == rows["partition_consumers_drop", "pubsub"]["unexplained"]
    assert 0 == rows["partition_consumers_drop", "stream-group"]["lost"]
    assert 0 == rows["partition_control", "pubsub"]["lost"]
    assert "held" == summary["verdict"]
    for name in ("report.html", "junit.xml", "environment.json", "run.json"):
        assert (latest / name).stat().st_size > 100


def test_an_independent_recount_agrees_to_the_message(run_folder: Path) -> None:
    """The naive program reads the raw journals of the real run and finds the same fates."""
    latest = run_folder / "results" / "latest"
    summary = json.loads((latest / "summary.json").read_text())
    for trial in summary["trials"]:
        counted = recount(latest / "trials" / f"{trial['trial']['scenario']['name']}-{trial['trial']['seed']}")
        arms = counted["arms"]
        for arm, naive in zip(trial["arms"], arms.values() if isinstance(arms, dict) else arms, strict=True):
            assert arm["fates"]["lost"] == naive["fates"].get("lost", 0)
            assert arm["fates"]["delivered"] == naive["fates"].get("delivered", 0)
            assert (arm["attempted"], arm["duplicated"]) == (naive["attempted"], naive["duplicated"])


def test_checking_a_stored_run_gives_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    """The same history, the same answer."""
    latest = (run_folder / "results" / "latest").resolve()
    copy = tmp_path / "copy"
    shutil.copytree(latest, copy)
    done = harness("check", str(copy), cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    assert (latest / "summary.json").read_bytes() == (copy / "summary.json").read_bytes()


def test_ctrl_c_keeps_a_partial_run_that_can_be_resumed(tmp_path: Path) -> None:
    """Exit 130, the trials that ended are judged as partial, and --resume plays the rest."""
    arguments = ["run", "partition_consumers_hold", "--engine", "builtin", "--jobs", "1", "--duration", "3"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from harness.cli import main; main()", *arguments, "--outage", "1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + DEADLINE_S
    while not list(tmp_path.glob("results/runs/*/trials/partition_control*.partial/journals")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert (130, False) == (process.returncode, "Traceback" in errors)
    latest = (tmp_path / "results" / "latest").resolve()
    assert json.loads((latest / "summary.json").read_text())["partial"]
    done = harness("run", "--resume", str(latest), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not json.loads((latest / "summary.json").read_text())["partial"]


BAD = [
    (["run"], 2, "no scenario named"),
    (["run", "partitoin"], 2, 'did you mean "partition"'),
    (["run", "partition", "--arm", "pubsubb"], 2, 'did you mean "pubsub"'),
    (["run", "partition", "--outage", "-1"], 2, "--outage -1"),
    (["run", "partition", "--duration", "1e99"], 2, "--duration"),
    (["run", "partition", "--rate", "0"], 2, "--rate 0"),
    (["run", "partition", "--trials", "0"], 2, "--trials 0"),
    (["run", "partition", "--seed", "-4"], 2, "--seed -4"),
    (["run", "partition", "--server", "/bin/false"], 2, "/bin/false"),
    (["run", "partition", "--toxiproxy", "/bin/false"], 2, "/bin/false"),
    (["run", "partition", "--stack", "external"], 2, "REDIS_URL"),
    (["check", "nowhere"], 2, "nowhere"),
    (["report", "/etc"], 2, "not a run"),
    (["run", "--resume", "nowhere"], 2, "nowhere"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "said"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_input_is_one_error_with_a_fix(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    """The exit code tells the kind, the message tells the value and the fix, and nothing half-written stays."""
    done = harness(*arguments, cwd=tmp_path)
    assert (code, "") == (done.returncode, done.stdout.strip())
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "fix:" in done.stderr
    assert [] == list(tmp_path.glob("results/runs/*"))


def test_an_unreachable_address_is_told_without_its_password(tmp_path: Path) -> None:
    """Exit 4, and the credentials appear nowhere."""
    environment = {"REDIS_URL": "redis://user:s3cr3t-word@127.0.0.1:1/0"}
    done = harness("run", "partition", "--stack", "external", cwd=tmp_path, environment=environment)
    assert 4 == done.returncode
    assert "127.0.0.1:1" in done.stderr
    assert "s3cr3t-word" not in done.stderr + done.stdout


def test_a_read_only_results_folder_is_told(tmp_path: Path) -> None:
    """A place that cannot be written is exit 4, before anything is started."""
    target = tmp_path / "file"
    target.write_text("not a folder")
    done = harness("run", "partition", "--engine", "builtin", "--results", str(target / "below"), cwd=tmp_path)
    assert (4, True) == (done.returncode, "cannot write" in done.stderr)
