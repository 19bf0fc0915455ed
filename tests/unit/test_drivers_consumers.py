"""What drivers make of replies that no server at hand gives: errors behind messages, and commands of newer servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import redis

from harness.drivers import stream_add, stream_group
from harness.drivers.base import Delivery, Names, Tombstone
from harness.drivers.pubsub import PubSubConsumer
from harness.drivers.stream_add import StreamProducer
from harness.drivers.stream_group import StreamConsumer
from harness.model.message import OrderEvent, make_event
from harness.model.words import ErrorKind, OutcomeCode, ReceiveTag
from harness.plan.arms import named_arm
from harness.stack.base import ServerAddress

NAMES = Names("a1b2c3d4", 0)
NOWHERE = ServerAddress("127.0.0.1", 1)


class Silent:
    """An observer that is told everything and does nothing."""

    def writing(self, nth: int) -> None: ...
    def connected(self, number: int) -> None: ...
    def disconnected(self, number: int, error: ErrorKind) -> None: ...
    def subscribed(self, number: int) -> None: ...
    def started(self, entry: tuple[int, int]) -> None: ...
    def checkpointed(self, entry: tuple[int, int]) -> None: ...


def event(sequence: int) -> OrderEvent:
    return make_event(token=NAMES.token, arm=0, producer=2, sequence=sequence, seed=1, timestamp="t")


class ScriptedSubscription:
    """Gives what it was told to give, and raises what is an exception."""

    def __init__(self, *answers: dict[str, str] | Exception | None) -> None:
        self._answers = list(answers)

    def get_message(self, timeout: float) -> dict[str, str] | None:  # noqa: ARG002  # nothing is waited for
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None: ...


def test_messages_before_an_error_are_handed_over_before_it() -> None:
    """They were received: the error comes with the next call, and again until the subscriber is closed."""
    consumer = PubSubConsumer(named_arm("pubsub"), NOWHERE, NAMES, observer=Silent())
    broken = redis.ConnectionError("Connection closed by server.")
    messages = [{"type": "message", "data": event(number).to_json()} for number in range(2)]
    consumer._subscription = ScriptedSubscription(*messages, broken, None)  # type: ignore[assignment]
    assert [0, 1] == [delivery.read.sequence for delivery in consumer.poll()]
    for _ in range(2):
        with pytest.raises(redis.ConnectionError, match="closed by server"):
            consumer.poll()
    consumer.close()
    with pytest.raises(redis.ConnectionError, match="not subscribed"):
        consumer.poll()


def test_an_error_without_messages_is_raised_at_once() -> None:
    """Nothing has arrived that it could take along."""
    consumer = PubSubConsumer(named_arm("pubsub"), NOWHERE, NAMES, observer=Silent())
    consumer._subscription = ScriptedSubscription(redis.TimeoutError("silence"))  # type: ignore[assignment]
    with pytest.raises(redis.TimeoutError):
        consumer.poll()


class ScriptedClient:
    """A client that answers each command as told and remembers what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[object, ...]] = []
        self.raw: list[str] = []

    def execute_command(self, *words: object) -> Any:
        self.asked.append(words)
        return self._answers[str(words[0])]

    def set_response_callback(self, command: str, _callback: object) -> None:
        self.raw.append(command)

    def xgroup_createconsumer(self, *_: object) -> None: ...

    def xpending_range(self, *words: object, **named: object) -> Any:
        self.asked.append(("XPENDING", *words, named["min"], named["max"], named["consumername"]))
        answer = self._answers["XPENDING"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None: ...


def claiming(monkeypatch: pytest.MonkeyPatch, pending: Any) -> tuple[ScriptedClient, Sequence[Delivery | Tombstone]]:
    """One poll of a consumer that reads with CLAIM: one entry claimed, one trimmed away, one new."""
    fields = [word for pair in event(7).fields().items() for word in pair]
    reply = [["key", [["1-0", fields, 1500, 2], ["2-0", None, 1500, 1], ["3-0", fields, 0, 0]]]]
    client = ScriptedClient({"XREADGROUP": reply, "XPENDING": pending})
    monkeypatch.setattr(stream_group, "make_client", lambda *_: client)
    consumer = StreamConsumer(
        named_arm("stream-group-read-claim"), NOWHERE, NAMES, scope=1, name="c", observer=Silent()
    )
    consumer.open()
    return client, consumer.poll()


def test_a_read_with_claim_asks_and_understands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words in their order, the raw reply, and the real count of deliveries for what was claimed."""
    client, (claimed, gone, fresh) = claiming(monkeypatch, [{"message_id": "1-0", "times_delivered": 3}])
    words = ["XREADGROUP", "GROUP", "scope-1", "c", "COUNT", "10", "BLOCK", "200", "CLAIM", "1000", "STREAMS"]
    assert [*words, NAMES.destination, ">"] == [str(word) for word in client.asked[0]]
    assert ("XPENDING", NAMES.destination, "scope-1", "1-0", "2-0", "c") == client.asked[1]
    assert ["XREADGROUP"] == client.raw
    assert isinstance(claimed, Delivery)
    assert isinstance(fresh, Delivery)
    assert Tombstone((2, 0)) == gone
    assert [(ReceiveTag.CLAIMED, 3, (1, 0)), (ReceiveTag.FRESH, 1, (3, 0))] == [
        (item.tag, item.delivery_count, item.entry) for item in (claimed, fresh)
    ]


def test_entries_are_kept_when_their_count_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has handed them out: an error on the question afterwards leaves the count untold, nothing else."""
    _, items = claiming(monkeypatch, redis.ConnectionError("gone"))
    assert [0, 1] == [item.delivery_count for item in items if isinstance(item, Delivery)]


def test_an_idempotent_add_names_producer_and_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """IDMP stands before the trimming, and its ids are the same for each repetition of one message."""
    client = ScriptedClient({"XADD": "5-0"})
    monkeypatch.setattr(stream_add, "make_client", lambda *_: client)
    producer = StreamProducer(named_arm("stream-group-idmp"), NOWHERE, NAMES, observer=Silent())
    result = producer.send(event(7))
    assert (OutcomeCode.ACKNOWLEDGED, (5, 0)) == (result.outcome, result.entry)
    assert ("XADD", NAMES.destination, "IDMP", "a1b2c3d4/0/2", "7", "*", "id") == client.asked[0][:7]
