"""Faults of links, through the conductor: flapping, several at once, one consumer of three, and each new model."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from harness.faults.links import ProxiedLink
from harness.history.journal import EventKind, read_journal
from harness.model.results import TrialFacts
from harness.model.values import FaultPlan, Scenario, StackChoice, Timeline, Trial, Workload
from harness.model.words import Direction, FaultModel, LinkRole, StackKind
from harness.plan.arms import named_arm
from harness.trial.conductor import Conductor
from harness.trial.folder import TrialFolder

pytestmark = pytest.mark.servers
CONSUMERS, PRODUCERS, ONE = LinkRole.CONSUMERS, LinkRole.PRODUCERS, LinkRole.ONE_CONSUMER
TIMELINE = Timeline(warm_up_s=0.5, steady_s=0.5, outage_s=2.0, recovery_s=1.5)


def play(
    folder: Path,
    *faults: FaultPlan,
    arm: str = "stream-group",
    engine: str = "builtin",
) -> TrialFacts:
    """One short trial of ``faults``, in this process."""
    scenario = Scenario(
        name="short",
        family="test",
        question="",
        mechanism="",
        arms=(named_arm(arm),),
        workload=Workload(rate_per_s=60),
        timeline=TIMELINE,
        faults=faults,
    )
    choice = StackChoice.model_validate({"proxy_engine": engine})
    trial = Trial(run_id="test", token="0badcafe", scenario=scenario, seed=7, index=0, stack=choice)
    facts = Conductor(trial, TrialFolder(folder), say=lambda _: None, interrupted=threading.Event()).run()
    assert facts is not None
    assert "complete" == facts.status, facts.status_reason
    return facts


def noted(folder: Path, kind: EventKind) -> list[int]:
    """The faults, by number, about which the conductor noted this."""
    records = read_journal(folder / "journals" / "conductor.journal").records
    return [int(number) for number in records["detail"][records["kind"] == kind]]


def proven(folder: Path) -> tuple[list[int], list[int]]:
    """The faults that were seen to take effect, and those that were seen to end."""
    return noted(folder, EventKind.EFFECT_OBSERVED), noted(folder, EventKind.HEAL_OBSERVED)


PLANS = {
    "latency": FaultPlan(model=FaultModel.LATENCY, link=CONSUMERS, delay_ms=60, jitter_ms=20),
    "bandwidth": FaultPlan(model=FaultModel.BANDWIDTH, link=CONSUMERS, rate_kb_per_s=50),
    "reply-lost": FaultPlan(model=FaultModel.REPLY_LOST, link=PRODUCERS),
    "half-open": FaultPlan(model=FaultModel.HALF_OPEN, link=CONSUMERS),
    "requests": FaultPlan(model=FaultModel.HOLD, link=CONSUMERS, direction=Direction.REQUESTS),
    "replies": FaultPlan(model=FaultModel.DROP, link=PRODUCERS, direction=Direction.REPLIES),
    "flapping": FaultPlan(model=FaultModel.DOWN, link=CONSUMERS, cycles=3),
    "flapping hold": FaultPlan(model=FaultModel.HOLD, link=PRODUCERS, cycles=2),
}


@pytest.mark.parametrize("name", PLANS)
def test_each_fault_is_proven_in_a_trial(tmp_path: Path, name: str) -> None:
    """Injected and healed by the conductor, seen by what it put on the link."""
    facts = play(tmp_path, PLANS[name])
    assert ([0], [0]) == proven(tmp_path), facts.evidence


@pytest.mark.parametrize("name", PLANS)
def test_each_fault_that_no_proxy_carries_out_is_unproven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A proxy that says yes and does nothing: nothing is observed in the trial."""
    monkeypatch.setattr(ProxiedLink, "add_toxic", lambda link, **_: link.enable())
    monkeypatch.setattr(ProxiedLink, "disable", ProxiedLink.enable)
    facts = play(tmp_path, PLANS[name])
    assert ([], []) == proven(tmp_path), facts.evidence


def test_a_link_flaps(tmp_path: Path) -> None:
    """Every injection and every heal is journalled, in turn; it is off for as long as it is on."""
    play(tmp_path, PLANS["flapping"])
    records = read_journal(tmp_path / "journals" / "conductor.journal").records
    calls = records[np.isin(records["kind"], [EventKind.INJECT, EventKind.HEAL])]
    assert [EventKind.INJECT, EventKind.HEAL] * 3 == calls["kind"].tolist()
    gaps = np.diff(calls["t_ns"]) / 1e9
    assert [True] * 5 == [0.1 < gap < 1.2 for gap in gaps.tolist()]
    assert 1.9 < float(gaps.sum()) < 3.0


def test_both_links_at_once(tmp_path: Path) -> None:
    """Two faults begin and end together, each with an evidence of its own."""
    facts = play(
        tmp_path, FaultPlan(model=FaultModel.DROP, link=PRODUCERS), FaultPlan(model=FaultModel.HOLD, link=CONSUMERS)
    )
    assert ([0, 1], [0, 1]) == proven(tmp_path), facts.evidence
    assert ["drop", "hold"] == [sentence.partition(":")[0] for sentence in facts.evidence]


def test_one_consumer_of_three_is_cut_off(tmp_path: Path) -> None:
    """The first member's link is a link of its own: the others receive while it is silent."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.HOLD, link=ONE), arm="stream-queue")
    assert ([0], [0]) == proven(tmp_path), facts.evidence
    conductor = read_journal(tmp_path / "journals" / "conductor.journal").records
    begin, end = (int(conductor["t_ns"][conductor["kind"] == kind][0]) for kind in (EventKind.INJECT, EventKind.HEAL))
    received = []
    for member in range(3):
        records = read_journal(tmp_path / "journals" / f"consumer-0-0-{member}.journal").records
        moments = records["t_ns"][records["kind"] == EventKind.RECEIVE]
        received.append(int(((moments > begin + 100_000_000) & (moments < end)).sum()))
    assert 0 == received[0] < min(received[1:])
    assert (tmp_path / "logs" / "proxy-one-consumer.log").exists()


def test_settings_of_a_foreign_server_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial is skipped with the reason before anything is asked of that server, and its facts are kept."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    scenario = Scenario(
        name="short",
        family="test",
        question="",
        mechanism="",
        arms=(named_arm("pubsub"),),
        server_settings={"maxmemory": "1mb"},
    )
    trial = Trial(
        run_id="test",
        token="0badcafe",
        scenario=scenario,
        seed=7,
        index=0,
        stack=StackChoice(kind=StackKind.EXTERNAL),
    )
    facts = Conductor(trial, TrialFolder(tmp_path), say=lambda _: None, interrupted=threading.Event()).run()
    assert facts is not None
    assert ("skipped", True) == (facts.status, "maxmemory 1mb" in facts.status_reason)
    assert facts == TrialFacts.model_validate_json((tmp_path / "facts.json").read_text())
