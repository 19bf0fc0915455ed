"""Arms of every kind side by side through a whole trial in which nothing is broken: all of it has to be perfect."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.history.journal import EventKind
from harness.history.reading import History
from harness.history.table import read_history
from harness.model.message import SENTINEL_BASE
from harness.model.results import TrialFacts
from harness.model.values import StackChoice
from harness.plan.catalogue import find_scenarios
from harness.plan.planning import Overrides, override, plan_run

pytestmark = pytest.mark.servers
ARMS = (
    "pubsub-overlap",
    "sharded-pubsub",
    "stream-read",
    "stream-read-at-end",
    "stream-group-at-end",
    "stream-group-lua",
    "stream-queue-noack",
    "stream-queue-set-nx",
)
LIKE_THIS = Overrides(duration_s=3.5, outage_s=1.0, rate_per_s=20, arms=ARMS)


def play(folder: Path) -> None:
    """The control of the partition family with these arms."""
    (control,) = find_scenarios(["partition_control"])
    choice = StackChoice.model_validate({"proxy_engine": "builtin"})
    plan = plan_run(
        [override(control, LIKE_THIS)],
        name="arms",
        trials=1,
        seed=5,
        stack=choice,
        harness_version="0",
        repeat_command="none",
    )
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-m", "harness.trial", str(folder)],
        input=plan.trials[0].model_dump_json() + "\n",
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=90,
    )


def test_every_kind_of_arm_goes_through_a_trial(tmp_path: Path) -> None:
    """Complete, every part of the drain barrier reached, no clock backwards, and each message with its one effect."""
    folder = tmp_path / "trial"
    play(folder)
    assert "complete" == TrialFacts.model_validate_json((folder / "facts.json").read_text()).status
    history = read_history(folder / "history.parquet")
    assert [] == [actor.name for actor in history.actors if actor.backwards or actor.strangers or actor.damaged]
    for index, arm in enumerate(history.trial.scenario.arms):
        barrier = [set(block["value"].tolist()) for block in history.blocks(EventKind.BARRIER, ["value"], arm=index)]
        assert {1} == set().union(*barrier), arm.name
        sent = {message for (_, message) in messages(history, EventKind.ATTEMPT, index)}
        effects = messages(history, EventKind.EFFECT, index)
        times = 2 if arm.pattern_overlap else 1
        owed = {(scope, message): times for scope in range(arm.scopes) for message in sent}
        assert owed == effects, arm.name
        assert len(sent) > 30


def messages(history: History, kind: EventKind, arm: int) -> Counter[tuple[int, int]]:
    """How often each (scope, message) has a record of that kind that was not suppressed; no sentinels."""
    counted: Counter[tuple[int, int]] = Counter()
    for block in history.blocks(kind, ["sequence", "detail"], arm=arm):
        real = (block["sequence"] < SENTINEL_BASE) & (np.asarray(block["detail"]) == 0)
        counted.update((block.info.scope, int(sequence)) for sequence in block["sequence"][real])
    return counted
