"""Block figures: their cases side by side, and a layout as papers have it, read from what the engine draws."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from support.figures import blocks_of
from support.places import GOLDEN as GOLDENS
from support.places import ROOT

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import arrange, placed
from archdsl.backends.figures.dot import node_names
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.flaws import flaws
from archdsl.backends.figures.picture import Arrow, Box, Group
from archdsl.backends.figures.routes import RADIUS, Rect, Route
from archdsl.backends.figures.sheet import Sheet, Sizes, groups
from archdsl.commands import cli
from archdsl.workspace.library import read, shipped

GOLDEN = GOLDENS / "figures"


def graph_of(name: str) -> archdsl.Graph:
    return archdsl.graph(name, next(iter(read(name).variants), None))


def small(*steps, **blocks) -> archdsl.Graph:
    spec = {"archdsl": 1, "name": "Small", "input": [8, 16, 16], "stages": {"body": list(steps)}}
    return archdsl.graph({**spec, "blocks": blocks})


class Drawn:
    """A block figure as the engine has it, in points: boxes as (left, low, right, high), the ends of arrows."""

    def __init__(
        self, graph: archdsl.Graph, block: str | list[str], look: figures.Look | None = None, cases=("all",)
    ) -> None:
        look = look or figures.Look()
        self.picture = figures.picture(graph, block=block, cases=cases)
        self.sheet = arrange.arranged(self.picture, look)
        text, _ = placed.text(self.picture, self.sheet, look)
        self.answer = json.loads(render(text, "json", layout="nop2"))
        names = node_names(self.picture)
        things = {thing["name"]: thing for thing in self.answer["objects"]}
        self.rects = {box: rect(things[name]) for box, name in names.items()}
        at = {thing["_gvid"]: thing["name"] for thing in self.answer["objects"]}
        boxes = {name: box for box, name in names.items()}
        self.edges = [(boxes[at[e["tail"]]], boxes[at[e["head"]]], e) for e in self.answer["edges"]]

    def x(self, box) -> float:
        left, _, right, _ = self.rects[box]
        return (left + right) / 2

    def y(self, box) -> float:
        _, low, _, high = self.rects[box]
        return (low + high) / 2

    def box(self, words: str, nth: int = 0):
        return [box for box in self.picture.boxes() if words in (box.heading, *box.lines)][nth]


def rect(thing) -> tuple[float, float, float, float]:
    x, y = map(float, thing["pos"].split(","))
    w, h = float(thing["width"]) * 36, float(thing["height"]) * 36
    return x - w, y - h, x + w, y + h


def points(edge) -> list[tuple[float, float]]:
    """From the beginning to the tip."""
    texts = edge["pos"].split()
    tips = [t[2:] for t in texts if t[0] == "e"]
    return [tuple(map(float, t.split(","))) for t in [*(t for t in texts if t[0] not in "es"), *tips]]


def apart(one, other, room: float = -1.0) -> bool:
    return (
        one[2] <= other[0] - room or other[2] <= one[0] - room or one[3] <= other[1] - room or other[3] <= one[1] - room
    )


def leaves_another(figure: Drawn, source, edge) -> bool:
    """Whether an arrow begins on another one from the same box."""
    bx, by = points(edge)[0]
    others = [points(e) for one, _, e in figure.edges if one is source and e is not edge]
    return any(
        min(ax, cx) - 1 <= bx <= max(ax, cx) + 1 and min(ay, cy) - 1 <= by <= max(ay, cy) + 1
        for way in others
        for (ax, ay), (cx, cy) in pairwise(way)
    )


def diagonals(answer) -> list[tuple]:
    """Pieces of lines that go along no axis and are longer than a rounded corner."""
    found = [pair for edge in answer.get("edges", []) for pair in pairwise(points(edge))]
    return [(one, other) for one, other in found if min(abs(a - b) for a, b in zip(one, other, strict=True)) > RADIUS]


@pytest.fixture(scope="module", params=shipped())
def drawn(request) -> list[Drawn]:
    graph = graph_of(request.param)
    return [Drawn(graph, block) for block in blocks_of(graph)]


# --- what every block figure keeps


def test_no_box_or_word_covers_another(drawn):
    for figure in drawn:
        rects = [*figure.rects.values()]
        for _, _, edge in figure.edges:
            if "lp" in edge:
                x, y = map(float, edge["lp"].split(","))
                rects.append((x - 8, y - 3, x + 8, y + 3))
        assert all(apart(one, other) for one, other in combinations(rects, 2)), figure.picture.title


def test_each_arrow_is_drawn_once_and_from_box_to_box(drawn):
    for figure in drawn:
        wanted = Counter((arrow.source, arrow.target) for arrow in figure.picture.arrows)
        assert Counter((one, other) for one, other, _ in figure.edges) == wanted
        for one, other, edge in figure.edges:
            (bx, by), (ex, ey) = points(edge)[0], points(edge)[-1]
            left, low, right, high = figure.rects[one]
            at_box = left - 1 <= bx <= right + 1 and low - 1 <= by <= high + 1
            assert at_box or leaves_another(figure, one, edge)  # a shortcut leaves the arrow that goes straight on
            left, low, right, high = figure.rects[other]
            assert left - 1 <= ex <= right + 1
            assert low - 1 <= ey <= high + 1


def test_no_arrow_passes_through_a_box(drawn):
    for figure in drawn:
        for one, other, edge in figure.edges:
            for box, (left, low, right, high) in figure.rects.items():
                if box in (one, other):
                    continue
                inside = [p for p in points(edge) if left + 1 < p[0] < right - 1 and low + 1 < p[1] < high - 1]
                assert not inside, (figure.picture.title, one.lines, other.lines)


def test_what_follows_in_a_chain_stands_straight_below(drawn):
    for figure in drawn:
        leaving = Counter(arrow.source for arrow in figure.picture.arrows)
        entering = Counter(arrow.target for arrow in figure.picture.arrows)
        for arrow in figure.picture.arrows:
            if leaving[arrow.source] == entering[arrow.target] == 1:
                edge = next(e for one, other, e in figure.edges if (one, other) == (arrow.source, arrow.target))
                assert len({round(x) for x, _ in points(edge)}) == 1, figure.picture.title
            assert figure.y(arrow.source) > figure.y(arrow.target)


def test_cases_stand_side_by_side_and_begin_and_end_level(drawn):
    for figure in drawn:
        cases = [list(i.boxes()) for i in figure.picture.items if isinstance(i, Group) and i.kind == "case"]
        for role in ("input", "output"):
            heights = {round(figure.y(box)) for boxes in cases for box in boxes if box.role == role}
            assert len(heights) <= 1
        for one, other in pairwise(cases):
            assert max(figure.rects[box][2] for box in one) < min(figure.rects[box][0] for box in other)


def test_lines_go_along_an_axis_and_over_nothing(drawn):
    for figure in drawn:
        sizes = arrange.measured(figure.picture, figures.Look())
        assert not list(flaws(figure.sheet, sizes)), figure.picture.title
        assert not diagonals(figure.answer), figure.picture.title


# --- the layout of known figures


def test_boxes_that_are_alike_are_level_in_both_branches_and_in_both_cases():
    figure = Drawn(graph_of("shufflenet_v2"), "DownUnit")
    one, other = figure.box("3×3 DWConv, s2", 0), figure.box("3×3 DWConv, s2", 1)
    assert figure.y(one) == figure.y(other)
    figure = Drawn(graph_of("mobilenet_v2"), "InvertedResidual")
    assert figure.y(figure.box("3×3 DWConv")) == figure.y(figure.box("3×3 DWConv, s2"))
    assert figure.y(figure.box("1×1 Conv", 1)) == figure.y(figure.box("1×1 Conv", 3))


def test_a_join_stands_in_the_middle_below_its_branches():
    figure = Drawn(graph_of("peleenet"), "StemBlock")
    concat = figure.box("Concat")
    left, right = figure.box("2×2 Max pool, s2"), figure.box("3×3 Conv, s2", 1)
    assert abs((figure.x(left) + figure.x(right)) / 2 - figure.x(concat)) < 0.5
    assert figure.x(left) < figure.x(concat) < figure.x(right)
    assert abs(figure.x(concat) - figure.x(figure.box("input"))) < 0.5


def test_a_short_branch_stands_in_the_middle_of_a_long_one():
    figure = Drawn(graph_of("peleenet"), "StemBlock")
    above, below = figure.rects[figure.box("3×3 Conv, s2")][1], figure.rects[figure.box("Concat")][3]
    assert abs(figure.y(figure.box("2×2 Max pool, s2")) - (above + below) / 2) < 0.5


def test_a_shortcut_goes_down_at_the_side_where_its_branch_stands():
    for body, side in ((["identity", [{"conv": 8}, "bn"]], min), ([[{"conv": 8}, "bn"], "identity"], max)):
        figure = Drawn(small("Unit", Unit=[{"add": body}]), "Unit")
        add = figure.box("Add")
        (edge,) = [e for one, other, e in figure.edges if other is add and one.role == "input"]
        far = side(x for x, _ in points(edge))
        left, _, right, _ = figure.rects[figure.box("1×1 Conv")]
        assert far < left - 5 or far > right + 5
        assert abs(points(edge)[-1][1] - figure.y(add)) < 0.5  # from the side
        assert abs(figure.x(add) - figure.x(figure.box("1×1 Conv"))) < 0.5


def test_a_join_of_many_is_a_bar_that_arrows_enter_straight_from_above():
    figure = Drawn(graph_of("espnet"), "ESP")
    concat = figure.box("Concat")
    entering = [points(e) for _, other, e in figure.edges if other is concat]
    assert len(entering) == 5
    ends = [way[-1][0] for way in entering]
    assert sorted(ends) == ends  # the order of the branches
    assert all(abs(way[0][0] - way[-1][0]) < 0.5 for way in entering)
    assert len({round(way[-1][1]) for way in entering}) == 1


POOL = {"max_pool": {"kernel": 5, "stride": 1, "padding": 2}}
SPATIAL_PYRAMID = [  # of one pooling again and again
    {"conv": 4, "as": "x"},
    *({**POOL, "as": name} for name in "abc"),
    {"concat": ["x", "a", "b", "c"]},
    {"conv": 8},
]
CROSS_STAGE = [  # of a split, whose parts are read in no simple order
    {"conv": 8},
    {"split": 2, "as": ["x", "y"]},
    {"from": "y", "conv": {"out": 4, "kernel": 3}, "as": "a"},
    {"conv": {"out": 4, "kernel": 5}, "as": "b"},
    {"concat": ["x", "y", "a", "b"]},
    {"conv": 8},
]


@pytest.mark.parametrize("unit", [SPATIAL_PYRAMID, CROSS_STAGE])
def test_a_chain_whose_boxes_a_join_reads_is_straight_and_its_shortcuts_come_down_straight(unit):
    figure = Drawn(small("Unit", Unit=unit), "Unit")
    concat = figure.box("Concat")
    (last,) = [one for one, other, _ in figure.edges if other is concat and one.lines[0].startswith("5×5")][-1:]
    assert abs(figure.x(figure.box("1×1 Conv")) - figure.x(last)) < 0.5
    assert abs(figure.x(figure.box("1×1 Conv", 1)) - figure.x(last)) < 0.5
    for edge in [e for one, other, e in figure.edges if other is concat]:
        (ax, _), (bx, _) = points(edge)[-4::3]
        assert abs(ax - bx) < 0.5


def test_queries_keys_and_values_come_down_straight():
    attention = {"from": "q", "scaled_dot_product_attention": {"k": "k", "v": "v"}}
    apart = {"rearrange": {"pattern": "(k c) h w -> k (h w) c", "k": 3}}
    unit = [{"conv": 24}, apart, {"split": 3, "as": ["q", "k", "v"]}, attention]
    figure = Drawn(small("Unit", Unit=unit), "Unit")
    ways = [points(edge) for _, other, edge in figure.edges if other is figure.box("Attention")]
    assert len(ways) == 3
    assert all(abs(way[0][0] - way[-1][0]) < 0.5 for way in ways)


def test_branches_stand_left_to_right_in_the_order_of_the_spec():
    kernels = (7, 1, 5, 3)
    unit = [{"concat": [{"conv": {"out": 4, "kernel": k}} for k in kernels]}]
    figure = Drawn(small("Unit", Unit=unit), "Unit")
    found = [figure.x(figure.box(f"{k}×{k} Conv")) for k in kernels]
    assert found == sorted(found)
    steps = [b - a for a, b in pairwise(found)]
    assert max(steps) - min(steps) < 0.5


def test_results_of_a_split_leave_it_apart():
    figure = Drawn(graph_of("shufflenet_v2"), "BasicUnit")
    split = figure.box("Channel split")
    starts = {points(edge)[0] for one, _, edge in figure.edges if one is split}
    assert len(starts) == 2


def test_a_frame_stands_around_what_it_holds_and_nothing_else():
    ways = [{"repeat": 5, "body": [{"conv": 8}, "relu"]}, {"label": "pooled", "body": [{"conv": 8}, {"max_pool": 2}]}]
    unit = [{"concat": [{"body": [ways[0], {"max_pool": 2}]}, ways[1]]}]
    figure = Drawn(small("Unit", Unit=unit), "Unit")
    frames = {thing["label"]: thing for thing in figure.answer["objects"] if "bb" in thing and "label" in thing}
    frames = {words: next(f for label, f in frames.items() if words in label) for words in ("×5", "pooled")}
    for words, frame in frames.items():
        left, low, right, high = map(float, frame["bb"].split(","))
        (group,) = [g for g in figure.sheet.frames if g.label == words]
        for box, (bl, bb, br, bt) in figure.rects.items():
            inside = left < bl and br < right and low < bb and bt < high
            outside = apart((left, low, right, high), (bl, bb, br, bt), 0)
            assert inside if box in list(group.boxes()) else outside
    assert "dashed" in frames["×5"]["style"]


def test_a_narrow_page_puts_cases_below_one_another():
    graph = graph_of("espnet")
    wide, narrow = Drawn(graph, "ESP"), Drawn(graph, "ESP", figures.Look(width=6.5))
    assert wide.y(wide.box("input")) == wide.y(wide.box("input", 1))
    assert narrow.y(narrow.box("input")) > narrow.y(narrow.box("input", 1)) + 100
    assert narrow.x(narrow.box("input")) == narrow.x(narrow.box("input", 1))


def test_bytes_are_the_same_in_every_process():
    code = """
