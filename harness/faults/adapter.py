"""Toxiproxy's control API, typed and bounded: the only place that talks to a proxy.

It calls through the `toxiproxy` package and mends what that package leaves open: the address belongs to the instance
(the package keeps one for the whole process), every call ends after `DEADLINE_S`, every status and every answer is
checked, and neither ``HTTP_PROXY`` nor ``.netrc`` has a say::

    api = ControlApi("127.0.0.1", 8474)
    api.create("orders", listen="127.0.0.1:21000", upstream="127.0.0.1:6379")
    times = api.add_toxic("orders", Toxic(name="hold_up", kind="bandwidth", stream="upstream", attributes={"rate": 0}))

Errors, all `TrialError`, since a trial whose fault may or may not be on can't be counted::

    ControlOutcomeUnknown   no answer, or one that proves nothing (timeout, lost connection, 5xx, not the JSON promised)
    ControlRejected         a clear no (4xx)
    └── ControlNotFound     404: no such proxy or toxic

What the API offers and this does not: ``/reset`` and ``GET /proxies`` (both can wait for ever on a wedged proxy),
a toxicity below 1, and the update of a toxic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import requests
from toxiproxy import Proxy
from toxiproxy import toxic as toxic_package
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.faults.base import CallTimes
from harness.faults.bounded import bounded
from harness.model.errors import TrialError

DEADLINE_S: Final = 3.0
_RETRY_FIX = "run the trial again; the proxy's log in the trial's logs folder tells more"


class ControlOutcomeUnknown(TrialError):
    """Nobody can say whether the call was carried out."""


class ControlRejected(TrialError):
    """The proxy refused the call and did nothing."""


class ControlNotFound(ControlRejected):
    """The proxy has no such proxy or toxic."""


@dataclass(frozen=True, slots=True)
class Toxic:
    """One way to spoil one stream of a proxy, on every connection (toxicity 1)."""

    name: str
    kind: str
    stream: str
    attributes: Mapping[str, int]

    def body(self) -> dict[str, object]:
        """As the API spells it."""
        return {
            "name": self.name,
            "type": self.kind,
            "stream": self.stream,
            "toxicity": 1.0,
            "attributes": dict(self.attributes),
        }


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response with a status that is no error. ``json`` is ``None`` where there is no readable JSON object."""

    status: int
    json: Mapping[str, object] | None
    text: str
    times: CallTimes


