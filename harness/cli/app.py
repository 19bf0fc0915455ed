"""The verbs: ``run``, ``check``, ``verify``, ``compare``, ``report``, ``lint``, ``list``, ``doctor`` and others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options

EXIT_CODES = (
    "Exit codes: 0 held · 1 violated · 2 usage or invalid file · 3 inconclusive · 4 environment unavailable · "
    "5 internal error · 130 interrupted (healed, partial run kept)"
)

app = typer.Typer(
    name="harness",
    help="Which messages are lost, doubled or late when Redis Pub/Sub or Redis Streams meets a fault?",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich costs a tenth of a second, which --help cannot spare
)
LINT_EXIT_CODES = (
    "Exit codes: 0 every point holds or does not apply · 1 a point fails · 3 none fails, but something is not known · "
    "2 usage or invalid file · 4 the server cannot be reached or refuses the login"
)
SELFTEST_EXIT_CODES = "Exit codes: 0 exactly what was planted was found · 2 usage · 5 something else was found"
EXPLORE_EXIT_CODES = (
    "Exit codes: 0 nothing found, within the bound it prints · 1 found · 2 usage · 3 nothing was tried in earnest · "
    "4 environment unavailable · 5 internal error · 130 interrupted (what was found so far is told)"
)
RunFolder = Annotated[Path, typer.Argument(help="A run's folder, e.g. results/latest.")]


def _version(wanted: bool) -> None:
    if wanted:
        import harness

        typer.echo(f"harness {harness.__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Which messages are lost, doubled or late when Redis Pub/Sub or Redis Streams meets a fault?"""


@app.command(epilog=EXIT_CODES)
@options.with_run_options
def run(
    given: options.RunOptions,
    names: Annotated[list[str] | None, typer.Argument(help="Scenarios or families, e.g. partition. See: list")] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Of families: the long scenarios too.")] = False,
    resume: Annotated[Path | None, typer.Option("--resume", help="Play what is missing of an interrupted run.")] = None,
) -> None:
    """Play scenarios, judge what was lost, write the report."""
    from harness.cli.requests import make_request
    from harness.cli.running import require_names, resume_run, start_run

    if resume is not None:
        raise typer.Exit(resume_run(resume, jobs=given.jobs, results=given.results, as_json=given.as_json))
    raise typer.Exit(start_run(make_request(given, names=require_names(names), slow=slow)))


@app.command(epilog=EXIT_CODES)
def check(folder: RunFolder, as_json: options.AsJson = False) -> None:
    """Judge a stored run again: same history, same answer."""
    from harness.cli.running import judge_and_write, show

    summary = judge_and_write(folder)
    show(summary, folder, as_json=as_json)
    raise typer.Exit(summary.exit_code)


@app.command(epilog=EXIT_CODES)
def verify(
    contract: Annotated[
        Path | None, typer.Argument(help="The contract; without one, scenarios/guarantees.yaml.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Only this part of it, e.g. fast or full.")] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="Ask for so many trials of each scenario.")] = None,
    stored: Annotated[
        list[Path] | None, typer.Option("--run", help="Check this stored run instead of playing (repeatable).")
    ] = None,
    seed: options.Seed = None,
    jobs: options.Jobs = 2,
    stack: options.Stack = options.StackOption.LOCAL,
    server: options.Server = None,
    engine: options.Engine = options.EngineOption.AUTO,
    toxiproxy: options.Toxiproxy = None,
    results: options.Results = Path("results"),
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here, one case per clause.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of contracts and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Check a contract of guarantees: what CI runs. Budgets count too. Violations come first, one line per clause."""
    from harness.cli.requests import stack_choice
    from harness.cli.verifying import VerifyRequest, print_schema
    from harness.cli.verifying import verify as verify_contract

    if schema:
        print_schema()
        return
    request = VerifyRequest(
        contract=contract,
        profile=profile,
        trials=trials,
        runs=tuple(stored or ()),
        seed=seed,
        stack=stack_choice(stack, server=server, engine=engine, toxiproxy=toxiproxy),
        jobs=jobs,
        results=results,
        as_json=as_json,
        junit=junit,
    )
    raise typer.Exit(verify_contract(request))


@app.command(epilog=EXIT_CODES)
def compare(
    first: Annotated[Path, typer.Argument(help="A run, or what was kept of one: results/baseline.")],
    second: Annotated[Path | None, typer.Argument(help="The run to set against it.")] = None,
    arm: Annotated[list[str] | None, typer.Option("--arm", help="Two arms of one run instead (give it twice).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON and nothing else.")] = False,
) -> None:
    """Compare two stored runs. Exit 1 when a delivery guarantee got worse; latency and recovery only inform."""
    from harness.cli.comparing import compare as compare_stored

    raise typer.Exit(compare_stored(first, second, arms=tuple(arm or ()), as_json=as_json))


@app.command(epilog=EXIT_CODES)
def abab(
    names: Annotated[list[str], typer.Argument(help="Scenarios or families.")],
    a: Annotated[
        str, typer.Option("--a", help='Options of `run` for A, e.g. "--server /opt/redis/redis-server".')
    ] = "",
    b: Annotated[str, typer.Option("--b", help="Options of `run` for B.")] = "",
    trials: Annotated[int, typer.Option("--trials", help="Of each; fewer than 6 make no difference significant.")] = 6,
    gate: Annotated[bool, typer.Option("--gate", help="Exit 1 when B is significantly slower.")] = False,
    seed: options.Seed = None,
    results: options.Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON and nothing else.")] = False,
) -> None:
    """Play two set-ups in turn and compare them in pairs. On this machine, A B A B ..., so latency counts too."""
    from harness.cli.alternating import AbabRequest, alternate

    request = AbabRequest(
        names=tuple(names), first=a, second=b, trials=trials, seed=seed, results=results, gate=gate, as_json=as_json
    )
    raise typer.Exit(alternate(request))


@app.command()
def baseline(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, e.g. results/latest.")],
    folder: Annotated[Path, typer.Argument(help="Where to keep it.")] = Path("results/baseline"),
) -> None:
    """Keep a stored run to compare with. It is one small file, made to be committed."""
    from harness.cli.comparing import keep_baseline

    keep_baseline(run_folder, folder)


@app.command()
def report(folder: RunFolder) -> None:
    """Write a stored run's report, figures and tables again."""
    from harness.cli.running import judge_and_write

    judge_and_write(folder)
    typer.echo(str(folder / "report.html"))


