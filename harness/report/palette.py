"""Colours, markers and hatches of the figures: Okabe and Ito's palette, never colour alone.

The palette keeps its colours apart for people with colour vision deficiencies. Since print may have no colour at all,
each arm also has a marker, a line style and a hatch of its own. Pub/Sub arms are warm, Streams arms are cool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.words import Primitive

INK = "#1f2328"
MUTED = "#57606a"
GRID = "#d8dce1"
PAPER = "#ffffff"
OBSERVED = "#e3e6ea"
COMMANDED = "#6e7781"
SENT = "#57606a"
LOST = "#111111"
CLAIMED = "#D55E00"


@dataclass(frozen=True, slots=True)
class CountStyle:
    """How one kind of count is drawn, whatever the arm."""

    color: str
    hatch: str


LOSS = CountStyle(LOST, "")
DOUBLED = CountStyle("#E69F00", "////")
FORGOTTEN = CountStyle("#0072B2", "\\\\")
UNDONE = CountStyle("#CC79A7", "||||")


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """How one arm is drawn in every figure of a run."""

    color: str
    marker: str
    line: str
    hatch: str


_WARM = (
    ArmStyle("#D55E00", "o", "-", ""),
    ArmStyle("#E69F00", "D", "--", "xxxx"),
    ArmStyle("#CC79A7", "P", "-.", "ooo"),
)
_COOL = (
    ArmStyle("#0072B2", "s", "-", "/////"),
    ArmStyle("#56B4E9", "^", "--", "....."),
    ArmStyle("#009E73", "v", "-.", "\\\\\\\\\\"),
)


def arm_styles(primitives: Sequence[Primitive]) -> list[ArmStyle]:
    """The style of each arm, from the primitives of all arms in order; repeats only after three of one primitive."""
    used = dict.fromkeys(Primitive, 0)
    styles = []
    for primitive in primitives:
        family = _WARM if primitive is Primitive.PUBSUB else _COOL
        styles.append(family[used[primitive] % len(family)])
        used[primitive] += 1
    return styles
