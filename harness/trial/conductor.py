"""The conductor: executes one trial and leaves a folder of facts behind.

It opens the stack, puts the links in front of it, starts the cast, walks through the timeline (warm-up, steady,
fault, recovery, drain), takes the server's own account, and ends everything. It judges nothing. Whatever goes wrong
on the way, the fault is healed, the processes are ended and the journals are kept, and ``facts.json`` says how the
trial ended: complete, interrupted or error.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import redis

from harness.drivers.base import Log, Names
from harness.drivers.registry import open_log, prepare
from harness.drivers.releases import environment_of
from harness.drivers.requirements import missing_requirement
from harness.faults.engine import acquire_engine
from harness.faults.links import Links, open_links
from harness.history.journal import EventKind, Journal, JournalHeader
from harness.model.errors import Interrupted, NotPossible, TrialError
from harness.model.progress import ProgressEvent, ProgressKind
from harness.model.results import TrialEnvironment, TrialFacts
from harness.model.values import NANOSECONDS, Arm, Trial, link_roles
from harness.model.words import LinkRole, Phase, StackKind
from harness.stack.base import RunningStack, Watched
from harness.stack.connect import admin_client
from harness.stack.keys import remove_keys
from harness.stack.opening import open_stack
from harness.stack.wired import open_wired
from harness.trial.audit import audit_trial
from harness.trial.cast import Cast
from harness.trial.casting import Casting, Setting
from harness.trial.drain import Drain
from harness.trial.faulting import SETTLE_DEADLINE_S, Faulting
from harness.trial.folder import TrialFolder, write_whole
from harness.trial.pacing import Pacing
from harness.trial.replica_audit import audit_replicas
from harness.trial.replicated import ReplicatedTrialStack, open_replicated
from harness.trial.surroundings import describe, describe_unopened
from harness.trial.tally import Tally
from harness.trial.witness import ProcessWitness, ServerStats, stats_wanted

LEAD_S = 0.3
"""Between "all are ready" and the first intended send."""
CONDUCTOR_ACTOR = 0
Say = Callable[[ProgressEvent], None]


@dataclass(slots=True)
class _Stage:
    """What is up while the trial plays."""

    stack: RunningStack
    admin: redis.Redis
    logs: dict[int, Log]
    links: Links
    cast: Cast
    casting: Casting
    faulting: Faulting
    stats: ServerStats


class Conductor:
    """Executes one trial. ``say`` gets news for a live view; setting ``interrupted`` ends the trial early."""

    def __init__(self, trial: Trial, folder: TrialFolder, *, say: Say, interrupted: threading.Event) -> None:
        self._trial = trial
        self._folder = folder
        self._say = say
        self._tally = Tally(trial)
        self._pacing = Pacing(interrupted, self._look, step=self._step)
        self._origin_ns = time.monotonic_ns()
        self._start_ns = self._origin_ns
        self._next_actor = CONDUCTOR_ACTOR + 1
        self._stage: _Stage | None = None
        self._environment: TrialEnvironment | None = None
        self._evidence: tuple[str, ...] = ()

    def run(self) -> TrialFacts | None:
        """Play the trial and write its facts; ``None`` when it was interrupted before anything was up.

        Raises:
            HarnessError: the environment does not allow the trial at all; nothing of it is worth keeping.
        """
        self._folder.create()
        write_whole(self._folder.trial_json, self._trial.model_dump_json(indent=2))
        status, reason = "complete", ""
        with Journal.create(self._folder.journal("conductor"), self._header()) as journal:
            try:
                self._play(journal)
            except Interrupted as error:
                status, reason = "interrupted", error.message
            except NotPossible as error:
                status, reason = "skipped", error.message
            except (TrialError, redis.RedisError) as error:
                status, reason = "error", str(error)
        return self._write_facts(status, reason)

    def _play(self, journal: Journal) -> None:
        with ExitStack() as closing:
            stage = self._set_stage(journal, closing)
            self._stage = stage
            stage.casting.start_all(withheld=stage.faulting.withheld())
            stage.faulting.start_sentinels()
            try:
                self._walk_timeline(journal, stage)
            finally:
                stage.faulting.release()
            with _one_master(stage.stack):
                self._drain(journal, stage)
                audit_trial(self._trial, stage.admin, journal, logs=stage.logs, effects_path=self._effects_path)
                if isinstance(stage.stack, ReplicatedTrialStack):
                    audit_replicas(self._trial, stage.stack, journal, stage.logs)
            self._begin_phase(journal, None)

    def _set_stage(self, journal: Journal, closing: ExitStack) -> _Stage:
        """Open everything, each with its closing on every path."""
        trial, path = self._trial, self._folder.path
        roles = link_roles(trial.scenario)
        stack = closing.enter_context(self._open_stack(roles))
        # Docker brings its proxies along, and wires have none: none has to be found or built for them. What finding one
        # takes was told once, when the run began.
        none_needed = stack.kind is StackKind.COMPOSE or trial.scenario.wired
        wanted = "builtin" if none_needed else trial.stack.proxy_engine
        engine = acquire_engine(wanted, path=trial.stack.proxy_path, say=lambda _: None)
        links = closing.enter_context(open_links(stack, engine, roles=roles, folder=path))
        admin = admin_client(stack.server)
        closing.callback(admin.close)
        if stack.kind is StackKind.EXTERNAL:
            closing.callback(remove_keys, stack.server, Names(trial.token, 0).prefix)
        self._environment = describe(trial, stack, links, self._note)
        logs = self._prepare_arms(admin, journal)
        witness = ProcessWitness(journal)
        cast = Cast(self._folder, on_sighting=witness.note)
        closing.callback(cast.kill)
        sentinels = stack.sentinels if isinstance(stack, ReplicatedTrialStack) else None
        setting = Setting(stack.server, sentinels, links, self._origin_ns, self._effects_path, self._environment_of)
        casting = Casting(
            trial, self._folder, cast=cast, tally=self._tally, setting=setting, take_actor=self._take_actor
        )
        faulting = Faulting(
            trial, stack=stack, links=links, casting=casting, journal=journal, sightings=witness.sightings
        )
        closing.callback(faulting.stop_sentinels)
        stats = ServerStats(admin, journal, wanted=stats_wanted(trial.scenario))
        return _Stage(stack, admin, logs, links, cast, casting, faulting, stats)

    def _open_stack(self, roles: Sequence[LinkRole]) -> RunningStack:
        scenario, path = self._trial.scenario, self._folder.path
        if scenario.replicated:
            return open_replicated(self._trial.stack, scenario, folder=path)
        if scenario.wired:
            return open_wired(
                self._trial.stack,
                persistence=scenario.persistence,
                settings=scenario.server_settings,
                folder=path,
                roles=roles,
            )
        return open_stack(
            self._trial.stack,
            persistence=scenario.persistence,
            settings=scenario.server_settings,
            folder=path,
            roles=roles,
            faults=scenario.faults,
        )

    def _prepare_arms(self, admin: redis.Redis, journal: Journal) -> dict[int, Log]:
        """Make groups and effects journals; the logs of the arms that have one."""
        logs: dict[int, Log] = {}
        for index, arm in enumerate(self._trial.scenario.arms):
            names = Names(self._trial.token, index)
            if reason := missing_requirement(arm, admin, names):
                raise NotPossible(f"{arm.name}: {reason}")
            for scope, start in prepare(arm, admin, names).items():
                journal.write(EventKind.GROUP_START, t_ns=time.monotonic_ns(), arm=index, scope=scope, entry=start)
            log = open_log(arm, admin, names)
            if log is not None:
                logs[index] = log
            header = replace(
                self._header(), actor=self._take_actor(), role="effects", arm=index, name=f"effects-{index}"
            )
            Journal.create(self._effects_path(index), header).close()
        return logs

    def _environment_of(self, arm: Arm) -> Mapping[str, str] | None:
        """What a worker of ``arm`` finds in its environment besides ours: another client release, where it asks."""
        return environment_of(arm.client_release, self._note)

    def _walk_timeline(self, journal: Journal, stage: _Stage) -> None:
        """Warm-up, steady, fault, recovery: the phases in which messages are sent."""
        timeline = self._trial.scenario.timeline
        self._start_ns = time.monotonic_ns() + int(LEAD_S * NANOSECONDS)
        stage.faulting.open()
        stage.casting.begin(self._start_ns)
        moment_ns = self._start_ns
        for phase, seconds in (
            (Phase.WARM_UP, timeline.warm_up_s),
            (Phase.STEADY, timeline.steady_s),
            (Phase.FAULT, timeline.outage_s),
            (Phase.RECOVERY, timeline.recovery_s),
        ):
            self._pacing.until(moment_ns)
            self._begin_phase(journal, phase)
            if phase is Phase.FAULT:
                stage.faulting.inject(moment_ns, moment_ns + int(seconds * NANOSECONDS))
            elif phase is Phase.RECOVERY:
                stage.faulting.heal()
            moment_ns += int(seconds * NANOSECONDS)
        self._pacing.until(moment_ns)
        self._pacing.until_true(stage.faulting.settled, deadline_s=SETTLE_DEADLINE_S)
        self._evidence = stage.faulting.collect_evidence()

    def _drain(self, journal: Journal, stage: _Stage) -> None:
        # A server that died took our connection with it: begin anew rather than learn of it from a read that counts.
        # After a failover the account that counts is another server's.
        authority, pool = stage.stack.server, stage.admin.connection_pool
        pool.disconnect()
        pool.connection_kwargs.update(host=authority.host, port=authority.port)
        pool.reset()
        self._begin_phase(journal, Phase.DRAIN)
        drain = Drain(
            self._trial,
            journal,
            cast=stage.cast,
            tally=self._tally,
            pacing=self._pacing,
            logs=stage.logs,
            hire=stage.casting.hire,
        )
        drain.run()
        stage.links.check_alive()

    def _begin_phase(self, journal: Journal, phase: Phase | None) -> None:
        """``None``: the trial is over."""
        code = len(Phase) if phase is None else list(Phase).index(phase)
        journal.write(EventKind.PHASE, t_ns=time.monotonic_ns(), code=code)
        if phase is not None:
            self._tell("phase", phase=phase)

    def _look(self) -> None:
        """What happens a few times a second while the conductor waits."""
        if self._stage is not None:
            self._stage.cast.check_alive()
            self._stage.links.check_alive()
            if isinstance(self._stage.stack, Watched):
                self._stage.stack.check_alive()
            self._stage.stats.look()
        self._tally.update()
        self._say(ProgressEvent(kind="counts", t_s=self._elapsed_s(), counts=self._tally.counts()))

    def _step(self) -> None:
        """What happens every few hundredths of a second: processes are watched, and faults that take time go on."""
        if self._stage is not None:
            self._stage.cast.look()
            self._stage.faulting.step()

    def _tell(self, kind: ProgressKind, *, phase: Phase | None = None, text: str = "") -> None:
        self._tally.update()
        self._say(ProgressEvent(kind, phase, self._elapsed_s(), self._tally.counts(), text))

    def _note(self, text: str) -> None:
        self._say(ProgressEvent(kind="note", text=text))

    def _elapsed_s(self) -> float:
        return (time.monotonic_ns() - self._start_ns) / NANOSECONDS

    def _take_actor(self) -> int:
        actor = self._next_actor
        self._next_actor += 1
        return actor

    def _effects_path(self, index: int) -> Path:
        return self._folder.journal(f"effects-{index}")

    def _header(self) -> JournalHeader:
        return JournalHeader(
            token=self._trial.token,
            actor=CONDUCTOR_ACTOR,
            role="conductor",
            arm=0,
            scope=-1,
            name="conductor",
            pid=os.getpid(),
            origin_ns=self._origin_ns,
            wall_ns=time.time_ns(),
        )

    def _write_facts(self, status: str, reason: str) -> TrialFacts | None:
        if self._environment is None and status == "interrupted":
            return None
        environment = self._environment or describe_unopened(self._trial)
        facts = TrialFacts.model_validate(
            {"environment": environment, "status": status, "status_reason": reason, "evidence": self._evidence}
        )
        write_whole(self._folder.facts_json, facts.model_dump_json(indent=2))
        self._tell("finished", text=status)
        return facts


def _one_master(stack: RunningStack) -> AbstractContextManager[None]:
    """Where another server could become the master: an error of the trial if one does."""
    return stack.one_reign() if isinstance(stack, ReplicatedTrialStack) else nullcontext()
