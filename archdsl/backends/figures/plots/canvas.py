"""Matplotlib with the fonts, sizes and colours of the other figures, whatever its user has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from archdsl.backends.figures import fonts
from archdsl.backends.figures.style import Paint
from archdsl.backends.figures.svg import SPACE
from archdsl.backends.figures.theme import FONTS, Look
from archdsl.diagnostics.faults import SpecError, fault

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

POINTS = 72  # an inch
TEXT, SMALL = 8.0, 7.0  # points: titles of axes; all other words
WIDTH = 3.23  # inches, of a column
SLOPE = 0.3  # of height, where a plot is wider than a column
FINE, HAIR, LINE = 0.4, 0.6, 1.0  # points
LEAST = 44.0, 30.0  # points: the smallest axes that can be read
FACES = ("Regular", "Bold")
COLOURS = ("conv", "act", "pool", "linear", "block", "block4", "norm", "block2")  # the roles whose colours series have
MARKERS = ("o", "s", "^", "D", "v", "p")


@dataclass
class Canvas:
    """A figure, and what a reader is told who points at its parts: a text for each mark or bar of an artist."""

    figure: Figure
    look: Look
    told: dict[str, list[str]] = field(default_factory=dict)
    left_out: int = 0  # labels for which there is no room

    def tell(self, texts: list[str]) -> str:
        """An id for the artist that shows these."""
        name = f"part-{len(self.told) + 1}"
        self.told[name] = texts
        return name

    def paint(self, number: int) -> Paint:
        """The colours of a series."""
        return self.look.roles[COLOURS[number % len(COLOURS)]]

    @property
    def size(self) -> tuple[float, float]:
        """Points."""
        across, down = self.figure.get_size_inches()
        return across * POINTS, down * POINTS


@contextmanager
def styled(look: Look) -> Iterator[None]:
    """Matplotlib's settings while a plot is made; its user's own ones come back afterwards."""
    try:
        import matplotlib as mpl
        from matplotlib import font_manager
    except ImportError:
        raise fault("no-package", "plots are drawn by Matplotlib", help="pip install 'archdsl[plot]'") from None
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    for wheel, name in zip(fonts.WHEELS, FONTS.values(), strict=True):
        folder = fonts.folder(wheel)
        for face in FACES if folder is not None and name not in known else ():
            assert folder is not None
            font_manager.fontManager.addfont(str(folder / f"{name.replace(' ', '')}-{face}.ttf"))
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", settings(look)))
        yield


def settings(look: Look) -> dict[str, Any]:
    """As Matplotlib calls them."""
    return {
        "font.family": [look.face, "DejaVu Sans"],  # the second comes with Matplotlib, for letters that the first lacks
        "font.size": SMALL,
        "axes.labelsize": TEXT,
        "axes.titlesize": TEXT,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "figure.facecolor": look.ground,
        "axes.facecolor": look.ground,
        "savefig.facecolor": look.ground,
        "text.color": look.ink,
        "axes.labelcolor": look.ink,
        "axes.titlecolor": look.ink,
        "axes.edgecolor": look.faint,
        "xtick.color": look.faint,
        "ytick.color": look.faint,
        "xtick.labelcolor": look.ink,
        "ytick.labelcolor": look.ink,
        "axes.linewidth": HAIR,
        "xtick.major.width": HAIR,
        "ytick.major.width": HAIR,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "axes.labelpad": 3,
        "grid.color": look.recoloured("#d9d9d9"),
        "grid.linewidth": FINE,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": LINE,
        "lines.markersize": 4.5,
        "legend.frameon": False,
        "legend.handlelength": 1.2,
        "legend.handletextpad": 0.4,
        "legend.columnspacing": 1.2,
        "legend.borderpad": 0.1,
        "figure.constrained_layout.h_pad": 2 / POINTS,
        "figure.constrained_layout.w_pad": 2 / POINTS,
        "text.hinting": "none",  # so that words are as wide in each format
        "path.simplify": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "archdsl",
        "pdf.fonttype": 42,
    }


def blank(look: Look, height: float) -> Canvas:
    """A figure of the width asked for, or of a column, and as high as asked for, or so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(look.width or WIDTH, look.height or height), layout="constrained")
    FigureCanvasAgg(figure)  # which knows how wide words are
    return Canvas(figure, look)


def high(look: Look, aspect: float) -> float:
    """Inches: in a column so many widths; what is wider grows less in height."""
    width = look.width or WIDTH
    return aspect * min(width, WIDTH) + SLOPE * max(0, width - WIDTH)


def settled(canvas: Canvas, *axes: Axes) -> None:
    """Places everything, for good; raises `SpecError` if too little is left for the axes."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="constrained_layout not applied")  # we say it ourselves
        canvas.figure.draw_without_rendering()
    canvas.figure.set_layout_engine("none")
    for one in axes:
        box = one.get_position()
        wide, high = (side * whole for side, whole in zip((box.width, box.height), canvas.size, strict=True))
        if wide < LEAST[0] or cut(canvas, one.xaxis.label):
            raise too_small(canvas, "--width")
        if high < LEAST[1] or cut(canvas, one.yaxis.label):
            raise too_small(canvas, "--height")


def cut(canvas: Canvas, text: Text) -> bool:
    """Whether the edge of the figure cuts words."""
    box, whole = text.get_window_extent(), canvas.figure.bbox
    return bool(text.get_text()) and not (
        box.x0 > -1 and box.y0 > -1 and box.x1 < whole.x1 + 1 and box.y1 < whole.y1 + 1
    )


def too_small(canvas: Canvas, flag: str) -> SpecError:
    inches = " × ".join(f"{side / POINTS:.3g} in" for side in canvas.size)
    message = f"the plot does not fit in {inches} with text of {SMALL:g} points"
    return fault("too-narrow", message, help=f"give it a larger {flag}")


# --- formats
def saved(canvas: Canvas, format: str, title: str) -> bytes:
    """As bytes, the same every time."""
    nothing = {
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "pdf": {"CreationDate": None, "Producer": None, "Creator": "archdsl", "Title": title},
        "png": {"Software": None, "Title": title},
    }[format]
    out = BytesIO()
    canvas.figure.savefig(out, format=format, dpi=canvas.look.dpi, metadata=nothing)
    return out.getvalue()


def as_svg(canvas: Canvas, title: str) -> str:
    """With a title for each part, for readers of the page; its letters are outlines, which need no font."""
    from xml.etree import ElementTree

    ElementTree.register_namespace("", SPACE)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(saved(canvas, "svg", title))  # noqa: S314 - Matplotlib wrote it, and it holds no entities
    root.set("role", "img")
    root.set("aria-label", title)
    for group in root.iter(f"{{{SPACE}}}g"):
        texts = canvas.told.get(group.get("id", ""), [])
        parts = list(group.iter(f"{{{SPACE}}}use")) if len(texts) > 1 else [group]
        for part, text in zip(parts, texts, strict=True) if texts else ():
            entitle(part, text)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def entitle(part: Element, text: str) -> None:
    from xml.etree.ElementTree import Element

    made = Element(f"{{{SPACE}}}title")
    made.text = text
    part.insert(0, made)
