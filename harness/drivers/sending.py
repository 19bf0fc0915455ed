"""The one place where a send call becomes an outcome: acknowledged, rejected with proof, else indeterminate."""

from __future__ import annotations

from collections.abc import Callable

import redis

from harness.drivers.base import SendResult
from harness.drivers.client import PROOF_OF_REJECTION, RequestCounter, classify
from harness.model.words import ErrorKind, OutcomeCode


def send_once(counter: RequestCounter, call: Callable[[], SendResult]) -> SendResult:
    """Run ``call`` (which returns what was answered) and turn what it raises into an outcome.

    Rejected needs proof: nothing was ever written to a socket, or the one and only write was answered by an error
    reply that tells that the command was not executed. Everything else is indeterminate.
    """
    counter.begin()
    try:
        return call()
    except (redis.RedisError, OSError) as error:
        kind = classify(error)
        return SendResult(outcome=_outcome_of(kind, counter.writes), writes=counter.writes, error=kind)


def _outcome_of(kind: ErrorKind, writes: int) -> OutcomeCode:
    """Rejected where it is proven, else indeterminate."""
    if writes == 0 or (writes == 1 and kind in PROOF_OF_REJECTION):
        return OutcomeCode.REJECTED
    return OutcomeCode.INDETERMINATE
