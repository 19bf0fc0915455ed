"""A call that ends in time, whatever it waits for.

Libraries bound single reads, not whole calls: a peer that sends one byte every two seconds, or a name server that
does not answer, holds them for as long as it likes. `bounded` gives up at its deadline; the call itself is left behind
on a daemon thread, which ends with the process at the latest::

    status = bounded(lambda: requests.get(url, timeout=3).status_code, deadline_s=3)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def bounded(call: Callable[[], T], *, deadline_s: float) -> T:
    """What ``call`` returns or raises; `TimeoutError` when it has done neither after ``deadline_s``."""
    future: Future[T] = Future()

    def settle() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001 - not swallowed: handed to whoever waits
            future.set_exception(error)

    threading.Thread(target=settle, name="bounded-call", daemon=True).start()
    return future.result(timeout=deadline_s)
