"""How late is the harness itself? One producer at 1,000 messages a second, nothing broken.

Prints the harness's own lateness (from when a message could have been sent to when the client call began) beside the
time that one send call takes, and their ratio, in one run. Target on an idle machine: p99 at most 2 ms.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.history.journal import EventKind, read_journal

RATE = "1000"
ARMS = ("pubsub", "stream-group")


def main() -> int:
    """Play one control per arm and read the producers' journals."""
    for arm in ARMS:
        with tempfile.TemporaryDirectory() as scratch:
            _measure(arm, Path(scratch))
    return 0


def _measure(arm: str, scratch: Path) -> None:
    import numpy as np

    command = [sys.executable, "-m", "harness", "run", "partition_control", "--arm", arm, "--rate", RATE, "--json"]
    done = subprocess.run(
        [*command, "--results", str(scratch)], capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode not in {0, 3}:
        sys.exit(done.stderr)
    result = json.loads(done.stdout)["trials"][0]
    journal = next(scratch.glob("runs/*/trials/*/journals/producer-0-0.journal"))
    records = read_journal(journal).records
    attempts, outcomes = (records[records["kind"] == kind] for kind in (EventKind.ATTEMPT, EventKind.OUTCOME))
    calls_ms = (outcomes["t_ns"] - attempts["t_ns"][: len(outcomes)]) / 1e6
    late_ms = (attempts["t_ns"] - attempts["value"]) / 1e6
    call_p50, late_p50, late_p99 = np.quantile(calls_ms, 0.5), *np.quantile(late_ms, [0.5, 0.99])
    print(
        f"{arm}: {len(attempts)} sends; own lateness p50 {late_p50:.3f} ms, p99 {late_p99:.3f} ms "
        f"(the checker says {result['arms'][0]['own_lateness_p99_ms']:.3f} ms); one call p50 {call_p50:.3f} ms; "
        f"lateness p50 / call p50 = {late_p50 / call_p50:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
