"""``harness explore``: prepare a search, let it run, keep its run, and show what came of it."""

from __future__ import annotations

import re
import secrets
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import harness
from harness.cli.explore_player import Player
from harness.cli.explore_text import as_json, print_exploration
from harness.cli.running import PARTIAL, check_ground, judge_and_write, put_in_place, remove_if_empty
from harness.explore.drawing import Dealer
from harness.explore.outcome import Exploration
from harness.explore.script import write_script
from harness.explore.search import Allowance, Explorer
from harness.explore.vocabulary import models_named, vocabulary
from harness.model.errors import ExitCode, UsageError, nearest
from harness.model.values import RunPlan, StackChoice, Trial
from harness.model.words import Guarantee, Primitive, Verdict
from harness.plan.arms import base_name, named_arm
from harness.plan.catalogue import load_scenario, scenario_folder, script_names
from harness.plan.planning import DEFAULT_SEED
from harness.report.atomic import write_text

MOST_TRIALS = 1_000
MOST_SECONDS = 86_400.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_CODES = {
    Verdict.VIOLATED: ExitCode.VIOLATED,
    Verdict.HELD: ExitCode.HELD,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class ExploreRequest:
    """What the user asked for on the command line."""

    arm: str
    guarantee: str
    budget: str
    faults: tuple[str, ...]
    seed: int | None
    stack: StackChoice
    jobs: int
    results: Path
    save: Path | None
    as_json: bool


def explore(request: ExploreRequest) -> ExitCode:
    """Search, shrink, keep, show."""
    dealer, allowance = prepare(request), parse_budget(request.budget)
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}-explore"
    folder = request.results / "runs" / (run_id + PARTIAL)
    interrupted = threading.Event()
    player = Player(
        folder=folder,
        guarantee=dealer.guarantee,
        stack=request.stack,
        seed=dealer.seed,
        jobs=request.jobs,
        interrupted=interrupted,
        plan_of=partial(_plan, run_id, repeat_command(request, dealer.seed)),
    )
    found = _search(request, dealer, allowance, player)
    script = _script(found, dealer)
    if request.save is not None and script:
        write_text(request.save, script)
    if request.as_json:
        sys.stdout.write(as_json(found, dealer, script=script, run=folder))
    kept = _keep(player, request.results)
    if not request.as_json:
        print_exploration(found, dealer, script=script, run=kept, saved=request.save)
    return ExitCode.INTERRUPTED if interrupted.is_set() else _CODES[found.verdict]


def prepare(request: ExploreRequest) -> Dealer:
    """Read what was asked for.

    Raises:
        UsageError: an arm, a guarantee or a fault that there is not, or nothing is left to draw.
    """
    arm = named_arm(request.arm)
    guarantees = {guarantee.value: guarantee for guarantee in Guarantee}
    if request.guarantee not in guarantees:
        raise UsageError(f'unknown guarantee "{request.guarantee}"', fix=nearest(request.guarantee, list(guarantees)))
    guarantee = guarantees[request.guarantee]
    if guarantee is Guarantee.DURABLE and arm.primitive is Primitive.PUBSUB:
        raise UsageError(f"{arm.name} keeps nothing, so nothing of it can be durable", fix="name an arm of Streams")
    if arm.asks_sentinel:
        raise UsageError(
            f"{arm.name} asks Sentinels for the master, and schedules are played on a single server",
            fix="name an arm that does not, e.g. stream-group",
        )
    deck = vocabulary(arm, models_named(request.faults))
    seed = DEFAULT_SEED if request.seed is None else request.seed
    if not 0 <= seed < 2**62:
        raise UsageError(f"--seed {seed}: out of range", fix="give a number from 0 to 2^62 - 1")
    return Dealer(arm, base_name(arm), guarantee, deck, seed)


def parse_budget(text: str) -> Allowance:
    """``40``: trials; ``90s``, ``5m``, ``1h``: time.

    Raises:
        UsageError: it is neither, or out of range.
    """
    fix = "give trials, e.g. 40, or a time, e.g. 90s, 5m or 1h"
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([smh]?)", text.strip())
    if match is None:
        raise UsageError(f'--budget "{text}": neither a number of trials nor a time', fix=fix)
    number, unit = float(match[1]), match[2]
    if unit:
        seconds = number * _UNITS[unit]
        if not 1 <= seconds <= MOST_SECONDS:
            raise UsageError(f"--budget {text}: out of range", fix="give a second to a day")
        return Allowance(seconds=seconds)
    if number != int(number) or not 1 <= number <= MOST_TRIALS:
        raise UsageError(f"--budget {text}: out of range", fix=f"give 1 to {MOST_TRIALS} trials, or a time, e.g. 5m")
    return Allowance(trials=int(number))


def repeat_command(request: ExploreRequest, seed: int) -> str:
    """The command that draws the same schedules again."""
    words = ["harness", "explore", "--arm", request.arm, "--guarantee", request.guarantee, "--budget", request.budget]
    for name in request.faults:
        words += ["--fault", name]
    return " ".join([*words, "--seed", str(seed)])


def _plan(run_id: str, command: str, trials: tuple[Trial, ...]) -> RunPlan:
    return RunPlan.model_construct(
        run_id=run_id,
        name="explore",
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        harness_version=harness.__version__,
        repeat_command=command,
        trials=trials,
    )


def _search(request: ExploreRequest, dealer: Dealer, allowance: Allowance, player: Player) -> Exploration:
    from harness.trial.run import catch_interrupts

    catch_interrupts(player.interrupted, signals=(signal.SIGINT, signal.SIGTERM))
    say = _unsaid if request.as_json else _say
    explorer = Explorer(player, allowance, time.monotonic, batch=request.jobs, say=say)
    try:
        check_ground(player.plan_of((_any_trial(dealer, request.stack),)), say=say)
        return explorer.explore(dealer.control(), dealer.draw)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        remove_if_empty(player.folder)
        raise


def _any_trial(dealer: Dealer, stack: StackChoice) -> Trial:
    return Trial(run_id="-", token="00000000", scenario=dealer.control(), seed=dealer.seed, index=0, stack=stack)


def _keep(player: Player, results: Path) -> Path | None:
    """The run in its place, with its report; ``None`` when no trial was played."""
    if not player.played or not any((player.folder / "trials").glob("*/trial.json")):
        remove_if_empty(player.folder)
        return None
    final = put_in_place(player.folder, results)
    judge_and_write(final)
    return final


def _script(found: Exploration, dealer: Dealer) -> str:
    if found.found is None:
        return ""
    return write_script(found.found, base=dealer.base, guarantee=dealer.guarantee, family=_family_with(dealer.base))


def _family_with(base: str) -> str:
    """A family whose no-fault control has the arm, so that the script has something to be compared with."""
    folder = scenario_folder()
    scenarios = (load_scenario(folder / f"{name}.py") for name in script_names() if "control" in name)
    fitting = [one.family for one in scenarios if one.is_control and base in {base_name(arm) for arm in one.arms}]
    return fitting[0] if fitting else "explore"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _unsaid(_text: str) -> None:
    """For machines: nothing but the result."""
