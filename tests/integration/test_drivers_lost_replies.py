"""A request was executed and its reply is lost: what the client makes of it decides, by release and by preset."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis
from lossy_link import LossyLink
from worker_rig import rig_of, soon, until

from harness.drivers.base import Names
from harness.drivers.releases import environment_of
from harness.history.journal import EventKind
from harness.model.errors import NotPossible
from harness.model.words import OutcomeCode
from harness.plan.arms import named_arm
from harness.stack.base import RunningStack
from harness.trial.effects import MARK_AND_EFFECT
from harness.trial.kept import copy_effects

pytestmark = pytest.mark.servers
ACKNOWLEDGED, INDETERMINATE = OutcomeCode.ACKNOWLEDGED, OutcomeCode.INDETERMINATE


@pytest.mark.parametrize(
    ("name", "outcome", "writes"),
    [
        ("stream-group@5.3.1", INDETERMINATE, 1),
        ("stream-group@6.4.0", ACKNOWLEDGED, 2),
        ("stream-group@7.4.1", ACKNOWLEDGED, 2),
        ("stream-group", ACKNOWLEDGED, 2),
        ("stream-group-no-retry@5.3.1", INDETERMINATE, 1),
        ("stream-group-no-retry@7.4.1", INDETERMINATE, 1),
        ("stream-group-no-retry", INDETERMINATE, 1),
        ("stream-group-hardened@5.3.1", ACKNOWLEDGED, 2),
        ("stream-group-hardened@6.4.0", ACKNOWLEDGED, 2),
        ("stream-group-hardened", ACKNOWLEDGED, 2),
    ],
)
def test_a_lost_reply_is_a_second_entry_or_an_error(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str, outcome: OutcomeCode, writes: int
) -> None:
    """A client that repeats says that all is well and has made two entries; the journal tells of both writes."""
    arm = named_arm(name)
    try:
        environment = environment_of(arm.client_release, print)
    except NotPossible as error:
        pytest.skip(str(error))
    with LossyLink(stack.server, b"XADD") as link, rig_of(arm, stack.server, admin, tmp_path) as rig:
        spec = {"role": "producer", "scope": -1, "offsets_ns": (0,), "address": link.address}
        producer = rig.start("producer", env=environment, **spec)
        producer.tell(f"go {time.monotonic_ns()}")
        until(lambda: len(rig.records("producer", EventKind.OUTCOME)) >= 1, "the outcome")
        producer.stop()
        first = rig.records("producer", EventKind.OUTCOME)[0]
        assert (outcome, writes, 1) == (first["code"], first["count"], link.lost)
        assert [0] * (writes - 1) == rig.sequences("producer", EventKind.WIRE)
        entries = [fields["id"].rsplit("/", 1)[1] for _, fields in admin.xrange(rig.names.destination)]
        assert writes == entries.count("0")


@pytest.mark.parametrize("name", ["stream-group-lua", "stream-group-lua-no-retry"])
def test_a_script_whose_reply_was_lost_counts_as_what_it_did(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str
) -> None:
    """One effect; what came after, by the client's repetition or by delivery again, was suppressed by the mark."""
    admin.script_load(MARK_AND_EFFECT)
    with (
        LossyLink(stack.server, b"EVALSHA") as link,
        rig_of(soon(named_arm(name)), stack.server, admin, tmp_path) as rig,
    ):
        rig.add(1)
        rig.start("consumer", address=link.address)
        until(lambda: admin.llen(rig.names.effects) == 2 and rig.pending() == 0, "handled again and acknowledged")
        rig.workers[0].stop()
        assert (2, 1) == (copy_effects(admin, Names(rig.names.token, 0), rig.effects_path), link.lost)
        assert ([0], [0]) == (rig.effects(), rig.effects(suppressed=True))


@pytest.mark.parametrize("name", ["stream-group-set-nx", "stream-group-set-nx-no-retry"])
def test_a_mark_whose_reply_was_lost_suppresses_an_effect_that_never_was(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, name: str
) -> None:
    """False dedup without any crash: whoever asks again is told that it was seen."""
    with (
        LossyLink(stack.server, b"SET\r\n") as link,
        rig_of(soon(named_arm(name)), stack.server, admin, tmp_path) as rig,
    ):
        rig.add(1)
        rig.start("consumer", address=link.address)
        until(lambda: len(rig.records("consumer", EventKind.ACK)) == 1, "acknowledged")
        rig.workers[0].stop()
        assert ([], [0], 1) == (rig.effects(), rig.effects(suppressed=True), link.lost)
