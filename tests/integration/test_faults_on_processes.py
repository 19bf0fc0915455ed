"""Faults of processes and of consumption, through the conductor: real workers are struck, and it shows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from harness.history.journal import EventKind, read_journal
from harness.model.message import SENTINEL_BASE
from harness.model.results import TrialFacts
from harness.model.values import FaultPlan, Scenario, StackChoice, Timeline, Trial, Workload
from harness.model.words import CrashPoint, CrashPointCode, FaultModel, Members, ProcessEvent, ServerStat, WorkerRole
from harness.plan.arms import named_arm
from harness.trial.cast import Worker
from harness.trial.casting import Casting
from harness.trial.conductor import Conductor
from harness.trial.folder import TrialFolder

pytestmark = pytest.mark.servers
TIMELINE = Timeline(warm_up_s=0.5, steady_s=0.5, outage_s=1.0, recovery_s=2.5)
CONSUMER, PRODUCER = WorkerRole.CONSUMER, WorkerRole.PRODUCER


def play(
    folder: Path,
    *faults: FaultPlan,
    arms: tuple[str, ...] = ("stream-group",),
    timeline: Timeline = TIMELINE,
    rate_per_s: float = 60,
    padding_bytes: int = 0,
    server_settings: dict[str, str] | None = None,
) -> TrialFacts:
    """One short trial of ``faults``, in this process; its workers are processes of their own."""
    scenario = Scenario(
        name="short",
        family="test",
        question="",
        mechanism="",
        arms=tuple(named_arm(arm) for arm in arms),
        workload=Workload(rate_per_s=rate_per_s, padding_bytes=padding_bytes),
        timeline=timeline,
        faults=faults,
        server_settings=server_settings or {},
    )
    trial = Trial(
        run_id="test",
        token="0badcafe",
        scenario=scenario,
        seed=7,
        index=0,
        stack=StackChoice.model_validate({"proxy_engine": "builtin"}),
    )
    facts = Conductor(trial, TrialFolder(folder), say=lambda _: None, interrupted=threading.Event()).run()
    assert facts is not None
    assert "complete" == facts.status, facts.status_reason
    return facts


def records(folder: Path, name: str, kind: EventKind) -> npt.NDArray[np.void]:
    """The records of one kind in one journal."""
    found = read_journal(folder / "journals" / f"{name}.journal").records
    return found[found["kind"] == kind]


def observed(folder: Path) -> tuple[bool, bool]:
    """Whether the fault was seen to take effect, and to end."""
    return (
        bool(len(records(folder, "conductor", EventKind.EFFECT_OBSERVED))),
        bool(len(records(folder, "conductor", EventKind.HEAL_OBSERVED))),
    )


def seen(folder: Path, event: ProcessEvent) -> int:
    """How often a process was seen to do this."""
    return int((records(folder, "conductor", EventKind.PROCESS)["code"] == event).sum())


def barrier_reached(folder: Path) -> bool:
    """Whether every part of the drain that was noted was reached."""
    return bool((records(folder, "conductor", EventKind.BARRIER)["value"] == 1).all())


def test_killed_consumers_are_replaced(tmp_path: Path) -> None:
    """SIGKILL is no error of the trial; the group's members take over under their names, and nothing stays pending."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.KILL, worker=CONSUMER), arms=("stream-group", "pubsub"))
    assert "4 of 4 died of SIGKILL" in facts.evidence[0]
    assert (True, True) == observed(tmp_path)
    assert (4, True) == (seen(tmp_path, ProcessEvent.DIED), barrier_reached(tmp_path))
    journals = {path.stem for path in (tmp_path / "journals").iterdir()}
    assert {"consumer-0-0-0", "consumer-0-0-0r1", "consumer-1-1-0", "consumer-1-1-0r1"} <= journals


def test_only_the_first_member_is_killed(tmp_path: Path) -> None:
    """`Members.FIRST` of a queue of three is one process."""
    facts = play(
        tmp_path, FaultPlan(model=FaultModel.KILL, worker=CONSUMER, members=Members.FIRST), arms=("stream-queue",)
    )
    assert "1 of 1 died of SIGKILL" in facts.evidence[0]
    assert (1, True) == (seen(tmp_path, ProcessEvent.DIED), barrier_reached(tmp_path))


