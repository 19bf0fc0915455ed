"""Addresses as they may be shown: credentials never reach a file, a log or a screen."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_HIDDEN = "***"
_SHOWN = re.compile(r"(?P<place>(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d+)?)(?P<path>/\d*)?(?P<rest>.*)", re.DOTALL)


def redacted_url(url: str) -> str:
    """``url`` without credentials and settings; whatever does not look like a host, a port or a number is hidden.

    >>> redacted_url("rediss://alice:secret@redis.example:6380/2?token=abc")
    'rediss://***@redis.example:6380/2'

    A password with an unescaped ``/``, ``?`` or ``#`` makes a URL that splits in the wrong place; therefore all that
    stands before the last ``@`` counts as credentials.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalnum():
        return _HIDDEN
    credentials, _, place = rest.rpartition("@")
    match = _SHOWN.fullmatch(place)
    shown = _HIDDEN if match is None or match["rest"].startswith(":") else match["place"] + (match["path"] or "")
    return f"{scheme}://{f'{_HIDDEN}@' if credentials else ''}{shown}"


def without_secrets(text: str, *secrets: str | None) -> str:
    """``text`` with every one of ``secrets``, plain or as written in a URL, replaced by ``***``."""
    for secret in secrets:
        for spelling in {secret, quote(secret, safe=""), unquote(secret)} if secret else ():
            text = text.replace(spelling, _HIDDEN)
    return text
