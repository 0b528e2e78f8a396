r"""A plot as a picture of TikZ and pgfplots: the same ranges, ticks and places of labels, the data to edit.

Its words are in the font of the paper; a label that is wider there is made narrower, so that none lies over another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, cast

from archdsl.backends.figures.plots.canvas import POINTS, SMALL, TEXT, Canvas
from archdsl.backends.figures.strip.plan import Point, Rect
from archdsl.backends.figures.writers.standalone import standalone
from archdsl.support.latex_letters import escaped

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

NEEDS = (r"\usepackage{pgfplots}", r"\pgfplotsset{compat=1.16}")
FONT = "sourcesanspro"  # that of the other formats
BEGINNING = r"""\begingroup
\def\fit#1#2{{% width, words: a label that is wider than its place is made narrower
  \setbox0\hbox{{#2}}\ifdim\wd0>#1\resizebox{{#1}}{{\height}}{{\usebox0}}\else\usebox0\fi}}%
{colours}
\begin{{tikzpicture}}[
  x=1bp, y=1bp, text=ink,
  words/.style={{font=\fontsize{{{small}}}{{{small}}}\selectfont, inner sep=0pt, outer sep=0pt}},
  title/.style={{words, font=\fontsize{{{text}}}{{{text}}}\selectfont}},
]
\path[use as bounding box{ground}] (0,0) rectangle ({across:.2f},{down:.2f});
"""
ENDING = "\\end{tikzpicture}%\n\\endgroup\n"
AXIS = r"""\begin{{axis}}[
  at={{({left:.1f}bp,{low:.1f}bp)}}, anchor=south west, scale only axis, width={width:.1f}bp, height={height:.1f}bp,
  clip=false, scaled ticks=false,
  {ranges},
  tick label style={{words, text=ink, inner sep=3bp}}, yticklabel style={{align=right}},
  {looks},
]"""
LINES = (
    "axis x line*=bottom, axis y line*=left, axis line style={draw=faint, line width=0.6bp}, tick align=outside,\n"
    "  major tick length=2.5bp, tick style={draw=faint, line width=0.6bp}, grid=major, "
    "major grid style={draw=grid, line width=0.4bp}"
)
BARE = "axis line style={draw=none}, tick style={draw=none}"
MARKS = {"o": "*", "s": "square*", "^": "triangle*", "D": "diamond*", "v": "triangle*", "p": "pentagon*"}
TURNED = {"v": ", rotate=180"}
ALIGNED = {"left": "mid west", "center": "mid"}


class Colours:
    """The colours of a picture, each with a name."""

    def __init__(self, canvas: Canvas) -> None:
        look = canvas.look
        self.names = {look.ink: "ink", look.faint: "faint", look.recoloured("#d9d9d9"): "grid"}

    def __call__(self, colour: Any) -> str:
        from matplotlib.colors import to_hex

        value = to_hex(colour)
        return self.names.setdefault(value, f"tone{len(self.names) - 2}")


def tikz(canvas: Canvas, title: str) -> str:
    """The text."""
    colours = Colours(canvas)
    ground = f", fill={colours(canvas.look.ground)}" if canvas.look.theme == "dark" else ""
    (across, down), figure = canvas.size, canvas.figure
    parts = [
        *(line for axes in figure.axes for line in axis(axes, colours)),
        *(line for legend in figure.legends for line in key(legend, colours)),
        *(leader(cast("Line2D", line), canvas, colours) for line in figure.artists),
        *(label(text, colours) for text in figure.texts),
    ]
    beginning = BEGINNING.format(
        colours="\n".join(
            f"\\definecolor{{{name}}}{{HTML}}{{{value.removeprefix('#').upper()}}}%"
            for value, name in colours.names.items()
        ),
        small=f"{SMALL:g}",
        text=f"{TEXT:g}",
        across=across,
        down=down,
        ground=ground,
    )
    picture = beginning + "".join(f"{part}\n" for part in parts) + ENDING
    return standalone(picture, title, NEEDS, FONT, default=True)


# --- axes
def axis(axes: Axes, colours: Colours) -> Iterator[str]:
    """An axis of pgfplots at the place of one of Matplotlib's, its titles where they stand."""
    rect = rect_of(axes)
    bare = not axes.spines["left"].get_visible()
    yield AXIS.format(
        left=rect.left,
        low=rect.low,
        width=rect.width,
        height=rect.height,
        ranges=",\n  ".join(range_of(axes, side) for side in ("x", "y")),
        looks=BARE if bare else LINES,
    )
    for line in axes.lines:
        yield f"\\addplot[{style_of(line, colours)}] coordinates {{{' '.join(map(point, places_of(line)))}}};"
    for patch in axes.patches:
        yield bar(patch, colours)
    yield r"\end{axis}"
    yield from (label(text, colours) for text in (axes.xaxis.label, axes.yaxis.label, axes.title) if text.get_text())


def range_of(axes: Axes, side: Literal["x", "y"]) -> str:
    """From where to where an axis goes, and its ticks."""
    one = axes.xaxis if side == "x" else axes.yaxis
    low, high = sorted(one.get_view_interval())
    ticks = {tick.get_loc(): tick.label1 for tick in one.get_major_ticks() if low <= tick.get_loc() <= high}
    kind = f"{side}mode=log, " if one.get_scale() == "log" else f"{side} dir=reverse, " if one.get_inverted() else ""
    places = ",".join(f"{place:.9g}" for place in ticks)
    words = ",".join(f"{{{fitted(text)}}}" if text.get_visible() else "{}" for text in ticks.values())
    return f"{kind}{side}min={low:.6g}, {side}max={high:.6g}, {side}tick={{{places}}}, {side}ticklabels={{{words}}}"


def style_of(line: Line2D, colours: Colours) -> str:
    """The options of a line, or of marks without one."""
    if line.get_linestyle() == "None":
        return f"only marks, {mark(line, colours)}"
    dashes = ", dashed" if line.is_dashed() else ""
    steps = ", const plot" if line.get_drawstyle() == "steps-post" else ""
    return f"draw={colours(line.get_color())}, line width={line.get_linewidth():g}bp{dashes}{steps}"


def mark(line: Line2D, colours: Colours) -> str:
    name = str(line.get_marker())
    draw, fill = colours(line.get_markeredgecolor()), colours(line.get_markerfacecolor())
    width = f"line width={line.get_markeredgewidth():g}bp"
    size = f"mark size={line.get_markersize() / 2:g}bp"
    return f"mark={MARKS[name]}, {size}, mark options={{draw={draw}, fill={fill}, {width}{TURNED.get(name, '')}}}"


def bar(patch: Patch, colours: Colours) -> str:
    box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
    fill, draw = colours(patch.get_facecolor()), colours(patch.get_edgecolor())
    corners = f"(axis cs:{box.x0:g},{box.y0:g}) rectangle (axis cs:{box.x1:.9g},{box.y1:g})"
    return f"\\filldraw[fill={fill}, draw={draw}, line width={patch.get_linewidth():g}bp] {corners};"


# --- beside the axes
def key(legend: Legend, colours: Colours) -> Iterator[str]:
    """The marks of a legend and their words."""
    for line, text in zip(legend.get_lines(), legend.get_texts(), strict=True):
        x, y = rect_of(line).centre
        yield f"\\path plot[only marks, {mark(line, colours)}] coordinates {{({x:.1f},{y:.1f})}};"
        yield label(text, colours)


def leader(line: Line2D, canvas: Canvas, colours: Colours) -> str:
    """The line from a mark to a label that stands off."""
    across, down = canvas.size
    path = " -- ".join(f"({x * across:.1f},{y * down:.1f})" for x, y in places_of(line))
    return f"\\draw[draw={colours(line.get_color())}, line width={line.get_linewidth():g}bp] {path};"


def label(text: Text, colours: Colours) -> str:
    """Words at their place."""
    rect = rect_of(text)
    x, y = rect.centre
    style = "words" if text.get_fontsize() == SMALL else "title"
    several = "\n" in text.get_text()  # lines
    style += ", align=left" if several else ""
    side = text.get_horizontalalignment()
    if text.get_rotation():
        style += ", rotate=90"
    else:
        x = rect.left if side == "left" else x
        style += f", anchor={ALIGNED[side].removeprefix('mid ') if several else ALIGNED[side]}"
    behind = text.get_bbox_patch()
    if behind is not None:
        style += f", fill={colours(behind.get_facecolor())}"
    return f"\\node[{style}] at ({x:.1f},{y:.1f}) {{{fitted(text)}}};"


def fitted(text: Text) -> str:
    """Words no wider than they are in the font of the other formats."""
    rect = rect_of(text)
    room = rect.height if text.get_rotation() else rect.width
    bold = r"\textbf{%s}" if text.get_fontweight() == "bold" else "%s"
    lines = [bold % escaped(line) for line in text.get_text().split("\n") if line]
    return r"\\".join(f"\\fit{{{room:.1f}bp}}{{{line}}}" for line in lines)


def rect_of(artist: Artist) -> Rect:
    """Where something stands in the figure, in points."""
    figure = artist.get_figure(root=True)
    assert figure is not None
    box, scale = artist.get_window_extent(), POINTS / figure.dpi
    return Rect(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)


def places_of(line: Line2D) -> list[Point]:
    """The points of a line, as they were given."""
    return list(zip(*(map(float, cast("Any", side)) for side in line.get_data()), strict=True))


def point(place: Point) -> str:
    return f"({place[0]:.6g},{place[1]:.6g})"
