"""Who plays what: the places of a trial's cast, what each worker is told, and who takes over from whom.

A place (`Target`) is a member of a scope or a producer. Its first process is started with the others or, where a
fault withholds it, at the heal; when one has died, `start` puts another there: a new process with a new actor and a new
journal that its group knows by the same member name. A producer's goes on with what is left of the schedule: messages
whose time passes while nobody is there are never attempted.

`Casting` is what faults of processes call `harness.faults.process_base.Workers`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.faults.links import Links
from harness.faults.process_evidence import Target
from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.model.values import Arm, Trial, link_roles
from harness.model.words import CrashPointCode, LinkRole, Members, ProcessEvent, WorkerRole
from harness.stack.base import SentinelGroup, ServerAddress
from harness.trial.cast import Cast, Worker
from harness.trial.folder import TrialFolder
from harness.trial.schedule import draw_offsets_ns, poison_sequences
from harness.trial.spec import WorkerSpec
from harness.trial.tally import Tally

LEAST_START_UP_NS = 200_000_000
MOST_START_UP_NS = 2_000_000_000
FIRST_HIRED = 1_000
"""Members of this number and above were hired after the trial began."""
Environments = Callable[[Arm], Mapping[str, str] | None]


@dataclass(slots=True)
class Setting:
    """What the workers are told about the world: set once, before the first is started."""

    server: ServerAddress
    sentinels: SentinelGroup | None
    """Whom the arms that ask Sentinels ask; ``None`` where there are none."""
    links: Links
    origin_ns: int
    effects_path: Callable[[int], Path]
    environment_of: Environments


class Casting:
    """The workers of one trial by place. ``take_actor`` hands out the actors' numbers."""

    def __init__(
        self,
        trial: Trial,
        folder: TrialFolder,
        *,
        cast: Cast,
        tally: Tally,
        setting: Setting,
        take_actor: Callable[[], int],
    ) -> None:
        self._trial = trial
        self._folder = folder
        self._cast = cast
        self._tally = tally
        self._setting = setting
        self._take_actor = take_actor
        self._roles = link_roles(trial.scenario)
        self._starts: dict[Target, int] = {}
        self._hired = 0
        self._start_ns: int | None = None
        self._start_up_ns = LEAST_START_UP_NS

    def start_all(self, *, withheld: Collection[Target]) -> None:
        """Start everybody who is not withheld, and wait until all of them are ready."""
        began_ns = time.monotonic_ns()
        workers = [self._start(place) for place in self.places() if place not in withheld]
        self._cast.wait_ready(workers)
        took_ns = time.monotonic_ns() - began_ns
        self._start_up_ns = min(max(took_ns, LEAST_START_UP_NS), MOST_START_UP_NS)

    def begin(self, start_ns: int) -> None:
        """The schedule begins at ``start_ns``."""
        self._start_ns = start_ns
        for worker in self._cast.producers():
            worker.tell(f"go {start_ns}")

    def hire(self, arm: int, scope: int) -> Worker:
        """A fresh consumer for a scope, who takes nobody's place."""
        self._hired += 1
        place = Target(WorkerRole.CONSUMER, arm, scope, FIRST_HIRED + self._hired)
        name = f"consumer-{arm}-{scope}-fresh{self._hired}"
        return self._start_consumer(place, replace(self._spec(place, name), member=name))

    def places(self) -> tuple[Target, ...]:
        """Every place of the cast, arm by arm, consumers first."""
        return tuple(self._places())

    def journals(self, place: Target) -> list[Path]:
        """The journals of everybody who has worked in ``place``."""
        return [Path(worker.spec.journal_path) for worker in self._cast.all_at(place)]

    def effects_journal(self, arm: int) -> Path:
        """Where the consumers of an arm append what they effect."""
        return self._setting.effects_path(arm)

    # From here on: what faults of processes may do.

    def targets(self, role: WorkerRole, members: Members) -> tuple[Target, ...]:
        """The places that a fault names."""
        return tuple(
            place for place in self._places() if place.role is role and (members is Members.ALL or place.member == 0)
        )

    def crash(self, target: Target, point: CrashPointCode) -> None:
        """Tell a consumer to kill itself at ``point`` of its next message."""
        worker = self._at(target)
        worker.doomed = True
        worker.tell(f"crash {int(point)}")

    def kill(self, target: Target) -> None:
        """SIGKILL."""
        worker = self._at(target)
        worker.doomed = True
        worker.process.send(signal.SIGKILL)

    def suspend(self, target: Target) -> None:
        """SIGSTOP."""
        worker = self._at(target)
        worker.may_be_stopped = True
        try:
            worker.process.suspend()
        except EnvironmentUnavailable as error:
            raise TrialError(f"{worker.spec.name} could not be stopped: {error.message}") from error

    def resume(self, target: Target) -> None:
        """SIGCONT."""
        self._at(target).process.resume()

    def ask_to_stop(self, target: Target) -> None:
        """Tell it to end in order."""
        self._at(target).ask_to_stop()

    def order(self, target: Target, order: str) -> None:
        """Send an order to whoever works there now."""
        self._at(target).tell(order)

    def start(self, target: Target) -> None:
        """Start a process in this place, the first or a new one."""
        self._start(target)

    def last_seen(self, target: Target) -> ProcessEvent | None:
        """What the process in this place was last seen to do; ``None``: there has never been one."""
        worker = self._cast.current(target)
        return None if worker is None else worker.seen

    def _places(self) -> Iterator[Target]:
        for index, arm in enumerate(self._trial.scenario.arms):
            for scope in range(arm.scopes):
                for member in range(arm.consumers_per_scope):
                    yield Target(WorkerRole.CONSUMER, index, scope, member)
            for producer in range(arm.producers):
                yield Target(WorkerRole.PRODUCER, index, -1, producer)

    def _at(self, target: Target) -> Worker:
        worker = self._cast.current(target)
        assert worker is not None, f"nobody was ever started as {target}"
        return worker

    def _start(self, place: Target) -> Worker:
        times = self._starts.get(place, 0)
        self._starts[place] = times + 1
        spec = replace(self._spec(place, f"{place}r{times}" if times else str(place)), member=str(place))
        if place.role is WorkerRole.CONSUMER:
            return self._start_consumer(place, spec)
        return self._start_producer(place, spec)

    def _start_consumer(self, place: Target, spec: WorkerSpec) -> Worker:
        self._tally.follow_consumer(Path(spec.journal_path))
        return self._launch(place, replace(spec, scope=place.scope))

    def _start_producer(self, place: Target, spec: WorkerSpec) -> Worker:
        trial, producer = self._trial, place.member
        offsets = draw_offsets_ns(trial.scenario, arm_index=place.arm, producer=producer, seed=trial.seed)
        first = self._first_left(offsets)
        spec = replace(
            spec,
            role="producer",
            member="",
            producer=producer,
            first_sequence=first,
            offsets_ns=offsets[first:],
            poison=poison_sequences(trial.scenario, offsets),
        )
        self._tally.follow_producer(Path(spec.journal_path), actor=spec.actor, arm=place.arm, producer=producer)
        worker = self._launch(place, spec)
        if self._start_ns is not None:
            worker.tell(f"go {self._start_ns}")
        return worker

    def _first_left(self, offsets: tuple[int, ...]) -> int:
        """The first sequence that a producer started now can be in time for; starting takes it as long as it took."""
        if self._start_ns is None:
            return 0
        soonest_ns = time.monotonic_ns() + self._start_up_ns - self._start_ns
        return sum(offset < soonest_ns for offset in offsets)

    def _launch(self, place: Target, spec: WorkerSpec) -> Worker:
        network = self._setting.links.network(self._link_role(place))
        return self._cast.start(spec, place, environment=self._setting.environment_of(spec.arm), network=network)

    def _spec(self, place: Target, name: str) -> WorkerSpec:
        """What every worker is told, as a consumer; a producer's differences are filled in by the caller."""
        trial, setting = self._trial, self._setting
        return WorkerSpec(
            role="consumer",
            name=name,
            actor=self._take_actor(),
            token=trial.token,
            arm_index=place.arm,
            arm=trial.scenario.arms[place.arm],
            address=self._address(place),
            journal_path=str(self._folder.journal(name)),
            effects_path=str(setting.effects_path(place.arm)),
            origin_ns=setting.origin_ns,
            seed=trial.seed,
            padding_bytes=trial.scenario.workload.padding_bytes,
        )

    def _address(self, place: Target) -> ServerAddress:
        """By which way the worker reaches the server: its link or wire, or straight to whom the Sentinels name."""
        setting = self._setting
        if self._trial.scenario.arms[place.arm].asks_sentinel:
            assert setting.sentinels is not None, "a scenario without Sentinels refuses such an arm"
            return setting.server.found_by(setting.sentinels)
        route = setting.links.route(self._link_role(place))
        return setting.server.through(route.host, route.port)

    def _link_role(self, place: Target) -> LinkRole:
        """The first member of every scope has a link of its own, where a fault names it."""
        if place.role is WorkerRole.PRODUCER:
            return LinkRole.PRODUCERS
        own = place.member == 0 and LinkRole.ONE_CONSUMER in self._roles
        return LinkRole.ONE_CONSUMER if own else LinkRole.CONSUMERS
