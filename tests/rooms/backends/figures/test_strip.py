"""Strips: every stage once, nothing over anything else, lines that can be followed, LaTeX that compiles."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from itertools import combinations, pairwise, product
from pathlib import Path

import pytest
from support.figures import GOLDEN, HOSTILE, graph_of, run, small
from support.places import SPEC_FILES as SPECS

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import measure, style
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.strip import ORIENTS, STYLES, Paper, as_dot, cells, strip
from archdsl.backends.figures.strip.plan import Drawing, Rect

NAMES = [path.stem for path in SPECS]
FORMS = [(style, orient, False) for style, orient in product(STYLES, ORIENTS)]
FORMS += [("blocks", orient, True) for orient in ORIENTS]
IDS = [f"{style}-{orient}{'-deep' * deep}" for style, orient, deep in FORMS]
HAIR = 0.05  # points, that numbers are rounded by
WIDE = {"landscape": 7 * 72, "portrait": 3.4 * 72}  # of the page of a paper, and of its column

# (name of the golden file, spec, what to draw)
GOLDENS = [
    ("mobilenet_v2.blocks.dot", "mobilenet_v2", {"style": "blocks"}),
    ("pelee.portrait.dot", "pelee", {"orient": "portrait"}),
    ("peleenet.expand.dot", "peleenet", {"expand": ["stage1"]}),
    ("peleenet.tex", "peleenet", {}),
    ("espnet.portrait.tex", "espnet", {"orient": "portrait"}),
]


@pytest.fixture(scope="module", params=NAMES)
def graph(request) -> archdsl.Graph:
    return visible(graph_of(request.param))  # what does nothing is not drawn


@pytest.fixture(scope="module", params=FORMS, ids=IDS)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def drawing(graph, form) -> Drawing:
    style, orient, deep = form
    return strip(graph, style, orient, deep=deep, paper=Paper.of(WIDE[orient] / 72, 20))  # so high that all are open


def texts(drawing: Drawing) -> list[Rect]:
    """Every text beside a box, and the labels of borders."""
    labels = [border.label_rect for border in drawing.borders() if border.label.lines]
    return [words.rect for words in drawing.words] + labels


def apart(one: Rect, other: Rect) -> bool:
    across = one.right <= other.left + HAIR or other.right <= one.left + HAIR
    return across or one.high <= other.low + HAIR or other.high <= one.low + HAIR


def within(one: Rect, other: Rect) -> bool:
    wide = other.left - HAIR <= one.left and one.right <= other.right + HAIR
    return wide and other.low - HAIR <= one.low and one.high <= other.high + HAIR


def all_lines(drawing: Drawing) -> list:
    """In boxes and beside them."""
    return [line for part in (*drawing.solids, *drawing.words) for line in part.text.lines]


def segments(way) -> list[Rect]:
    """The straight parts of a line."""
    return [Rect(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in pairwise(way.points)]


def tallied(drawing: Drawing) -> Counter:
    return Counter(node.id for solid in drawing.solids for node in solid.cell.box.nodes)


# --- what is drawn


def test_every_op_stands_in_exactly_one_box(graph, drawing):
    assert tallied(drawing) == Counter(node.id for node in graph.nodes)
    places = [solid.cell.place for solid in drawing.solids]
    assert places == list(range(len(places)))


def test_every_stage_stands_once_in_order_with_its_output(graph, drawing):
    wanted = {box.nodes: box.shape for box in figures.picture(graph).boxes() if box.nodes}
    found = [solid.cell for solid in drawing.solids if solid.cell.box.nodes]
    assert {cell.box.nodes: as_size(cell) for cell in found} == wanted
    assert all(way.source.place < way.target.place for way in drawing.ways)
    said = {solid.cell: " ".join(line.words for line in solid.text.lines) + " " for solid in drawing.solids}
    for words in drawing.words:
        said[words.cell] = said.get(words.cell, "") + " ".join(line.words for line in words.text.lines) + " "
    for cell in found:
        channels = str(cell.output.shape[0])
        assert as_size(cell) in said[cell] or f"{channels} " in said[cell]


def as_size(cell) -> str:
    return "×".join(map(str, cell.output.shape))


def test_each_way_of_a_tensor_is_drawn_once(graph, drawing):
    """Between boxes: those that the ops read from other boxes."""
    owner = {node.id: solid.cell for solid in drawing.solids for node in solid.cell.box.nodes}
    inputs = {solid.cell.box.tensor: solid.cell for solid in drawing.solids if solid.cell.box.role == "input"}
    outputs = {solid.cell: solid.cell.box.tensor for solid in drawing.solids if solid.cell.box.role == "output"}
    read = [(tensor, owner[node.id]) for node in graph.nodes for tensor in node.inputs]
    read += [(tensor, cell) for cell, tensor in outputs.items()]
    tensors = {(id(t), cell): (owner[t.node.id] if t.node else inputs[t], cell) for t, cell in read}
    wanted = Counter(way for way in tensors.values() if way[0] is not way[1])
    assert Counter((way.source, way.target) for way in drawing.ways) == wanted


def test_an_output_that_says_what_the_last_stage_said_is_left_out():
    assert [solid.cell.box.role for solid in strip(graph_of("peleenet"), "strip", "landscape").solids][-1] == "block"
    ends = [solid.cell for solid in strip(graph_of("pelee"), "strip", "landscape").solids if solid.cell.end]
    assert [cell.lines for cell in ends] == [["input"], ["boxes"], ["scores"], ["priors"]]


def test_tensors_on_the_same_ways_share_one_line_and_a_tap_says_its_shape():
    nets = cells.strip(graph_of("pelee")).nets
    shared = [net for net in nets if len(net.sources) > 1]
    assert [[cell.name for cell in net.sources] for net in shared] == [["res19", "res10", "res5", "res3", "res1"]]
    assert [cell.name for cell in shared[0].targets] == ["predict", "priors"]
    (tap,) = [net for net in nets if net.tap]
    assert [t.shape for t in tap.sources[0].taps] == [(512, 19, 19)]
    said = all_lines(strip(graph_of("pelee"), "strip", "portrait"))
    assert [line.words for line in said if line.colour == style.SKIP] == ["tap 512×19×19"]


def test_expand_opens_a_stage_within_the_strip():
    graph = graph_of("peleenet")
    opened = strip(graph, "strip", "landscape", ["stage1"])
    assert tallied(opened) == Counter(node.id for node in graph.nodes)
    assert [(border.kind, [line.words for line in border.label.lines]) for border in opened.borders()] == [
        ("stage", ["dense"]),
        ("stage", ["stage1"]),
        ("repeat", ["×3"]),
    ]
    first = next(solid.cell for solid in opened.solids if solid.cell.name == "TwoWayDenseLayer")
    assert as_size(first) == "128×56×56"  # of the last of the three
    names = [solid.cell.name for solid in opened.solids]
    assert {"stage2", "stage3", "stage4"} <= set(names)
    assert "stage1" not in names


def test_expand_takes_paths_rows_and_whole_tables_and_opens_a_stage_that_is_one_block():
    graph = graph_of("mobilenet_v2")
    for names, count in ((["bottlenecks.1"], 11), (["bottlenecks.1", "bottlenecks.3"], 12), (["bottlenecks"], 15)):
        assert len(strip(graph, "strip", "portrait", names).solids) == count, names
    stem = strip(graph_of("peleenet"), "strip", "landscape", ["stem"])
    assert ["Concat"] in [solid.cell.lines for solid in stem.solids]


def test_rows_that_differ_in_their_stride_alone_say_it():
    rows = [[8, 1], [16, 2], [16, 1]]
    spec = {
        "archdsl": 1,
        "name": "Rows",
        "input": [8, 32, 32],
        "blocks": {
            "Unit": {
                "params": ["out", "stride"],
                "body": [{"conv": {"out": "out", "stride": "stride"}}, {"conv": "out"}],
            }
        },
        "stages": {"body": {"for": ["c", "s"], "in": rows, "body": [{"Unit": ["c", "s"]}]}},
    }
    assert [cell.lines for cell in cells.strip(archdsl.graph(spec)).cells[1:]] == [[], ["s2"], []]
    spec["stages"]["body"]["in"] = rows[:2]  # these the shapes tell apart
    assert [cell.lines for cell in cells.strip(archdsl.graph(spec)).cells[1:]] == [[], []]


def test_calls_of_one_block_that_differ_say_its_name_once():
    columns = {"for": ["k"], "in": [[5], [5], [3]], "body": [{"Unit": ["k"]}]}
    spec = {
        "archdsl": 1,
        "name": "Rows",
        "input": [8, 32, 32],
        "blocks": {"Unit": {"params": ["kernel"], "body": [{"conv": {"out": 8, "kernel": "kernel"}}, {"conv": 8}]}},
        "stages": {"body": {"for": ["out"], "in": [[8]], "body": [columns]}},
    }
    found = cells.strip(archdsl.graph(spec)).cells[1]
    assert (found.name, found.lines) == ("Unit ×3", ["k5 ×2", "k3"])


def test_lines_that_come_again_and_again_are_said_once():
    assert cells.periodic(["a", "b", "a", "b", "a", "b", "c", "c", "d"]) == [["(a, b) ×3"], ["c ×2"], ["d"]]


def test_two_turns_of_several_blocks_are_said_once():
    unit = {"body": [{"conv": {"out": 8, "kernel": 3}}, {"conv": 8}]}
    turns = [{"Mix": None}, {"Feed": None}]
    graph = small({"conv": 8}, *turns, *turns, {"Mix": None}, Mix=unit, Feed=unit)
    assert cells.strip(graph).cells[1].lines == ["1×1 Conv", "(Mix, Feed) ×2", "Mix"]


# --- where it is


def test_no_box_and_no_label_covers_another(drawing):
    whole = [solid.rect for solid in drawing.solids] + texts(drawing)
    for one, other in combinations(whole, 2):
        assert apart(one, other)


def test_text_is_within_its_box(drawing):
    for solid in drawing.solids:
        assert solid.text.width <= solid.rect.width + HAIR
        assert solid.text.height <= solid.rect.height + HAIR


def test_borders_hold_what_is_theirs_and_nothing_else(drawing):
    rects = {solid.cell: [solid.rect] for solid in drawing.solids}
    for words in drawing.words:
        rects[words.cell].append(words.rect)
    for border in drawing.borders():
        inner = set(held(border))
        assert within(border.label_rect, border.rect) or not border.label.lines
        for cell, theirs in rects.items():
            for rect in theirs:
                assert within(rect, border.rect) if cell in inner else apart(rect, border.rect)


def held(border) -> list:
    found = []
    for item in border.items:
        found += held(item) if hasattr(item, "items") else [item]
    return found


def test_no_line_runs_through_a_text_or_through_a_box_that_it_does_not_join(drawing):
    for way in drawing.ways:
        for part in segments(way):
            assert all(apart(part, rect) for rect in texts(drawing))
            for solid in drawing.solids:
                assert solid.cell in (way.source, way.target) or apart(part, solid.rect)


def test_no_two_lines_of_different_tensors_run_on_each_other(graph, form, drawing):
    together = {}
    for net in cells.strip(graph).nets:
        for source, target in product(net.sources, net.targets):
            together[source.name, target.name, net.tap] = id(net)
    parts = []
    for way in drawing.ways:
        key = together.get((way.source.name, way.target.name, way.kind == "tap")) if way.kind != "flow" else id(way)
        parts += [(key, part) for part in segments(way)]
    for (one, a), (other, b) in combinations(parts, 2):
        if one == other:
            continue
        for flat, (low, high), (first, last) in (
            ("height", ("low", "high"), ("left", "right")),
            ("width", ("left", "right"), ("low", "high")),
        ):
            if getattr(a, flat) == getattr(b, flat) == 0 and abs(getattr(a, low) - getattr(b, high)) < 1:
                assert min(getattr(a, last), getattr(b, last)) <= max(getattr(a, first), getattr(b, first)) + HAIR


def test_boxes_show_resolution_and_channels(graph):
    deep = strip(graph, "blocks", "landscape", deep=True)
    maps = [solid for solid in deep.solids if len(solid.cell.output.shape) == 3 and solid.cell.box.role != "output"]
    for one, other in combinations(maps, 2):
        (c, h, w), (d, i, v) = one.cell.output.shape, other.cell.output.shape
        (dx, dy), (ex, ey) = one.depth, other.depth
        for mine, theirs, first, second in (
            (one.rect.width - dx, other.rect.width - ex, c, d),
            (one.rect.height - dy, other.rect.height - ey, h, i),
            (dx, ex, w, v),
        ):
            assert (mine - theirs) * (first - second) >= -HAIR


@pytest.mark.parametrize("orient", ORIENTS)
@pytest.mark.parametrize("kind", STYLES)
def test_it_fits_a_page_or_a_column_with_text_of_seven_points(graph, kind, orient):
    drawn = strip(graph, kind, orient)
    smallest = min(line.size for line in all_lines(drawn))
    assert drawn.rect.width <= WIDE[orient] * smallest / 7
    assert drawn.rect.height <= 9 * 72 * smallest / 7


def test_a_strip_is_as_few_rows_as_fit():
    def rows(name: str) -> int:
        return len({round(solid.rect.centre[1]) for solid in strip(graph_of(name), "blocks", "landscape").solids})

    assert [rows(name) for name in ("mobilenet_v2", "efficientnet", "peleenet", "pelee", "ghostnet")] == [1, 1, 1, 2, 2]


def test_a_label_wider_than_its_border_makes_room():
    spec = {
        "archdsl": 1,
        "name": "Small",
        "input": [8, 16, 16],
        "stages": {
            "first": ["relu"],
            "averyveryverylongnameofastage": {"for": ["out"], "in": [[8]], "body": [{"conv": "out"}]},
            "last": ["relu"],
        },
    }
    drawn = strip(archdsl.graph(spec), "strip", "landscape")
    (border,) = drawn.borders()
    assert border.label.width <= border.rect.width
    assert all(apart(border.rect, solid.rect) for solid in drawn.solids if solid.cell not in held(border))


def test_the_engine_moves_nothing():
    drawn = strip(graph_of("pelee"), "blocks", "landscape")
    answer = json.loads(render(as_dot.dot(drawn), "json", as_dot.LAYOUT))
    found = {thing["name"]: thing for thing in answer["objects"] if "pos" in thing}
    shift = [a - b for a, b in zip(place(found["n0"]), drawn.solids[0].rect.centre, strict=True)]
    for solid in drawn.solids:
        thing = found[f"n{solid.cell.place}"]
        for at, wanted, moved in zip(place(thing), solid.rect.centre, shift, strict=True):
            assert abs(at - wanted - moved) < 0.1
        assert abs(float(thing["width"]) * 72 - solid.rect.width) < 0.1


def place(thing: dict) -> tuple[float, ...]:
    return tuple(map(float, thing["pos"].split(",")))


def test_text_is_as_wide_as_the_engine_finds_it():
    for words, bold in (("InvertedResidual ×3", False), ("3×3 Conv, s2", False), ("stage1", True)):
        marked = f"<B>{words}</B>" if bold else words
        text = f'digraph {{ a [shape=plaintext margin=0 width=0 height=0 fontname="{style.FONT}" fontsize=12 '
        (box,) = json.loads(render(f"{text}label=<{marked}>] }}", "json"))["objects"]
        wide, high = float(box["width"]) * 72, float(box["height"]) * 72
        assert wide - 1.5 <= measure.width(words, 12, bold=bold) <= wide + 3
        assert measure.height(12, bold=bold) == pytest.approx(high, abs=0.1)


def test_lines_break_at_spaces_and_in_names_and_torn_words_lose_nothing():
    assert measure.broken("InvertedResidual ×4", 10, 55) == ["Inverted", "Residual ×4"]
    assert measure.broken("MBConv ×2", 10, 20) == ["MBConv", "×2"]
    assert measure.broken("MobileViTBlock", 10, 50) == ["MobileViT", "Block"]
    assert measure.broken("RepVGGBlock ×2", 10, 44) == ["RepVGG", "Block ×2"]
    assert measure.broken("3×3 Conv, s2; Add; Block ×2", 10, 70) == ["3×3 Conv, s2;", "Add; Block ×2"]
    assert measure.broken("k5, exp 72, SE, ReLU", 10, 50) == ["k5, exp 72,", "SE, ReLU"]
    assert "".join(measure.broken("x" * 500, 10, 60)) == "x" * 500
    assert max(measure.width(line, 10) for line in measure.broken("x" * 500, 10, 60)) <= 180


# --- the texts


def test_a_stage_of_many_steps_says_them_all_and_of_very_many_that_there_are_more():
    def lines(*body: object) -> list[str]:
        return cells.strip(small(*body)).cells[1].lines

    steps = [{"conv": {"out": 8, "kernel": 1 + 2 * n, "stride": 1 + n % 2}} for n in range(8)]
    said = [f"{1 + 2 * n}×{1 + 2 * n} Conv{', s2' * (n % 2)}" for n in range(8)]
    assert lines(*steps) == said
    twice = [*steps[1:3], *steps[1:3], *steps[1:3], *steps[3:]]
    assert lines(*twice) == ["(3×3 Conv, s2; 5×5 Conv) ×3", *said[3:]]
    many = [{"conv": {"out": 8, "kernel": 1 + 2 * n}} for n in range(14)]
    assert lines(*many)[8:] == ["… (5 more)", "27×27 Conv"]


def test_names_of_stages_are_words():
    spec = {"archdsl": 1, "name": "Net", "input": [3, 16, 16], "stages": {"conv_last": [{"conv": 8}, "gelu"]}}
    assert [cell.name for cell in cells.strip(archdsl.graph(spec)).cells if not cell.end] == ["conv last"]


def test_a_first_and_last_stage_made_of_a_block_of_their_own_are_stem_and_head():
    block = {"Stem": [{"conv": 8}, "bn", {"conv": 8}], "Body": [{"conv": 8}, "relu", {"conv": 8}]}
    stages = {"a": ["Stem"], "b": ["Body", "Body"], "c": ["Stem", "global_avg_pool", "flatten", {"linear": 10}]}
    spec = {"archdsl": 1, "name": "Net", "input": [3, 16, 16], "blocks": block, "stages": stages}
    found = cells.strip(archdsl.graph(spec)).cells
    assert [cell.kind and cell.kind.word for cell in found if not cell.end] == ["Stem", "Body", "Head"]


@pytest.mark.parametrize(("file", "spec", "what"), GOLDENS, ids=[row[0] for row in GOLDENS])
def test_text_is_as_written_down(file, spec, what):
    """Write them anew with ARCHDSL_GOLDEN=write, and look at the figures before committing."""
    text = figures.draw(graph_of(spec), format={"dot": "dot", "tex": "tikz"}[file.rpartition(".")[2]], **what)
    path = GOLDEN / file
    if os.environ.get("ARCHDSL_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_same_bytes_in_every_process():
    code = """
