"""What the tests of drivers share: one server for a file, and the harness's own connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from harness.model.values import StackChoice
from harness.model.words import Persistence
from harness.stack.base import RunningStack
from harness.stack.connect import admin_client
from harness.stack.opening import open_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A server of our own; tests keep apart by their prefixes."""
    folder = tmp_path_factory.mktemp("stack")
    with open_stack(StackChoice(), persistence=Persistence.OFF, folder=folder, roles=()) as running:
        yield running


@pytest.fixture
def admin(stack: RunningStack) -> Iterator[redis.Redis]:
    """The harness's own connection."""
    with admin_client(stack.server) as client:
        yield client