def test_a_killed_producer_is_replaced_and_goes_on_counting(tmp_path: Path) -> None:
    """Messages whose time passed meanwhile are never attempted; the rest of the schedule is, each sequence once."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.KILL, worker=PRODUCER))
    assert (True, True) == observed(tmp_path), facts.evidence
    first, second = (
        records(tmp_path, name, EventKind.ATTEMPT)["sequence"] for name in ("producer-0-0", "producer-0-0r1")
    )
    rest = second[second < SENTINEL_BASE]
    assert len(rest) > 0
    assert int(first.max()) + 1 < int(rest.min())
    assert list(range(int(rest.min()), int(rest.max()) + 1)) == rest.tolist()
    assert barrier_reached(tmp_path)


def test_paused_consumers_stand_still_and_go_on(tmp_path: Path) -> None:
    """SIGSTOP and SIGCONT are seen in the process table; nobody dies, nothing is handled meanwhile."""
    play(tmp_path, FaultPlan(model=FaultModel.PAUSE, worker=CONSUMER))
    assert (True, True) == observed(tmp_path)
    assert (2, 2) == (seen(tmp_path, ProcessEvent.STOPPED), seen(tmp_path, ProcessEvent.CONTINUED))
    heal = records(tmp_path, "conductor", EventKind.HEAL)["t_ns"][0]
    inject = records(tmp_path, "conductor", EventKind.INJECT)["aux_ns"][0]
    received = records(tmp_path, "consumer-0-0-0", EventKind.RECEIVE)["t_ns"]
    assert 0 == int(((received > inject) & (received < heal)).sum())
    assert barrier_reached(tmp_path)


@pytest.mark.parametrize("role", [CONSUMER, PRODUCER])
def test_a_rolling_restart_replaces_everybody_in_turn(tmp_path: Path, role: WorkerRole) -> None:
    """One after the other ends in order and is started anew; the producers' schedule is gone through all the same."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.RESTART, worker=role), timeline=TIMELINE)
    assert (True, True) == observed(tmp_path), facts.evidence
    assert "seen to end in order" in facts.evidence[0]
    assert barrier_reached(tmp_path)
    name = "consumer-0-1-0r1" if role is CONSUMER else "producer-0-0r1"
    assert 1 == len(records(tmp_path, name, EventKind.END))


def test_consumers_that_come_late_are_absent_before(tmp_path: Path) -> None:
    """The first record of a late consumer's journal lies after the heal, and the group still gets everything."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.LATE_START, worker=CONSUMER))
    assert "absent for" in facts.evidence[0]
    assert (True, True) == observed(tmp_path)
    heal = records(tmp_path, "conductor", EventKind.HEAL)["t_ns"][0]
    assert records(tmp_path, "consumer-0-0-0", EventKind.READY)["t_ns"][0] > heal
    assert barrier_reached(tmp_path)


@pytest.mark.parametrize("point", list(CrashPoint))
def test_consumers_crash_at_the_exact_point(tmp_path: Path, point: CrashPoint) -> None:
    """Each kills itself where it was told, as its last record says, and somebody takes over under its name."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.CRASH, worker=CONSUMER, point=point))
    assert (True, True) == observed(tmp_path), facts.evidence
    for name in ("consumer-0-0-0", "consumer-0-1-0"):
        last = read_journal(tmp_path / "journals" / f"{name}.journal").records[-1]
        assert (EventKind.CRASHING, CrashPointCode[point.name]) == (last["kind"], last["code"])
        assert 1 == len(records(tmp_path, f"{name}r1", EventKind.END))
    assert (2, True) == (seen(tmp_path, ProcessEvent.DIED), barrier_reached(tmp_path))


def test_a_crash_that_no_message_triggers_is_unproven(tmp_path: Path) -> None:
    """A consumer that gets nothing has no point to die at. Ended by the drain's messages, it is no error either."""
    slow_traffic = TIMELINE.model_copy(update={"outage_s": 0.05})
    plan = FaultPlan(model=FaultModel.CRASH, worker=CONSUMER, point=CrashPoint.BEFORE_EFFECT)
    facts = play(tmp_path, plan, timeline=slow_traffic, rate_per_s=1.5)
    assert (False, False) == observed(tmp_path), facts.evidence


