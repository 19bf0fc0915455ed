"""A figure as the files and the report need it: one PNG, and one SVG whose text is text and whose ids are its own.

Several figures live in one HTML page, so ids are prefixed; text stays text so that it can be found, copied and read
aloud; dense points are rasterised by the figures themselves so that a long run does not weigh megabytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harness.report.palette import GRID, INK, MUTED, PAPER

PNG_DOTS_PER_INCH = 130
RASTER_DOTS_PER_INCH = 130
_COMPRESSION = 4
"""Of PNGs: a third of the time of the default for a twentieth more bytes."""

# Matplotlib types these keys as a closed set of names that differs from version to version.
_STYLE: dict[Any, object] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "path.simplify": True,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure in both forms. ``description`` says in words what it shows, for those who can't see it."""

    name: str
    title: str
    description: str
    svg: str
    png: bytes


@contextmanager
def figure_style() -> Iterator[None]:
    """The look that all figures share, for the length of the block."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(*, width: float, height: float) -> Figure:
    """An empty figure of this size in inches, without any global state."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def bare(axes: Axes) -> None:
    """Take away frame and ticks: the axes only hold marks and words."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)


def finish(figure: Figure, *, name: str, title: str, description: str) -> Picture:
    """Render ``figure`` to both forms. Call inside `figure_style`."""
    png = io.BytesIO()
    figure.savefig(
        png,
        format="png",
        dpi=PNG_DOTS_PER_INCH,
        metadata={"Software": None, "Title": title},
        pil_kwargs={"compress_level": _COMPRESSION},
    )
    vector = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(
            vector, format="svg", dpi=RASTER_DOTS_PER_INCH, facecolor="none", metadata={"Date": None, "Creator": None}
        )
    svg = inline_svg(vector.getvalue(), name=name, title=title, description=description)
    return Picture(name=name, title=title, description=description, svg=svg, png=png.getvalue())


def inline_svg(text: str, *, name: str, title: str, description: str) -> str:
    """``text`` as an element to put into HTML: no prologue, ids of its own, a title and a description."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{name}-\1"', body)
    body = _smaller(body)
    # Where DejaVu Sans is not installed, Verdana has nearly its widths, so that nothing overlaps.
    body = body.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    body = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", body, count=1)
    body = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", body, count=1)
    words = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    head = f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
    return re.sub(r"<svg ([^>]*)>", lambda match: f"{head}{match[1]}>{words}", body, count=1)


def _smaller(svg: str) -> str:
    """The same drawing in about half the bytes: a page holds many, and a hundredth of a point is never seen."""
    svg = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", svg)
    svg = re.sub(r">\s+<", "><", svg)
    return re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _rounded, tag[0]), svg)


def _rounded(number: re.Match[str]) -> str:
    """``71.920439`` → ``71.92``."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
