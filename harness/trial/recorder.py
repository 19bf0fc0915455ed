"""Turns what a client's connections do into journal records, at the moment it happens."""

from __future__ import annotations

import time

from harness.history.journal import EventKind, Journal
from harness.model.words import ErrorKind


class Recorder:
    """A `harness.drivers.base.ConnectionObserver` that writes to a journal.

    ``producer`` and ``sequence`` name the message that is being sent, for the record of a repeated write.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.producer = 0
        self.sequence = 0
        self.connection = 0

    def writing(self, nth: int) -> None:
        """The first write is implied by the attempt; each further one is a record of its own."""
        if nth > 1:
            self.journal.write(
                EventKind.WIRE, t_ns=time.monotonic_ns(), producer=self.producer, sequence=self.sequence, count=nth
            )

    def connected(self, number: int) -> None:
        """A connection finished its handshake."""
        self.connection = number
        self.journal.write(EventKind.CONNECTED, t_ns=time.monotonic_ns(), count=number)

    def disconnected(self, number: int, error: ErrorKind) -> None:
        """The client gave up a connection."""
        self.journal.write(EventKind.DISCONNECTED, t_ns=time.monotonic_ns(), count=number, detail=error)

    def subscribed(self, number: int) -> None:
        """The server confirmed a subscription or a membership."""
        self.journal.write(EventKind.SUBSCRIBED, t_ns=time.monotonic_ns(), count=number)

    def started(self, entry: tuple[int, int]) -> None:
        """The group was created by this consumer, or a reader began without a checkpoint."""
        self.journal.write(EventKind.GROUP_START, t_ns=time.monotonic_ns(), entry=entry)

    def checkpointed(self, entry: tuple[int, int]) -> None:
        """A reader saved how far it has come."""
        self.journal.write(EventKind.CHECKPOINT, t_ns=time.monotonic_ns(), entry=entry)

    def failed(self, error: ErrorKind) -> None:
        """An exception reached the application."""
        self.journal.write(EventKind.ERROR, t_ns=time.monotonic_ns(), count=self.connection, detail=error)
