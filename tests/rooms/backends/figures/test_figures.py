"""Figures: what is in them, how they are laid out, and that the same text comes out everywhere."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.figures import GOLDEN, HOSTILE, blocks_of, graph_of, run, small
from support.places import SPEC_FILES as SPECS

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import fonts, style
from archdsl.backends.figures.dot import dot, node_names
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.picture import Group, Picture

SVG = "{http://www.w3.org/2000/svg}"

# (name of the golden file, spec, what to draw)
GOLDENS = [
    ("peleenet", "peleenet", {}),
    ("peleenet.stage", "peleenet", {"level": "stage"}),
    ("peleenet.StemBlock", "peleenet", {"block": "StemBlock"}),
    ("peleenet.TwoWayDenseLayer", "peleenet", {"block": "TwoWayDenseLayer"}),
    ("mobilenet_v2.InvertedResidual", "mobilenet_v2", {"block": "InvertedResidual", "cases": ["all"]}),
    ("espnet", "espnet", {}),
    ("espnet.ESP", "espnet", {"block": "ESP", "cases": ["all"]}),
]


@pytest.fixture(scope="module", params=[path.stem for path in SPECS])
def graph(request) -> archdsl.Graph:
    return visible(graph_of(request.param))  # what does nothing is not drawn


def pictures(graph: archdsl.Graph) -> list[Picture]:
    whole = [figures.picture(graph, level=level) for level in figures.LEVELS]
    return whole + [figures.picture(graph, block=block, cases=["all"]) for block in blocks_of(graph)]


def groups(items) -> list[Group]:
    found = [item for item in items if isinstance(item, Group)]
    return found + [inner for group in found for inner in groups(group.items)]


def laid_out(picture: Picture) -> tuple[dict[str, tuple[float, float, float, float]], dict]:
    """The boxes' rectangles (left, low, right, high) by name, and the engine's whole answer."""
    answer = json.loads(render(dot(picture), "json"))
    rectangles = {}
    for thing in answer["objects"]:
        if "pos" in thing:
            x, y = map(float, thing["pos"].split(","))
            w, h = float(thing["width"]) * 36, float(thing["height"]) * 36
            rectangles[thing["name"]] = (x - w, y - h, x + w, y + h)
    return rectangles, answer


def left_of(picture: Picture, first: str, second: str) -> bool:
    """Whether the box that says `first` stands left of the one that says `second`."""
    rectangles, _ = laid_out(picture)
    names = node_names(picture)
    by_text = {" ".join((box.heading, *box.lines)).strip(): rectangles[names[box]] for box in picture.boxes()}
    return by_text[first][2] <= by_text[second][0]


# --- what is drawn


@pytest.mark.parametrize("level", figures.LEVELS)
def test_every_op_stands_in_exactly_one_box(graph, level):
    boxes = figures.picture(graph, level=level).boxes()
    assert Counter(node.id for box in boxes for node in box.nodes) == Counter(node.id for node in graph.nodes)


def test_every_op_of_a_block_stands_in_exactly_one_box_of_its_case(graph):
    for block in blocks_of(graph):
        picture = figures.picture(graph, block=block, cases=["all"])
        cases = [item for item in picture.items if isinstance(item, Group) and item.kind == "case"]
        for boxes in [list(case.boxes()) for case in cases] or [picture.boxes()]:
            ids = {node.id for box in boxes for node in box.nodes}
            calls = [scope for scope in graph.root.scopes() if scope.is_block and scope.name == block]
            assert any({node.id for node in call.nodes()} == ids for call in calls), block
            assert sum(len(box.nodes) for box in boxes) == len(ids), block


def test_each_way_of_a_tensor_is_drawn_once(graph):
    """At the level of ops nothing is folded: the arrows are the graph's edges between boxes, forks seen through."""
    picture = figures.picture(graph, level="op")
    owner = {node.id: box for box in picture.boxes() for node in box.nodes}
    inputs = {box.tensor.name: box for box in picture.boxes() if box.role == "input"}
    expected = Counter()
    for node in graph.nodes:
        for tensor in {id(t): t for t in node.inputs}.values():
            source = owner[tensor.node.id] if tensor.node else inputs[tensor.name]
            if source is not owner[node.id]:
                expected[source, owner[node.id]] += 1
    before = {arrow.target: arrow.source for arrow in picture.arrows if arrow.target.role == "fork"}
    found = Counter()
    for arrow in picture.arrows:
        source = arrow.source
        while source.role == "fork":
            source = before[source]
        if arrow.target.role not in ("fork", "output"):
            found[source, arrow.target] += 1
    assert found == expected


