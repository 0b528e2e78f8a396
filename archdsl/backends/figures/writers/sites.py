"""Where connectors are attached to a shape of PowerPoint: at the middles of its sides, or at places of its own.

A preset shape has sites at the middles of its sides alone. One that lines touch elsewhere is drawn as a path with sites
there, so that its lines stay where they are when it is moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archdsl.backends.figures.scene import Form, Point, Rect, Scene, Shape
from archdsl.backends.figures.writers.connectors import QUARTER

WHOLE = 100000  # parts of a shape's width or height
SAME = 0.5  # points
SIDES = ("top", "left", "bottom", "right")
NUMBERS = {"box": (0, 1, 2, 3), "round": (0, 2, 4, 6)}  # those of the sides, in presets
ANGLES = {"top": 3 * QUARTER, "left": 2 * QUARTER, "bottom": QUARTER, "right": 0}


@dataclass(frozen=True)
class Sites:
    """Those of one shape, by the points at which lines touch it; `own` are those that no preset has."""

    rect: Rect
    form: Form
    own: tuple[Point, ...]

    def number(self, point: Point) -> int:
        if self.own:
            return min(range(len(self.own)), key=lambda n: far(self.own[n], point))
        side = SIDES.index(side_of(self.rect, point))
        return NUMBERS["round" if is_round(self.form) else "box"][side]

    def angle(self, point: Point) -> int:
        return ANGLES[side_of(self.rect, point)]


def sites(scene: Scene) -> dict[Shape, Sites]:
    """Of all shapes."""
    touched: dict[Shape, list[Point]] = {shape: [] for shape in scene.shapes()}
    for wire in scene.wires:
        touched[wire.source].append(wire.whole[0])
        touched[wire.target].append(wire.whole[-1])
    return {shape: Sites(shape.rect, shape.form, own(shape, points)) for shape, points in touched.items()}


def own(shape: Shape, points: Iterable[Point]) -> tuple[Point, ...]:
    """The middles of the sides and where else lines touch; nothing if that is nowhere, or if words have no outline."""
    found = [*middles(shape.rect).values()]
    for point in points:
        if all(far(point, other) > SAME for other in found):
            found.append(point)
    return tuple(found) if len(found) > len(SIDES) and shape.form not in ("words", "dot") else ()


def middles(rect: Rect) -> dict[str, Point]:
    return {
        "top": (rect.x, rect.top),
        "left": (rect.left, rect.y),
        "bottom": (rect.x, rect.bottom),
        "right": (rect.right, rect.y),
    }


def side_of(rect: Rect, point: Point) -> str:
    away = {
        "top": abs(point[1] - rect.top),
        "left": abs(point[0] - rect.left),
        "bottom": abs(point[1] - rect.bottom),
        "right": abs(point[0] - rect.right),
    }
    return min(SIDES, key=lambda side: away[side])


def is_round(form: Form) -> bool:
    return form in ("ellipse", "dot")


def far(one: Point, other: Point) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def geometry(sites: Sites, radius: float) -> str:
    """The XML of a path: a box, its corners of a radius if they are round, or an ellipse; its sites grow with it."""
    guides, places = [], []
    for n, (x, y) in enumerate(sites.own):
        parts = (x - sites.rect.left) / sites.rect.width, (y - sites.rect.top) / sites.rect.height
        for axis, length, part in zip("xy", "wh", parts, strict=True):
            guides.append(f'<a:gd name="{axis}{n}" fmla="*/ {length} {round(part * WHOLE)} {WHOLE}"/>')
        places.append(f'<a:cxn ang="{sites.angle((x, y))}"><a:pos x="x{n}" y="y{n}"/></a:cxn>')
    size = round(sites.rect.width * WHOLE / 100), round(sites.rect.height * WHOLE / 100)
    path = outlined(sites.form, *size, round(radius * WHOLE / 100))
    return (
        f"<a:avLst/><a:gdLst>{''.join(guides)}</a:gdLst><a:ahLst/><a:cxnLst>{''.join(places)}</a:cxnLst>"
        f'<a:rect l="0" t="0" r="r" b="b"/><a:pathLst><a:path w="{size[0]}" h="{size[1]}">{path}<a:close/></a:path>'
        "</a:pathLst>"
    )


def outlined(form: Form, width: int, height: int, radius: int) -> str:
    if is_round(form):
        return ellipse(width, height)
    return square(width, height) if form == "square" else rounded(width, height, radius)


def square(width: int, height: int) -> str:
    return moved(0, 0) + drawn(width, 0) + drawn(width, height) + drawn(0, height)


def ellipse(width: int, height: int) -> str:
    return moved(0, height // 2) + arc(width // 2, height // 2, 2 * QUARTER, 4 * QUARTER)


def rounded(width: int, height: int, radius: int) -> str:
    r = min(radius, width // 2, height // 2)
    corners: Sequence[Point] = ((width - r, 0), (width, height - r), (r, height), (0, r))
    parts = [moved(0, r), arc(r, r, 2 * QUARTER, QUARTER)]
    for n, (x, y) in enumerate(corners[:3]):
        parts += [drawn(round(x), round(y)), arc(r, r, (3 * QUARTER + n * QUARTER) % (4 * QUARTER), QUARTER)]
    return "".join(parts)


def moved(x: int, y: int) -> str:
    return f'<a:moveTo><a:pt x="{x}" y="{y}"/></a:moveTo>'


def drawn(x: int, y: int) -> str:
    return f'<a:lnTo><a:pt x="{x}" y="{y}"/></a:lnTo>'


def arc(across: int, down: int, start: int, swing: int) -> str:
    return f'<a:arcTo wR="{across}" hR="{down}" stAng="{start}" swAng="{swing}"/>'


__all__ = ["Sites", "geometry", "sites"]