class ControlApi:
    """The control API of one proxy process. Safe to have many; they share nothing."""

    def __init__(self, host: str, port: int, *, deadline_s: float = DEADLINE_S) -> None:
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._deadline_s = deadline_s
        url_host = f"[{host}]" if ":" in host else host
        # The package reads host and port from the class, so each instance gets a class of its own.
        self._consumer = type("InstanceConsumer", (APIConsumer,), {"host": url_host, "port": port})

    def version(self) -> str:
        """The version that the proxy claims; ``git`` where it was built without one."""
        answer = self._call("GET", "/version", expected=200)
        version = (answer.json or {}).get("version")
        if not isinstance(version, str) or not version:
            raise self._unknown("GET /version", f"it answered {_quote(answer.text)} instead of a version")
        return version

    def create(self, name: str, *, listen: str, upstream: str) -> str:
        """Make a proxy and return the ``host:port`` on which it listens now."""
        body = {"name": name, "listen": listen, "upstream": upstream, "enabled": True}
        answer = self._call("POST", "/proxies", body=body, expected=201)
        proxy = self._proxy("POST /proxies", answer)
        if not proxy.enabled or proxy.name != name:
            raise self._unknown("POST /proxies", f"it answered {_quote(answer.text)} to a demand for {name!r}, enabled")
        return str(proxy.listen)

    def delete(self, name: str) -> CallTimes:
        """Remove a proxy; this closes its listener and all its connections."""
        return self._call("DELETE", f"/proxies/{name}", expected=204).times

    def set_enabled(self, name: str, enabled: bool) -> CallTimes:
        """Open or close a proxy's listener; closing it closes all its connections."""
        answer = self._call("POST", f"/proxies/{name}", body={"enabled": enabled}, expected=200)
        proxy = self._proxy(f"POST /proxies/{name}", answer)
        if proxy.enabled is not enabled:
            raise self._unknown(f"POST /proxies/{name}", f"it says enabled={proxy.enabled} after enabled={enabled}")
        return answer.times

    def add_toxic(self, proxy: str, toxic: Toxic) -> CallTimes:
        """Add a toxic to the existing and the future connections of ``proxy``."""
        path = f"/proxies/{proxy}/toxics"
        answer = self._call("POST", path, body=toxic.body(), expected=200)
        if not _echoes(answer.json, toxic):
            raise self._unknown(f"POST {path}", f"it answered {_quote(answer.text)} to a demand for {toxic.body()}")
        return answer.times

    def remove_toxic(self, proxy: str, name: str) -> CallTimes:
        """Remove a toxic. Raises `ControlNotFound` where it is not (or no longer) there."""
        return self._call("DELETE", f"/proxies/{proxy}/toxics/{name}", expected=204).times

    def _proxy(self, call: str, answer: _Answer) -> Proxy:
        try:
            return Proxy(**(answer.json or {}))
        except (KeyError, TypeError) as error:
            raise self._unknown(call, f"it answered {_quote(answer.text)}, which is no proxy") from error

    def _call(self, method: str, path: str, *, expected: int, body: Mapping[str, object] | None = None) -> _Answer:
        """One call with everything checked that can be checked without knowing what it is for."""
        call = f"{method} {path}"
        try:
            answer = bounded(self._request(method, path, body), deadline_s=self._deadline_s)
        except NotFound as error:
            raise self._rejected(ControlNotFound, call, _content(error)) from None
        except (ProxyExists, InvalidToxic) as error:
            raise self._rejected(ControlRejected, call, _content(error)) from None
        except (TimeoutError, requests.Timeout) as error:
            raise self._unknown(call, f"it did not answer within {self._deadline_s:g} s") from error
        except requests.RequestException as error:
            raise self._unknown(call, f"the connection failed ({type(error).__name__})") from error
        if 400 <= answer.status < 500:
            raise self._rejected(ControlRejected, call, f"{answer.status} {answer.text}")
        if answer.status != expected:
            raise self._unknown(call, f"it answered with status {answer.status}: {_quote(answer.text)}")
        return answer

    def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> Callable[[], _Answer]:
        """The bare call, to be run under a deadline; the times are taken right beside it."""
        options: dict[str, object] = {
            "timeout": self._deadline_s,
            "allow_redirects": False,
            # What is given here wins over the environment: no proxy, and no password out of ~/.netrc.
            "proxies": {"http": None, "https": None, "all": None},
            "auth": lambda request: request,
            "headers": {"Connection": "close"},
        }
        if method == "POST":
            options["json"] = body
        send = getattr(self._consumer, method.lower())

        def request() -> _Answer:
            before = time.monotonic_ns()
            response: requests.Response = send(path, **options)
            return _Answer(
                response.status_code, _json_object(response), response.text, CallTimes(before, time.monotonic_ns())
            )

        return request

    def _unknown(self, call: str, what: str) -> ControlOutcomeUnknown:
        return ControlOutcomeUnknown(
            f"the proxy at {self.address} was asked for {call}, and {what}: whether it did so is unknown",
            fix=_RETRY_FIX,
        )

    def _rejected(self, kind: type[ControlRejected], call: str, why: str) -> ControlRejected:
        return kind(f"the proxy at {self.address} refused {call}: {_quote(why)}", fix=_RETRY_FIX)


def _content(error: Exception) -> str:
    """The response body, which the package's exceptions carry as bytes."""
    return b"".join(part for part in error.args if isinstance(part, bytes)).decode(errors="replace")


def _json_object(response: requests.Response) -> Mapping[str, object] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _echoes(json: Mapping[str, object] | None, wanted: Toxic) -> bool:
    """Whether the proxy says that it now has exactly this toxic."""
    try:
        found = toxic_package.Toxic(**(json or {}))
    except (KeyError, TypeError):
        return False
    attributes = found.attributes if isinstance(found.attributes, dict) else {}
    return bool(
        (found.name, found.type, found.stream) == (wanted.name, wanted.kind, wanted.stream)
        and found.toxicity == 1
        and all(attributes.get(key) == value for key, value in wanted.attributes.items())
    )


def _quote(text: str) -> str:
    flat = " ".join(text.split())
    return f'"{flat[:160]}…"' if len(flat) > 160 else f'"{flat}"'