def test_each_box_is_reached(graph):
    for picture in pictures(graph):
        reached = {arrow.target for arrow in picture.arrows} | {box for box in picture.boxes() if box.role == "input"}
        constants = {box for box in picture.boxes() if box.nodes and not any(n.inputs for n in box.nodes)}
        assert set(picture.boxes()) == reached | constants, picture.title


def test_conv_bn_and_activation_are_one_box():
    boxes = figures.picture(small({"conv": {"out": 16, "kernel": 3, "stride": 2}}, "bn", "relu"), level="op").boxes()
    assert [box.lines for box in boxes if box.nodes] == [("3×3 Conv, s2", "BN, ReLU")]


def test_a_tensor_read_twice_is_not_hidden_in_a_box():
    graph = small({"conv": {"out": 8, "kernel": 3}}, {"residual": ["bn", "relu"]})
    assert [box.lines[0] for box in figures.picture(graph, level="op").boxes() if box.nodes][:2] == [
        "3×3 Conv",
        "BN, ReLU",
    ]


def test_a_block_that_is_one_box_is_drawn_as_its_ops_and_another_by_name():
    unit = {"params": ["out"], "body": [{"conv": "out"}, "bn", "relu"]}
    pair = {"params": ["out"], "body": [{"Unit": "out"}, {"Unit": "out"}]}
    graph = small({"Unit": 8}, {"Pair": 8}, Unit=unit, Pair=pair)
    boxes = [box for box in figures.picture(graph, level="stage").boxes() if box.nodes]
    assert [(box.heading, box.lines) for box in boxes] == [("", ("1×1 Conv", "BN, ReLU")), ("Pair", ())]


def test_a_convolution_and_what_belongs_to_it_are_one_box_however_blocks_cut_them():
    inner = {"params": ["out"], "body": [{"conv": "out"}, "bn"]}
    outer = {"params": ["out"], "body": [{"Inner": "out"}, "relu"]}
    unit = {"body": [{"Outer": 8}, {"Inner": 4}, "relu6", {"Inner": 4}]}
    graph = small({"Unit": None}, Inner=inner, Outer=outer, Unit=unit)
    boxes = [box for box in figures.picture(graph, block="Unit").boxes() if box.nodes]
    assert [box.lines for box in boxes] == [("1×1 Conv", "BN, ReLU"), ("1×1 Conv", "BN, ReLU6"), ("1×1 Conv", "BN")]


def test_identical_calls_in_a_chain_are_one_box_and_their_number():
    picture = figures.picture(graph_of("peleenet"), level="stage")
    assert [group.label for group in groups(picture.items) if group.kind == "repeat"] == ["×3", "×4", "×8", "×6"]


def test_branches_are_never_folded_as_a_chain():
    graph = small({"add": [{"conv": {"out": 8, "kernel": 3}}] * 3})
    assert not [group for group in groups(figures.picture(graph, level="stage").items) if group.kind == "repeat"]


def test_calls_whose_insides_differ_are_not_folded():
    """With equal arguments, but the first without a shortcut: the channels change."""
    unit = {
        "params": ["out"],
        "body": [{"residual": {"if": "c_in == out", "body": [{"conv": "out"}, {"conv": "out"}]}}],
    }
    graph = small({"repeat": 3, "body": [{"Unit": 16}]}, Unit=unit)
    assert [group.label for group in groups(figures.picture(graph, level="stage").items)] == ["body", "×2"]


def test_cases_of_a_block_stand_side_by_side():
    picture = figures.picture(graph_of("mobilenet_v2"), block="InvertedResidual", cases=["all"])
    assert [item.label for item in picture.items] == ["(a) stride 1", "(b) stride 2"]
    assert [
        any(arrow.kind == "skip" and arrow.source in item.items for arrow in picture.arrows) for item in picture.items
    ] == [True, False]


