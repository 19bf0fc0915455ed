"""What the documentation tells people to type exists: verbs, targets, options, arms, scenarios, scripts."""

from pathlib import Path

import pytest
from documented_commands import ROOT, Command, commands_in, complaints

PAGES = [*sorted(ROOT.glob("*.md")), ROOT / "results" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
COMMANDS = [command for page in PAGES for command in commands_in(page)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.where}:{command.text[:60]}")
def test_a_documented_command_can_be_typed(command: Command) -> None:
    """A page that drifts from the code is worse than none."""
    assert [] == complaints(command)


def test_the_pages_show_commands_of_every_kind() -> None:
    """So that the test above is about something: the README alone shows each kind, in blocks."""
    readme = [command.words for command in COMMANDS if command.where == "README.md"]
    assert {"harness", "make", "python"} == {words[0] for words in readme}
    assert {"run", "check", "report", "list", "doctor", "lint", "proxy"} <= {w[1] for w in readme if w[0] == "harness"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("harness lnit", ["no verb lnit"]),
        ("harness run partition --outtage 5 --arm pubsub", ["no option --outtage"]),
        ("harness run partition --arm stream-grup", ["no arm stream-grup"]),
        ('harness abab partition_control --a "--engine builtin" --b "--engin x"', ["no option --engin"]),
        ("harness run partitoin", ["no scenario or family partitoin"]),
        ("harness lint --skip nothing", ["no point nothing"]),
        ("REDIS_URL=redis://u:p@h STACK=external make partiton-test", ["no target partiton-test"]),
        ('make partition-test ARGS="--outage 10 --trails 3"', ["no option --trails"]),
        ("make partition-test ARG=x", ["no variable ARG"]),
        ("python scenarios/order_trackin.py", ["no file scenarios/order_trackin.py"]),
        ("python scenarios/order_tracking.py --fast", ["an example takes no --fast"]),
        ("python scenarios/partition_control.py --outtage 5", ["no option --outtage"]),
        ("harness check RUN   # any run", []),
        ("python scenarios/NAME.py", []),
        ("make test ARGS=--exitfirst", []),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, text: str, wrong: list[str]) -> None:
    """In a block and inline alike; prose and other commands are left alone."""
    for number, page in enumerate(
        (f"# x\n\n```console\n{text}\nls -l\n```\n", f"Type `{text}` and `x`, don't `make`.\n")
    ):
        path = tmp_path / f"{number}.md"
        path.write_text(page, encoding="utf-8")
        (command,) = commands_in(path)
        assert [f"{path.name}: {text}: {each}" for each in wrong] == complaints(command)
