"""What the kernel's counts prove of packets that were to be dropped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults.packets import PacketDrop
from harness.faults.server_base import deed_since
from harness.model.words import Direction, LinkRole
from harness.stack.namespaces import LostPackets


def healed(direction: Direction, requests: int, replies: int) -> bool:
    """Whether the heal of a drop that discarded so many is a proof."""
    wire: Any = SimpleNamespace(heal=lambda: LostPackets(requests, replies))
    (proof,) = PacketDrop(wire, LinkRole.CONSUMERS, direction).heal().proofs
    assert f"the kernel discarded {requests} packets of clients and {replies} of the server" == proof.sentence
    return proof.holds


@pytest.mark.parametrize(
    ("direction", "proven"),
    [
        (Direction.BOTH, [(3, 0), (0, 3), (3, 3)]),
        (Direction.REQUESTS, [(3, 0)]),
        (Direction.REPLIES, [(0, 3)]),
    ],
)
def test_packets_are_dropped_the_way_that_was_meant(direction: Direction, proven: list[tuple[int, int]]) -> None:
    """A rule that discards what goes the other way makes another fault."""
    found = [counts for counts in ((0, 0), (3, 0), (0, 3), (3, 3)) if healed(direction, *counts)]
    assert proven == found


def test_a_count_that_is_no_proof_outweighs_what_pings_show() -> None:
    """No packet of the struck way was discarded: not shown, with the counts."""
    wire: Any = SimpleNamespace(heal=lambda: LostPackets(0, 7), drop=lambda _: None)
    fault = PacketDrop(wire, LinkRole.CONSUMERS, Direction.REQUESTS)
    found = fault.evidence((), inject=deed_since(0), heal=fault.heal())
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    assert "not shown: the kernel discarded 0 packets of clients and 7 of the server" == found.sentence
