"""Fsyncs that take long, for one server: a small library that is loaded in front of the C library.

Needs a C compiler, and a server program that is linked dynamically. The server sleeps in its own call, so it can be
killed at any time, unlike behind a frozen file system. What the library did is told by itself, in a page of memory that
we share with it::

    delay = FsyncDelay.build(folder)
    server = RestartableServer(program, place, settings=…, env=delay.env)
    delay.set(1_500)
    delay.slowed()      # how many fsyncs were slowed since, the first when, the last when
    delay.set(0)
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import shutil
import struct
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.model.errors import NotPossible
from harness.stack.private import run

_COMPILERS: Final = ("cc", "gcc", "clang")
_PAGE: Final = struct.Struct("=qqqqq")
"""Delay, number of calls slowed, when the first and the last of them began, how long the longest took; ns."""
_VARIABLE: Final = "PVS_FSYNC_PAGE"
_SOURCE: Final = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct page { volatile int64_t delay_ns, slowed, first_ns, last_ns, longest_ns; };
static struct page *page;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("PVS_FSYNC_PAGE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) page = found;
    close(file);
}

static int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int slowly(int (*sync)(int), int file) {
    int64_t ns = page ? page->delay_ns : 0;
    if (ns <= 0) return sync(file);
    struct timespec left = { ns / 1000000000, ns % 1000000000 };
    int64_t begin_ns = monotonic_ns();
    if (__sync_fetch_and_add(&page->slowed, 1) == 0) page->first_ns = begin_ns;
    page->last_ns = begin_ns;
    while (nanosleep(&left, &left) == -1 && errno == EINTR) { }
    int result = sync(file), error = errno;
    int64_t took_ns = monotonic_ns() - begin_ns;
    if (took_ns > page->longest_ns) page->longest_ns = took_ns;
    errno = error;
    return result;
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return slowly(real, file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return slowly(real, file);
}
"""


@dataclass(frozen=True, slots=True)
class Slowed:
    """What the library did since the delay was set. Times are monotonic ns, 0 where nothing was slowed."""

    calls: int
    first_ns: int
    last_ns: int
    longest_ns: int
    """How long the longest took that has ended, from its call to its return."""


class FsyncDelay:
    """The library and its page. Made by `FsyncDelay.build`."""

    def __init__(self, library: Path, page_file: Path) -> None:
        self._library = library
        self._page_file = page_file
        with page_file.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _PAGE.size)

    @classmethod
    def build(cls, folder: Path) -> FsyncDelay:
        """Compile the library into ``folder``. Raises `NotPossible`."""
        compiler = _compiler()
        if compiler is None:
            raise NotPossible(f"fsync can't be slowed: {why_no_delay()}")
        folder.mkdir(parents=True, exist_ok=True)
        source, library, page = folder / "fsync.c", folder / "fsync.so", folder / "fsync.page"
        source.write_text(_SOURCE)
        page.write_bytes(bytes(_PAGE.size))
        run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], what=compiler)
        return cls(library, page)

    @property
    def folder(self) -> Path:
        """Where library and page lie; whoever had them built removes it."""
        return self._library.parent

    @property
    def env(self) -> Mapping[str, str]:
        """What a server has to be started with."""
        return {"LD_PRELOAD": str(self._library), _VARIABLE: str(self._page_file)}

    def set(self, delay_ms: int) -> None:
        """Let every fsync from now on take so much longer, and count from 0; 0 lets them be as they are."""
        if delay_ms > 0:
            self._page[:] = _PAGE.pack(delay_ms * 1_000_000, 0, 0, 0, 0)
        else:
            self._page[:8] = struct.pack("=q", 0)

    def slowed(self) -> Slowed:
        """What was slowed since the last delay was set."""
        _, calls, first, last, longest = _PAGE.unpack(self._page[:])
        return Slowed(calls, first, last, longest)

    def close(self) -> None:
        """Let go of the page. Idempotent."""
        with contextlib.suppress(ValueError):
            self.set(0)
        self._page.close()


@functools.cache
def why_no_delay() -> str:
    """Why fsyncs can't be slowed here; empty if they can. Found out by slowing one."""
    if sys.platform != "linux":
        return f"it needs Linux, and this is {sys.platform}"
    if _compiler() is None:
        return "no C compiler is installed (cc, gcc or clang)"
    with tempfile.TemporaryDirectory(prefix="pvs-fsync-") as name:
        folder = Path(name)
        try:
            delay = FsyncDelay.build(folder)
        except NotPossible as error:
            return error.message
        try:
            delay.set(1)
            environment = [f"{name}={value}" for name, value in delay.env.items()]
            code = "import os, sys; os.fsync(os.open(sys.argv[1], os.O_RDONLY))"
            run(["env", *environment, sys.executable, "-I", "-S", "-c", code, str(folder)], what="fsync")
            return "" if delay.slowed().calls else "the library is not loaded in front of the C library"
        except NotPossible as error:
            return error.message
        finally:
            delay.close()


def _compiler() -> str | None:
    return next((found for name in _COMPILERS if (found := shutil.which(name))), None)