def test_the_network_says_blocks_repeats_and_what_leaves():
    boxes = {box.heading: box for box in figures.picture(graph_of("peleenet")).boxes()}
    assert boxes["stage1"].lines[0] == "TwoWayDenseLayer ×3"
    assert boxes["stage1"].shape == "128×28×28"


def test_a_tap_of_an_earlier_stage_is_an_arrow_of_its_own():
    taps = [arrow for arrow in figures.picture(graph_of("espnet")).arrows if arrow.kind == "tap"]
    found = {(tap.source.heading, tap.target.heading) for tap in taps}
    assert found == {("level2", "merge2"), ("level3", "merge3")}


def test_the_words_of_label_are_drawn():
    graph = small({"conv": {"out": 8}, "label": "my own words"})
    assert "my own words" in figures.draw(graph, level="op")


def test_each_role_has_its_own_colour():
    assert (
        len({paint.fill for role, paint in style.ROLES.items() if role not in ("join", "other")})
        == len(style.ROLES) - 2
    )


# --- how it is laid out


def test_no_box_covers_another(graph):
    for picture in pictures(graph):
        if len(picture.boxes()) > 150:
            continue  # the layout engine's own guarantee; large ones take seconds
        rectangles, _ = laid_out(picture)
        for (_, one), (_, other) in combinations(rectangles.items(), 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, picture.title


def test_branches_stand_left_to_right_in_the_order_of_the_spec():
    graph = small({"concat": [{"conv": {"out": 8, "kernel": k}} for k in (7, 1, 5, 3)]})
    picture = figures.picture(graph, level="op")
    order = ["7×7 Conv", "1×1 Conv", "5×5 Conv", "3×3 Conv"]
    assert all(left_of(picture, one, other) for one, other in pairwise(order))


@pytest.mark.parametrize("name", ["espnet", "shufflenet_v2", "peleenet"])
def test_arrows_reach_a_join_in_the_order_of_its_branches(name):
    graph = graph_of(name)
    for block in blocks_of(graph):
        picture = figures.picture(graph, block=block, cases=["all"])
        names = node_names(picture)
        _, answer = laid_out(picture)
        labels = {thing["_gvid"]: thing["name"] for thing in answer["objects"]}
        ends = {}
        for edge in answer["edges"]:
            points = [tuple(map(float, p.split(","))) for p in edge["pos"].split() if p[0] not in "es"]
            ends[labels[edge["tail"]], labels[edge["head"]]] = points[-2][0]
        for join in (box for box in picture.boxes() if box.role == "join"):
            arriving = [ends[names[a.source], names[join]] for a in picture.arrows if a.target is join]
            assert arriving == sorted(arriving), (block, join.lines)


# --- the texts


@pytest.mark.parametrize(("file", "spec", "what"), GOLDENS, ids=[row[0] for row in GOLDENS])
def test_dot_is_as_written_down(file, spec, what):
    """Write them anew with ARCHDSL_GOLDEN=write, and look at the figures before committing."""
    text = figures.draw(graph_of(spec), format="dot", **what)
    path = GOLDEN / f"{file}.dot"
    if os.environ.get("ARCHDSL_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_svg_has_the_same_bytes_in_every_process():
    code = """
import archdsl
for level in ("network", "stage"):
    print(archdsl.draw("specs/espnet.yaml", level=level))
print(archdsl.draw("specs/espnet.yaml", block="ESP"))
"""
    assert run(code, PYTHONHASHSEED="1") == run(code, PYTHONHASHSEED="2", LC_ALL="C")


def test_svg_is_fit_for_readers_and_for_diffs():
    text = figures.draw(graph_of("peleenet"), block="StemBlock")
    root = ElementTree.fromstring(text)
    assert "<!--" not in text
    assert "graphviz" not in text.lower()
    assert root.get("aria-label") == "StemBlock"
    families = {words.get("font-family") for words in root.iter(f"{SVG}text")}
    assert families == {"Source Sans Pro,'Source Sans 3',Helvetica,Arial,sans-serif"}
    nodes = [group for group in root.iter(f"{SVG}g") if group.get("class") == "node"]
    titles = [node.findtext(f"{SVG}title") for node in nodes]
    assert any("max_pool: 2×2" in title for title in titles)
    assert all(words.get("text-anchor") == "middle" for node in nodes for words in node.iter(f"{SVG}text"))


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("level", figures.LEVELS)
def test_hostile_words_stay_words(words, level):
    graph = small({"conv": {"out": 8}}, {"max_pool": {"kernel": 2, "stride": 2}})
    graph.nodes[0].label = words
    graph.root.children[0].label = words
    graph.name = words
    plain = figures.draw(small({"conv": {"out": 8}}, {"max_pool": {"kernel": 2, "stride": 2}}), level=level)
    drawn = figures.draw(graph, level=level)
    one, other = ElementTree.fromstring(plain), ElementTree.fromstring(drawn)
    for kind in ("node", "edge", "cluster"):
        count = [sum(group.get("class") == kind for group in root.iter(f"{SVG}g")) for root in (one, other)]
        assert count[0] == count[1]
    assert {element.tag for element in other.iter()} <= {element.tag for element in one.iter()}
    if len(words) < style.TEXT * 3 and words.isprintable():
        said = "".join("".join(words_.itertext()) for words_ in other.iter(f"{SVG}text"))
        assert re.sub(r"\s+", "", words) in re.sub(r"\s+", "", said)
    assert figures.draw(graph, level=level, format="pdf").startswith(b"%PDF")


@pytest.mark.parametrize(
    ("what", "code", "help_"),
    [
        ({"block": "StemBlok"}, "unknown-block", "did you mean 'StemBlock'?"),
        ({"level": "stages"}, "unknown-level", "did you mean 'stage'?"),
        ({"format": "swg"}, "unknown-format", "did you mean 'svg'?"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest_that_does(what, code, help_):
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(graph_of("peleenet"), **what)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == (code, help_)


# --- fonts and the engine

NO_FONTS = {"FONTCONFIG_FILE": "/nowhere/fonts.conf", "FONTCONFIG_PATH": "/nowhere", "HOME": "/nowhere"}
DRAW = """
import sys
from archdsl.backends.figures.engine import render
text = 'digraph {{ a [label="{label}" fontname="Source Sans Pro"] }}'
sys.stdout.buffer.write(render(text, "{format}"))
"""


def test_without_fonts_text_is_not_empty_boxes():
    """Two words as wide as each other: as empty boxes they would be the same picture."""
    one, other = (run(DRAW.format(label=label, format="png"), **NO_FONTS) for label in ("×abc", "cba×"))
    assert one != other


def test_without_fonts_a_pdf_carries_the_wheels_font():
    assert b"SourceSansPro" in run(DRAW.format(label="3×3 Conv", format="pdf"), **NO_FONTS)


def test_the_font_has_the_signs_that_figures_use():
    tools = pytest.importorskip("fontTools.ttLib")
    folder = fonts.folder()
    assert folder is not None
    for face in ("Regular", "Bold"):
        known = tools.TTFont(folder / f"SourceSansPro-{face}.otf").getBestCmap()
        assert not [sign for sign in "×·–→−…+=()" if ord(sign) not in known], face


def test_the_users_font_settings_are_kept(monkeypatch, tmp_path):
    theirs = tmp_path / "fonts.conf"
    theirs.write_text("<fontconfig/>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(theirs))
    with fonts.known():
        assert str(theirs) in Path(os.environ["FONTCONFIG_FILE"]).read_text()
    assert os.environ["FONTCONFIG_FILE"] == str(theirs)


def test_importing_it_is_light():
    code = """
import sys, archdsl.backends.figures
heavy = {"graphviz", "pygraphviz", "torch", "font_source_sans_pro", "numpy"} & set(sys.modules)
assert not heavy, heavy
"""
    run(code)


def test_without_the_library_a_program_on_path_draws(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho $*: $(cat)\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert render("digraph {}", "pdf") == b"-Kdot -Tpdf: digraph {}\n"
    assert render("digraph {}", "png", "nop2", dpi=96) == b"-Kneato -Tpng -n2: digraph {dpi=96;}\n"


def test_without_any_engine_the_fault_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(small("relu"))
    assert caught.value.diagnostics[0].code == "no-engine"


@pytest.mark.parametrize(("format", "start"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_binary_formats_are_bytes(format, start):
    assert figures.draw(small("relu"), format=format).startswith(start)
