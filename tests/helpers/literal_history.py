"""Literal histories for tests: write down what happened, in milliseconds, and get a trial's folder with journals.

trial = LiteralTrial(tmp_path, arms=[pubsub_arm()])
trial.send(0, at=10)
trial.receive(0, at=11)
trial.finish()
result = trial.judge().result
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.check.judge import JudgedTrial, judge_trial
from harness.history.journal import BarrierPart, EventKind, Journal, JournalHeader
from harness.history.table import read_history, write_history
from harness.model.accounts import ArmResult
from harness.model.message import SENTINEL_BASE
from harness.model.results import ClauseResult, TrialEnvironment, TrialFacts
from harness.model.values import Arm, Expectation, FaultPlan, Limits, Prediction, Scenario, Timeline, Trial
from harness.model.words import (
    FAILOVERS,
    ContentCheck,
    FaultModel,
    Guarantee,
    LinkRole,
    OutcomeCode,
    Phase,
    Primitive,
    ReceiveTag,
    StackKind,
    Stance,
    Topology,
    Verdict,
)

MS = 1_000_000
ORIGIN_NS = 7_000_000_000
TOKEN = "a1b2c3d4"
DROP = FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS)


def pubsub_arm(name: str = "pubsub", *, scopes: int = 1, producers: int = 1) -> Arm:
    """A Pub/Sub arm."""
    return Arm(
        name=name,
        primitive=Primitive.PUBSUB,
        driver="pubsub",
        topology=Topology.FAN_OUT,
        scopes=scopes,
        producers=producers,
    )


def stream_arm(name: str = "stream-group", *, scopes: int = 1, producers: int = 1, consumers: int = 1) -> Arm:
    """A Streams arm."""
    return Arm(
        name=name,
        primitive=Primitive.STREAMS,
        driver="stream_group",
        topology=Topology.FAN_OUT,
        scopes=scopes,
        producers=producers,
        consumers_per_scope=consumers,
    )


def required(arm: str, guarantee: Guarantee, stance: Stance = Stance.REQUIRED) -> Expectation:
    """An expectation."""
    return Expectation(arm=arm, guarantee=guarantee, stance=stance)


def predicted(arm: str, guarantee: Guarantee, verdict: Verdict) -> Prediction:
    """A prediction."""
    return Prediction.model_validate({"arm": arm, "guarantee": guarantee, "verdict": verdict, "reason": "told so"})


def make_trial(
    arms: Sequence[Arm],
    *,
    name: str = "literal",
    faults: Sequence[FaultPlan] = (),
    expectations: Sequence[Expectation] = (),
    predictions: Sequence[Prediction] = (),
    seed: int = 1,
    index: int = 0,
    token: str = TOKEN,
    limits: Limits | None = None,
) -> Trial:
    """A trial as a value."""
    scenario = Scenario(
        name=name,
        family="partition",
        question="what is counted?",
        mechanism="written down by hand",
        arms=tuple(arms),
        timeline=Timeline(),
        faults=tuple(faults),
        expectations=tuple(expectations),
        predictions=tuple(predictions),
        limits=limits or Limits(),
        replicated=any(plan.model in FAILOVERS for plan in faults),
    )
    return Trial(run_id="run", token=token, scenario=scenario, seed=seed, index=index)


@dataclass(slots=True)
class _Actor:
    header: JournalHeader
    records: list[dict[str, Any]] = field(default_factory=list)


class LiteralTrial:
    """A trial written down by hand. Every time is in milliseconds from the trial's origin."""

    def __init__(self, folder: Path, arms: Sequence[Arm] | None = None, **about: Any) -> None:
        self.folder = folder
        self.trial = make_trial(arms or [pubsub_arm()], **about)
        self._actors: dict[str, _Actor] = {}
        self.facts: TrialFacts | None = facts()
        self.keep_order = False
        """Write records in the order in which they were told, even where time runs backwards."""

    # who writes -------------------------------------------------------------------------------------------------
    def actor(self, name: str, *, number: int, role: str, arm: int = 0, scope: int = -1) -> _Actor:
        """The journal called ``name``."""
        header = JournalHeader(
            token=self.trial.token,
            actor=number,
            role=role,  # type: ignore[arg-type]  # one of Role, given literally below
            arm=arm,
            scope=scope,
            name=name,
            pid=number,
            origin_ns=ORIGIN_NS,
            wall_ns=0,
        )
        return self._actors.setdefault(name, _Actor(header))

    def conductor(self, kind: EventKind, at: float, **fields: Any) -> None:
        """A record of the conductor."""
        self._note(self.actor("conductor", number=0, role="conductor"), kind, at, fields)

    def producer(self, kind: EventKind, at: float, *, arm: int = 0, producer: int = 0, **fields: Any) -> None:
        """A record of a producer."""
        actor = self.actor(f"producer-{arm}-{producer}", number=100 + 10 * arm + producer, role="producer", arm=arm)
        self._note(actor, kind, at, {"producer": producer, **fields})

    def consumer(
        self, kind: EventKind, at: float, *, arm: int = 0, scope: int = 0, member: int = 0, **fields: Any
    ) -> None:
        """A record of a consumer."""
        name, number = f"consumer-{arm}-{scope}-{member}", 1_000 + 100 * arm + 10 * scope + member
        self._note(self.actor(name, number=number, role="consumer", arm=arm, scope=scope), kind, at, fields)

    def _note(self, actor: _Actor, kind: EventKind, at: float, fields: dict[str, Any]) -> None:
        actor.records.append({"kind": kind, "t_ns": ORIGIN_NS + round(at * MS), **fields})

    # what happens -----------------------------------------------------------------------------------------------
    def attempt(self, sequence: int, at: float, *, intended: float | None = None, **who: Any) -> None:
        """A message is about to be sent."""
        moment = ORIGIN_NS + round((at if intended is None else intended) * MS)
        free = who.pop("free", at)
        self.producer(
            EventKind.ATTEMPT, at, sequence=sequence, aux_ns=moment, value=ORIGIN_NS + round(free * MS), **who
        )

    def outcome(
        self, sequence: int, at: float, code: OutcomeCode = OutcomeCode.ACKNOWLEDGED, *, writes: int = 1, **who: Any
    ) -> None:
        """The call came back. The entry id of message n of producer p is (1000 + n, p) unless told."""
        entry = who.pop("entry", entry_id(sequence, who.get("producer", 0)))
        answer = who.pop("answer", 1 if code is OutcomeCode.ACKNOWLEDGED else -1)
        self.producer(
            EventKind.OUTCOME, at, sequence=sequence, code=code, count=writes, value=answer, entry=entry, **who
        )

    def send(self, sequence: int, at: float, code: OutcomeCode = OutcomeCode.ACKNOWLEDGED, **who: Any) -> None:
        """A message is sent on time and the call takes a quarter of a millisecond."""
        attempt = {name: who[name] for name in ("arm", "producer") if name in who}
        self.attempt(sequence, at, intended=who.pop("intended", None), **attempt)
        self.outcome(sequence, at + who.pop("takes", 0.25), code, **who)

    def receive(self, sequence: int, at: float, **who: Any) -> None:
        """A message arrives, and its effect is made, unless ``effect=False``; Streams: XACK unless ``ack=False``."""
        producer = who.pop("producer", 0)
        effect, ack = who.pop("effect", True), who.pop("ack", True)
        entry = who.pop("entry", entry_id(sequence, producer))
        arm = who.get("arm", 0)
        streams = self.trial.scenario.arms[arm].primitive is Primitive.STREAMS
        fields = {"code": ReceiveTag.FRESH if streams else ReceiveTag.PUSH, "detail": ContentCheck.INTACT, "count": 1}
        self.consumer(
            EventKind.RECEIVE, at, **{**fields, **who, "producer": producer, "sequence": sequence, "entry": entry}
        )
        where = {name: who[name] for name in ("arm", "scope", "member") if name in who}
        if effect:
            self.effect(sequence, at + 0.01, producer=producer, **where)
        if streams and ack:
            self.consumer(EventKind.ACK, at + 0.02, producer=producer, sequence=sequence, entry=entry, value=1, **where)

    def effect(
        self,
        sequence: int,
        at: float,
        *,
        producer: int = 0,
        arm: int = 0,
        scope: int = 0,
        member: int = 0,
        **fields: Any,
    ) -> None:
        """An effect in the arm's shared journal, by the consumer."""
        shared = self.actor(f"effects-{arm}", number=5_000 + arm, role="effects", arm=arm)
        number = 1_000 + 100 * arm + 10 * scope + member
        self._note(
            shared,
            EventKind.EFFECT,
            at,
            {"actor": number, "arm": arm, "scope": scope, "producer": producer, "sequence": sequence, **fields},
        )

    def log(self, sequence: int, *, producer: int = 0, arm: int = 0, **fields: Any) -> None:
        """An entry of the stream, found after the drain."""
        entry = fields.pop("entry", entry_id(sequence, producer))
        self.conductor(EventKind.LOG_ENTRY, 9_000, arm=arm, producer=producer, sequence=sequence, entry=entry, **fields)

    def subscribe(self, at: float, connection: int = 1, **who: Any) -> None:
        """A subscription is confirmed."""
        self.consumer(EventKind.SUBSCRIBED, at, count=connection, **who)

    def phases(self, *begins: float) -> None:
        """Phases begin at these times; the last one is the end of the trial."""
        for code, begin in enumerate(begins):
            self.conductor(EventKind.PHASE, begin, code=code)

    def fault(self, begin: float, end: float, *, observed: bool = True, healed: bool = True, index: int = 0) -> None:
        """A fault is injected and healed, and, unless told otherwise, seen."""
        for kind, at in ((EventKind.INJECT, begin), (EventKind.HEAL, end)):
            self.conductor(kind, at, aux_ns=ORIGIN_NS + round((at + 1) * MS), detail=index)
        if observed:
            self.conductor(EventKind.EFFECT_OBSERVED, begin + 1, detail=index)
        if healed:
            self.conductor(EventKind.HEAL_OBSERVED, end + 1, detail=index)

    def barrier(self, *, without: Iterable[BarrierPart] = ()) -> None:
        """The drain reached everything, except for some parts."""
        missing = set(without)
        self.conductor(
            EventKind.BARRIER,
            8_000,
            code=BarrierPart.PRODUCERS_DONE,
            value=int(BarrierPart.PRODUCERS_DONE not in missing),
        )
        for number, arm in enumerate(self.trial.scenario.arms):
            streams = arm.primitive is Primitive.STREAMS
            parts = [BarrierPart.SENTINELS_SEEN]
            parts += [BarrierPart.CAUGHT_UP, BarrierPart.PENDING_SETTLED] if streams else []
            for scope in range(arm.scopes):
                for part in parts:
                    self.conductor(
                        EventKind.BARRIER, 8_000, code=part, arm=number, scope=scope, value=int(part not in missing)
                    )
            if streams and BarrierPart.LOG_READ not in missing:
                self._log_read(number)

    def _log_read(self, arm: int) -> None:
        entries = sum(
            record["kind"] is EventKind.LOG_ENTRY and record.get("arm", 0) == arm
            for record in self.actor("conductor", number=0, role="conductor").records
        )
        self.conductor(EventKind.LOG_READ, 9_500, arm=arm, value=entries, aux_ns=1_000 * entries)
        self.conductor(EventKind.BARRIER, 9_500, code=BarrierPart.LOG_READ, arm=arm, value=1)

    # done -------------------------------------------------------------------------------------------------------
    def sane(self, count: int = 20, *, begin: float = 100, step: float = 10) -> None:
        """``count`` messages per producer of every arm, delivered to every scope a millisecond later; a sentinel."""
        for number, arm in enumerate(self.trial.scenario.arms):
            for scope in range(arm.scopes):
                self.subscribe(1, arm=number, scope=scope)
            for producer in range(arm.producers):
                for sequence in [*range(count), SENTINEL_BASE]:
                    at = begin + step * min(sequence, count + 100) + producer
                    self.send(sequence, at, arm=number, producer=producer, answer=arm.scopes)
                    for scope in range(arm.scopes):
                        self.receive(sequence, at + 1, arm=number, scope=scope, producer=producer)
                    if arm.primitive is Primitive.STREAMS:
                        self.log(sequence, producer=producer, arm=number)

    def finish(self, *, without: Iterable[BarrierPart] = ()) -> None:
        """The whole cast has journals, phases (unless told before) and the drain barrier; call it last."""
        self._call_cast()
        conductor = self.actor("conductor", number=0, role="conductor")
        if not any(record["kind"] is EventKind.PHASE for record in conductor.records):
            self.phases(0, 50, 3_000, 4_000, 7_000, 9_900)
        self.barrier(without=without)

    def _call_cast(self) -> None:
        """Everybody who takes part has a journal, even if there was nothing to write down."""
        for number, arm in enumerate(self.trial.scenario.arms):
            self.actor(f"effects-{number}", number=5_000 + number, role="effects", arm=number)
            for producer in range(arm.producers):
                name = f"producer-{number}-{producer}"
                self.actor(name, number=100 + 10 * number + producer, role="producer", arm=number)
            for scope in range(arm.scopes):
                for member in range(arm.consumers_per_scope):
                    name = f"consumer-{number}-{scope}-{member}"
                    actor = 1_000 + 100 * number + 10 * scope + member
                    self.actor(name, number=actor, role="consumer", arm=number, scope=scope)

    def without(self, name: str, **fields: Any) -> int:
        """Take records out of the journal ``name``; how many matched."""
        actor = self._actors.get(name)
        if actor is None:
            return 0
        kept = [record for record in actor.records if any(record.get(key) != value for key, value in fields.items())]
        removed = len(actor.records) - len(kept)
        actor.records[:] = kept
        return removed

    def write(self) -> Path:
        """Write ``trial.json``, ``facts.json`` and the journals."""
        (self.folder / "journals").mkdir(parents=True, exist_ok=True)
        (self.folder / "trial.json").write_text(self.trial.model_dump_json())
        if self.facts is not None:
            (self.folder / "facts.json").write_text(self.facts.model_dump_json())
        for name, actor in self._actors.items():
            self._write_journal(name, actor)
        return self.folder

    def _write_journal(self, name: str, actor: _Actor) -> None:
        path = self.folder / "journals" / f"{name}.journal"
        path.unlink(missing_ok=True)
        records = actor.records if self.keep_order else sorted(actor.records, key=lambda record: record["t_ns"])
        Journal.create(path, actor.header).close()
        journals: dict[int, Journal] = {}
        for record in records:
            fields = dict(record)
            number = fields.pop("actor", actor.header.actor)
            if number not in journals:
                journals[number] = Journal.join(path, actor=number, arm=actor.header.arm, scope=actor.header.scope)
            journals[number].write(fields.pop("kind"), **fields)
        for journal in journals.values():
            journal.close()

    def judge(self) -> JudgedTrial:
        """Write everything down, merge it and judge it."""
        return judge_trial(read_history(write_history(self.write())))

    def result(self) -> ArmResult:
        """The result of the first arm."""
        return self.judge().result.arms[0]


def entry_id(sequence: int, producer: int = 0) -> tuple[int, int]:
    """The entry id that literal histories give to a message."""
    return (1_000 + sequence, producer + 1)


def facts(status: str = "complete", reason: str = "") -> TrialFacts:
    """Facts of a trial."""
    environment = TrialEnvironment(
        stack=StackKind.LOCAL,
        server="valkey 9.1.2",
        proxy_engine="builtin",
        client="redis-py 8.1.0",
        python="3.11",
        platform="Linux",
        cpu_count=2,
    )
    return TrialFacts.model_validate({"environment": environment, "status": status, "status_reason": reason})


def clause(judged: JudgedTrial, guarantee: Guarantee, arm: int = 0) -> ClauseResult:
    """The clause about one guarantee of one arm."""
    name = judged.result.arms[arm].arm
    return next(one for one in judged.result.clauses if one.arm == name and one.guarantee is guarantee)


PHASES = list(Phase)
