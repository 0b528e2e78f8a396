"""How things look unless a theme says otherwise (`theme`): one colour a role, from Okabe and Ito's palette.

Each is mixed with white to a lightness (CIE L*) of its own, four apart, the commonest role near the middle: black text
stands on all of them, people who see few colours tell them apart, and so does a print in greys.
"""

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
    "conv": Paint("#a3cce3", "#0072b2"),  # blue, L* 80
    "norm": Paint("#d4ecf9", "#56b4e9"),  # sky blue, 92
    "act": Paint("#f1caab", "#d55e00"),  # vermilion, 84
    "pool": Paint("#5ec2a7", "#007a59"),  # green, 72
    "join": Paint("#ffffff", "#1a1a1a"),
    "shape": Paint("#dddddd", "#7f7f7f"),  # grey, 88
    "linear": Paint("#e0adc9", "#b0568c"),  # purple, 76
    "block": Paint("#faf6c0", "#b8a800"),  # yellow, 96
    "block2": Paint("#cfd893", "#7d8a1e"),  # lime, 84: further kinds of blocks in a strip, where no act or norm is
    "block3": Paint("#ffe3cf", "#cc8a64"),  # apricot, 92
    "block4": Paint("#c79f6f", "#7a5424"),  # brown, 68
    "other": Paint("#ffffff", "#7f7f7f"),
}
LEGEND: Mapping[str, str] = {  # the roles that a legend explains, in its order; white boxes say what they are
    "conv": "Convolution",
    "linear": "Fully connected",
    "norm": "Normalisation",
    "act": "Activation",
    "pool": "Pooling",
    "shape": "Rearrangement",
    "block": "Block",
}

GRAPH: Attributes = {
    "rankdir": "TB",
    "nodesep": "0.3",
    "ranksep": "0.32",
    "pad": "0.1",
    "margin": "0",  # of the page, which a pdf would have
    "fontname": FONT,
    "fontsize": str(TEXT),
    "fontcolor": INK,
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

CLOSE: Attributes = {"margin": "0.05,0.04", "width": "0.4"}  # of a box on a narrow page, in inches
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

TOP_RIGHT: Attributes = {"labeljust": "r", "labelloc": "t"}
GROUPS: Mapping[str, Mapping[str, str]] = {
    "stage": {**TOP_RIGHT, "style": "rounded", "color": "#b0b0b0", "margin": "10"},
    "block": {**TOP_RIGHT, "style": "rounded,filled", "color": "#d9d9d9", "fillcolor": "#f7f7f7", "margin": "8"},
    "repeat": {**TOP_RIGHT, "style": "rounded,dashed", "color": FAINT, "margin": "9"},
    "case": {"color": "transparent", "labelloc": "b", "margin": "6"},
}
ARROWS: Mapping[str, Mapping[str, str]] = {
    "flow": {"weight": "4"},
    "skip": {"color": SKIP, "penwidth": "1.4"},
    "entry": {"weight": "4", "arrowhead": "none"},
    "tap": {"color": SKIP, "penwidth": "1.4", "style": "dashed"},
}
