"""A worker program whose consumers lie on purpose: what they do to messages is known, so the checker has to find it.

The first subscriber of every arm (scope 0) does this to the messages of producer 0:

* `DROPPED`: acknowledged where there is something to acknowledge, and not passed on: lost;
* `DOUBLED`: passed on twice: received twice, with two effects;
* `LATE`: kept back until the producer's next message was passed on: overtaken;
* `FORGOTTEN`: received and acknowledged, but its effect is not made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from harness.drivers.base import Delivery, Tombstone
from harness.trial import worker

DROPPED = frozenset({5, 6, 7})
DOUBLED = frozenset({10, 12})
LATE = frozenset({15})
FORGOTTEN = frozenset({18})
LYING_SCOPE = 0


def _is_one_of(delivery: Delivery, sequences: frozenset[int]) -> bool:
    return delivery.read.producer == 0 and delivery.read.sequence in sequences


class LyingConsumer:
    """A consumer that changes what it passes on. Everything else is done by the honest one."""

    def __init__(self, honest: Any) -> None:
        self._honest = honest
        self._kept: list[Delivery] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)

    def poll(self) -> Sequence[Delivery | Tombstone]:
        """What the honest consumer got, spoilt."""
        passed: list[Delivery | Tombstone] = []
        for item in self._honest.poll():
            if isinstance(item, Tombstone):
                passed.append(item)
            elif _is_one_of(item, DROPPED):
                self._honest.acknowledge(item)
            elif _is_one_of(item, LATE):
                self._kept.append(item)
            else:
                passed += [item, item] if _is_one_of(item, DOUBLED) else [item]
                if self._kept and item.read.producer == 0:
                    passed.append(self._kept.pop())
        return passed


class LyingEffects:
    """Effects of which some are not made."""

    def __init__(self, honest: Any) -> None:
        self._honest = honest

    def make(self, delivery: Delivery, about_to: Callable[[], None]) -> bool:
        """Say that it was made, whatever is true."""
        return True if _is_one_of(delivery, FORGOTTEN) else bool(self._honest.make(delivery, about_to))


def main() -> int:
    """Be a worker like any other, but for the lies."""
    make_consumer, make_effects = worker.make_consumer, worker.make_effects

    def lying_consumer(*arguments: Any, scope: int, **options: Any) -> Any:
        consumer = make_consumer(*arguments, scope=scope, **options)
        return LyingConsumer(consumer) if scope == LYING_SCOPE else consumer

    def lying_effects(*arguments: Any, scope: int, **options: Any) -> Any:
        effects = make_effects(*arguments, scope=scope, **options)
        return LyingEffects(effects) if scope == LYING_SCOPE else effects

    worker.make_consumer, worker.make_effects = lying_consumer, lying_effects
    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
