"""Where programs are kept that were fetched once."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """``HARNESS_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("HARNESS_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pubsub-vs-streams"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pubsub-vs-streams"
