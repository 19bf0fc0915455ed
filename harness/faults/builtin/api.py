"""The HTTP API of Toxiproxy 2.12.0: which request does what, and how it is answered.

Errors are ``{"error": ..., "status": ...}`` with a trailing newline and the type ``text/plain``, as the real one sends
them; answers are compact JSON. Browsers are refused, so that a web page cannot drive a developer's proxy.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from harness.faults.builtin import metrics
from harness.faults.builtin.body import parse, render
from harness.faults.builtin.collection import ProxyCollection
from harness.faults.builtin.errors import ApiError
from harness.faults.builtin.toxics import toxic_from_body, update_from_body
from harness.faults.builtin.web import Request, Response

VERSION = "2.12.0+builtin"
"""The release whose behaviour this is, marked as not being it."""

_JSON = "application/json"
_PLAIN = "text/plain; charset=utf-8"
_SLASHES = re.compile("//+")


@dataclass(frozen=True, slots=True)
class Switches:
    """What the command line switched on."""

    proxy_metrics: bool = False
    runtime_metrics: bool = False


_Action = Callable[..., Awaitable[Response]]


class Api:
    """Answers requests about ``collection``."""

    def __init__(self, collection: ProxyCollection, switches: Switches) -> None:
        self._collection = collection
        self._switches = switches
        self._request_numbers = itertools.count(1)
        name = "([^/]+)"
        routes: list[tuple[str, dict[str, _Action]]] = [
            ("/reset", {"POST": self._reset}),
            ("/proxies", {"GET": self._list_proxies, "POST": self._create_proxy}),
            ("/populate", {"POST": self._populate}),
            (
                f"/proxies/{name}",
                {
                    "GET": self._show_proxy,
                    "POST": self._update_proxy,
                    "PATCH": self._update_proxy,
                    "DELETE": self._delete_proxy,
                },
            ),
            (f"/proxies/{name}/toxics", {"GET": self._list_toxics, "POST": self._create_toxic}),
            (
                f"/proxies/{name}/toxics/{name}",
                {
                    "GET": self._show_toxic,
                    "POST": self._update_toxic,
                    "PATCH": self._update_toxic,
                    "DELETE": self._delete_toxic,
                },
            ),
            ("/version", {"GET": self._version}),
        ]
        if switches.proxy_metrics or switches.runtime_metrics:
            routes.append(("/metrics", {"GET": self._metrics}))
        self._routes = [(re.compile(path), actions) for path, actions in routes]

    async def answer(self, request: Request) -> Response:
        """The answer to ``request``; never raises on a client's mistake."""
        path = unquote(request.target.partition("?")[0])
        clean = _SLASHES.sub("/", path)
        if clean != path:
            return Response(301, headers={"Location": clean})
        for pattern, actions in self._routes:
            if found := pattern.fullmatch(path):
                return await self._act(request, actions, found.groups())
        return _plain(404, "404 page not found")

    async def _act(self, request: Request, actions: dict[str, _Action], names: tuple[str, ...]) -> Response:
        action = actions.get(request.method)
        if action is None:
            return Response(405)
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return _plain(403, "User agent not allowed")
        try:
            answer = await action(request, *names)
        except ApiError as problem:
            answer = _plain(problem.status, render(_error(problem)).decode())
        answer.headers["X-Toxiproxy-Request-Id"] = f"builtin{next(self._request_numbers)}"
        return answer

    async def _version(self, _: Request) -> Response:
        return Response(200, f'{{"version": "{VERSION}"}}\n'.encode(), "application/json;charset=utf-8")

    async def _metrics(self, _: Request) -> Response:
        text = metrics.proxy_metrics(self._collection.all()) if self._switches.proxy_metrics else ""
        text += metrics.runtime_metrics() if self._switches.runtime_metrics else ""
        return Response(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    # Proxies.

    async def _reset(self, _: Request) -> Response:
        await self._collection.reset()
        return Response(204)

    async def _list_proxies(self, _: Request) -> Response:
        return _json(200, {proxy.name: proxy.to_json() for proxy in self._collection.all()})

    async def _create_proxy(self, request: Request) -> Response:
        proxy = await self._collection.create(parse(request.body))
        return _json(201, proxy.to_json())

    async def _populate(self, request: Request) -> Response:
        try:
            proxies, problem = await self._collection.populate(parse(request.body))
        except ApiError as refusal:
            proxies, problem = [], refusal
        answer: dict[str, object] = _error(problem) if problem else {}
        answer["proxies"] = [proxy.to_json() for proxy in proxies] or None
        return _json(problem.status if problem else 201, answer)

    async def _show_proxy(self, _: Request, name: str) -> Response:
        return _json(200, self._collection.get(name).to_json())

    async def _update_proxy(self, request: Request, name: str) -> Response:
        self._collection.get(name)
        proxy = await self._collection.update(name, parse(request.body))
        return _json(200, proxy.to_json())

    async def _delete_proxy(self, _: Request, name: str) -> Response:
        await self._collection.delete(name)
        return Response(204)

    # Toxics. None of these awaits, so a change and its answer are one step.

    async def _list_toxics(self, _: Request, proxy_name: str) -> Response:
        return _json(200, self._collection.get(proxy_name).toxics_json())

    async def _create_toxic(self, request: Request, proxy_name: str) -> Response:
        proxy = self._collection.get(proxy_name)
        toxic = toxic_from_body(parse(request.body))
        proxy.add_toxic(toxic)
        return _json(200, toxic.to_json())

    async def _show_toxic(self, _: Request, proxy_name: str, toxic_name: str) -> Response:
        return _json(200, self._collection.get(proxy_name).find_toxic(toxic_name).to_json())

    async def _update_toxic(self, request: Request, proxy_name: str, toxic_name: str) -> Response:
        proxy = self._collection.get(proxy_name)
        toxic = proxy.find_toxic(toxic_name)
        attributes, toxicity = update_from_body(toxic, parse(request.body))
        proxy.update_toxic(toxic, attributes=attributes, toxicity=toxicity)
        return _json(200, toxic.to_json())

    async def _delete_toxic(self, _: Request, proxy_name: str, toxic_name: str) -> Response:
        proxy = self._collection.get(proxy_name)
        proxy.remove_toxic(proxy.find_toxic(toxic_name))
        return Response(204)


def _json(status: int, value: object) -> Response:
    return Response(status, render(value), _JSON)


def _plain(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), _PLAIN, {"X-Content-Type-Options": "nosniff"})


def _error(problem: ApiError) -> dict[str, object]:
    return {"error": problem.message, "status": problem.status}