@app.command(epilog=LINT_EXIT_CODES)
def lint(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A stored run; without it, the server of REDIS_URL.")
    ] = None,
    stream: Annotated[str | None, typer.Option("--stream", help="Only streams of this name or pattern.")] = None,
    max_outage: Annotated[
        float, typer.Option("--max-outage", help="Seconds that consumers may be away: what retention has to survive.")
    ] = 720.0,
    max_idle: Annotated[
        float, typer.Option("--max-idle", help="Seconds that an entry may be pending before it counts as left behind.")
    ] = 60.0,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="A point that you vouch for (repeatable), e.g. dead-letter.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Hold a server or a stored run against a checklist. The server is only read; the checklist is production's."""
    from harness.cli.linting import LintRequest
    from harness.cli.linting import lint as start

    request = LintRequest(
        run=folder,
        pattern=stream,
        max_outage_s=max_outage,
        max_idle_s=max_idle,
        skipped=tuple(skip or ()),
        as_json=as_json,
    )
    raise typer.Exit(start(request))


@app.command(epilog=SELFTEST_EXIT_CODES)
def selftest(
    seed: Annotated[int, typer.Option("--seed", help="Draws which messages are spoilt, and what is combined.")] = 1,
    rounds: Annotated[int, typer.Option("--rounds", help="How many trials with several violations at once.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Plant known violations: exactly those must be found. The history is made up, and no server is needed."""
    from harness.cli.selftesting import selftest as start

    raise typer.Exit(start(seed=seed, rounds=rounds, as_json=as_json))


@app.command(epilog=EXPLORE_EXIT_CODES)
def explore(
    arm: Annotated[str, typer.Option("--arm", help="Whom to test, e.g. stream-group-ack-first.")],
    guarantee: Annotated[str, typer.Option("--guarantee", help="What it has to keep, e.g. at-least-once.")],
    budget: Annotated[
        str, typer.Option("--budget", help="Trials (40) or time (90s, 5m) to search; shrinking may cost as much again.")
    ] = "40",
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="Draw only these faults (repeatable), e.g. crash.")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", help="Write the script that was found here.")] = None,
    seed: options.Seed = None,
    jobs: options.Jobs = 2,
    stack: options.Stack = options.StackOption.LOCAL,
    server: options.Server = None,
    engine: options.Engine = options.EngineOption.AUTO,
    toxiproxy: options.Toxiproxy = None,
    results: options.Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Draw random faults until a guarantee breaks, then find the least that breaks it, as a scenario script."""
    from harness.cli.exploring import ExploreRequest
    from harness.cli.exploring import explore as start
    from harness.cli.requests import stack_choice

    request = ExploreRequest(
        arm=arm,
        guarantee=guarantee,
        budget=budget,
        faults=tuple(fault or ()),
        seed=seed,
        stack=stack_choice(stack, server=server, engine=engine, toxiproxy=toxiproxy),
        jobs=jobs,
        results=results,
        save=save,
        as_json=as_json,
    )
    raise typer.Exit(start(request))


@app.command("list")
def list_scenarios(
    names: Annotated[list[str] | None, typer.Argument(help="Only these families or scenarios, e.g. crash.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what can be run, with question, faults and arms."""
    from harness.cli.listing import print_scenarios

    print_scenarios(names or ["all"], as_json=as_json)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Say what this machine can do, and what each missing piece costs."""
    from harness.cli.listing import print_findings

    print_findings(as_json=as_json)


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def proxy(context: typer.Context) -> None:
    """Serve the built-in proxy alone. It takes toxiproxy-server's flags -host, -port, -config and has its HTTP API."""
    from harness.faults.builtin.server import main as serve

    raise typer.Exit(serve(context.args))
