"""Errors that the API answers with a status and ``{"error": ..., "status": ...}``.

They stay inside the proxy's process: what a user of the harness sees comes from `harness.model.errors`.
"""

from __future__ import annotations


class ApiError(Exception):
    """A request that cannot be carried out; the message goes to the client as it is."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def bad_body(reason: str) -> ApiError:
    """The body is not the JSON that the request needs."""
    return ApiError(f"bad request body: {reason}", status=400)


def missing_field(name: str) -> ApiError:
    """A field without which the request means nothing is absent or empty."""
    return ApiError(f"missing required field: {name}", status=400)


def proxy_not_found() -> ApiError:
    """No proxy has that name."""
    return ApiError("proxy not found", status=404)


def proxy_already_exists() -> ApiError:
    """A proxy of that name exists."""
    return ApiError("proxy already exists", status=409)


def toxic_not_found() -> ApiError:
    """The proxy has no toxic of that name."""
    return ApiError("toxic not found", status=404)


def toxic_already_exists() -> ApiError:
    """The proxy has a toxic of that name, on either stream."""
    return ApiError("toxic already exists", status=409)


def invalid_toxic_type() -> ApiError:
    """No toxic is called that."""
    return ApiError("invalid toxic type", status=400)


def invalid_stream() -> ApiError:
    """The stream is neither of the two."""
    return ApiError("stream was invalid, can be either upstream or downstream", status=400)
