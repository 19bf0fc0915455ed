"""What an order service has to keep, whatever happens to its processes. One of these tests is red: see the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shop.consumer import CarefulConsumer, EarlyConsumer

if TYPE_CHECKING:
    from harness import Seat
    from harness.pytest_plugin import RedisChaos


def early(seat: Seat) -> None:
    """Put the consumer in its seat: its own code, with the work replaced by an effect that is counted."""
    EarlyConsumer(seat.connection, seat.stream, seat.group, seat.name, handle=seat.effect).run()


class Careful:
    """The same for the other one, as a class: it is called with the seat, and its objects are run."""

    def __init__(self, seat: Seat) -> None:
        self.consumer = CarefulConsumer(seat.connection, seat.stream, seat.group, seat.name, handle=seat.effect)

    def run(self) -> None:
        """Work until the process ends."""
        self.consumer.run()


@pytest.mark.delivery(guarantee="at-least-once", fault="crash-before-effect")
@pytest.mark.parametrize("consumer", [early, Careful], ids=["EarlyConsumer", "CarefulConsumer"])
def test_no_order_is_forgotten(redis_chaos: RedisChaos, consumer: type[Careful]) -> None:
    """Each order is handled, also when the process dies right before it would have been."""
    redis_chaos.check(consumer)


@pytest.mark.delivery(guarantee="at-least-once", fault=["kill", "drop"])
def test_no_order_is_lost_by_deaths_and_partitions(redis_chaos: RedisChaos) -> None:
    """Nor when it is killed at any moment, or cut off from the server."""
    redis_chaos.check(Careful)
