"""``python -m harness.faults.builtin``: see `harness.faults.builtin.server`."""

import sys

from harness.faults.builtin.server import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
