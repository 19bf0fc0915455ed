"""Read me first: orders on a stream and on a channel, and what each of the two still knows afterwards.

No fault, no measurement: this shows the commands that the scenarios are about, on a server that is started for it (or
on the one that REDIS_URL names, where it uses keys under a prefix of its own and removes them).

    python scenarios/order_tracking.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness import OpenServer, open_server, run_example

STEPS = ("ORDER_CREATED", "PAYMENT_PROCESSED", "ORDER_SHIPPED")
ORDERS = ("ORD-1001", "ORD-1002", "ORD-1003")
GROUP = "fulfilment"


def main() -> None:
    """One pass over everything, top to bottom."""
    with open_server() as server:
        print(f"server: {server.product}, {'started for this' if server.is_ours else 'given by REDIS_URL'}")
        stream, channel = server.prefix + "orders", server.prefix + "order-events"
        early = subscribe(server, channel)
        send_orders(server, stream, channel)
        late = subscribe(server, channel)
        read_as_group(server, stream)
        print_stream_info(server, stream)
        print_history(server, stream, ORDERS[1])
        replay(server, stream)
        print("\nPub/Sub: the same events, sent to a channel")
        print(f"  a subscriber that was there from the start received {len(received(early))}")
        print(f"  a subscriber that came after the last event received {len(received(late))}: no history to ask for")


def send_orders(server: OpenServer, stream: str, channel: str) -> None:
    """Every step of every order: XADD to the stream, PUBLISH to the channel."""
    for step in STEPS:
        for order in ORDERS:
            event = {"orderId": order, "eventType": step, "timestamp": datetime.now(UTC).isoformat()}
            fields: Any = event  # redis-py asks for a wider mapping than a dict of str
            server.client.xadd(stream, fields)
            server.client.publish(channel, json.dumps(event))
    print(f"sent {len(STEPS) * len(ORDERS)} events: {len(ORDERS)} orders, each {' -> '.join(STEPS)}")


def read_as_group(server: OpenServer, stream: str) -> None:
    """Two workers share a consumer group. The second has not acknowledged yet when it stops: that stays pending."""
    print(f'\nconsumer group "{GROUP}"')
    server.client.xgroup_create(stream, GROUP, id="0")  # "$" would skip what is there already
    for worker, acknowledges in (("worker-1", True), ("worker-2", False)):
        reply: Any = server.client.xreadgroup(GROUP, worker, {stream: ">"}, count=6)
        entries = [entry for _, found in reply for entry, _ in found]
        if acknowledges:
            server.client.xack(stream, GROUP, *entries)
        print(f"  {worker} read {len(entries)} and {'acknowledged them' if acknowledges else 'stopped before XACK'}")
    print(f"  pending: {pending(server, stream)}")
    reply = server.client.xautoclaim(stream, GROUP, "worker-1", min_idle_time=0)
    claimed = [entry for entry, _ in reply[1]]
    server.client.xack(stream, GROUP, *claimed)
    print(f"  worker-1 claimed {len(claimed)} of worker-2 and acknowledged them; pending: {pending(server, stream)}")


def pending(server: OpenServer, stream: str) -> int:
    """How many entries were delivered to the group and not acknowledged."""
    summary: Any = server.client.xpending(stream, GROUP)
    return int(summary["pending"])


def print_stream_info(server: OpenServer, stream: str) -> None:
    """What the server says about the stream."""
    info: Any = server.client.xinfo_stream(stream)
    print("\nstream")
    print(f"  length: {info['length']}   groups: {info['groups']}")
    print(f"  first entry: {info['first-entry'][0]}   last entry: {info['last-entry'][0]}")


def print_history(server: OpenServer, stream: str, order: str) -> None:
    """One order's life, read from the log. A stream has no index: all of it is read, and filtered here."""
    entries: Any = server.client.xrange(stream)
    print(f"\nhistory of {order}, from the stream")
    for entry, fields in entries:
        if fields["orderId"] == order:
            print(f"  {entry}  {fields['eventType']}")


def replay(server: OpenServer, stream: str) -> None:
    """Each order's state, rebuilt from the log; and what happened from a moment on, here that of the second step."""
    entries: Any = server.client.xrange(stream)
    state = {fields["orderId"]: fields["eventType"] for _, fields in entries}
    print("\nreplay of the stream from its beginning: " + ", ".join(f"{order} {step}" for order, step in state.items()))
    moment = next(entry for entry, fields in entries if fields["eventType"] == STEPS[1])
    since: Any = server.client.xrange(stream, min=moment)
    print(f"  from {moment} on: {len(since)} of {len(entries)} events")


def subscribe(server: OpenServer, channel: str) -> Any:
    """A subscriber whose subscription the server has confirmed."""
    subscriber: Any = server.client.pubsub()  # type: ignore[no-untyped-call]  # redis-py has no types here
    subscriber.subscribe(channel)
    subscriber.get_message(timeout=5)
    return subscriber


def received(subscriber: Any) -> list[Mapping[str, Any]]:
    """All that the subscriber was sent: the answer to a PING comes behind everything that was on its way."""
    subscriber.ping()
    messages = []
    while (message := subscriber.get_message(timeout=5)) and message["type"] != "pong":
        messages.append(message)
    subscriber.close()
    return messages


if __name__ == "__main__":
    run_example(main)
