"""A scene as a slide of PowerPoint: shapes that can be moved and written in, with connectors that stay attached."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from io import BytesIO
from typing import Any

from archdsl.backends.figures.paper import POINTS
from archdsl.backends.figures.scene import OUTLINE, Frame, Item, Key, Point, Rect, Scene, Shape, Wire, Words
from archdsl.backends.figures.strip.as_dot import ROUND
from archdsl.backends.figures.texts import Text
from archdsl.backends.figures.writers.connectors import QUARTER, Connector, connector, legs, simplified
from archdsl.backends.figures.writers.sites import Sites, geometry, sites
from archdsl.diagnostics.faults import fault

EMU = 12700  # a point
LEAST, MOST = 1.0 * POINTS, 56.0 * POINTS  # a slide's sides
BLANK = 6  # the layout without anything
FONTS = {"sans": "Calibri", "serif": "Cambria"}  # as wide as those that were measured, and on every machine with Office
JOINT = 2.0  # points: a dot at which two connectors of one line meet
FORMS = {"rounded": "ROUNDED_RECTANGLE", "square": "RECTANGLE", "ellipse": "OVAL", "dot": "OVAL"}
EPOCH = datetime(1980, 1, 1, tzinfo=timezone.utc)


def write(scene: Scene) -> bytes:
    """The bytes of the file."""
    try:
        library: Any = importlib.import_module("pptx")
    except ImportError:
        message = "slides are written by python-pptx"
        raise fault("no-package", message, help="pip install 'archdsl[pptx]'") from None
    return Writer(scene, library).written()


class Writer:
    """Of one scene, at its size on the page."""

    def __init__(self, scene: Scene, library: Any) -> None:
        self.scene, self.look = scene, scene.look
        self.deck = library.Presentation()
        self.enums: Mapping[str, Any] = {
            name: importlib.import_module(f"pptx.enum.{name}") for name in ("shapes", "text", "dml")
        }
        self.colour_of: Any = importlib.import_module("pptx.dml.color").RGBColor.from_string
        self.emu: Any = importlib.import_module("pptx.util").Emu
        self.tag: Any = importlib.import_module("pptx.oxml.ns").qn
        self.parse: Any = importlib.import_module("pptx.oxml").parse_xml
        self.element: Any = importlib.import_module("pptx.oxml.xmlchemy").OxmlElement
        self.shapes: dict[Shape, Any] = {}
        self.sites = sites(scene)
        across, down = scene.page
        check_size(scene.title, across, down)
        size = max(across, LEAST), max(down, LEAST)
        self.margin = (size[0] - across) / 2, (size[1] - down) / 2
        self.deck.slide_width, self.deck.slide_height = (round(side * EMU) for side in size)

    def written(self) -> bytes:
        slide = self.deck.slides.add_slide(self.deck.slide_layouts[BLANK])
        if self.look.theme == "dark":
            slide.background.fill.solid()
            slide.background.fill.fore_color.rgb = self.rgb(self.look.ground)
        for item in self.scene.items:
            self.place(item, slide.shapes)
        for wire in self.scene.wires:
            self.wire(wire, slide.shapes)
        for key in self.scene.keys:
            self.key(key, slide.shapes)
        self.said_of_itself()
        made = BytesIO()
        self.deck.save(made)
        return undated(made.getvalue())

    def said_of_itself(self) -> None:
        about = self.deck.core_properties
        about.title, about.author, about.last_modified_by = self.scene.title, "", ""
        about.created = about.modified = EPOCH

    # --- boxes
    def place(self, item: Item, shapes: Any) -> None:
        """Frames are groups, so that what is in them moves with them."""
        if isinstance(item, Shape):
            self.shape(item, shapes)
            return
        group = shapes.add_group_shape()
        group.name = self.name_of(item)
        if item.kind != "case":
            self.frame(item, group.shapes)
        if item.label:
            self.words(item.label, group.shapes)
        for inner in item.items:
            self.place(inner, group.shapes)

    def name_of(self, frame: Frame) -> str:
        return frame.label.text.words if frame.label else frame.kind

    def frame(self, frame: Frame, shapes: Any) -> None:
        made = self.box("ROUNDED_RECTANGLE", frame.rect, shapes)
        if frame.paint.fill:
            self.fill(made, frame.paint.fill)
        else:
            made.fill.background()
        self.pen(made.line, frame.paint.line, 1.0, dashed=frame.kind == "repeat")

    def shape(self, shape: Shape, shapes: Any) -> None:
        if shape.form == "words":
            made = self.text_box(Words(shape.text, shape.rect), shapes)
        else:
            made = self.box(FORMS[shape.form], shape.rect, shapes)
            self.fill(made, shape.paint.fill)
            self.pen(made.line, shape.paint.line, OUTLINE)
            self.say(made, shape.text, "CENTER")
            if self.sites[shape].own:
                self.outline(made, self.sites[shape])
        made.name = shape.text.lines[0].words if shape.text.lines else shape.form
        made.element.nvSpPr.cNvPr.set("descr", shape.title)
        self.shapes[shape] = made
        for words in shape.beside:
            self.words(words, shapes)

    def key(self, key: Key, shapes: Any) -> None:
        group = shapes.add_group_shape()
        group.name = key.words.text.words
        made = self.box("ROUNDED_RECTANGLE", key.patch, group.shapes)
        self.fill(made, key.paint.fill)
        self.pen(made.line, key.paint.line, OUTLINE)
        self.words(key.words, group.shapes)

    def box(self, form: str, rect: Rect, shapes: Any) -> Any:
        made = shapes.add_shape(getattr(self.enums["shapes"].MSO_SHAPE, form), *self.rect(rect))
        made.element.remove(made.element.find(self.tag("p:style")))  # the theme's shadow
        if form == "ROUNDED_RECTANGLE":
            made.adjustments[0] = min(0.5, ROUND / min(rect.width, rect.height))
        return made

    def outline(self, made: Any, given: Sites) -> None:
        """Draws a box as a path, with sites of its own."""
        preset = made.element.spPr.find(self.tag("a:prstGeom"))
        space = f"xmlns:a='{importlib.import_module('pptx.oxml.ns').nsuri('a')}'"
        path = self.parse(f"<a:custGeom {space}>{geometry(given, ROUND)}</a:custGeom>")
        preset.getparent().replace(preset, path)

    def fill(self, made: Any, colour: str) -> None:
        made.fill.solid()
        made.fill.fore_color.rgb = self.rgb(colour)

    def pen(self, line: Any, colour: str, width: float, *, dashed: bool = False) -> None:
        line.color.rgb = self.rgb(colour)
        line.width = self.length(width)
        if dashed:
            line.dash_style = self.enums["dml"].MSO_LINE.DASH

    # --- words
    def words(self, words: Words, shapes: Any) -> None:
        rect = words.rect
        if words.turned:
            words = Words(words.text, Rect(rect.x, rect.y, rect.height, rect.width), words.align)
        made = self.text_box(words, shapes)
        if rect is not words.rect:
            made.rotation = -90

    def text_box(self, words: Words, shapes: Any) -> Any:
        made = shapes.add_textbox(*self.rect(words.rect))
        self.say(made, words.text, "LEFT" if words.align == "left" else "CENTER")
        return made

    def say(self, made: Any, text: Text, align: str) -> None:
        frame = made.text_frame
        frame.word_wrap = False
        frame.vertical_anchor = self.enums["text"].MSO_ANCHOR.MIDDLE
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        for n, line in enumerate(text.lines):
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.alignment = getattr(self.enums["text"].PP_ALIGN, align)
            paragraph.line_spacing = self.length(line.height)
            run = paragraph.add_run()
            run.text = line.words
            run.font.name, run.font.size, run.font.bold = FONTS[self.look.font], self.length(line.size), line.bold
            run.font.color.rgb = self.rgb(self.look.recoloured(line.colour))

    # --- lines
    def wire(self, wire: Wire, shapes: Any) -> None:
        """One connector, or, of a way with many corners, several that meet in dots."""
        parts = list(legs(simplified(knots(wire.whole) if wire.curved else wire.whole)))
        start, held = self.shapes[wire.source], self.sites[wire.source].number(wire.whole[0])
        for n, points in enumerate(parts):
            last = n == len(parts) - 1
            goal = self.shapes[wire.target] if last else self.joint(points[-1], wire, shapes)
            number = self.sites[wire.target].number(wire.whole[-1]) if last else 0
            made = self.leg(connector(points), wire, shapes, head=last and wire.head)
            self.attach(made, start, held, goal, number)
            start, held = goal, 0
        if wire.label:
            self.words(wire.label, shapes)

    def joint(self, at: Point, wire: Wire, shapes: Any) -> Any:
        made = self.box("OVAL", Rect(*at, JOINT, JOINT), shapes)
        self.fill(made, self.look.recoloured(wire.colour))
        made.line.fill.background()
        made.name = "joint"
        return made

    def leg(self, one: Connector, wire: Wire, shapes: Any, *, head: bool) -> Any:
        made = shapes.add_connector(self.enums["shapes"].MSO_CONNECTOR.STRAIGHT, 0, 0, 0, 0)
        x, y = self.point((one.left, one.top))
        made.left, made.top, made.width, made.height = x, y, self.length(one.width), self.length(one.height)
        made.element.remove(made.element.find(self.tag("p:style")))
        frame = made.element.spPr.find(self.tag("a:xfrm"))
        for name, given in (("flipH", one.mirrored), ("flipV", one.upended)):
            if given:
                frame.set(name, "1")
        if one.turned:
            frame.set("rot", str(QUARTER))
        geometry = made.element.spPr.find(self.tag("a:prstGeom"))
        geometry.set("prst", one.preset)
        values = geometry.find(self.tag("a:avLst"))
        for n, bend in enumerate(one.bends, 1):
            guide = self.element("a:gd")
            guide.set("name", f"adj{n}")
            guide.set("fmla", f"val {bend}")
            values.append(guide)
        self.pen(made.line, self.look.recoloured(wire.colour), wire.width, dashed=wire.dashed)
        if head:
            end = self.element("a:tailEnd")
            end.set("type", "triangle")
            made.element.spPr.find(self.tag("a:ln")).append(end)
        made.name = f"{self.said(wire.source)} → {self.said(wire.target)}"
        return made

    def said(self, shape: Shape) -> str:
        return shape.text.lines[0].words if shape.text.lines else shape.form

    def attach(self, made: Any, start: Any, site_of_start: int, goal: Any, site_of_goal: int) -> None:
        held = made.element.nvCxnSpPr.cNvCxnSpPr
        for name, shape, number in (("a:stCxn", start, site_of_start), ("a:endCxn", goal, site_of_goal)):
            end = self.element(name)
            end.set("id", str(shape.shape_id))
            end.set("idx", str(number))
            held.append(end)

    # --- numbers
    def rgb(self, colour: str) -> Any:
        return self.colour_of(colour.removeprefix("#").upper())

    def length(self, points: float) -> Any:
        return self.emu(round(points * self.scene.scale * EMU))

    def point(self, point: Point) -> tuple[int, int]:
        """On the slide."""
        (left, top), (right, down) = self.scene.pad, self.margin
        return self.length(point[0] + left) + round(right * EMU), self.length(point[1] + top) + round(down * EMU)

    def rect(self, rect: Rect) -> tuple[int, int, int, int]:
        return *self.point((rect.left, rect.top)), self.length(rect.width), self.length(rect.height)


def check_size(title: str, across: float, down: float) -> None:
    if max(across, down) > MOST:
        inches = f"{across / POINTS:.1f} in × {down / POINTS:.1f} in"
        message = f"{title} does not fit on a slide: it has {inches}, and a slide at most {MOST / POINTS:g} in"
        raise fault("too-narrow", message, help="show less of it, or draw a pdf, an svg or a diagram (drawio)")


def knots(points: Sequence[Point]) -> list[Point]:
    """Bézier curves by their ends and middles."""
    found = [points[0]]
    for n in range(0, len(points) - 3, 3):
        a, b, c, d = points[n : n + 4]
        middle = tuple((a[axis] + 3 * b[axis] + 3 * c[axis] + d[axis]) / 8 for axis in (0, 1))
        found += [(middle[0], middle[1]), d]
    return found


def undated(data: bytes) -> bytes:
    """The same parts without the hour at which they were written."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            part = zipfile.ZipInfo(name, EPOCH.timetuple()[:6])
            part.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(part, before.read(name))
    return made.getvalue()
