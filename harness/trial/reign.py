"""Who is the master while a replicated trial is counted: one server, from when clients were led to it to the last read.

The evidence of a failover ends before the drain. Sentinels may promote another server later too, as a machine that is
busy keeps the master from answering them in time; then the log is read off a server that is the master no more, or was
none for a while. So the master's reign is noted when it begins, and looked at again when the last log has been read::

    reign = begin_reign(sentinels, master)
    with one_reign(sentinels, reign):
        …                       # drain, and read the logs

Nobody has to have looked while it happened: a run id is another one in each life of a server; a replication id is
another one after each promotion, also of a server that was the master before; and a Sentinel's config epoch is a higher
one after each failover, also where the old master was not told of it before it was promoted again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import redis

from harness.model.errors import TrialError
from harness.stack.base import ServerAddress
from harness.stack.connect import admin_client

DEADLINE_S: Final = 10.0
"""For the Sentinels to agree, and for the master to answer. The news of a failover takes them two seconds."""
_INTERVAL_S: Final = 0.1
_ASK_TIMEOUT_S: Final = 2.0
_MASTER: Final = "master"


@dataclass(frozen=True, slots=True)
class Reign:
    """A server that says that it is the master; the rest tells this reign from an earlier or a later one."""

    address: ServerAddress
    run_id: str
    replication_id: str
    epoch: int
    """The highest config epoch that a Sentinel knows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one server says of itself."""

    role: str
    run_id: str
    replication_id: str


@dataclass(frozen=True, slots=True)
class _View:
    """What one Sentinel says."""

    master: ServerAddress
    epoch: int


class Sentinel(Protocol):
    """One of those who decide which server is the master."""

    def master(self) -> ServerAddress | None:
        """Whom it names; ``None``: it does not answer."""

    def state(self) -> Mapping[str, str]:
        """What it knows of the master; empty without an answer."""


Ask = Callable[[ServerAddress], Standing | None]


def ask_standing(address: ServerAddress) -> Standing | None:
    """The server's own words, all in one answer; ``None`` where it gives none."""
    try:
        with admin_client(address, timeout_s=_ASK_TIMEOUT_S) as client:
            said = client.info()
    except redis.RedisError:
        return None
    return Standing(*(str(said.get(name, "")) for name in ("role", "run_id", "master_replid")))


def begin_reign(
    sentinels: Sequence[Sentinel],
    address: ServerAddress,
    *,
    ask: Ask = ask_standing,
    deadline_s: float = DEADLINE_S,
) -> Reign:
    """The reign of the server at ``address``, whom most of ``sentinels`` name by now.

    Raises `TrialError` where it says itself that it is not the master, or where most of the Sentinels are silent.
    """
    found = _answer(address, ask, deadline_s=deadline_s)
    if found is None or found.role != _MASTER:
        what = "did not answer" if found is None else f"said that it is a {found.role}"
        raise TrialError(f"the server on port {address.port}, which is to be the master, {what}")
    deadline = time.monotonic() + deadline_s
    while len(views := _views(sentinels)) * 2 <= len(sentinels):
        if time.monotonic() >= deadline:
            raise TrialError(f"only {len(views)} of {len(sentinels)} Sentinels answered within {deadline_s:g} s")
        time.sleep(_INTERVAL_S)
    return Reign(address, found.run_id, found.replication_id, max(view.epoch for view in views))


def check_reign(
    sentinels: Sequence[Sentinel], reign: Reign, *, ask: Ask = ask_standing, deadline_s: float = DEADLINE_S
) -> None:
    """Raise `TrialError` where it is not certain that ``reign`` lasted until now.

    Every Sentinel that answers, and most have to, must name the server; who only has not heard of the last failover yet
    is waited for. Then the server itself is asked.
    """
    trouble = _not_named(sentinels, reign, deadline_s=deadline_s) or _deposed(reign, ask, deadline_s=deadline_s)
    if trouble:
        raise TrialError(f"the logs were read on port {reign.address.port}, but {trouble}")


@contextmanager
def one_reign(
    sentinels: Sequence[Sentinel], reign: Reign, *, ask: Ask = ask_standing, deadline_s: float = DEADLINE_S
) -> Iterator[None]:
    """Check it at the end of a ``with``. What went wrong inside of it is the failover's doing, where there was one."""
    try:
        yield
    except (TrialError, redis.RedisError) as error:
        try:
            check_reign(sentinels, reign, ask=ask, deadline_s=deadline_s)
        except TrialError as deposed:
            raise deposed from error
        raise
    check_reign(sentinels, reign, ask=ask, deadline_s=deadline_s)


def _not_named(sentinels: Sequence[Sentinel], reign: Reign, *, deadline_s: float) -> str:
    """Whom Sentinels name instead, or did in between, once the deadline has passed; empty if it is this one only."""
    deadline = time.monotonic() + deadline_s
    while True:
        views = _views(sentinels)
        others = [view.master for view in views if view.master != reign.address]
        if not others and 2 * len(views) > len(sentinels):
            break
        if time.monotonic() >= deadline:
            if not others:
                said = f"said within {deadline_s:g} s whether it still is the master"
                return f"only {len(views)} of {len(sentinels)} Sentinels {said}"
            count = f"{len(others)} of {len(sentinels)} Sentinels"
            return (
                f"{count} named the server on port {others[0].port} as the master by then: there was another failover"
            )
        time.sleep(_INTERVAL_S)
    epoch = max(view.epoch for view in views)
    if epoch > reign.epoch:
        return f"in between Sentinels named another server: their config epoch was {reign.epoch} and is {epoch}"
    return ""


def _deposed(reign: Reign, ask: Ask, *, deadline_s: float) -> str:
    """Why the server is not the one that was the master; empty if it is."""
    found = _answer(reign.address, ask, deadline_s=deadline_s)
    if found is None:
        return f"within {deadline_s:g} s it did not say whether it still is the master"
    if found.role != _MASTER:
        return f"by then it said that it is a {found.role}: there was another failover"
    if found.run_id != reign.run_id:
        return "it was started anew while they counted"
    if found.replication_id != reign.replication_id:
        return "in between it was not the master: there were other failovers, and in the last it was promoted again"
    return ""


def _views(sentinels: Sequence[Sentinel]) -> list[_View]:
    """What those say who answer."""
    asked = [(sentinel.master(), sentinel.state().get("config-epoch")) for sentinel in sentinels]
    return [_View(named, int(epoch)) for named, epoch in asked if named is not None and epoch is not None]


def _answer(address: ServerAddress, ask: Ask, *, deadline_s: float) -> Standing | None:
    """What it says, asked until the deadline."""
    deadline = time.monotonic() + deadline_s
    while (found := ask(address)) is None and time.monotonic() < deadline:
        time.sleep(_INTERVAL_S)
    return found
