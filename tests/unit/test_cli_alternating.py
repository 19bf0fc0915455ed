"""``harness abab``: what is refused before anything is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.alternating import AbabRequest, alternate
from harness.model.errors import TrialError, UsageError


def request(tmp_path: Path, *, first: str = "", second: str = "", trials: int = 1, name: str = "x") -> AbabRequest:
    return AbabRequest(
        names=(name,),
        first=first,
        second=second,
        trials=trials,
        seed=None,
        results=tmp_path,
        gate=False,
        as_json=False,
    )


@pytest.mark.parametrize(
    ("first", "second", "trials", "message"),
    [
        ("--seed 3", "", 1, "--a --seed 3: --seed is the same on both sides"),
        ("", "--trials=3", 1, "--b --trials=3: --trials=3 is the same on both sides"),
        ("--arm 'x", "", 1, "--a --arm 'x: No closing quotation"),
        ("", "", 0, "--trials 0: out of range"),
    ],
)
def test_what_cannot_be_compared_is_refused(first: str, second: str, trials: int, message: str, tmp_path: Path) -> None:
    """Nothing is played for it."""
    with pytest.raises(UsageError) as caught:
        alternate(request(tmp_path, first=first, second=second, trials=trials))
    assert message == caught.value.message
    assert [] == list(tmp_path.iterdir())


def test_a_run_that_could_not_be_played_ends_it(tmp_path: Path) -> None:
    """With the command, so that it can be repeated; no second run is begun."""
    with pytest.raises(TrialError, match=r"harness run no-such-scenario .* ended with 2"):
        alternate(request(tmp_path, name="no-such-scenario", trials=5))
