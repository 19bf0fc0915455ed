"""A connection that reads before its link is there loses nothing."""

import asyncio

from harness.faults.builtin.connection import Connection


class Transport(asyncio.Transport):
    """Remembers whether it reads; delivers whatever the test says, paused or not, as old asyncio does."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False


class Outbound:
    """A link that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[bytes | str] = []

    def receive(self, data: bytes) -> None:
        self.told.append(data)

    def source_ended(self) -> None:
        self.told.append("end")


def test_bytes_that_come_before_the_link_go_first() -> None:
    """They are kept, reading stops, and with the first resume they reach the link before anything else."""
    transport, outbound = Transport(), Outbound()
    connection = Connection(lambda _: None, lambda _: None)
    connection.connection_made(transport)
    connection.data_received(b"early ")
    connection.data_received(b"bird")
    assert not transport.reads
    connection.outbound = outbound  # type: ignore[assignment]
    connection.resume()
    connection.data_received(b" later")
    assert [b"early bird", b" later"] == outbound.told
    assert transport.reads


def test_an_end_that_comes_early_is_told_after_its_bytes() -> None:
    """A client that sends and closes at once is served."""
    outbound = Outbound()
    connection = Connection(lambda _: None, lambda _: None)
    connection.connection_made(Transport())
    connection.data_received(b"all")
    connection.eof_received()
    connection.outbound = outbound  # type: ignore[assignment]
    connection.resume()
    assert [b"all", "end"] == outbound.told
