"""A scene as LaTeX that compiles by itself, and that a paper takes with its command for input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from archdsl.backends.figures import style
from archdsl.backends.figures.glyphs import expect_latex
from archdsl.backends.figures.measure import face
from archdsl.backends.figures.scene import OUTLINE, PEN, Frame, Key, Point, Rect, Scene, Shape, Wire, Words
from archdsl.backends.figures.strip.as_dot import HEAD
from archdsl.backends.figures.style import Paint
from archdsl.backends.figures.texts import Line, Text
from archdsl.backends.figures.writers.standalone import standalone
from archdsl.support.latex_letters import escaped, spelled

ROUND = 4.0  # the radius of the corners of boxes, before they are scaled
HAIR = 0.01  # points

NEEDS = (r"\usepackage{tikz}", r"\usetikzlibrary{arrows.meta}")
PREAMBLE = r"""\begin{{tikzpicture}}[
  x={scale}bp, y={scale}bp, line width={line}bp, line join=round,
  heading/.style={{font=\{family}\fontsize{{{text}}}{{{text}}}\selectfont, inner sep=0pt, outer sep=0pt, text=ink}},
  remark/.style={{heading, font=\{family}\fontsize{{{small}}}{{{small}}}\selectfont}},
  way/.style={{-{{Latex[length={head}bp, width={wide}bp]}}, rounded corners={corner}bp}},
  flow/.style={{way, draw=ink}}, entry/.style={{flow, -}},
  skip/.style={{way, draw=skip, line width={side}bp}}, tap/.style={{skip, dashed}},
  outline/.style={{line width={outline}bp}}, soft/.style={{rounded corners={round}bp}},
]
  \def\fit#1#2{{% width, words: a label that is wider than its place is made narrower
    \setbox0\hbox{{#2}}\ifdim\wd0>#1\relax\resizebox{{#1}}{{\height}}{{\box0}}\else\box0\fi}}
"""
ENDING = "\\end{tikzpicture}%\n"
FAMILIES = {"sans": ("sffamily", "sourcesanspro"), "serif": ("rmfamily", "sourceserifpro")}


def write(scene: Scene) -> str:
    """The text."""
    texts = (*(shape.text for shape in scene.shapes()), *(words.text for words in scene.words()))
    expect_latex(letter for text in texts for letter in spelled(text.words))
    return Writer(scene).text()


class Writer:
    """Of one scene; colours have names by what they are first used for."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.look = scene, scene.look
        self.named: dict[str, str] = {}
        for name, colour in (("ink", self.look.ink), ("faint", self.look.faint), ("skip", style.SKIP)):
            self.named.setdefault(self.look.recoloured(colour), name)

    def text(self) -> str:
        """What stands behind comes first: frames, boxes, lines, words."""
        scene = self.scene
        parts = [
            *self.page(),
            *(self.framed(frame) for frame in scene.frames() if frame.kind != "case"),
            *(line for shape in scene.shapes() for line in self.boxed(shape)),
            *(self.way(wire) for wire in behind_first(scene.wires)),
            *(line for shape in scene.shapes() for line in self.lines(shape.text, inner(shape))),
            *(self.patch(key) for key in scene.keys),
            *(line for words in scene.words() for line in self.written(words)),
        ]
        body = "".join(f"  {part}\n" for part in [*self.colours(), *parts])
        _, package = FAMILIES[self.look.font]
        return standalone(self.beginning() + body + ENDING, scene.title, NEEDS, package)

    def beginning(self) -> str:
        scale = self.scene.scale
        family, _ = FAMILIES[self.look.font]
        sizes = {"scale": f"{scale:.5g}", "text": self.size(style.TEXT), "small": self.size(style.SMALL)}
        lengths = {"line": PEN, "side": 1.3 * PEN, "outline": OUTLINE, "round": ROUND, "head": HEAD, "wide": 0.8 * HEAD}
        return PREAMBLE.format(
            family=family,
            corner=f"{self.scene.corner * scale:.3g}",
            **sizes,
            **{name: f"{points * scale:.3g}" for name, points in lengths.items()},
        )

    def size(self, points: int) -> int:
        """In print: a whole size, which LaTeX's own fonts have."""
        return int(points * self.scene.scale + HAIR)

    # --- colours
    def colour(self, shade: str, name: str) -> str:
        """The name of a colour; `name` is what it would be called, if that is not yet taken."""
        if shade not in self.named:
            taken = set(self.named.values())
            numbered = (name + (chr(ord("B") + n) if n >= 0 else "") for n in range(-1, 25))
            self.named[shade] = next(one for one in numbered if one not in taken)
        return self.named[shade]

    def colours(self) -> Iterator[str]:
        for shade, name in self.named.items():
            yield f"\\definecolor{{{name}}}{{HTML}}{{{shade.removeprefix('#').upper()}}}"

    def paints(self, paint: Paint, name: str) -> tuple[str, str]:
        name = "own" if name.startswith("#") else name
        return self.colour(paint.fill, name), self.colour(paint.line, f"{name}Line")

    # --- boxes
    def page(self) -> Iterator[str]:
        """Its extent, and its ground unless that is white."""
        (left, top), (across, down) = self.scene.pad, self.scene.size
        extent = f"{numbers(-left, -top)} rectangle {numbers(across + left, down + top)}"
        ground = f", fill={self.colour(self.look.ground, 'ground')}" if self.look.theme == "dark" else ""
        yield f"\\path[use as bounding box{ground}] {extent};"

    def boxed(self, shape: Shape) -> Iterator[str]:
        """A box, or in perspective its front, top and right face; of words alone nothing."""
        if shape.form == "words":
            return
        fill, line = self.paints(shape.paint, shape.colour)
        (dx, dy), r = shape.depth, shape.rect
        drawn = f"\\filldraw[outline, fill={fill}, draw={line}"
        if dx or dy:
            right, high = r.right - dx, r.top + dy
            top = [(r.left, high), (r.left + dx, r.top), (r.right, r.top), (right, high)]
            side = [(right, r.bottom), (r.right, r.bottom - dy), (r.right, r.top), (right, high)]
            for corners, shade in ((top, f"{fill}!55!white"), (side, f"{fill}!75!{line}")):
                yield f"\\filldraw[outline, fill={shade}, draw={line}] {joined(corners)} -- cycle;"
            r = Rect((r.left + right) / 2, (high + r.bottom) / 2, right - r.left, r.bottom - high)
        if shape.form in ("ellipse", "dot"):
            yield f"{drawn}] {numbers(r.x, r.y)} ellipse [x radius={r.width / 2:.2f}, y radius={r.height / 2:.2f}];"
        else:
            yield f"{drawn}{', soft' if shape.form == 'rounded' else ''}] {rectangle(r)};"

    def patch(self, key: Key) -> str:
        fill, line = self.paints(key.paint, key.colour)
        return f"\\filldraw[outline, soft, fill={fill}, draw={line}] {rectangle(key.patch)};"

    def framed(self, frame: Frame) -> str:
        fill = f", fill={self.colour(frame.paint.fill, f'{frame.kind}Ground')}" if frame.paint.fill else ""
        dashed = ", dashed" if frame.kind == "repeat" else ""
        line = self.colour(frame.paint.line, f"{frame.kind}Frame")
        return f"\\draw[soft, draw={line}{fill}{dashed}] {rectangle(frame.rect)};"

    def way(self, wire: Wire) -> str:
        path = curves(wire.points) if wire.curved else joined(wire.points)
        return f"\\draw[{wire.kind}] {path};"

    # --- words
    def written(self, words: Words) -> Iterator[str]:
        if not words.turned:
            yield from self.lines(words.text, words.rect, words.align)
            return
        (line,) = words.text.lines
        x = words.rect.left + face(line.bold).above * line.size
        yield self.node(line, (x, words.rect.y), "base", ", rotate=90")

    def lines(self, text: Text, rect: Rect, align: str = "centre") -> Iterator[str]:
        """A node for each line, on its base."""
        top = rect.top
        x, anchor = (rect.left, "base west") if align == "left" else (rect.x, "base")
        for line in text.lines:
            yield self.node(line, (x, top + face(line.bold).above * line.size), anchor)
            top += line.height

    def node(self, line: Line, at: Point, anchor: str, more: str = "") -> str:
        kind = "heading" if line.size == style.TEXT else "remark"
        ink = self.colour(self.look.recoloured(line.colour), "ink")
        colour = f", text={ink}" if ink != "ink" else ""
        words = f"\\textbf{{{escaped(line.words)}}}" if line.bold else escaped(line.words)
        room = ceil(10 * self.scene.scale * line.width) / 10
        return f"\\node[{kind}, anchor={anchor}{colour}{more}] at {point(at)} {{\\fit{{{room:g}bp}}{{{words}}}}};"


def behind_first(wires: Sequence[Wire]) -> list[Wire]:
    """Lines that pass by are in front of the others."""
    return sorted(wires, key=lambda wire: wire.kind in ("skip", "tap"))


def inner(shape: Shape) -> Rect:
    """Where the text in a box is: in its middle."""
    return Rect(shape.rect.x, shape.rect.y, shape.text.width, shape.text.height)


# --- numbers: y upwards
def point(at: Point) -> str:
    return f"({at[0] + 0.0:.1f},{-at[1] + 0.0:.1f})"


def numbers(x: float, y: float) -> str:
    return f"({x + 0.0:.2f},{-y + 0.0:.2f})"


def rectangle(rect: Rect) -> str:
    return f"{point((rect.left, rect.bottom))} rectangle {point((rect.right, rect.top))}"


def joined(corners: Sequence[Point]) -> str:
    return " -- ".join(map(point, corners))


def curves(points: Sequence[Point]) -> str:
    """Bézier curves: the first point, then two handles and an end each."""
    ends = [points[n : n + 3] for n in range(1, len(points) - 2, 3)]
    return point(points[0]) + "".join(f" .. controls {point(a)} and {point(b)} .. {point(c)}" for a, b, c in ends)
