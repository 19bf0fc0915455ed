"""How long it takes, and how much memory, to judge a history of ten million messages.

    python benchmarks/judge_ten_million.py [--messages 10000000]

The history is synthetic: one Streams arm, one producer, one group of one consumer; each message attempted,
acknowledged, received, made into an effect, acknowledged with XACK and found in the log. Making it is not timed.
Judging runs in a process of its own, so that the memory shown is what judging takes: the process's peak, with all
libraries loaded. Beside it, in the same run, stands the plainest thing that can be done to as many ids: one
``numpy.bincount``. The ratio of the two travels from machine to machine; the seconds do not.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.check.judge import judge_trial
from harness.history.journal import BarrierPart, EventKind
from harness.history.layout import ActorInfo, BlockInfo
from harness.history.table import read_history
from harness.history.writing import HistoryWriter
from harness.model.results import TrialEnvironment, TrialFacts
from harness.model.values import Arm, Scenario, Timeline, Trial
from harness.model.words import Fate, OutcomeCode, Phase, Primitive, ReceiveTag, StackKind, Topology

CONDUCTOR, PRODUCER, CONSUMER, EFFECTS = 0, 1, 2, 3
CHUNK = 1 << 20
INTERVAL_NS = 100_000


def main() -> None:
    """Make the history, judge it in another process, print what it took."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--messages", type=int, default=10_000_000)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.judge is not None:
        print(json.dumps(judge(chosen.judge)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.parquet"
        began = time.perf_counter()
        make_history(path, chosen.messages)
        print(
            f"history of {chosen.messages:,} messages: {6 * chosen.messages:,} records, "
            f"{path.stat().st_size / 1e6:,.0f} MB, made in {time.perf_counter() - began:.1f} s (not counted)"
        )
        for _ in range(chosen.repeat):
            show(measure(path), chosen.messages)


def measure(path: Path) -> dict[str, float]:
    """Judge in a process of its own."""
    command = [sys.executable, __file__, "--judge", str(path)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    found: dict[str, float] = json.loads(finished.stdout)
    return found


def show(found: dict[str, float], messages: int) -> None:
    """Print one measurement."""
    print(
        f"judged in {found['seconds']:.2f} s ({messages / found['seconds'] / 1e6:.2f} M messages/s, "
        f"{found['cpu_seconds']:.2f} s of CPU), peak {found['peak_mb']:,.0f} MB of which {found['idle_mb']:,.0f} MB "
        f"before the first record; {found['seconds'] / found['bincount_seconds']:,.0f} x one bincount of the same ids "
        f"({found['bincount_seconds']:.3f} s)"
    )


def judge(path: Path) -> dict[str, float]:
    """Judge ``path`` and say what it took."""
    idle = peak_mb()
    cpu, began = time.process_time(), time.perf_counter()
    result = judge_trial(read_history(path)).result
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    peak = peak_mb()
    arm = result.arms[0]
    if arm.fates[Fate.DELIVERED] != arm.attempted or result.weaknesses:
        raise SystemExit(f"the synthetic history was judged wrongly: {arm.fates} {result.weaknesses}")
    ids = np.arange(arm.attempted)
    began = time.perf_counter()
    np.bincount(ids)
    bincount = time.perf_counter() - began
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "idle_mb": idle,
        "peak_mb": peak,
        "bincount_seconds": bincount,
    }


def peak_mb() -> float:
    """The process's highest resident size so far."""
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest / (1e6 if sys.platform == "darwin" else 1e3)


def make_history(path: Path, messages: int) -> None:
    """Write the synthetic history."""
    random = np.random.default_rng(1)
    trial = synthetic_trial()
    end_ns = messages * INTERVAL_NS + 10_000_000_000
    with HistoryWriter(path) as writer:
        for kind in (EventKind.ATTEMPT, EventKind.OUTCOME, EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK):
            for begin in range(0, messages, CHUNK):
                write_part(writer, kind, begin, min(messages, begin + CHUNK), random)
        write_account(writer, messages, end_ns)
        times = {"first_ns": 0, "last_ns": end_ns, "records": messages, "pid": 1}
        writer.finish(
            trial=trial,
            facts=synthetic_facts(),
            actors=[
                ActorInfo(actor=CONDUCTOR, role="conductor", arm=0, scope=-1, name="conductor", **times),
                ActorInfo(actor=PRODUCER, role="producer", arm=0, scope=-1, name="producer", **times),
                ActorInfo(actor=CONSUMER, role="consumer", arm=0, scope=0, name="consumer", **times),
                ActorInfo(actor=EFFECTS, role="effects", arm=0, scope=-1, name="effects", **times),
            ],
            origin_ns=0,
            wall_ns=0,
        )


def write_part(writer: HistoryWriter, kind: EventKind, begin: int, end: int, random: np.random.Generator) -> None:
    """Some of the records of one kind."""
    sequence = np.arange(begin, end, dtype=np.uint32)
    intended = sequence.astype(np.int64) * INTERVAL_NS
    delay = (
        random.integers(1_000, 90_000, len(sequence))
        + {
            EventKind.ATTEMPT: 0,
            EventKind.OUTCOME: 100_000,
            EventKind.RECEIVE: 200_000,
            EventKind.EFFECT: 300_000,
            EventKind.ACK: 400_000,
        }[kind]
    )
    columns = {"sequence": sequence, "t_ns": intended + delay}
    ids = {"id_ms": sequence // 10 + 1_000, "id_seq": sequence % 10}
    ones = np.ones(len(sequence), dtype=np.int64)
    match kind:
        case EventKind.ATTEMPT:
            columns |= {"aux_ns": intended, "value": intended}
        case EventKind.OUTCOME:
            columns |= {"code": ones * OutcomeCode.ACKNOWLEDGED, "count": ones, "value": -ones, **ids}
        case EventKind.RECEIVE:
            columns |= {"code": ones * ReceiveTag.FRESH, "count": ones, **ids}
        case EventKind.ACK:
            columns |= {"value": ones, **ids}
        case _:
            columns |= ids
    produced = kind in {EventKind.ATTEMPT, EventKind.OUTCOME}
    actor, scope = (PRODUCER, -1) if produced else (CONSUMER, 0)
    writer.write(BlockInfo(kind=kind, arm=0, scope=scope, actor=actor, rows=len(sequence)), columns)


def write_account(writer: HistoryWriter, messages: int, end_ns: int) -> None:
    """The log, the phases and the drain barrier, as the conductor would have noted them."""
    for begin in range(0, messages, CHUNK):
        sequence = np.arange(begin, min(messages, begin + CHUNK), dtype=np.uint32)
        columns = {"sequence": sequence, "id_ms": sequence // 10 + 1_000, "id_seq": sequence % 10}
        columns["t_ns"] = np.full(len(sequence), end_ns - 2)
        writer.write(block(EventKind.LOG_ENTRY, len(sequence)), columns)
    begins = np.linspace(0, end_ns, len(Phase) + 1).astype(np.int64)
    writer.write(block(EventKind.PHASE, len(begins)), {"code": np.arange(len(begins)), "t_ns": begins})
    one, now = np.ones(1, dtype=np.int64), np.full(1, end_ns)
    for part in BarrierPart:
        writer.write(block(EventKind.BARRIER, 1, scope=0), {"code": one * part, "value": one, "t_ns": now})
    writer.write(block(EventKind.LOG_READ, 1), {"value": one * messages, "aux_ns": one, "t_ns": now})


def block(kind: EventKind, rows: int, *, scope: int = -1) -> BlockInfo:
    """A block of the conductor's."""
    return BlockInfo(kind=kind, arm=0, scope=scope, actor=CONDUCTOR, rows=rows)


def synthetic_trial() -> Trial:
    """A control with one Streams arm."""
    arm = Arm(
        name="stream-group", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT, scopes=1
    )
    scenario = Scenario(
        name="synthetic", family="synthetic", question="how long?", mechanism="none", arms=(arm,), timeline=Timeline()
    )
    return Trial(run_id="synthetic", token="00000000", scenario=scenario, seed=1, index=0)


def synthetic_facts() -> TrialFacts:
    """Facts of a trial that never was."""
    environment = TrialEnvironment(
        stack=StackKind.LOCAL,
        server="none",
        proxy_engine="none",
        client="none",
        python=sys.version.split()[0],
        platform=sys.platform,
        cpu_count=1,
    )
    return TrialFacts(environment=environment, status="complete")


if __name__ == "__main__":
    main()