import sys, archdsl
print(archdsl.draw("espnet", block="ESP", variant="q8", width="7in"))
print(archdsl.draw("shufflenet_v2", block=["BasicUnit", "DownUnit"], variant="x1.0"))
"""
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]


def grid(figure: Drawn) -> str:
    """Each row from the top: its boxes from the left, with the number of the column that they stand in."""
    columns = sorted({round(figure.x(box)) for box in figure.rects})
    rows = sorted({round(figure.y(box)) for box in figure.rects}, reverse=True)
    lines = []
    for row in rows:
        boxes = sorted((box for box in figure.rects if round(figure.y(box)) == row), key=figure.x)
        at = [columns.index(round(figure.x(box))) for box in boxes]
        words = [" / ".join(filter(None, (box.heading, *box.lines))) for box in boxes]
        said = [f"{column}: {text}" for column, text in zip(at, words, strict=True)]
        lines.append(" | ".join(said))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("mobilenet_v2", "InvertedResidual"),
        ("shufflenet_v2", "DownUnit"),
        ("peleenet", "TwoWayDenseLayer"),
        ("espnet", "ESP"),
        ("ghostnet", "GhostBottleneck"),
        ("squeezenext", "SqNxtBlock"),
        ("weightnet", "DownUnit"),
        ("micronet", "ShiftSum"),
    ],
)
def test_rows_and_columns_are_as_written_down(name, block):
    """Write them anew with ARCHDSL_GOLDEN=write, and look at the figures before committing."""
    found, path = grid(Drawn(graph_of(name), block)), GOLDEN / f"{name}.{block}.grid"
    if os.environ.get("ARCHDSL_GOLDEN") == "write":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


# --- cases


def labels(graph: archdsl.Graph, block, **how) -> list[str]:
    return [item.label for item in figures.picture(graph, block=block, **how).items if isinstance(item, Group)]


@pytest.mark.parametrize(
    ("name", "block", "wanted"),
    [
        ("mobilenet_v2", "InvertedResidual", ["(a) stride 1", "(b) stride 2"]),
        ("mobilenet_v3", "MBConv", ["(a) stride 1", "(b) stride 2"]),
        ("ghostnet", "GhostBottleneck", ["(a) stride 1", "(b) stride 2"]),
        ("espnet", "ESP", ["(a) stride 1", "(b) stride 2"]),
        (
            "igc_v1",
            "ResidualUnit",
            [
                "(a) stride 1, projection shortcut",
                "(b) stride 1, identity shortcut",
                "(c) stride 2, projection shortcut",
            ],
        ),
        ("micronet", "LiteRow", ["(a) with shift", "(b) without shift"]),
        ("peleenet", "TwoWayDenseLayer", []),
    ],
)
def test_all_cases_are_the_calls_that_differ_in_their_ops_told_apart_in_words(name, block, wanted):
    assert labels(graph_of(name), block, cases=["all"]) == wanted


def test_without_being_asked_it_draws_the_case_that_most_calls_are():
    for name, block, strided in (("mobilenet_v2", "InvertedResidual", False), ("ghostnet", "Shortcut", True)):
        picture = figures.picture(graph_of(name), block=block)
        assert not any(isinstance(item, Group) and item.kind == "case" for item in picture.items)
        assert any("s2" in line for box in picture.boxes() for line in box.lines) is strided


def test_a_case_asked_for_is_the_richest_call_that_meets_it():
    graph = graph_of("mobilenet_v2")
    picture = figures.picture(graph, block="InvertedResidual", cases=["stride=2", "t=1", "stride=1, out=c_in"])
    assert [item.label for item in picture.items] == ["(a) stride 2", "(b) t = 1", "(c) stride 1"]
    ops = [[node.op.name for box in item.boxes() for node in box.nodes] for item in picture.items]
    assert [("add" in names, names.count("conv")) for names in ops] == [(False, 3), (False, 2), (True, 3)]
    assert labels(graph, "InvertedResidual", cases=[{"stride": 2, "t": 6}]) == ["stride 2, t = 6"]
    assert labels(graph_of("mobilenet_v3"), "MBConv", cases=["act=hard_swish"]) == ["h-swish"]


def test_blocks_stand_side_by_side_under_their_names():
    graph = graph_of("shufflenet_v2")
    assert labels(graph, ["BasicUnit", "DownUnit"]) == ["(a) BasicUnit", "(b) DownUnit"]


@pytest.mark.parametrize(
    ("cases", "code", "help_"),
    [
        (["stride=3"], "unknown-case", "there are stride=1; stride=2"),
        (["strid=1"], "unknown-case", "did you mean 'stride'?"),
        (["stride"], "bad-call", 'for example "stride=1"'),
    ],
)
def test_a_case_that_there_is_not_names_those_there_are(cases, code, help_):
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(graph_of("mobilenet_v2"), block="InvertedResidual", cases=cases)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == (code, help_)


def test_the_command_draws_cases(capsys):
    words = "draw mobilenet_v2 --block InvertedResidual --case stride=1 --case stride=2 --format dot"
    assert cli.main(words.split()) == 0
    told = capsys.readouterr().out
    assert "(a) stride 1" in told
    assert "(b) stride 2" in told


# --- blocks inside


NESTED = {
    "Gate": [{"mul": ["identity", ["global_avg_pool", {"conv": "c_in"}, "sigmoid"]]}],
    "Body": [{"conv": 8}, "bn", {"Gate": None}],
    "Unit": [{"residual": [{"Body": None}, {"conv": 8}, "bn"]}],
    "Long": [{"conv": {"out": 8, "kernel": 3}}, *({"conv": n} for n in range(4, 12)), {"Gate": None}],
    "Pair": [{"conv": 8}, {"conv": 8}],
    "Run": [{"conv": 8}, "bn", "relu"],
    "Both": ["Pair", "Run"],
}


def frames(picture) -> list[str]:
    """The words of the frames, the outer ones first."""
    return [group.label for group in reversed([*groups(picture.items)])]


@pytest.mark.parametrize(
    ("block", "how", "wanted"),
    [
        ("Unit", {}, ["Body"]),  # the figure stays small
        ("Long", {}, []),
        ("Long", {"expand": ["Gate"]}, ["Gate"]),
        ("Unit", {"expand": ["Gate"]}, []),  # the block around it stays closed
        ("Unit", {"expand": ["Gate", "Body"]}, ["Body", "Gate"]),
        ("Unit", {"level": "op"}, ["Body", "Gate"]),
        ("Both", {"level": "op"}, ["Pair"]),  # what is one box has no frame
    ],
)
def test_blocks_inside_a_block_are_open_as_asked(block, how, wanted):
    picture = figures.picture(small("Unit", "Long", "Both", **NESTED), block=block, **how)
    assert frames(picture) == wanted
    check_drawing(picture)
    sheet = arrange.arranged(picture, figures.Look())
    for frame, place in sheet.frames.items():
        assert place.holds(sheet.captions[frame])
        assert all(place.holds(sheet.boxes[box]) for box in frame.boxes())


@pytest.mark.parametrize(
    ("how", "message", "help_"),
    [
        ({"expand": ["Gat"]}, "the block 'Unit' has no block 'Gat' in it", "did you mean 'Gate'?"),
        ({"level": "stage"}, "a block has no level 'stage'", "the level op opens every block inside it"),
        (
            {"level": "op", "expand": ["Gate"]},
            "the level op opens every block",
            "give the level, or the blocks",
        ),
        ({"level": "ops"}, "there is no level 'ops'", "did you mean 'op'?"),
    ],
)
def test_what_a_block_figure_cannot_show_is_refused(how, message, help_):
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(small("Unit", "Long", **NESTED), block="Unit", **how)
    (found,) = caught.value.diagnostics
    assert (found.message, found.help) == (message, help_)


def test_steps_that_change_nothing_are_not_drawn():
    idle = [{"dropout": 0}, {"take": 8}, {"channel_shuffle": 1}, {"max_pool": 1}, {"pad": {"before": 0}}, {"crop": 16}]
    idle += [{"upsample": 1}, {"drop_connect": 0}, {"mul": ["identity"]}]
    working = [{"dropout": 0.1}, {"take": 4}, {"channel_shuffle": 2}, {"upsample": 2}]
    steps = [{"conv": 8}, *idle, *working, {"lp_pool": {"kernel": 1, "norm_type": 2}}]
    graph = small("Unit", Unit=steps)
    assert sum(1 for node in graph.nodes) == len(steps)
    drawn = [node.op.name for box in figures.picture(graph, block="Unit").boxes() for node in box.nodes]
    assert drawn == ["conv", "dropout", "take", "channel_shuffle", "upsample", "lp_pool"]


def test_the_inputs_of_a_block_have_its_own_names():
    """Whatever they are called where the block is used."""
    unit = {"inputs": ["m1", "m2"], "body": [{"add": ["m2", "input", "m1"]}]}
    makes = [{"conv": {"out": 8, "kernel": kernel}, "as": name} for kernel, name in ((3, "a"), (5, "b"))]
    graph = small(*makes, {"Unit": {"m1": "b", "m2": "a"}, "from": "input"}, Unit=unit)
    boxes = figures.picture(graph, block="Unit").boxes()
    kernels = {
        box.lines[0]: box.tensor.node and box.tensor.node.fields["kernel"] for box in boxes if box.role == "input"
    }
    assert kernels == {"input": None, "m1": 5, "m2": 3}


def test_a_size_alone_has_an_arrow_only_where_nothing_else_has_one():
    up = {"inputs": ["skip"], "body": [{"upsample": {"like": "skip"}}, {"conv": 8}]}
    merge = {"inputs": ["skip"], "body": [{"upsample": {"like": "skip"}}, {"concat": ["identity", "skip"]}]}
    drop = {"body": [{"concat": [{"conv": 8}, ["global_avg_pool", {"upsample": {"size": ["h_in", "w_in"]}}]]}]}
    first, low = {"conv": 8, "as": "first"}, {"max_pool": 2}
    graph = small(
        first, low, {"Up": {"skip": "first"}}, low, {"Merge": {"skip": "first"}}, "Drop", Up=up, Merge=merge, Drop=drop
    )
    assert {("input", "Upsample"), ("skip", "Upsample")} < ends(graph, "Up")
    assert ends(graph, "Merge") - {("Upsample", "Concat"), ("Concat", "output")} == {
        ("input", "Upsample"),
        ("skip", "Concat"),
    }
    assert ("input", "Upsample") not in ends(graph, "Drop")


def ends(graph: archdsl.Graph, block: str) -> set[tuple[str, str]]:
    """The arrows of a block, by the words of the boxes at their ends."""
    return {(arrow.source.lines[0], arrow.target.lines[0]) for arrow in figures.picture(graph, block=block).arrows}


def test_names_of_greek_letters_are_letters_in_formulas_and_at_their_arrows():
    parts = [{"split": 2, "as": ["theta", "thetas"]}, {"formula": "theta * thetas - 1"}]
    made = figures.picture(small("Unit", Unit=parts), block="Unit")
    assert made.boxes()[-2].lines == ("θ · thetas \N{MINUS SIGN} 1",)
    assert [arrow.label.split(":")[0] for arrow in made.arrows if arrow.target is made.boxes()[-2]] == ["θ", "thetas"]


def test_a_name_that_ends_in_that_of_a_greek_letter_is_no_letter():
    parts = [{"split": 2, "as": ["Beta", "x_mu"]}, {"formula": "Beta * x_mu"}]
    assert figures.picture(small("Unit", Unit=parts), block="Unit").boxes()[-2].lines == ("Beta · x_mu",)


def test_the_kernel_of_a_signal_is_no_number_of_convolutions():
    graph = archdsl.graph(
        {
            "archdsl": 1,
            "name": "Signal",
            "input": [4, 64],
            "stages": {"body": [{"conv": {"out": 8, "kernel": 3, "stride": 2}}, {"max_pool": 2}]},
        }
    )
    said = [box.lines for box in figures.picture(graph, level="op").boxes() if box.nodes]
    assert said == [("Conv, k3, s2",), ("Max pool, k2, s2",)]


def test_the_tensors_of_a_formula_have_their_names_at_their_arrows():
    parts = [{"conv": 16}, {"split": 2, "as": ["gate", "value"]}, {"conv": 8, "from": "input", "as": "more"}]
    made = figures.picture(small("Unit", Unit=[*parts, {"formula": "gate * value - more"}]), block="Unit")
    assert made.boxes()[-2].lines == ("gate · value − more",)
    into = [arrow.label for arrow in made.arrows if arrow.target is made.boxes()[-2]]
    assert into == ["gate", "value", "more"]


@pytest.mark.parametrize(
    ("start", "lines"), [(0, "gate · value"), (2, "gate · value + 2"), (1 / 3, "gate · value + 0.3333")]
)
def test_a_formula_says_the_numbers_that_its_params_are(start, lines):
    parts = [{"conv": 16}, {"split": 2, "as": ["gate", "value"]}, {"formula": "gate * value + start"}]
    made = figures.picture(small("Unit", Unit={"params": {"start": start}, "body": parts}), block="Unit")
    box = made.boxes()[-2]
    assert box.lines == (lines,)
    assert [arrow.label for arrow in made.arrows if arrow.target is box] == ["gate", "value"]


# --- any block at all


def random_block(seed: int, most: int = 9) -> list:
    """Steps that read tensors before them at random, all read in the end."""
    rng = random.Random(seed)
    steps, names, unread = [{"identity": None, "as": "t0"}], ["t0"], ["t0"]
    for n in range(1, rng.randint(2, most)):
        sources = rng.sample(names, min(len(names), rng.choice([1, 1, 1, 2, 3])))
        made = [f"t{n}"]
        if len(sources) > 1:
            steps.append({"add": sources, "as": made[0]})
        elif rng.random() < 0.15:  # several results
            made += [f"u{n}"]
            steps += [{"conv": 16, "from": sources[0]}, {"split": 2, "as": made}]
        else:
            op = rng.choice([{"conv": {"out": 8, "kernel": 3}}, {"relu": None}, {"conv": 8}, {"bn": None}])
            steps.append({**op, "from": sources[0], "as": made[0]})
        unread = [other for other in unread if other not in sources] + made
        names += made
    return [*steps, {"add": unread}] if len(unread) > 1 else steps


def check_drawing(picture) -> None:
    """Nothing is lost, nothing covers anything, all lines are along an axis."""
    sizes = arrange.measured(picture, figures.Look())
    sheet = arrange.arranged(picture, figures.Look())
    assert not list(flaws(sheet, sizes))
    answer = json.loads(render(placed.text(picture, sheet, figures.Look())[0], "json", layout="nop2"))
    rects = [rect(thing) for thing in answer["objects"] if "pos" in thing]
    assert len(rects) == len(picture.boxes())
    assert len(answer.get("edges", [])) == len(picture.arrows)
    assert all(apart(one, other) for one, other in combinations(rects, 2))
    assert not diagonals(answer)


@pytest.mark.parametrize("seed", range(20))
def test_any_block_is_drawn(seed):
    check_drawing(figures.picture(small("Unit", Unit=random_block(seed)), block="Unit"))


def test_lines_that_change_sides_do_not_lie_upon_each_other_between_two_joins():
    look = figures.Look(shapes="symbolic")  # whose words leave room for both
    made = figures.picture(archdsl.graph("hrnet"), block="Module2", look=look)
    assert not list(flaws(arrange.arranged(made, look), arrange.measured(made, look)))


def test_inputs_and_outputs_stand_in_the_order_of_the_block_where_no_more_lines_cross_for_it():
    figure = Drawn(archdsl.graph("hrnet"), "Module3", cases=())
    inputs, outputs = ("input", "b", "c"), ("output 1", "output 2", "output 3")
    for words in (inputs, outputs):
        found = [figure.x(figure.box(word)) for word in words]
        assert found == sorted(found), words


@pytest.mark.slow
def test_any_block_of_up_to_thirty_steps_is_drawn():
    for seed in range(500):
        check_drawing(figures.picture(small("Unit", Unit=random_block(seed, 9 if seed % 5 else 30)), block="Unit"))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((ROOT / "specs" / "beyond").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_block_beyond_the_survey_is_drawn(path):
    graph = archdsl.graph(path, next(iter(read(path).variants), None))
    for block in blocks_of(graph):
        check_drawing(figures.picture(graph, block=block, cases=["all"]))


@pytest.mark.parametrize(
    ("way", "flaw"),
    [
        (((60, 5), (60, 60), (5, 60)), ""),
        (((5, 0), (70, 65)), "no line along an axis"),
        (((5, 5), (60, 5), (60, 45), (-60, 45), (-60, 60), (-5, 60)), "runs through something"),  # words
        (((5, 0), (60, 0), (60, 52), (0, 52)), "runs through something"),  # a head
        (((-60, 30), (60, 30), (60, 60)), "runs through something"),  # a box
        (((0, 5), (0, 22)), "lie upon each other"),
        (((5, 0), (9, 0), (9, 60), (5, 60)), "no room for its head"),
    ],
)
def test_flaws_of_a_layout_are_found(way, flaw):
    """Three boxes below one another, words at the second arrow, and an arrow that goes by."""
    top, middle, end = (Box("conv", (word,)) for word in ("top", "middle", "end"))
    one, two, by = Arrow(top, middle), Arrow(middle, end, "words"), Arrow(top, end, kind="skip", tensor=object())
    sheet = Sheet({box: Rect(0, y, 10, 10) for box, y in ((top, 0), (middle, 30), (end, 60))})
    sheet.routes = {one: Route(((0, 5), (0, 25))), two: Route(((0, 35), (0, 55)), (14, 45)), by: Route(way)}
    found = list(flaws(sheet, Sizes({}, {two: (20.0, 8.0)}, {}, [])))
    assert any(flaw in text for text in found) if flaw else not found


HOSTILE = ['"] evil [label="', "<b>bold</b> & &amp;", "\\N \\G", "</FONT>>]; n0 -> n1 [label=<", "x" * 3000]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_words_stay_words(words):
    unit = [{"residual": [{"conv": 8}, "bn"]}]
    plain, hostile = small("Unit", Unit=unit), small("Unit", Unit=unit)
    for node in hostile.nodes:
        node.label = words
    one, other = (ElementTree.fromstring(figures.draw(graph, block="Unit")) for graph in (plain, hostile))
    for kind in ("edge", "cluster"):
        counts = [len([g for g in root.iter() if g.get("class") == kind]) for root in (one, other)]
        assert 0 < counts[0] <= counts[1] <= counts[0] + 1  # a batch norm of other words is a box of its own
    assert {element.tag for element in other.iter()} <= {element.tag for element in one.iter()}
