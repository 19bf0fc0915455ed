"""What a server fault could leave behind on a machine: mounts, loop devices, interfaces, processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil


def mounts_of(folder: Path) -> list[str]:
    """Lines of any process's mount table that name ``folder``, in whichever namespace."""
    found = []
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found += [line for line in table.read_text().splitlines() if str(folder) in line]
        except OSError:
            continue
    return found


def loop_devices_of(folder: Path) -> list[str]:
    """Loop devices whose image lies, or lay, in ``folder``."""
    listed = subprocess.run(["losetup", "--list", "--noheadings"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def is_gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def interfaces() -> set[str]:
    """The network interfaces of this machine's own namespace."""
    return {path.name for path in Path("/sys/class/net").iterdir()}
