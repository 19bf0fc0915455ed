"""Addresses given from outside, read from the environment and checked before anything is connected.

    REDIS_URL         redis://user:password@host:6379/0, or rediss://… for TLS
    REDIS_CA_FILE     certificates that the server's certificate is checked against, instead of the system's
    REDIS_CERT_FILE   our own certificate, where the server asks for one
    REDIS_KEY_FILE    its key
    REDIS_TLS_VERIFY  0: do not check the server's certificate
    TOXIPROXY_URL     http://host:8474, a Toxiproxy 2.12 that is to be used instead of our own

Errors show an address without its credentials.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from harness.model.errors import UsageError
from harness.stack.base import ServerAddress, TlsSettings
from harness.stack.redacting import redacted_url

REDIS_URL = "REDIS_URL"
TOXIPROXY_URL = "TOXIPROXY_URL"
DEFAULT_REDIS_PORT = 6379
DEFAULT_API_PORT = 8474
_TLS_FILES = ("REDIS_CA_FILE", "REDIS_CERT_FILE", "REDIS_KEY_FILE")
_VERIFY = "REDIS_TLS_VERIFY"
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_REDIS_FIX = (
    "write it as redis://user:password@host:6379/0 (rediss:// for TLS); percent-encode :, /, @ and # in a password"
)
_TOXIPROXY_FIX = "write it as http://host:8474"


def given_server(environment: Mapping[str, str]) -> ServerAddress:
    """The server of ``REDIS_URL``. Raises `UsageError` where it or a TLS setting cannot be."""
    url = environment.get(REDIS_URL, "")
    if not url:
        raise UsageError(f"the stack `external` needs {REDIS_URL}, which is not set", fix=_REDIS_FIX)
    parts = _split(url, REDIS_URL, schemes=("redis", "rediss"), fix=_REDIS_FIX)
    return ServerAddress(
        host=str(parts.hostname),
        port=parts.port or DEFAULT_REDIS_PORT,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        database=_database(parts, url),
        tls=_tls(environment, encrypted=parts.scheme == "rediss"),
    )


def given_toxiproxy(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Host and port of the control API of ``TOXIPROXY_URL``, if it is set."""
    url = environment.get(TOXIPROXY_URL, "")
    if not url:
        return None
    parts = _split(url, TOXIPROXY_URL, schemes=("http",), fix=_TOXIPROXY_FIX)
    if parts.username or parts.password or parts.path.strip("/") or parts.query:
        raise UsageError(
            f"{TOXIPROXY_URL} is {redacted_url(url)} with more than a host and a port: its control API has no "
            "users and no folders",
            fix=_TOXIPROXY_FIX,
        )
    return str(parts.hostname), parts.port or DEFAULT_API_PORT


def _split(url: str, variable: str, *, schemes: tuple[str, ...], fix: str) -> SplitResult:
    """The parts of ``url``. One that a bare ``/``, ``?`` or ``#`` in its password cut in the wrong place is refused."""
    try:
        parts = urlsplit(url)
        cut_off = "@" in parts.path + parts.query or bool(parts.fragment)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not cut_off
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"{variable} is not an address that can be used: {redacted_url(url)}", fix=fix)
    return parts


def _database(parts: SplitResult, url: str) -> int:
    """The database number, from the path or as ``?db=``. Anything else there would have no effect: refused."""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    word = query.pop("db", None) or parts.path.strip("/") or "0"
    if query:
        raise UsageError(
            f"{REDIS_URL} carries settings that are not understood here: {', '.join(sorted(query))}",
            fix="client settings belong to the arm; for TLS set REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE",
        )
    if not (word.isascii() and word.isdigit()):
        raise UsageError(f"{REDIS_URL} names no database by its number: {redacted_url(url)}", fix=_REDIS_FIX)
    return int(word)


def _tls(environment: Mapping[str, str], *, encrypted: bool) -> TlsSettings | None:
    given = [name for name in (*_TLS_FILES, _VERIFY) if environment.get(name)]
    if not encrypted:
        if given:
            raise UsageError(
                f"{given[0]} is set, but {REDIS_URL} begins with redis://, which is not encrypted",
                fix=f"begin it with rediss://, or unset {', '.join(given)}",
            )
        return None
    authority, certificate, key = (_readable(environment, name) for name in _TLS_FILES)
    if key is not None and certificate is None:
        raise UsageError("REDIS_KEY_FILE is set without REDIS_CERT_FILE", fix="set both, or neither")
    return TlsSettings(
        ca_file=authority, certificate_file=certificate, key_file=key, verify=_verify(environment.get(_VERIFY, ""))
    )


def _readable(environment: Mapping[str, str], name: str) -> str | None:
    """The absolute path of the file that a variable names: workers may run in another folder."""
    value = environment.get(name)
    if not value:
        return None
    path = Path(value).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise UsageError(f"{name} names {value}, which is no file that can be read", fix="correct the path")
    return str(path)


def _verify(word: str) -> bool:
    if word == "":
        return True
    if word.lower() not in _SWITCH:
        raise UsageError(f"{_VERIFY} is {word!r}", fix="set it to 1 (check the server's certificate) or 0 (do not)")
    return _SWITCH[word.lower()]
