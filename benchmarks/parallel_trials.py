"""Do trials that run at the same time disturb each other? The partition family with --jobs 1 and with --jobs 2.

Prints, for each, the seconds, the harness's own lateness and the control's latency, and what differs in the counts
that gate: the verdict of every guarantee. Counts must agree; the ratio of latencies says what parallel trials cost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from typing import Any

JOBS = (1, 2)


def main() -> int:
    """Run the family twice and compare."""
    summaries = {jobs: _run(jobs) for jobs in JOBS}
    one, two = (summaries[jobs] for jobs in JOBS)
    for jobs, (seconds, summary) in summaries.items():
        print(
            f"--jobs {jobs}: {seconds:.0f} s, own lateness p99 {_lateness(summary):.2f} ms (worst), {_latency(summary)}"
        )
    differing = [
        f"{a['scenario']} {a['arm']} {a['guarantee']}: {a['verdict']} / {b['verdict']}"
        for a, b in zip(one[1]["guarantees"], two[1]["guarantees"], strict=True)
        if (a["verdict"], a["stance"]) != (b["verdict"], b["stance"])
    ]
    print(f"verdicts that differ: {len(differing)} of {len(one[1]['guarantees'])}", *differing, sep="\n  ")
    print(f"time ratio: {two[0] / one[0]:.2f}; lateness ratio: {_lateness(two[1]) / _lateness(one[1]):.2f}")
    return 0


def _run(jobs: int) -> tuple[float, Any]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "harness", "run", "partition", "--json", "--jobs", str(jobs)]
        done = subprocess.run(
            [*command, "--results", scratch], capture_output=True, text=True, check=False, timeout=900
        )
    if not done.stdout:
        sys.exit(done.stderr)
    return time.monotonic() - began, json.loads(done.stdout)


def _lateness(summary: Any) -> float:
    return max(float(arm["own_lateness_p99_ms"]) for trial in summary["trials"] for arm in trial["arms"])


def _latency(summary: Any) -> str:
    rows = [row for row in summary["rows"] if row["scenario"] == "partition_control"]
    return "control p50/p99 " + ", ".join(f"{row['arm']} {row['p50_ms']:.2f}/{row['p99_ms']:.2f} ms" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