def test_slow_consumers_measure_it_themselves(tmp_path: Path) -> None:
    """Every message takes as long as told, until the heal."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.SLOW, worker=CONSUMER, handling_ms=30))
    assert (True, True) == observed(tmp_path), facts.evidence
    handled = records(tmp_path, "consumer-0-0-0", EventKind.HANDLED)
    assert set(handled["code"]) == {0, 1}
    assert int(handled["value"][handled["code"] == 1].min()) >= 30_000_000


def test_a_subscriber_that_is_too_slow_is_cut_off_and_it_is_noted(tmp_path: Path) -> None:
    """With a small output buffer the server ends a slow subscriber's connection, and what INFO says is written down.

    First the sockets' own buffers have to be full: several MB on each side of the proxy.
    """
    facts = play(
        tmp_path,
        FaultPlan(model=FaultModel.SLOW, worker=CONSUMER, handling_ms=500),
        arms=("pubsub",),
        timeline=TIMELINE.model_copy(update={"outage_s": 2.0}),
        rate_per_s=80,
        padding_bytes=400_000,
        server_settings={"client-output-buffer-limit": "pubsub 1mb 512kb 1"},
    )
    assert "1048576 524288 1" in facts.environment.server_settings["client-output-buffer-limit"]
    stats = records(tmp_path, "conductor", EventKind.SERVER_STAT)
    assert ServerStat.OUTPUT_BUFFER_KILLS in set(stats["code"].tolist()), facts.evidence


def test_poisoned_messages_fail_in_every_scope(tmp_path: Path) -> None:
    """Those of the fault phase only; the evidence is what the consumers wrote down."""
    facts = play(tmp_path, FaultPlan(model=FaultModel.POISON, every=10), arms=("stream-group-dead-letter", "pubsub"))
    assert (True, True) == observed(tmp_path), facts.evidence
    assert "in each of 4 scopes" in facts.evidence[0]


@pytest.mark.parametrize("model", [FaultModel.SLOW, FaultModel.CRASH])
def test_consumers_that_hear_no_orders_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: FaultModel
) -> None:
    """Told and not done: unproven."""
    monkeypatch.setattr("harness.trial.conductor.SETTLE_DEADLINE_S", 0.2)
    monkeypatch.setattr(Worker, "tell", deaf_to(("slow", "crash"), Worker.tell))
    point = CrashPoint.AFTER_ACK if model is FaultModel.CRASH else None
    facts = play(tmp_path, FaultPlan(model=model, worker=CONSUMER, point=point))
    assert (False, False) == observed(tmp_path), facts.evidence


def test_poison_that_is_never_sent_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule without poison: unproven."""
    monkeypatch.setattr("harness.trial.casting.poison_sequences", lambda *_: ())
    facts = play(tmp_path, FaultPlan(model=FaultModel.POISON, every=10))
    assert (False, False) == observed(tmp_path), facts.evidence


def deaf_to(words: tuple[str, ...], real: Callable[[Worker, str], None]) -> Callable[[Worker, str], None]:
    return lambda worker, order: None if order.startswith(words) else real(worker, order)


DEAF = {
    "kill": (FaultPlan(model=FaultModel.KILL, worker=CONSUMER), "kill"),
    "pause": (FaultPlan(model=FaultModel.PAUSE, worker=CONSUMER), "suspend"),
    "restart": (FaultPlan(model=FaultModel.RESTART, worker=PRODUCER), "ask_to_stop"),
}


@pytest.mark.parametrize(("plan", "deed"), DEAF.values(), ids=DEAF)
def test_a_fault_that_reaches_nobody_is_unproven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: FaultPlan, deed: str
) -> None:
    """With the deed itself disabled, everything else is as always, and no effect is observed."""
    monkeypatch.setattr("harness.trial.conductor.SETTLE_DEADLINE_S", 0.2)
    monkeypatch.setattr(Casting, deed, lambda *_: None)
    facts = play(tmp_path, plan)
    assert (False, False) == observed(tmp_path), facts.evidence
    assert "not shown" in facts.evidence[0]


def test_late_consumers_that_were_there_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that were started with the others, whatever the plan says: nothing is proven."""
    monkeypatch.setattr(Casting, "start_all", not_withholding(Casting.start_all))
    facts = play(tmp_path, FaultPlan(model=FaultModel.LATE_START, worker=CONSUMER))
    assert (False, False) == observed(tmp_path), facts.evidence


def not_withholding(real: Callable[..., None]) -> Callable[..., None]:
    def start_all(casting: Casting, *, withheld: object) -> None:
        assert withheld
        real(casting, withheld=())

    return start_all
