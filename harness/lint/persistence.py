"""Does what is acknowledged survive the server, and its machine?"""

from __future__ import annotations

from harness.lint.facts import ServerFacts
from harness.lint.finding import Finding, Point, Where

WINDOWS = {
    "always": "nothing that was acknowledged is lost, neither with the process nor with the machine",
    "everysec": "a crash of the server's process loses nothing, one of its machine the last second or two",
    "no": "a crash of the server's process loses nothing, one of its machine all that the kernel had not yet written",
}
"""What appendfsync leaves to be lost."""


def judge_persistence(server: ServerFacts) -> list[Finding]:
    """One finding: AOF, snapshots or neither; which loss window follows; whether the last write of it went well."""
    here = Where(Point.PERSISTENCE, server.name)
    if server.append_only_ok is False:
        return [here.fails("the last write of the append-only file failed (aof_last_write_status)")]
    if server.append_only:
        return [_append_only(here, server)]
    if server.save is None:
        off = "appendonly is off, " if server.append_only is False else ""
        return [here.unknown(f"{off}whether snapshots are taken: {server.why_not('CONFIG')}")]
    if server.save.strip() == "":
        return [_nothing(here, server)]
    if server.snapshot_ok is False:
        return [here.fails(f"save {server.save}, but the last snapshot failed (rdb_last_bgsave_status)")]
    return [_snapshots(here, server, server.save)]


def _append_only(here: Where, server: ServerFacts) -> Finding:
    if server.append_fsync is None:
        return here.holds(f"appendonly yes; the loss window depends on appendfsync: {server.why_not('CONFIG')}")
    window = WINDOWS.get(server.append_fsync, "the loss window is not known")
    return here.holds(f"appendonly yes, appendfsync {server.append_fsync}: {window}")


def _nothing(here: Where, server: ServerFacts) -> Finding:
    if server.append_only is None:
        return here.unknown(f"no snapshots; whether appendonly is on: {server.why_not('INFO')}")
    return here.fails("appendonly no and no snapshots (save is empty): a restart of the server loses every stream")


def _snapshots(here: Where, server: ServerFacts, save: str) -> Finding:
    longest = longest_interval_s(save)
    window = f"up to {longest:,} s" if longest is not None else "for however long that was"
    if server.append_only is None:
        return here.unknown(f"save {save}; whether appendonly is on as well: {server.why_not('INFO')}")
    return here.holds(f"snapshots only (save {save}): a crash loses what was acknowledged since the last one, {window}")


def longest_interval_s(save: str) -> int | None:
    """The longest time that a change may wait for a snapshot: ``"3600 1 300 100"`` → 3600; ``None``: without limit."""
    words = save.split()
    pairs = list(zip(words[::2], words[1::2], strict=False))
    if not pairs or not all(word.isdigit() for word in words) or len(words) % 2:
        return None
    for_one_change = [int(seconds) for seconds, changes in pairs if int(changes) <= 1]
    return min(for_one_change, default=None)
