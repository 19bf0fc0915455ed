"""All proxies of one process, by name.

Changes are made one at a time, under a lock whose every holder is bounded in time, so that two requests for one port or
one name cannot interleave. Reading needs no lock: between two awaits nothing changes.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from harness.faults.builtin.body import Fields, as_fields, boolean_field, text_field
from harness.faults.builtin.errors import ApiError, bad_body, missing_field, proxy_already_exists, proxy_not_found
from harness.faults.builtin.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Wish:
    """A proxy as a client asks for it."""

    name: str
    listen: str
    upstream: str
    enabled: bool


class ProxyCollection:
    """See the module's docstring."""

    def __init__(self, dice: random.Random) -> None:
        self._proxies: dict[str, Proxy] = {}
        self._dice = dice
        self._changing = asyncio.Lock()

    def all(self) -> list[Proxy]:
        """Every proxy, by name."""
        return [self._proxies[name] for name in sorted(self._proxies)]

    def get(self, name: str) -> Proxy:
        """The proxy called ``name``."""
        if name not in self._proxies:
            raise proxy_not_found()
        return self._proxies[name]

    async def create(self, value: object) -> Proxy:
        """A new proxy from a request's body."""
        wish = _wish(as_fields(value, what="proxy"), where="")
        async with self._changing:
            if wish.name in self._proxies:
                raise proxy_already_exists()
            return await self._put(wish)

    async def populate(self, value: object) -> tuple[list[Proxy], ApiError | None]:
        """Every proxy of a list, made new unless it is there with the same addresses; stops at the first failure."""
        wishes = _wishes(value)
        proxies: list[Proxy] = []
        async with self._changing:
            for wish in wishes:
                try:
                    proxies.append(await self._add_or_replace(wish))
                except ApiError as problem:
                    return proxies, problem
        return proxies, None

    async def update(self, name: str, value: object) -> Proxy:
        """Change addresses or switch on and off; what the body leaves out stays."""
        body = as_fields(value, what="proxy")
        async with self._changing:
            proxy = self.get(name)
            await proxy.update(
                listen=text_field(body, "listen", proxy.listen),
                upstream=text_field(body, "upstream", proxy.upstream),
                enabled=boolean_field(body, "enabled", default=proxy.enabled),
            )
        return proxy

    async def delete(self, name: str) -> None:
        """Stop and forget a proxy."""
        async with self._changing:
            await self.get(name).stop()
            del self._proxies[name]

    async def reset(self) -> None:
        """Switch every proxy on and take every toxic away."""
        async with self._changing:
            for proxy in self.all():
                await proxy.start()
                proxy.remove_all_toxics()

    async def close(self) -> None:
        """Stop every proxy."""
        for proxy in self.all():
            await proxy.stop()

    async def _add_or_replace(self, wish: Wish) -> Proxy:
        existing = self._proxies.get(wish.name)
        if existing is not None:
            if not await existing.differs(listen=wish.listen, upstream=wish.upstream):
                return existing
            await existing.stop()
        return await self._put(wish)

    async def _put(self, wish: Wish) -> Proxy:
        proxy = Proxy(name=wish.name, listen=wish.listen, upstream=wish.upstream, dice=self._dice)
        if wish.enabled:
            await proxy.start()
        self._proxies[wish.name] = proxy
        return proxy


def _wishes(value: object) -> list[Wish]:
    if value is not None and not isinstance(value, list):
        raise bad_body("a list of proxies is needed")
    return [
        _wish(as_fields(entry, what="proxy"), where=f" at proxy {position}")
        for position, entry in enumerate(value or [], start=1)
    ]


def _wish(body: Fields, *, where: str) -> Wish:
    wish = Wish(
        name=text_field(body, "name", ""),
        listen=text_field(body, "listen", ""),
        upstream=text_field(body, "upstream", ""),
        enabled=boolean_field(body, "enabled", default=True),
    )
    if not wish.name:
        raise missing_field(f"name{where}")
    if not wish.upstream:
        raise missing_field(f"upstream{where}")
    return wish
