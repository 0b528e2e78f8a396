"""The engine's SVG made fit for the web and for diffs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from archdsl.backends.figures.embedding import style_sheet
from archdsl.backends.figures.measure import face_of
from archdsl.backends.figures.theme import Look

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SPACE = "http://www.w3.org/2000/svg"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_DIGITS = re.compile(r"\d+")
_ARROW = "->"


def cleaned(drawing: bytes, title: str, titles: Mapping[str, str], look: Look | None = None) -> str:
    """Without comments (they name versions); boxes and arrows with titles for readers; with its font.

    With the exact width that is asked for, where the engine rounds to points.
    """
    look = look or Look()
    from xml.etree import ElementTree

    ElementTree.register_namespace("", SPACE)
    root = ElementTree.fromstring(drawing)  # noqa: S314 - the engine wrote it, and it holds no entities
    root.set("role", "img")
    root.set("aria-label", title)
    if look.width is not None:
        scaled(root, look.width)
    in_order(root)
    for group in root.iter(f"{{{SPACE}}}g"):
        retitle(group, title, titles)
        if group.get("class") == "node":
            centre(group)
    for words in root.iter(f"{{{SPACE}}}text"):
        words.set("font-family", look.family)
        keep_width(words, look)
    carry_font(root, look)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def keep_width(words: Element, look: Look) -> None:
    """Words are as wide as they were measured in any font: editors do not read the one that the file carries."""
    face = face_of(look.font, words.get("font-weight") == "bold")
    letters = [face.letters.get(ord(letter)) for letter in "".join(words.itertext())]
    if letters and None not in letters:
        width = float(words.get("font-size", "0")) * sum(filter(None, letters))
        words.set("textLength", f"{width:.2f}")
        words.set("lengthAdjust", "spacingAndGlyphs")


def carry_font(root: Element, look: Look) -> None:
    """The letters of the font that the drawing shows: words keep their width where the font is not installed."""
    from xml.etree.ElementTree import Element

    shown: dict[bool, set[str]] = {}
    for words in root.iter(f"{{{SPACE}}}text"):
        shown.setdefault(words.get("font-weight") == "bold", set()).update("".join(words.itertext()))
    rules = style_sheet(look.font, {bold: "".join(sorted(letters)) for bold, letters in shown.items()})
    if rules:
        sheet = Element(f"{{{SPACE}}}style")
        sheet.text, sheet.tail = rules, "\n"
        root.append(sheet)


def scaled(root: Element, width: float) -> None:
    """The page in inches, of the same proportions."""
    _, _, across, down = map(float, root.get("viewBox", "").split())
    root.set("width", f"{width:g}in")
    root.set("height", f"{round(down * width / across, 4):g}in")


def in_order(root: Element) -> None:
    """Frames, arrows, then boxes from the input on, which is how they are read aloud."""
    whole = root.find(f"{{{SPACE}}}g")
    assert whole is not None
    whole[:] = sorted(whole, key=rank)


def rank(group: Element) -> tuple[int, int]:
    kind = group.get("class", "")
    number = _DIGITS.search(group.findtext(f"{{{SPACE}}}title", ""))
    return ("", "cluster", "edge", "node").index(kind), int(number[0]) if number else 0


def retitle(group: Element, title: str, titles: Mapping[str, str]) -> None:
    found = group.find(f"{{{SPACE}}}title")
    if found is None or not found.text:
        return
    if group.get("class") == "graph":
        found.text = title
    elif group.get("class") == "cluster":
        group.remove(found)  # its label says it
    else:
        found.text = " → ".join(titles.get(name, name) for name in found.text.split(_ARROW))


def centre(group: Element) -> None:
    """Lines anchored at their middle: in a reader's fallback font they are wider, and stay in the middle of the box."""
    span = extent(group)
    if span is None:
        return
    for words in group.iter(f"{{{SPACE}}}text"):
        words.set("text-anchor", "middle")
        words.set("x", f"{span:g}")


def extent(group: Element) -> float | None:
    """The middle of the box's outline, or of its texts where it has none."""
    for tag, name in (("polygon", "points"), ("path", "d")):
        for outline in group.iter(f"{{{SPACE}}}{tag}"):
            numbers = [float(n) for n in _NUMBER.findall(outline.get(name, ""))][::2]
            return round((min(numbers) + max(numbers)) / 2, 2)
    ellipse = group.find(f".//{{{SPACE}}}ellipse")
    return float(ellipse.get("cx", "0")) if ellipse is not None else None