import archdsl
for style in ("strip", "blocks"):
    for orient in ("landscape", "portrait"):
        for format in ("svg", "tikz"):
            print(archdsl.draw("specs/pelee.yaml", style=style, orient=orient, format=format, expand=["stage3"]))
"""
    assert run(code, PYTHONHASHSEED="1") == run(code, PYTHONHASHSEED="2", LC_ALL="C")


@pytest.mark.parametrize("orient", ORIENTS)
@pytest.mark.parametrize("kind", STYLES)
def test_every_spec_is_drawn(graph, kind, orient):
    assert figures.draw(graph, style=kind, orient=orient).startswith("<svg")


@pytest.mark.parametrize(
    ("what", "code", "told"),
    [
        ({"style": "block"}, "bad-call", "did you mean 'blocks'?"),
        ({"orient": "upright"}, "bad-call", "choose from landscape, portrait"),
        ({"expand": ["stag1"]}, "unknown-stage", "did you mean 'stage1'?"),
        ({"level": "op", "expand": ["stage1"]}, "bad-call", "it is for the figure of the network"),
    ],
)
def test_what_cannot_be_drawn_is_told_with_what_can(what, code, told):
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(graph_of("peleenet"), **what)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == (code, told)


def test_a_name_that_several_stages_have_asks_for_the_path():
    rows = {"for": ["name", "out"], "in": [["a", 8], ["b", 8]], "body": [{"conv": "out"}]}
    spec = {"archdsl": 1, "name": "Two", "input": [8, 16, 16], "stages": {"one": rows, "two": rows}}
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(archdsl.graph(spec), expand=["a"])
    assert caught.value.diagnostics[0].help == "write one.a, two.a"
    assert "one" in figures.draw(archdsl.graph(spec), expand=["one.a"])


# --- LaTeX


def nodes(text: str) -> list[str]:
    return re.findall(r"\\fit\{[\d.]+bp\}\{(.*)\}\};", text)


def test_a_document_says_every_word_and_nothing_that_latex_would_read():
    text = figures.draw(graph_of("mobilenet_v2"), format="tikz")
    assert nodes(text).count(r"\textbf{Inverted}") == 7
    assert r"\textbf{bottlenecks}" in nodes(text)
    assert text.count(r"\draw[flow]") == 9
    graph = small({"conv": {"out": 8}})
    graph.nodes[0].label = r"\input{x} $y$ 50% a_b #1 é λ 漢 -- \end{document}"
    upright = nodes(figures.draw(graph, format="tikz", orient="portrait"))
    (said,) = [words for words in upright if "backslash" in words and "input" in words]
    assert r"\ensuremath{\backslash}input\ensuremath{\{}x\ensuremath{\}}" in said
    text = figures.draw(graph, format="tikz")
    assert text.count(r"\end{document}") == 1
    assert r"50\% a\_b \#1 \'{e} \ensuremath{\lambda} U+6F22 {-}{-}" in " ".join(nodes(text))


LATEX = next(filter(shutil.which, ("pdflatex", "lualatex", "xelatex", "tectonic")), None)


def compiled(text: str, folder: Path) -> Path:
    """The page; lacking LaTeX, or a class that it needs, the test is skipped."""
    if LATEX is None:
        pytest.skip("no LaTeX on PATH")
    for name in ("standalone.cls", "tikz.sty") if shutil.which("kpsewhich") else ():
        if not subprocess.run(["kpsewhich", name], capture_output=True, check=False).stdout:
            pytest.skip(f"this LaTeX lacks {name}")
    (folder / "figure.tex").write_text(text, encoding="utf-8")
    options = [] if LATEX == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([LATEX, *options, "figure.tex"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.search(r"Overfull|Missing character", done.stdout)
    return folder / "figure.pdf"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("mobilenet_v2", {}),
        ("pelee", {}),
        ("espnet", {"orient": "portrait"}),
        ("micronet", {"style": "strip"}),
        ("peleenet", {"style": "strip", "orient": "portrait", "expand": ["stage1"]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_latex_compiles_to_a_page_of_the_size_that_was_planned(name, what, tmp_path):
    graph = graph_of(name)
    page = compiled(figures.draw(graph, format="tikz", **what), tmp_path).read_bytes()
    assert page.startswith(b"%PDF")
    kind, orient = what.get("style", "blocks"), what.get("orient", "landscape")
    drawn = strip(graph, kind, orient, what.get("expand", ()), deep=kind == "blocks")
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page)
    if box:  # else it stands in a compressed stream
        # the border of the class, and half of the thickness of lines
        assert float(box[1]) == pytest.approx(0.7 * drawn.rect.width + 4, abs=2.5)
        assert float(box[2]) == pytest.approx(0.7 * drawn.rect.height + 4, abs=4)


def test_latex_compiles_whatever_the_words_are(tmp_path):
    graph = small(*[{"conv": {"out": 8, "kernel": 3}} for _ in HOSTILE])
    for node, words in zip(graph.nodes, HOSTILE, strict=True):
        node.label = words
    graph.root.children[0].label = " ".join(words[:40] for words in HOSTILE)
    graph.name = "\n\\end{document}\n"
    for orient in ORIENTS:
        compiled(figures.draw(graph, format="tikz", orient=orient, expand=["body"]), tmp_path)
