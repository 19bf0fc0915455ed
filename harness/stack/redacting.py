"""Addresses as they may be shown: credentials never reach a file, a log or a screen."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, unquote, urlsplit

_HIDDEN = "***"


def redacted_url(url: str) -> str:
    """``url`` without its credentials and its query; ``***`` alone when even that cannot be told apart.

    >>> redacted_url("rediss://alice:secret@redis.example:6380/2?token=abc")
    'rediss://***@redis.example:6380/2'
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return _HIDDEN
    if not parts.scheme or not host or "://" not in url:
        return _HIDDEN
    who = f"{_HIDDEN}@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{who}{host}{parts.path if _is_harmless(parts) else ''}"


def without_secrets(text: str, *secrets: str | None) -> str:
    """``text`` with every one of ``secrets``, plain or as written in a URL, replaced by ``***``."""
    for secret in secrets:
        for spelling in {secret, quote(secret, safe=""), unquote(secret)} if secret else ():
            text = text.replace(spelling, _HIDDEN)
    return text


def _is_harmless(parts: SplitResult) -> bool:
    """A path is a database number; an unescaped ``/`` or ``#`` in a password makes the rest of it look like a path."""
    return "@" not in parts.path and "@" not in parts.query and "@" not in parts.fragment
