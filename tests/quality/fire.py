"""The harness under fire: who tests the tester? ``python tests/quality/fire.py --seeds 300``, or ``make fire``.

Each seed draws a scenario, a victim (the command, the trial, the nursery, a worker, a proxy, the server, nobody) and a
moment (set-up, each phase, the drain, the writing of results), plays a trial of a few seconds on real servers and
kills the victim with SIGKILL at that moment. Then these must hold:

* nothing goes on running, and the command ends in time;
* the run can be judged and reported, or one clear error says that there is none;
* no verdict is a *false held*. Held is false where the death may have touched what was counted: a worker that was
  killed before it had said its last word; a proxy that was killed while a worker still lived; a server that was killed
  before its own account was taken; a trial or command that was killed before the trial had said how it went.

Trials are judged one by one, without their control: that would make them inconclusive and hide a false held.
Prints a table victim x outcome, and every seed that broke a rule; ends with 1 if one did.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fire_rig import PHASES, Draw, Fired, Victim, fire, journal_or_none

from harness.check.judge import judge_run, judge_trial
from harness.history.journal import EventKind
from harness.history.table import read_history, write_history
from harness.model.errors import HarnessError
from harness.model.words import Verdict

CLEAR_STATUSES = {0, 1, 3, 4, 5, 130, -9, None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to, and which rules it broke."""

    word: str
    touched: bool
    broken: tuple[str, ...]


def check(fired: Fired) -> Outcome:
    """Hold what was seen against the rules."""
    broken = [f"went on running: {line}" for line in fired.left]
    if "Traceback" in fired.said or fired.status not in CLEAR_STATUSES or "did not end" in fired.said:
        broken.append(f"ended with {fired.status}: {fired.said[-600:]}")
    touched = is_touched(fired)
    try:
        verdicts, partial = _judged(fired)
    except HarnessError as error:
        clear = bool(error.fix) and "\n" not in error.message
        if not clear or fired.draw.victim is Victim.NOBODY:
            broken.append(f"cannot be judged: {error}")
        return Outcome("nothing to judge, said so", touched, tuple(broken))
    held = bool(verdicts) and all(verdict is Verdict.HELD for verdict in verdicts)
    if held and touched:
        broken.append("a false held")
    if fired.draw.victim is Victim.HARNESS and touched and not partial:
        broken.append("a partial run does not say so")
    if partial:
        return Outcome("partial", touched, tuple(broken))
    word = "held" if held else max((one.value for one in verdicts if one is not Verdict.HELD), default="no trial")
    return Outcome(f"{word}, untouched" if held and fired.killed_ns and not touched else word, touched, tuple(broken))


def _judged(fired: Fired) -> tuple[list[Verdict], bool]:
    """The verdicts of the trials that are there, each without its control, and whether the run calls itself partial."""
    summary = judge_run(fired.folder)
    again = judge_run(fired.folder)
    if summary.model_dump_json() != again.model_dump_json():
        raise AssertionError("judged twice, and not alike")
    verdicts = []
    for folder in sorted((fired.folder / "trials").glob("*")):
        if any(path.stat().st_size for path in (folder / "journals").glob("*.journal")):
            with tempfile.TemporaryDirectory() as elsewhere:
                history = read_history(write_history(folder, into=Path(elsewhere)))
                verdicts.append(judge_trial(history).result.verdict)
    return [summary.verdict] if fired.draw.victim is Victim.HARNESS else verdicts, summary.partial


def is_touched(fired: Fired) -> bool:
    """Whether the death came before what it could spoil was over."""
    if not fired.killed_ns:
        return False
    match fired.draw.victim:
        case Victim.NOBODY:
            return False
        case Victim.HARNESS | Victim.TRIAL:
            return not fired.whole_before
        case Victim.SERVER:
            return not _ended_before(fired)
        case Victim.PROXY:
            return any(last is None or last > fired.killed_ns for last in _last_words(fired))
        case Victim.WORKER | Victim.NURSERY:
            return None in _last_words(fired)


