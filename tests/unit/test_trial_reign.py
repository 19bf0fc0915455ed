"""A reign lasts while Sentinels name its server and that one is the master without a break; all else is an error."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import redis

from harness.model.errors import Interrupted, TrialError
from harness.stack.base import ServerAddress
from harness.trial import reign as module
from harness.trial.reign import Reign, Standing, begin_reign, check_reign, one_reign

MASTER, OTHER = ServerAddress("127.0.0.1", 7000), ServerAddress("127.0.0.1", 7001)
REIGN = Reign(MASTER, "life", "first promotion", 1)
ALL_NAME_IT = (MASTER, MASTER, MASTER)
REIGNS = Standing("master", "life", "first promotion")
Named = ServerAddress | None


@dataclass
class Witness:
    """A Sentinel that says one thing after the other, and stays with the last. ``None``: it does not answer."""

    says: list[Named]
    epoch: int = 1
    asked: int = 0

    def master(self) -> Named:
        self.asked += 1
        return self._now()

    def state(self) -> dict[str, str]:
        return {} if self._now() is None else {"config-epoch": str(self.epoch)}

    def _now(self) -> Named:
        return self.says[min(self.asked, len(self.says)) - 1]


def sentinels(*says: tuple[Named, ...]) -> list[Witness]:
    """Three of them; what they say at first, and later."""
    return [Witness(list(own)) for own in zip(*(says or [(MASTER,) * 3]), strict=True)]


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INTERVAL_S", 0.001)


def check(witnesses: list[Witness], *, standing: Standing | None = REIGNS, deadline_s: float = 0.05) -> None:
    check_reign(witnesses, REIGN, ask=lambda _: standing, deadline_s=deadline_s)


def test_a_reign_that_lasts() -> None:
    """All who answer name it, and it is the same master in the same life."""
    check(sentinels())
    check(sentinels((MASTER, None, MASTER)))


def test_news_of_the_last_failover_take_their_time() -> None:
    """Who still names the old master, or does not answer at once, is waited for."""
    check(sentinels((OTHER, MASTER, MASTER), (None, None, MASTER), ALL_NAME_IT), deadline_s=10)


@pytest.mark.parametrize(
    ("says", "standing", "words"),
    [
        ((OTHER, OTHER, OTHER), REIGNS, "3 of 3 Sentinels named the server on port 7001 as the master by then"),
        ((MASTER, OTHER, None), REIGNS, "1 of 3 Sentinels named the server on port 7001 as the master by then"),
        ((None, None, MASTER), REIGNS, "only 1 of 3 Sentinels said within 0.05 s whether it still is the master"),
        (ALL_NAME_IT, None, "within 0.05 s it did not say whether it still is the master"),
        (ALL_NAME_IT, replace(REIGNS, role="slave"), "by then it said that it is a slave: there was another failover"),
        (ALL_NAME_IT, replace(REIGNS, run_id="another"), "it was started anew while they counted"),
        (ALL_NAME_IT, replace(REIGNS, replication_id="another"), "in between it was not the master"),
    ],
    ids=["another is named", "by one", "nobody knows", "silent", "a replica", "another life", "deposed and promoted"],
)
def test_a_reign_that_ended(says: tuple[Named, ...], standing: Standing | None, words: str) -> None:
    """One sentence: on which server the logs were read, and why they don't count."""
    with pytest.raises(TrialError, match="the logs were read on port 7000, but ") as raised:
        check(sentinels(says), standing=standing)
    assert words in raised.value.message


def test_a_failover_and_another_one_back_are_two() -> None:
    """Where the old master was not told of the first: it was the master throughout, and Sentinels named another one."""
    witnesses = sentinels()
    witnesses[2].epoch = 3
    with pytest.raises(
        TrialError, match="in between Sentinels named another server: their config epoch was 1 and is 3"
    ):
        check(witnesses)


def test_a_reign_begins_with_the_newest_epoch() -> None:
    """Not every Sentinel has heard of the failover that made this server the master."""
    witnesses = sentinels((MASTER, OTHER, MASTER))
    witnesses[1].epoch = 0
    assert REIGN == begin_reign(witnesses, MASTER, ask=lambda _: REIGNS)
    with pytest.raises(TrialError, match=r"only 1 of 3 Sentinels answered within 0.05 s"):
        begin_reign(sentinels((MASTER, None, None)), MASTER, ask=lambda _: REIGNS, deadline_s=0.05)


@pytest.mark.parametrize(
    ("standing", "words"),
    [(replace(REIGNS, role="slave"), "said that it is a slave"), (None, "did not answer")],
)
def test_who_is_no_master_does_not_begin_to_reign(standing: Standing | None, words: str) -> None:
    """Clients were not to be led there."""
    with pytest.raises(TrialError, match=f"on port 7000, which is to be the master, {words}"):
        begin_reign(sentinels(), MASTER, ask=lambda _: standing, deadline_s=0.05)


def play(witnesses: list[Witness], standing: Standing, error: Exception | None) -> None:
    """Something happens while it is counted."""
    with one_reign(witnesses, REIGN, ask=lambda _: standing, deadline_s=0.05):
        if error is not None:
            raise error


@pytest.mark.parametrize("error", [redis.ReadOnlyError("READONLY"), TrialError("a consumer ended by itself"), None])
def test_what_goes_wrong_when_a_reign_ends_is_explained_by_it(error: Exception | None) -> None:
    """A refused write, or a worker that gave up, is only what came of it; it is kept as the cause."""
    with pytest.raises(TrialError, match="a slave: there was another failover") as raised:
        play(sentinels(), replace(REIGNS, role="slave"), error)
    assert error is raised.value.__cause__


def test_what_goes_wrong_in_a_reign_that_lasts_is_told() -> None:
    """As it is."""
    with pytest.raises(redis.ResponseError, match="LOADING"):
        play(sentinels(), REIGNS, redis.ResponseError("LOADING"))


def test_an_interrupt_is_one_whoever_reigns() -> None:
    """Nobody is asked anything any more."""
    witnesses = sentinels((OTHER, OTHER, OTHER))
    with pytest.raises(Interrupted):
        play(witnesses, REIGNS, Interrupted("by the user"))
    assert [0, 0, 0] == [one.asked for one in witnesses]
