"""Figures by our own writers: TikZ that a paper takes, diagrams and slides whose lines stay attached."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from math import cos, pi, sin
from xml.etree import ElementTree

import pptx
import pytest
import yaml
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.oxml.ns import qn
from support.figures import KINDS, blocks_of, graph_of, toy

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import fonts, measure
from archdsl.commands.cli import main

SVG = "{http://www.w3.org/2000/svg}"
ENDS = {"source": "exit", "target": "entry"}  # of a line in a diagram


@cache
def drawn(kind: str, format: str, **look) -> bytes | str:
    return figures.draw(toy(), format=format, look=figures.Look(**look), **KINDS[kind])


def svg_words(kind: str) -> list[str]:
    root = ElementTree.fromstring(drawn(kind, "svg"))
    found = ("".join(words.itertext()).strip("\N{NO-BREAK SPACE}") for words in root.iter(f"{SVG}text"))
    return sorted(filter(None, found))


def lines_in_svg(kind: str) -> int:
    return sum(group.get("class") == "edge" for group in ElementTree.fromstring(drawn(kind, "svg")).iter(f"{SVG}g"))


# --- slides
def slide(kind: str, **look):
    return pptx.Presentation(BytesIO(drawn(kind, "pptx", **look))).slides[0]


def leaves(shapes):
    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from leaves(shape.shapes)
        else:
            yield shape


def lines_of(made) -> list:
    return [shape for shape in leaves(made.shapes) if shape.element.tag == qn("p:cxnSp")]


def site(shape, number: int) -> tuple[float, float]:
    """Where a shape holds a line, in points."""
    places = shape.element.spPr.findall(f".//{qn('a:cxn')}")
    if places:
        guides = {guide.get("name"): guide.get("fmla") for guide in shape.element.spPr.iter(qn("a:gd"))}
        at = places[number].find(qn("a:pos"))
        parts = [int(guides[at.get(axis)].split()[2]) / int(guides[at.get(axis)].split()[3]) for axis in "xy"]
    elif shape.element.spPr.prstGeom.get("prst") == "ellipse":
        parts = [0.5 - 0.5 * sin(number * pi / 4), 0.5 - 0.5 * cos(number * pi / 4)]
    else:
        parts = [(0.5, 0), (0, 0.5), (0.5, 1), (1, 0.5)][number]
    return (shape.left + parts[0] * shape.width) / 12700, (shape.top + parts[1] * shape.height) / 12700


def ends(line) -> list[tuple[float, float]]:
    """Where a line begins and ends, as PowerPoint turns and mirrors its preset."""
    frame = line.element.spPr.find(qn("a:xfrm"))
    half = line.width / 2, line.height / 2
    found = []
    for sign in (-1, 1):
        u = sign * half[0] * (-1 if frame.get("flipH") else 1)
        v = sign * half[1] * (-1 if frame.get("flipV") else 1)
        x, y = (-v, u) if frame.get("rot") else (u, v)
        found.append(((line.left + half[0] + x) / 12700, (line.top + half[1] + y) / 12700))
    return found


def attached(made) -> int:
    """How many lines a slide has, those with dots in between as one; each touches its shapes where these hold it."""
    shapes = {shape.shape_id: shape for shape in leaves(made.shapes)}
    joints = [number for number, shape in shapes.items() if shape.name == "joint"]
    for line in lines_of(made):
        held = line.element.nvCxnSpPr.cNvCxnSpPr
        for name, point in zip(("a:stCxn", "a:endCxn"), ends(line), strict=True):
            end = held.find(qn(name))
            if int(end.get("id")) not in joints:
                shape = shapes[int(end.get("id"))]
                x, y = site(shape, int(end.get("idx")))
                # A line leads to any of the words of a text.
                beside = 0 if shape.shape_type != MSO_SHAPE_TYPE.TEXT_BOX else shape.height.pt / 2
                assert x == pytest.approx(point[0], abs=2.5)
                assert y == pytest.approx(point[1], abs=2.5 + beside)
    return len(lines_of(made)) - len(joints)


@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_of_a_slide_are_attached_where_they_touch_their_shapes(kind):
    assert attached(slide(kind)) == lines_in_svg(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slide_and_a_diagram_say_what_the_svg_says(kind):
    runs = [
        (run.text, run.font.size.pt)
        for shape in leaves(slide(kind).shapes)
        if shape.has_text_frame
        for paragraph in shape.text_frame.paragraphs
        for run in paragraph.runs
    ]
    assert sorted(words for words, _ in runs) == svg_words(kind)
    assert {size for _, size in runs} <= {12.0, 10.0}
    cells = ElementTree.fromstring(drawn(kind, "drawio")).iter()
    values = [cell.get("value") or cell.get("label") or "" for cell in cells]
    assert sorted(words for value in values for words in said(value)) == svg_words(kind)


def said(markup: str) -> list[str]:
    found: list[str] = []
    reader = HTMLParser()
    reader.handle_data = found.append
    reader.feed(markup)
    reader.close()
    return found


def test_boxes_with_places_for_lines_keep_their_corners():
    tapped = [{"relu": None, "name": "x"}, {"conv": 8}]
    merged = {"a": ["relu"], "b": tapped, "c": [{"concat": ["a", "b", "b.x", "input"]}, "relu"]}
    spec = {"archdsl": 1, "name": "Net", "input": [8, 9, 9], "stages": merged}
    for style, arcs in (("strip", 4), ("blocks", 0)):
        made = pptx.Presentation(BytesIO(archdsl.draw(spec, style=style, format="pptx"))).slides[0]
        paths = [path for shape in leaves(made.shapes) for path in shape.element.iter(qn("a:custGeom"))]
        assert paths
        assert {len(list(path.iter(qn("a:arcTo")))) for path in paths} == {arcs}


def test_frames_of_a_slide_are_groups_and_its_width_is_exact():
    made = slide("block", width=3.4)
    (group,) = [shape for shape in made.shapes if shape.name == "Pair"]
    assert {"1×1 Conv", "3×3 Conv", "Concat"} <= {shape.name for shape in group.shapes}
    deck = pptx.Presentation(BytesIO(drawn("block", "pptx", width=3.4)))
    assert deck.slide_width == pytest.approx(3.4 * 914400, abs=2)
    assert deck.core_properties.title == "Unit"
    assert drawn("block", "pptx", width=3.4) == figures.draw(
        toy(), format="pptx", look=figures.Look(width=3.4), **KINDS["block"]
    )


def test_slides_without_their_library_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "pptx", None)
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.draw(toy(), format="pptx")
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("no-package", "pip install 'archdsl[pptx]'")


def test_a_figure_that_is_larger_than_any_slide_is_refused():
    deep = archdsl.graph({"archdsl": 1, "name": "Deep", "input": [8, 9, 9], "stages": {"all": ["relu"] * 100}})
    with pytest.raises(archdsl.SpecError, match=r"Deep does not fit on a slide: it has .* and a slide at most 56 in"):
        archdsl.draw(deep, level="op", format="pptx")


@pytest.mark.parametrize("format", ["tikz", "drawio", "pptx"])
def test_what_has_no_dots_refuses_their_number(format):
    with pytest.raises(archdsl.SpecError, match="does not take 'dpi'"):
        archdsl.draw(toy(), format=format, dpi=300)


# --- diagrams
def ways_in_diagram(kind: str) -> list[list[tuple[float, float]]]:
    """The corners of its lines, from box to box."""
    root = ElementTree.fromstring(drawn(kind, "drawio")).find(".//root")
    cells = {cell.get("id") or holder.get("id"): cell for holder in root for cell in holder.iter("mxCell")}
    found = []
    for line in (cell for cell in cells.values() if cell.get("edge")):
        look = dict(item.split("=") for item in line.get("style").split(";") if item)
        corners = [(float(point.get("x")), float(point.get("y"))) for point in line.iter("mxPoint")]
        start, goal = (touched(cells, line.get(name), look, end) for name, end in ENDS.items())
        found.append([start, *corners, goal])
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_of_a_diagram_go_along_the_axes_from_box_to_box(kind):
    ways = ways_in_diagram(kind)
    assert len(ways) == lines_in_svg(kind)
    for (a, b), (c, d) in (pair for way in ways for pair in pairwise(way)):
        assert kind == "op" or min(abs(a - c), abs(b - d)) < 0.05


def touched(cells, name: str, look, end: str) -> tuple[float, float]:
    """Where a line leaves or enters its box, on the page."""
    place = cells[name].find("mxGeometry")
    x, y = (float(place.get(axis)) for axis in "xy")
    x += float(place.get("width")) * float(look[f"{end}X"])
    y += float(place.get("height")) * float(look[f"{end}Y"])
    around = cells[name].get("parent")
    while around != "1":
        place = cells[around].find("mxGeometry")
        x, y = x + float(place.get("x")), y + float(place.get("y"))
        around = cells[around].get("parent")
    return x, y


def corners_of(line) -> list[tuple[float, float]]:
    """The corners of a connector, as its preset bends."""
    frame, preset = line.element.spPr.find(qn("a:xfrm")), line.element.spPr.prstGeom
    bends = [int(guide.get("fmla").split()[1]) / 100000 for guide in preset.iter(qn("a:gd"))]
    parts = int(preset.get("prst")[-1])
    u, v, found = 0.0, 0.0, [(0.0, 0.0)]
    for n in range(parts):
        end = n >= parts - 2
        at = 1.0 if end else bends[n]
        u, v = (at, v) if n % 2 == 0 else (u, at)
        found.append((u, v))
    found[-1] = (1.0, 1.0)
    return [placed(line, frame, u, v) for u, v in found]


def placed(line, frame, u: float, v: float) -> tuple[float, float]:
    """A place in a connector before it is turned, on the slide in points."""
    x, y = (u - 0.5) * line.width, (v - 0.5) * line.height
    x, y = -x if frame.get("flipH") else x, -y if frame.get("flipV") else y
    x, y = (-y, x) if frame.get("rot") else (x, y)
    return (line.left + line.width / 2 + x) / 12700, (line.top + line.height / 2 + y) / 12700


@pytest.mark.parametrize("kind", ["block", "strip", "portrait"])
def test_the_lines_of_a_slide_bend_where_those_of_a_diagram_do(kind):
    apart = 10.0 - 7.2  # the margins
    diagrams = [[x - apart for point in way for x in point] for way in ways_in_diagram(kind)]
    for line in lines_of(slide(kind)):
        way = [x for point in corners_of(line) for x in point]
        assert any(len(way) == len(other) and way == pytest.approx(other, abs=0.5) for other in diagrams), line.name


def test_a_diagram_has_a_page_of_the_width_asked_for():
    model = ElementTree.fromstring(drawn("strip", "drawio", width=7.0)).find(".//mxGraphModel")
    assert float(model.get("pageWidth")) == 700  # 100 to an inch


# --- LaTeX
PAPER = r"""\documentclass%s
\usepackage{tikz}
\usetikzlibrary{arrows.meta}
\begin{document}
%s
\end{document}
"""
FIGURE = r"\begin{figure}\centering\input{block}\caption{One.}\end{figure}\hbox to 0pt{\input{block}\hss}"
PAPERS = {
    "article": ("{article}", FIGURE),
    "IEEEtran": ("[conference]{IEEEtran}", FIGURE),
    "beamer": ("{beamer}", r"\begin{frame}{One}\resizebox{!}{0.8\textheight}{\input{block}}\end{frame}"),
}


def test_a_block_in_latex_has_the_theme_the_font_and_the_width_asked_for():
    text = figures.draw(toy(), format="tikz", look=figures.Look("dark", font="serif", width=3.4), **KINDS["block"])
    assert r"font=\rmfamily" in text
    assert "sourceserifpro" in text
    assert "fill=ground" in text
    (scale,) = re.findall(r"x=([\d.]+)bp", text)
    left, right = re.search(r"bounding box.*?\((.*?),.*rectangle \((.*?),", text).groups()
    assert (float(right) - float(left)) * float(scale) == pytest.approx(3.4 * 72, abs=0.01)


# --- letters that fonts lack
@pytest.fixture
def worded(monkeypatch, tmp_path):
    """Gives a network with such a label, on a machine without fonts of its own."""
    monkeypatch.setattr(fonts, "MACHINE", (str(tmp_path),))
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    fonts.lacking.cache_clear()
    yield lambda label: archdsl.graph(
        {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"a": [{"conv": 4, "label": label}, "relu"]}}
    )
    fonts.lacking.cache_clear()


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_letters_that_no_font_of_the_machine_has_are_named(worded, format):
    graph = worded("通道 ≤ 道")
    for level in ("network", "op"):
        with pytest.warns(archdsl.FontWarning, match=f"no font on this machine has '通道': the {format}") as told:
            archdsl.draw(graph, level=level, format=format)
        assert [item.filename for item in told] == [__file__]


def test_letters_that_another_font_has_are_not_named(worded, monkeypatch, recwarn):
    carried = fonts.folder()
    monkeypatch.setattr(fonts, "MACHINE", (str(carried),))
    monkeypatch.setattr(measure, "face_of", lambda *_, **__: measure.Face({ord("x"): 0.5}, 0.6, 1.0, 0.3))
    archdsl.draw(worded("é"), level="op", format="svg")
    archdsl.draw(worded("文"), level="op", format="dot")  # which no engine has drawn
    assert not [item for item in recwarn if item.category is archdsl.FontWarning]


def test_letters_that_latex_does_not_set_are_named_and_spelled_out(worded, recwarn):
    text = archdsl.draw(worded("Größe ÷ 2 ≤ ⊕"), format="tikz", style="strip")
    assert not [item for item in recwarn if item.category is archdsl.FontWarning]
    assert r"Gr\"{o}\ss{}e \ensuremath{\div} 2 \ensuremath{\leq} \ensuremath{\oplus}" in text
    text = archdsl.draw(worded("10⁻³ ½ ∇ ~ {x}"), format="tikz", style="strip")
    braced = r"\ensuremath{\sim} \ensuremath{\{}x\ensuremath{\}}"
    assert rf"10\ensuremath{{^{{-}}}}\ensuremath{{^{{3}}}} 1/2 \ensuremath{{\nabla}} {braced}" in text
    with pytest.warns(archdsl.FontWarning, match="the fonts of LaTeX lack '通道'"):
        assert "U+901AU+9053" in archdsl.draw(worded("通道"), format="tikz", style="strip")


def test_the_command_line_notes_them(worded, tmp_path, capsys):
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"a": [{"conv": 4, "label": "通道"}]}}
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    assert main(["draw", str(tmp_path / "net.yaml"), "-o", str(tmp_path / "net.svg")]) == 0
    assert capsys.readouterr().err.startswith("archdsl: no font on this machine has '通道'")


@pytest.mark.slow  # TeX
@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_takes_a_figure_that_compiles_by_itself_too(paper, tmp_path):
    needed = ("standalone.cls", "tikz.sty", f"{paper}.cls", *(["ptmr7t.tfm"] if paper == "IEEEtran" else []))
    if not shutil.which("pdflatex") or not all(exists(name) for name in needed):
        pytest.skip("needs pdflatex with standalone, TikZ, the class and its fonts")
    spec = toy.__wrapped__()  # a graph of its own
    spec.nodes[0].label = "~{a}\\ 10⁻³ ½ ≤ ∇ Größe & 50 % #1_x^2"
    made = figures.draw(spec, format="tikz", look=figures.Look(width=3.4), **KINDS["block"])
    (tmp_path / "block.tex").write_text(str(made), encoding="utf-8")
    kind, body = PAPERS[paper]
    (tmp_path / "paper.tex").write_text(PAPER % (kind, body), encoding="utf-8")
    for name in ("block", "paper"):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert not re.search(r"Overfull|Missing character|Font Warning", done.stdout)
    page = re.search(rb"/MediaBox \[0 0 ([\d.]+)", (tmp_path / "block.pdf").read_bytes())
    assert page is None or float(page[1]) == pytest.approx(3.4 * 72, abs=0.1)


def exists(name: str) -> bool:
    return bool(subprocess.run(["kpsewhich", name], capture_output=True, check=False).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pelee", "weightnet", "espnet"])
def test_lines_with_many_corners_are_attached_too(name):
    graph = graph_of(name)
    for block in [None, *blocks_of(graph)]:
        assert attached(pptx.Presentation(BytesIO(archdsl.draw(graph, block=block, format="pptx"))).slides[0])
