"""A strip as a LaTeX document of its own that needs TikZ and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from archdsl.backends.figures import style
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.measure import face
from archdsl.backends.figures.strip.latex import escaped
from archdsl.backends.figures.strip.plan import PRINT, Border, Drawing, Key, Point, Rect, Solid, Way, Words
from archdsl.backends.figures.texts import Line, Text

PREAMBLE = r"""% {title}
% Compile with pdflatex, lualatex or xelatex, or include it with the package `standalone`.
\documentclass[border=2bp]{{standalone}}
\usepackage{{tikz}}
\usetikzlibrary{{arrows.meta}}
% the font that the labels were measured in, where it is installed; with any other one, \fit keeps them there
\IfFileExists{{sourcesanspro.sty}}{{\usepackage[T1]{{fontenc}}\usepackage[default]{{sourcesanspro}}}}{{}}
\renewcommand\familydefault{{\sfdefault}}
\newsavebox\words
\newcommand\fit[2]{{% width, words: a label that is wider than its place is made narrower
  \sbox\words{{#2}}%
  \ifdim\wd\words>#1\resizebox{{#1}}{{\height}}{{\usebox\words}}\else\usebox\words\fi}}
{colours}
\begin{{document}}
\begin{{tikzpicture}}[
  x={print}bp, y={print}bp, line width=0.7bp, line join=round,
  heading/.style={{font=\fontsize{{{text}}}{{{text}}}\selectfont, inner sep=0pt, outer sep=0pt, text=ink}},
  remark/.style={{heading, font=\fontsize{{{small}}}{{{small}}}\selectfont}},
  way/.style={{-{{Latex[length=3.6bp, width=3bp]}}, rounded corners=2.5bp}},
  flow/.style={{way, draw=ink}}, skip/.style={{way, draw=skip, line width=0.9bp}}, tap/.style={{skip, dashed}},
  stage/.style={{draw=black!30, rounded corners=4bp}}, block/.style={{stage}},
  repeat/.style={{draw=faint, dashed, rounded corners=4bp}},
]
"""
ENDING = "\\end{tikzpicture}\n\\end{document}\n"
INKS = {style.INK: "ink", style.FAINT: "faint", style.SKIP: "skip"}


def tikz(drawing: Drawing) -> str:
    """The text. What stands behind comes first: borders, boxes, lines, words."""
    parts = [
        *(bordered(border) for border in drawing.borders()),
        *(line for solid in drawing.solids for line in boxed(solid)),
        *(way(one) for one in drawing.ways),
        *(line for solid in drawing.solids for line in lines(solid.text, inner(solid))),
        *(line for words in drawing.words for line in written(words)),
        *(line for border in drawing.borders() for line in lines(border.label, border.label_rect)),
        *(patch(key) for key in drawing.keys),
        *(line for key in drawing.keys for line in lines(key.text, key.rect, "left")),
    ]
    return beginning(drawing) + "".join(f"  {part}\n" for part in parts) + ENDING


def beginning(drawing: Drawing) -> str:
    return PREAMBLE.format(
        title=printable(drawing.title),
        colours="\n".join(
            colours([solid.cell.colour for solid in drawing.solids] + [key.colour for key in drawing.keys])
        ),
        print=f"{PRINT:g}",
        text=size(style.TEXT),
        small=size(style.SMALL),
    )


def size(points: int) -> int:
    """In print: a whole size, which LaTeX's own fonts have."""
    return int(points * PRINT)


# --- colours
def colours(used: Sequence[str]) -> Iterator[str]:
    for colour, name in INKS.items():
        yield defined(name, colour)
    for role in sorted(set(map(role_of, used))):
        yield defined(role, style.ROLES[role].fill)
        yield defined(f"{role}Line", style.ROLES[role].line)


def defined(name: str, colour: str) -> str:
    return f"\\definecolor{{{name}}}{{HTML}}{{{colour.removeprefix('#').upper()}}}"


def role_of(colour: str) -> str:
    return colour if colour in style.ROLES else "other"


# --- boxes
def boxed(solid: Solid) -> Iterator[str]:
    """A box, or in perspective its front, top and right face; of an input or output that is words alone nothing."""
    if solid.cell.end and solid.text.lines:
        return
    role, (dx, dy), r = role_of(solid.cell.colour), solid.depth, solid.rect
    right, high = r.right - dx, r.high - dy
    if dx or dy:
        top = [(r.left, high), (r.left + dx, r.high), (r.right, r.high), (right, high)]
        side = [(right, r.low), (r.right, r.low + dy), (r.right, r.high), (right, high)]
        yield face_of(top, f"{role}!55!white", role)
        yield face_of(side, f"{role}!75!{role}Line", role)
    corners = ", rounded corners=3bp" if solid.text.lines else ""
    yield f"\\filldraw[fill={role}, draw={role}Line{corners}] {rectangle(Rect(r.left, r.low, right, high))};"


def patch(key: Key) -> str:
    role = role_of(key.colour)
    return f"\\filldraw[fill={role}, draw={role}Line, rounded corners=1.5bp] {rectangle(key.patch)};"


def face_of(corners: Sequence[Point], fill: str, role: str) -> str:
    return f"\\filldraw[fill={fill}, draw={role}Line] {' -- '.join(map(point, corners))} -- cycle;"


def bordered(border: Border) -> str:
    return f"\\draw[{border.kind}] {rectangle(border.rect)};"


def way(one: Way) -> str:
    return f"\\draw[{one.kind}] {' -- '.join(map(point, one.points))};"


# --- words
def inner(solid: Solid) -> Rect:
    """Where the text in a box is: in its middle."""
    (x, y), text = solid.rect.centre, solid.text
    return Rect(x - text.width / 2, y - text.height / 2, x + text.width / 2, y + text.height / 2)


def written(words: Words) -> Iterator[str]:
    if not words.turned:
        yield from lines(words.text, words.rect, words.align)
        return
    (line,) = words.text.lines
    x = words.rect.left + face(line.bold).above * line.size
    yield node(line, (x, words.rect.centre[1]), "base", ", rotate=90")


def lines(text: Text, rect: Rect, align: str = "centre") -> Iterator[str]:
    """A node for each line, on its base."""
    top = rect.high
    x, anchor = (rect.left, "base west") if align == "left" else (rect.centre[0], "base")
    for line in text.lines:
        yield node(line, (x, top - face(line.bold).above * line.size), anchor)
        top -= line.height


def node(line: Line, at: Point, anchor: str, more: str = "") -> str:
    kind = "heading" if line.size == style.TEXT else "remark"
    colour = f", text={INKS[line.colour]}" if line.colour != style.INK else ""
    words = f"\\textbf{{{escaped(line.words)}}}" if line.bold else escaped(line.words)
    room = ceil(10 * PRINT * line.width) / 10
    return f"\\node[{kind}, anchor={anchor}{colour}{more}] at {point(at)} {{\\fit{{{room:g}bp}}{{{words}}}}};"


# --- numbers
def point(at: Point) -> str:
    return f"({at[0] + 0.0:.1f},{at[1] + 0.0:.1f})"


def rectangle(rect: Rect) -> str:
    return f"{point((rect.left, rect.low))} rectangle {point((rect.right, rect.high))}"
