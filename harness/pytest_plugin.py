"""The pytest plugin: ``@pytest.mark.delivery`` and ``redis_chaos``, for suites that test consumers of their own.

::

    @pytest.mark.delivery(guarantee="at-least-once", fault="crash-before-effect")
    def test_no_order_is_lost(redis_chaos):
        redis_chaos.check(consume)

Nothing of the harness is imported before a test asks for the fixture or carries the mark.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness import ConsumerReport

MARK = "delivery"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("redis-chaos", "consumers of Redis Streams under faults")
    group.addoption("--redis-chaos-seed", type=int, default=None, help="Repeat with this seed.")
    group.addoption(
        "--redis-chaos-results",
        default=None,
        metavar="FOLDER",
        help="Keep the runs and their reports here; else they go to pytest's temporary folder.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(guarantee, fault, trials, consumers, rate_per_s, outage_s, claim_after_ms, seed): "
        "what redis_chaos puts a consumer through, and what it has to keep",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse marks that cannot be played before anything runs."""
    wrong = [problem for item in items for mark in item.iter_markers(MARK) if (problem := _problem(item, mark))]
    if wrong:
        raise pytest.UsageError("\n".join(dict.fromkeys(wrong)))


def _problem(item: pytest.Item, mark: pytest.Mark) -> str:
    from harness import HarnessError, read_settings

    if mark.args:
        return f"{item.nodeid}: @pytest.mark.{MARK} takes names only, e.g. guarantee='at-least-once'"
    try:
        read_settings(dict(mark.kwargs))
    except HarnessError as error:
        return f"{item.nodeid}: @pytest.mark.{MARK}: {error}"
    return ""


class RedisChaos:
    """Puts consumers to the test. The mark's settings hold unless a call says otherwise."""

    def __init__(self, settings: dict[str, Any], results: Path, *, strict: bool) -> None:
        self._settings = settings
        self._results = results
        self._strict = strict

    def run(self, consumer: str | Callable[..., object], **settings: Any) -> ConsumerReport:
        """Play the trials and return the report, whatever it says.

        A machine on which they cannot be played skips the test; where ``CI`` is set it fails, since a guarantee that
        nobody checked must not look green there.
        """
        from harness import EnvironmentUnavailable, HarnessError, check_consumer

        __tracebackhide__ = True
        try:
            return check_consumer(consumer, results=self._results, **(self._settings | settings))
        except HarnessError as error:
            problem, cannot = f"redis_chaos: {error}", isinstance(error, EnvironmentUnavailable)
        if cannot and not self._strict:
            pytest.skip(problem)
        pytest.fail(problem, pytrace=False)

    def check(self, consumer: str | Callable[..., object], **settings: Any) -> ConsumerReport:
        """`run`, and fail the test unless everything held; inconclusive is not enough."""
        __tracebackhide__ = True
        report = self.run(consumer, **settings)
        if not report.held:
            pytest.fail(str(report), pytrace=False)
        return report


@pytest.fixture
def redis_chaos(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RedisChaos:
    """Puts a consumer of yours through faults on a real server: ``redis_chaos.check(consume)``."""
    settings: dict[str, Any] = {}
    for mark in request.node.iter_markers(MARK):
        settings = dict(mark.kwargs) | settings  # the closest mark comes first, and counts most
    seed = request.config.getoption("--redis-chaos-seed")
    if seed is not None:
        settings["seed"] = seed
    kept = request.config.getoption("--redis-chaos-results")
    results = Path(kept) if kept else tmp_path_factory.mktemp("redis_chaos")
    return RedisChaos(settings, results, strict=bool(os.environ.get("CI")))
