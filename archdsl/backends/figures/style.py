"""How things look: one colour a role, from Okabe and Ito's palette, lightened so that black text stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Attributes = dict[str, str]

FONT = "Source Sans Pro"
TEXT, SMALL = 12, 10  # points
INK, FAINT, SKIP = "#1a1a1a", "#555555", "#0072b2"


@dataclass(frozen=True)
class Paint:
    fill: str
    line: str


ROLES: Mapping[str, Paint] = {
    "conv": Paint("#cfe6f5", "#0072b2"),  # blue
    "norm": Paint("#e3f2fb", "#56b4e9"),  # sky blue
    "act": Paint("#fbe3d0", "#d55e00"),  # vermilion
    "pool": Paint("#cdeee3", "#009e73"),  # green
    "join": Paint("#ffffff", "#1a1a1a"),
    "shape": Paint("#ececec", "#7f7f7f"),  # grey
    "linear": Paint("#f3dbe8", "#cc79a7"),  # purple
    "block": Paint("#fdf6c4", "#b8a800"),  # yellow
    "other": Paint("#ffffff", "#7f7f7f"),
}

GRAPH: Attributes = {
    "rankdir": "TB",
    "nodesep": "0.3",
    "ranksep": "0.32",
    "pad": "0.1",
    "fontname": FONT,
    "fontsize": str(TEXT),
}
NODE: Attributes = {
    "shape": "box",
    "style": "filled,rounded",
    "fontname": FONT,
    "fontsize": str(TEXT),
    "fontcolor": INK,
    "margin": "0.14,0.06",
    "height": "0.3",
    "penwidth": "1.1",
}
EDGE: Attributes = {
    "fontname": FONT,
    "fontsize": str(SMALL),
    "fontcolor": FAINT,
    "color": INK,
    "arrowsize": "0.6",
    "penwidth": "1",
}

END: Attributes = {"shape": "box", "style": "", "color": "transparent", "margin": "0.05,0.02", "height": "0.2"}
SYMBOL: Attributes = {
    "shape": "circle",
    "style": "filled",
    "fixedsize": "true",
    "width": "0.27",
    "height": "0.27",
    "margin": "0",
}
FORK: Attributes = {
    "shape": "point",
    "style": "filled",
    "width": "0.06",
    "height": "0.06",
    "fillcolor": INK,
    "color": INK,
}
PLAIN: Attributes = {"shape": "plaintext", "style": "", "margin": "0"}  # words beside a box
PILL: Attributes = {"shape": "ellipse", "style": "filled", "margin": "0.02,0.01", "height": "0.3"}

GROUPS: Mapping[str, Mapping[str, str]] = {
    "stage": {"style": "rounded", "color": "#b0b0b0", "labeljust": "r", "margin": "10"},
    "block": {"style": "rounded,filled", "color": "#d9d9d9", "fillcolor": "#f7f7f7", "labeljust": "r", "margin": "8"},
    "repeat": {"style": "rounded,dashed", "color": FAINT, "labeljust": "r", "margin": "9"},
    "case": {"color": "transparent", "labelloc": "b", "margin": "6"},
}
ARROWS: Mapping[str, Mapping[str, str]] = {
    "flow": {"weight": "4"},
    "skip": {"color": SKIP, "penwidth": "1.4"},
    "entry": {"weight": "4", "arrowhead": "none"},
    "tap": {"color": SKIP, "penwidth": "1.4", "style": "dashed"},
}
