"""The inside of a nursery: ``python -m harness.stack.forking MODULE SOCKET``. See `harness.stack.nursery`.

It ends when the other end of the socket is closed, and the kernel then ends its children.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from harness.stack.nursery import ORDER_BYTES
from harness.stack.parting import parting_hook
from harness.stack.private import join_network


class Order(TypedDict):
    """What a nursery is told about one child."""

    log: str
    network: str | None


def main(module: str, descriptor: int) -> int:
    """Import ``module`` and fork its ``main`` as often as ordered."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    program: Callable[[], int] = importlib.import_module(module).main
    if threading.active_count() > 1:
        raise SystemExit(f"{module} starts threads when it is imported: forking it would not be safe")
    gc.freeze()  # so that collecting in a child does not copy what all share
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(fileno=descriptor) as orders, selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, ORDER_BYTES)
                _tell_ends(orders)
            if orders in ready and not _follow_order(orders, program, close=(woken, wake)):
                return 0


def _tell_ends(orders: socket.socket) -> None:
    """Reap every child that has ended and say how."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        told = json.dumps({"ended": pid, "status": os.waitstatus_to_exitcode(status)})
        with contextlib.suppress(OSError):  # nobody listens any more: the next look at the socket ends us
            orders.send(told.encode())


def _follow_order(orders: socket.socket, program: Callable[[], int], *, close: tuple[int, ...]) -> bool:
    """Fork one child; false when nobody gives orders any more."""
    line, pipes, _, _ = socket.recv_fds(orders, ORDER_BYTES, 2)
    if not line:
        return False
    order: Order = json.loads(line)
    part = parting_hook()
    pid = os.fork()
    if pid == 0:
        _live(program, part, order, pipes=pipes, close=(*close, orders.fileno()))
    for pipe in pipes:
        os.close(pipe)
    orders.send(json.dumps({"born": pid}).encode())
    return True


def _live(
    program: Callable[[], int], part: Callable[[], None], order: Order, *, pipes: list[int], close: tuple[int, ...]
) -> None:
    """The child's life, from its fork to its end. Never returns."""
    status = 1
    try:
        part()
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in close:
            os.close(descriptor)
        written = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for source, target in ((pipes[0], 0), (pipes[1], 1), (written, 2)):
            os.dup2(source, target)
            os.close(source)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        if order["network"] is not None:
            join_network(Path(order["network"]))
        status = program()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  # whatever it is, it is printed and becomes an exit status, as Python does
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
