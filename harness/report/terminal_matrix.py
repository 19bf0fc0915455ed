"""The matrix of a family on a terminal: arms downwards, a narrow column per fault, all of it in 80 columns.

Cells of three numbers and a letter are too wide for nine faults, so an arm has a line for each thing that went wrong
with it anywhere, and only for those::

                         before    after    after     no
                         effect   effect     XACK  fault
    pubsub
      lost                116 a    115 a    119 a      ·
      effects missing     117      115      119        ·
    stream-group-lua        ·        ·        ·        ·

An arm without such lines was perfect wherever it was tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from harness.report.matrix import Matrix, MatrixCell
from harness.report.wording import count

_GAP = "  "
_NOT_TRIED, _NOTHING = "–", "·"
_WIDEST_HEADING = 8
_WIDEST_LABEL = 22
_BOLD, _DIM = "bold", "dim"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the matrix: a label and a cell per fault."""

    label: str
    cells: tuple[str, ...] = ()
    strong: bool = False


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Arm × fault, in as many blocks of faults as the width asks for: one, at 80 columns and up to nine faults."""
    console.print()
    head = Text.assemble(
        ("What went wrong", _BOLD),
        (f"   {_NOTHING} nothing   {_NOT_TRIED} not tried   effects missing: with the lost ones", _DIM),
    )
    console.print(Padding(head, (0, 0, 0, 0), expand=False))
    lines = _aligned([line for arm in range(len(matrix.arms)) for line in _lines(matrix, arm)])
    label = max([len(line.label) for line in lines if line.cells])
    for faults in _blocks(matrix, lines, room=console.width - label):
        _print_block(console, matrix, lines, faults, label=label)
    words = _letters(matrix)
    if words:
        console.print(Padding(Text(words, style=_DIM), (0, 0, 0, 0), expand=False))


def _aligned(lines: list[_Line]) -> list[_Line]:
    """The same lines with the numbers below each other, whether a letter follows them or not."""
    rows = [line.cells for line in lines if line.cells]
    lettered = [any(cell[-2:-1] == " " for cell in column) for column in zip(*rows, strict=True)]
    return [
        replace(
            line,
            cells=tuple(
                f"{cell}  " if has_letter and cell[-2:-1] != " " else cell
                for cell, has_letter in zip(line.cells, lettered, strict=False)
            ),
        )
        for line in lines
    ]


def _lines(matrix: Matrix, arm: int) -> list[_Line]:
    """The lines of one arm."""
    name = matrix.arms[arm]
    cells = [row.cells[arm] for row in matrix.rows]
    wrong = _wrong(cells, matrix)
    if wrong:
        return [_Line(name, strong=True), *wrong]
    marks = tuple(_NOT_TRIED if cell is None else _NOTHING for cell in cells)
    if len(name) <= _WIDEST_LABEL:
        return [_Line(name, marks)]
    return [_Line(name), _Line("", marks)]


def _wrong(cells: list[MatrixCell | None], matrix: Matrix) -> list[_Line]:
    """A line for each thing that went wrong under any fault. Missing effects are left out where they say nothing that
    the lost messages don't."""
    kinds = [
        ("lost", [cell.lost if cell else 0 for cell in cells]),
        ("stuck at the end", [cell.stuck if cell else 0 for cell in cells]),
        ("effects doubled", [cell.doubled if cell else 0 for cell in cells]),
        ("effects missing", [cell.missing if cell else 0 for cell in cells]),
    ]
    lost = kinds[0][1]
    lettered: set[int] = set()
    lines = []
    for kind, numbers in kinds:
        if not any(numbers) or (kind == "effects missing" and numbers == lost):
            continue
        with_letter = kind != "effects doubled"
        words = [
            _cell(cell, number, _letter(cell, matrix) if with_letter and place not in lettered else "")
            for place, (cell, number) in enumerate(zip(cells, numbers, strict=True))
        ]
        lettered |= {place for place, number in enumerate(numbers) if number and with_letter}
        lines.append(_Line(f"  {kind}", tuple(words)))
    return lines


def _cell(cell: MatrixCell | None, number: int, letter: str) -> str:
    """``116 a``; a point where there is nothing to tell."""
    if cell is None:
        return _NOT_TRIED
    return f"{count(number)} {letter}".strip() if number else _NOTHING


def _letter(cell: MatrixCell | None, matrix: Matrix) -> str:
    """The letter of what most of a cell is due to; each number of a cell that says it first has it."""
    return matrix.letters.get(cell.mechanism, "") if cell is not None and cell.mechanism is not None else ""


def _heading(name: str) -> list[str]:
    """A fault's short name in lines of a few letters."""
    lines: list[str] = []
    for word in name.split():
        if lines and len(lines[-1]) + 1 + len(word) <= _WIDEST_HEADING and len(lines) > 2:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _width(matrix: Matrix, lines: list[_Line], fault: int) -> int:
    """As wide as the longest word of the heading or the longest cell."""
    heading = [len(word) for word in _heading(matrix.rows[fault].short)]
    return max([*heading, *(len(line.cells[fault]) for line in lines if line.cells)])


def _blocks(matrix: Matrix, lines: list[_Line], *, room: int) -> list[list[int]]:
    """Which faults stand side by side: as many as fit, at least one."""
    gap = _gap(matrix, lines, room=room)
    blocks: list[list[int]] = []
    left = 0
    for fault in range(len(matrix.rows)):
        width = _width(matrix, lines, fault) + gap
        if not blocks or width > left:
            blocks.append([])
            left = room
        blocks[-1].append(fault)
        left -= width
    return blocks


def _gap(matrix: Matrix, lines: list[_Line], *, room: int) -> int:
    """Two spaces between columns where all of them fit like that, else one."""
    total = sum(_width(matrix, lines, fault) + len(_GAP) for fault in range(len(matrix.rows)))
    return len(_GAP) if total <= room else 1


def _print_block(console: Console, matrix: Matrix, lines: list[_Line], faults: list[int], *, label: int) -> None:
    """Some of the faults side by side, under their headings."""
    gap = _gap(matrix, lines, room=console.width - label)
    widths = [_width(matrix, lines, fault) + gap for fault in faults]
    headings = [_heading(matrix.rows[fault].short) for fault in faults]
    for place in range(deepest := max(len(heading) for heading in headings)):
        words = ([""] * (deepest - len(heading)) + heading for heading in headings)
        row = "".join(f"{known[place]:>{width}}" for known, width in zip(words, widths, strict=True))
        console.print(Text(" " * label + row, style=_BOLD), no_wrap=True)
    for line in lines:
        text = Text(f"{line.label:<{label}}" if line.cells else line.label, style=_BOLD if line.strong else "")
        for fault, width in zip(faults if line.cells else (), widths, strict=False):
            cell = line.cells[fault]
            text.append(f"{cell:>{width}}", style=_DIM if cell.strip() in (_NOT_TRIED, _NOTHING) else _BOLD)
        console.print(text, no_wrap=True, overflow="ignore")


def _letters(matrix: Matrix) -> str:
    """The letters explained; each stays with its words."""
    space = "\N{NO-BREAK SPACE}"
    return "   ".join(f"{letter} {mechanism.value}".replace(" ", space) for mechanism, letter in matrix.letters.items())
