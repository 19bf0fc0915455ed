"""What acts have in common whose fault is on once, for the whole fault phase, and is a deed with proofs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from harness.faults.base import DrawStyle
from harness.faults.process_evidence import Target
from harness.faults.server_base import Deed
from harness.trial.acts import CallBook


class OnceFault(Protocol):
    """A fault that knows whom it strikes."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""

    def inject(self) -> Deed:
        """Strike."""

    def heal(self) -> Deed:
        """Mend."""


F = TypeVar("F", bound=OnceFault)


@dataclass(slots=True)
class OnceAct(Generic[F]):
    """All of an `harness.trial.acts.Act` but for who sees it, and when it is over."""

    fault: F
    book: CallBook
    _injected: list[Deed] = field(default_factory=list, init=False)
    _healed: list[Deed] = field(default_factory=list, init=False)
    _touched: bool = field(default=False, init=False)
    """From before the injection, which may fail half-way, until a heal has succeeded."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return self.fault.style

    def withheld(self) -> Sequence[Target]:
        """Nobody."""
        return ()

    def open(self) -> None:
        """Nothing: the fault strikes in its phase only."""

    def begin(self, begin_ns: int, end_ns: int) -> None:  # noqa: ARG002  # the protocol's signature
        """Strike."""
        self._touched = True
        deed = self.fault.inject()
        self._injected.append(deed)
        self.book.inject(deed.times)

    def step(self, now_ns: int) -> None:
        """Nothing: it is on until the heal."""

    def heal(self) -> None:
        """Mend what was struck, once; where mending fails it is still due, and `Act.release` tries again."""
        if not self._touched:
            return
        deed = self.fault.heal()
        self._touched = False
        self._healed.append(deed)
        self.book.heal(deed.times)