def _ended_before(fired: Fired) -> bool:
    """Whether the trial was over, audit and all, when the victim died."""
    for path in (fired.folder / "trials").glob("*/journals/conductor.journal"):
        if (journal := journal_or_none(path)) is None:
            return False
        phases = journal.records[journal.records["kind"] == EventKind.PHASE]
        ended = phases["t_ns"][phases["code"] == len(PHASES) - 1]
        if not len(ended) or ended[0] > fired.killed_ns:
            return False
    return True


def _last_words(fired: Fired) -> list[int | None]:
    """When each worker that lived at the kill wrote its last record; ``None``: it never came to it."""
    words: list[int | None] = []
    told = set()
    for path in (fired.folder / "trials").glob("*/journals/*.journal"):
        journal = journal_or_none(path)
        if journal is None or journal.header.pid not in fired.alive_workers:
            continue
        told.add(journal.header.pid)
        last = journal.records["t_ns"][journal.records["kind"] == EventKind.CPU]
        words.append(int(last[0]) if len(last) else None)
    return words + [None] * len(fired.alive_workers - told)


def play_and_check(seed: int, *, victim: Victim | None = None, scenario: str | None = None) -> tuple[Fired, Outcome]:
    """Play one seed in a folder of its own, which stays only where a rule was broken."""
    where = Path(tempfile.mkdtemp(prefix="fire-"))
    fired = fire(Draw.of(seed, victim=victim, scenario=scenario), where)
    outcome = check(fired)
    if not outcome.broken:
        shutil.rmtree(where)
    return fired, outcome


def line_of(fired: Fired, outcome: Outcome) -> str:
    """One line, its words separated by tabs."""
    draw = fired.draw
    touched = "touched" if outcome.touched else "untouched" if fired.killed_ns else "nobody killed"
    words = (draw.seed, draw.victim, draw.moment, draw.scenario, touched, outcome.word, f"{fired.seconds:.1f}")
    rules = f"{' | '.join(outcome.broken)} in {fired.folder}".replace("\n", " / ") if outcome.broken else ""
    return "\t".join([*map(str, words), rules])


def table_of(lines: Iterable[str]) -> str:
    """Victim x outcome, as Markdown."""
    rows = [line.rstrip("\n").split("\t") for line in lines]
    counts = Counter((row[1], row[5] if row[4] != "nobody killed" else f"{row[5]}, came too late") for row in rows)
    words = sorted({word for _, word in counts})
    text = [f"| victim | {' | '.join(words)} |", "|---" * (len(words) + 1) + "|"]
    for victim in Victim:
        text.append(f"| {victim} | {' | '.join(str(counts[victim, word] or '') for word in words)} |")
    broken = [f"seed {row[0]}: {row[1]} in {row[2]} of {row[3]}: {row[7]}" for row in rows if len(row) > 7 and row[7]]
    return "\n".join([*text, "", f"{len(rows)} seeds, {len(broken)} broke a rule", *broken])


def main() -> int:
    """The program: shares the seeds out to ``--jobs`` processes and adds up what they print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seeds", type=int, default=300)
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--jobs", type=int, default=1, help="more than one make trials late, and so inconclusive")
    options.add_argument("--victim", type=Victim, choices=list(Victim))
    options.add_argument("--scenario", help="only this one")
    options.add_argument("--lines", action="store_true", help="one line per seed and no table")
    given = options.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    if given.jobs == 1:
        lines = []
        for seed in seeds:
            lines.append(line_of(*play_and_check(seed, victim=given.victim, scenario=given.scenario)))
            print(lines[-1], flush=True)
    else:
        lines = _share_out(given, seeds)
    if not given.lines:
        print(table_of(sorted(lines)))
    return int(any(line.split("\t")[7].strip() for line in lines))


def _share_out(given: argparse.Namespace, seeds: range) -> list[str]:
    size = -(-len(seeds) // given.jobs)
    parts = [seeds[begin : begin + size] for begin in range(0, len(seeds), size)]
    victim = ["--victim", given.victim] if given.victim else []
    victim += ["--scenario", given.scenario] if given.scenario else []
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "--lines", "--first", str(part[0]), "--seeds", str(len(part)), *victim],
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in parts
    ]
    lines: list[str] = []

    def read(process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            lines.append(line)
            print(line, end="", flush=True)

    readers = [threading.Thread(target=read, args=(process,)) for process in processes]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return lines


if __name__ == "__main__":
    sys.exit(main())
