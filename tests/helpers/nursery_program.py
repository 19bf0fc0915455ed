"""A program for the tests of nurseries: it answers what it is told, one line each."""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path


def main() -> int:
    """Follow orders until one ends it."""
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "say":
            print(rest, flush=True)
        elif word == "log":
            print(rest, file=sys.stderr)
        elif word == "ids":
            print(os.getpid(), os.getsid(0), os.getppid(), flush=True)
        elif word == "network":
            print(Path("/proc/self/ns/net").readlink(), flush=True)
        elif word == "draw":
            print(random.random(), flush=True)
        elif word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "fail":
            raise ValueError(rest)
        elif word == "refuse":
            raise SystemExit(rest)
        elif word == "end":
            return int(rest)
    return 75
