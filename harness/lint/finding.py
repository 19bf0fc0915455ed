"""What the lint says: one word for one point at one place, with the value that was seen.

``unknown`` is no pass and no failure: what a server does not show, or does not show us, is never guessed. So a lint
with an unknown in it ends with another exit code than one in which all holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.model.errors import ExitCode, UsageError, nearest


class Result(StrEnum):
    """The four answers."""

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"
    DOES_NOT_APPLY = "does not apply"


class Point(StrEnum):
    """The points of the checklist, in the order in which they are shown; the values are names for ``--skip``."""

    PERSISTENCE = "persistence"
    GROUP_START = "group-start"
    ACKNOWLEDGEMENT = "acknowledgement"
    PENDING = "pending"
    CONSUMERS = "consumers"
    RETENTION = "retention"
    MEMORY = "memory"
    OUTPUT_BUFFER = "output-buffer"
    DEAD_LETTER = "dead-letter"
    IDEMPOTENT_EFFECTS = "idempotent-effects"
    REPLICATION = "replication"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer."""

    point: Point
    where: str
    """The server, ``stream``, ``stream / group``, or an arm of a run."""
    result: Result
    evidence: str
    """What was seen, with the value; and of an unknown, why it cannot be known."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place, which makes findings of the point that is being judged there."""

    point: Point
    name: str

    def holds(self, evidence: str) -> Finding:
        """The point holds here."""
        return Finding(self.point, self.name, Result.HOLDS, evidence)

    def fails(self, evidence: str) -> Finding:
        """It does not."""
        return Finding(self.point, self.name, Result.FAILS, evidence)

    def unknown(self, evidence: str) -> Finding:
        """It cannot be told, for this reason."""
        return Finding(self.point, self.name, Result.UNKNOWN, evidence)

    def does_not_apply(self, evidence: str) -> Finding:
        """There is nothing here that it could hold for."""
        return Finding(self.point, self.name, Result.DOES_NOT_APPLY, evidence)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """1 where something fails, else 3 where something is unknown or nothing was judged, else 0."""
    results = {finding.result for finding in findings}
    if Result.FAILS in results:
        return ExitCode.VIOLATED
    return ExitCode.INCONCLUSIVE if Result.UNKNOWN in results or not results else ExitCode.HELD


def parse_point(name: str) -> Point:
    """The point called ``name``. Raises `UsageError` with the nearest name."""
    try:
        return Point(name)
    except ValueError:
        raise UsageError(f'unknown point "{name}"', fix=nearest(name, list(Point))) from None


def in_order(findings: Iterable[Finding], *, skipped: Iterable[Point] = ()) -> tuple[Finding, ...]:
    """``findings`` by point; a point that the user vouches for is one line that says so."""
    left_out = frozenset(skipped)
    kept = [finding for finding in findings if finding.point not in left_out]
    kept += [Where(point, "").does_not_apply("left out by --skip: you vouch for it") for point in left_out]
    order = list(Point)
    return tuple(sorted(kept, key=lambda finding: order.index(finding.point)))
