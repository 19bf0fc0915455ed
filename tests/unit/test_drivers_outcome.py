"""When a send call is acknowledged, rejected with proof, or indeterminate."""

import errno

import pytest
import redis

from harness.drivers.base import SendResult
from harness.drivers.client import RequestCounter, classify
from harness.drivers.entries import format_id, parse_id
from harness.drivers.replies import entries_of
from harness.drivers.sending import send_once
from harness.model.words import ErrorKind, OutcomeCode


class Silent:
    """An observer that is told everything and does nothing."""

    def writing(self, nth: int) -> None: ...
    def connected(self, number: int) -> None: ...
    def disconnected(self, number: int, error: ErrorKind) -> None: ...
    def subscribed(self, number: int) -> None: ...
    def started(self, entry: tuple[int, int]) -> None: ...
    def checkpointed(self, entry: tuple[int, int]) -> None: ...


def outcome(*, writes: int, error: Exception | None) -> SendResult:
    counter = RequestCounter(Silent())

    def call() -> SendResult:
        for _ in range(writes):
            counter.wrote()
        if error is not None:
            raise error
        return SendResult(OutcomeCode.ACKNOWLEDGED, counter.writes)

    return send_once(counter, call)


REFUSED = redis.ConnectionError(f"Error {errno.ECONNREFUSED} connecting to 127.0.0.1:1. Connection refused.")


@pytest.mark.parametrize(
    ("writes", "error", "expected"),
    [
        (1, None, OutcomeCode.ACKNOWLEDGED),
        (2, None, OutcomeCode.ACKNOWLEDGED),
        (0, REFUSED, OutcomeCode.REJECTED),
        (1, REFUSED, OutcomeCode.INDETERMINATE),
        (1, redis.OutOfMemoryError("OOM command not allowed"), OutcomeCode.REJECTED),
        # As redis-py raises them: without the reply's first word.
        (1, redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), OutcomeCode.REJECTED),
        (1, redis.ReadOnlyError("You can't write against a read only replica."), OutcomeCode.REJECTED),
        (2, redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), OutcomeCode.INDETERMINATE),
        (1, redis.ReadOnlyError("READONLY You can't write against a read only replica."), OutcomeCode.REJECTED),
        (1, redis.ResponseError("NOREPLICAS Not enough good replicas to write."), OutcomeCode.REJECTED),
        (1, redis.ResponseError("MISCONF Redis is configured to save"), OutcomeCode.REJECTED),
        (2, redis.ResponseError("NOREPLICAS Not enough good replicas to write."), OutcomeCode.INDETERMINATE),
        (1, redis.ResponseError("ERR something unheard of"), OutcomeCode.INDETERMINATE),
        (1, redis.TimeoutError("Timeout reading from socket"), OutcomeCode.INDETERMINATE),
        (1, redis.ConnectionError("Connection closed by server."), OutcomeCode.INDETERMINATE),
        (1, ConnectionResetError(errno.ECONNRESET, "reset"), OutcomeCode.INDETERMINATE),
    ],
)
def test_rejected_needs_proof(writes: int, error: Exception | None, expected: OutcomeCode) -> None:
    """Nothing written, or one write answered by an error that proves it; everything else is indeterminate."""
    result = outcome(writes=writes, error=error)
    assert (expected, writes) == (result.outcome, result.writes)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (REFUSED, ErrorKind.REFUSED),
        (redis.ConnectionError("Connection closed by server."), ErrorKind.EOF),
        (redis.TimeoutError("Timeout"), ErrorKind.TIMEOUT),
        (ConnectionResetError(errno.ECONNRESET, "reset"), ErrorKind.RESET),
        (redis.ResponseError("NOGROUP No such key"), ErrorKind.NOGROUP),
        (redis.BusyLoadingError("LOADING"), ErrorKind.LOADING),
        (redis.AuthenticationError("WRONGPASS"), ErrorKind.AUTH),
        (ValueError("anything"), ErrorKind.OTHER),
    ],
)
def test_errors_are_classified(error: Exception, kind: ErrorKind) -> None:
    """By what they are, or by what caused them."""
    assert kind is classify(error)


def test_entry_ids_survive_a_round_trip() -> None:
    """Text to numbers and back."""
    assert "1700-3" == format_id(parse_id("1700-3"))
    assert (5, 0) == parse_id("5")


ENTRIES = [("1-0", {"id": "x"}), ("2-0", {"id": "y"})]


@pytest.mark.parametrize("reply", [[["key", ENTRIES]], {"key": [ENTRIES]}, {"key": ENTRIES}])
def test_every_shape_of_a_reply_is_understood(reply: object) -> None:
    """RESP2 gives lists, RESP3 a mapping; both hold the same entries."""
    assert ENTRIES == entries_of(reply)


@pytest.mark.parametrize("reply", [None, [], {}, {"key": []}, {"key": [[]]}, [["key", []]]])
def test_an_empty_reply_has_no_entries(reply: object) -> None:
    """Whatever its shape."""
    assert [] == entries_of(reply)
