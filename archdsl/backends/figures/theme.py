"""Themes, palettes and fonts: what a user may choose of the looks in `style`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archdsl.backends.figures import style
from archdsl.backends.figures.shapes import KINDS, ORDERS
from archdsl.backends.figures.style import Attributes, Paint
from archdsl.diagnostics.faults import fault
from archdsl.expr.given import known_word
from archdsl.support.latex_fit import ROOM

THEMES, PALETTES = ("light", "dark"), ("colour", "grey")
FONTS: Mapping[str, str] = {"sans": style.FONT, "serif": "Source Serif Pro"}
FALLBACKS: Mapping[str, str] = {  # for readers of an svg who do not have the font
    "sans": "'Source Sans 3',Helvetica,Arial,sans-serif",
    "serif": "'Source Serif 4',Times New Roman,Times,serif",
}
DPI = 200
LEAST_DPI, MOST_DPI = 30, 2400
UNITS: Mapping[str, float] = {"in": 1, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72}  # in inches
PLACES: Mapping[str, float] = {  # in inches, in a paper of two columns: a little less than what tables fit
    place: int(100 * points / 72.27) / 100 for place, points in ROOM.items()
}
LEAST_WIDTH, MOST_WIDTH = 0.5, 60.0  # inches

# The same hues on a dark ground, under white text: lightness from 22 to 46.
DARK: Mapping[str, Paint] = {
    "conv": Paint("#004166", "#7eb8d8"),
    "norm": Paint("#28556e", "#63baeb"),
    "act": Paint("#944100", "#e7a26b"),
    "pool": Paint("#007152", "#5ec2a7"),
    "join": Paint("#16181d", "#f2f2f2"),
    "shape": Paint("#353535", "#b0b0b0"),
    "linear": Paint("#623a50", "#db9fc0"),
    "block": Paint("#756f20", "#f0e442"),
    "block2": Paint("#4a5512", "#cfd893"),
    "block3": Paint("#89463f", "#ffe3cf"),
    "block4": Paint("#3f2709", "#c79f6f"),
    "other": Paint("#16181d", "#b0b0b0"),
}


def greys(lines: str, joins: Paint, **fills: str) -> Mapping[str, Paint]:
    """A palette without hues."""
    return {name: Paint(fill, lines) for name, fill in fills.items()} | {"join": joins, "other": joins}


GREYS: Mapping[str, Mapping[str, Paint]] = {
    "light": greys(
        "#4d4d4d",
        Paint("#ffffff", style.INK),
        block="#f2f2f2",
        block2="#c6c6c6",
        block3="#e4e4e4",
        block4="#8c8c8c",
        norm="#e4e4e4",
        shape="#d6d6d6",
        act="#c6c6c6",
        conv="#b7b7b7",
        linear="#a8a8a8",
        pool="#9a9a9a",
    ),
    "dark": greys(
        "#b0b0b0",
        Paint("#16181d", "#f2f2f2"),
        shape="#353535",
        norm="#3e3e3e",
        conv="#474747",
        linear="#505050",
        act="#595959",
        pool="#636363",
        block="#6d6d6d",
        block2="#595959",
        block3="#3e3e3e",
        block4="#2c2c2c",
    ),
}
ROLES: Mapping[tuple[str, str], Mapping[str, Paint]] = {
    ("light", "colour"): style.ROLES,
    ("dark", "colour"): DARK,
    ("light", "grey"): GREYS["light"],
    ("dark", "grey"): GREYS["dark"],
}
# What the colours of `style` that are no role's become, and the colour of what skips.
SWAPS: Mapping[str, Mapping[str, str]] = {
    "light": {},
    "dark": {
        style.INK: "#f2f2f2",
        style.FAINT: "#e0e0e0",
        "#b0b0b0": "#5c5f66",  # frames of stages,
        "#d9d9d9": "#4a4d54",  # of blocks,
        "#f7f7f7": "#22252b",  # and their ground
        "#ffffff": "#16181d",
    },
}
SKIPS: Mapping[tuple[str, str], str] = {
    ("light", "colour"): style.SKIP,
    ("light", "grey"): "#4d4d4d",
    ("dark", "colour"): "#63baeb",
    ("dark", "grey"): "#c0c0c0",
}


@dataclass(frozen=True)
class Look:
    """What a user chooses: colours, font, the final size in inches, dots per inch.

    Without a width a figure is as large as it comes; with one it may be as high as `height`.
    """

    theme: str = "light"
    palette: str = "colour"
    font: str = "sans"
    width: float | None = None
    dpi: int = DPI
    legend: bool | None = None  # None: where there are several colours to explain
    height: float | None = None
    shapes: str = KINDS[0]  # numbers, or inside a block formulas
    axes: str = ORDERS[0]  # their order

    def __post_init__(self) -> None:
        for what, word, known in (("theme", self.theme, THEMES), ("palette", self.palette, PALETTES)):
            known_word(what, word, known)
        known_word("kind of shapes", self.shapes, KINDS)
        known_word("order of axes", self.axes, ORDERS)
        known_word("font", self.font, tuple(FONTS))
        if self.width is not None and not LEAST_WIDTH <= self.width <= MOST_WIDTH:
            raise fault("bad-call", f"a figure is {LEAST_WIDTH:g} to {MOST_WIDTH:g} in wide, not {self.width:g}")
        if self.height is not None and not LEAST_WIDTH <= self.height <= MOST_WIDTH:
            raise fault("bad-call", f"a figure is {LEAST_WIDTH:g} to {MOST_WIDTH:g} in high, not {self.height:g}")
        if self.height is not None and self.width is None:
            raise fault("bad-call", "a height needs a width", help="give both, as --width 7in --height 3in")
        if not LEAST_DPI <= self.dpi <= MOST_DPI:
            raise fault("bad-call", f"dpi is a number from {LEAST_DPI} to {MOST_DPI}, not {self.dpi}")

    @property
    def ground(self) -> str:
        return self.recoloured("#ffffff")

    @property
    def ink(self) -> str:
        return self.recoloured(style.INK)

    @property
    def faint(self) -> str:
        return self.recoloured(style.FAINT)

    @property
    def face(self) -> str:
        """The font's name."""
        return FONTS[self.font]

    @property
    def family(self) -> str:
        """The font and what stands in for it."""
        return f"{self.face},{FALLBACKS[self.font]}"

    @property
    def roles(self) -> Mapping[str, Paint]:
        return ROLES[self.theme, self.palette]

    def paint(self, colour: str) -> Paint:
        """Of a role, or of a colour that a spec gives: lightness alone in grey, darker on a dark ground."""
        if not colour.startswith("#"):
            return self.roles.get(colour, self.roles["other"])
        if self.palette == "grey":
            grey = round(sum(weight * part for weight, part in zip(WEIGHTS, parts(colour), strict=True)))
            colour = hexed([grey] * 3)
        if self.theme == "light":
            return Paint(colour, hexed([part * 0.55 for part in parts(colour)]))
        return Paint(hexed([part * 0.4 for part in parts(colour)]), colour)

    def recoloured(self, colour: str) -> str:
        """One of the colours of `style` in this theme."""
        if colour == style.SKIP:
            return SKIPS[self.theme, self.palette]
        return SWAPS[self.theme].get(colour, colour)

    def themed(self, attributes: Mapping[str, str]) -> Attributes:
        """Attributes of `style` in this theme and font."""
        return {
            name: self.face if name == "fontname" else self.recoloured(value) if "color" in name else value
            for name, value in attributes.items()
        }


WEIGHTS = (0.2126, 0.7152, 0.0722)  # of red, green and blue in what looks light


def parts(colour: str) -> list[int]:
    return [int(colour[n : n + 2], 16) for n in (1, 3, 5)]


def hexed(values: Sequence[float]) -> str:
    return "#" + "".join(f"{round(value):02x}" for value in values)


def inches(width: str | float | None) -> float | None:
    """`column` or `page`, `3.4in`, `86mm`, `8.6cm`, `245pt`, or a number of inches."""
    if width is None or isinstance(width, (int, float)):
        return width
    text = width.strip().lower()
    if text in PLACES:
        return PLACES[text]
    unit = next((unit for unit in UNITS if text.endswith(unit)), "")
    try:
        return float(text.removesuffix(unit)) * UNITS.get(unit, 1)
    except ValueError:
        units = ", ".join(UNITS)
        raise fault("bad-call", f"a length is a number and a unit ({units}), not '{width}'", help="3.4in") from None


__all__ = ["DPI", "FONTS", "PALETTES", "THEMES", "Look", "inches"]
