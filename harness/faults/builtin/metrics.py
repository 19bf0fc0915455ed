"""``/metrics``: the byte counters of the real one, and a few facts about the process, as Prometheus text."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable

from harness.faults.builtin.proxy import STREAMS, Counted, Proxy

_COUNTED: tuple[Counted, Counted] = ("received", "sent")


def proxy_metrics(proxies: Iterable[Proxy]) -> str:
    """Bytes that passed through connections that have ended, per proxy and direction."""
    listed = list(proxies)
    lines: list[str] = []
    for counted in _COUNTED:
        metric = f"toxiproxy_proxy_{counted}_bytes_total"
        lines.append(f"# TYPE {metric} counter")
        for proxy in listed:
            for stream in STREAMS:
                if (counted, stream) in proxy.byte_counts():
                    labels = _labels(direction=stream, listener=proxy.listen, proxy=proxy.name, upstream=proxy.upstream)
                    lines.append(f"{metric}{{{labels}}} {proxy.byte_counts()[counted, stream]}")
    return "\n".join(lines) + "\n"


def runtime_metrics() -> str:
    """Processor time and memory of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    values = {
        "process_cpu_seconds_total": usage.ru_utime + usage.ru_stime,
        "process_max_resident_set_size": float(usage.ru_maxrss),
        "process_time_seconds": time.time(),
    }
    return "".join(f"# TYPE {name} gauge\n{name} {value:.3f}\n" for name, value in values.items())


def _labels(**labels: str) -> str:
    escaped = {
        name: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, text in labels.items()
    }
    return ",".join(f'{name}="{text}"' for name, text in escaped.items())
