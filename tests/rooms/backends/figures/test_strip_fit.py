"""Strips on their paper: broken into rows, turned, closed, tightened; what colours mean; lines that cross little."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from support.figures import graph_of
from support.places import ROOT

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import Look
from archdsl.backends.figures.routes import HEAD
from archdsl.backends.figures.strip import ORIENTS, Paper, cells, strip
from archdsl.backends.figures.strip.bodies import Manner
from archdsl.backends.figures.strip.crossings import crossings as ways_cross
from archdsl.backends.figures.strip.lanes import clearance, crossings, deepest, given, met, unavoidable, untangled
from archdsl.backends.figures.strip.sides import sides, would_cross

ROWS = [[16, 1], [24, 2], [32, 2], [48, 1], [64, 2], [96, 1]]
NET = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 64, 64],
    "blocks": {
        "Unit": {
            "params": ["out", "stride"],
            "body": [{"conv": {"out": "out", "kernel": 3, "stride": "stride"}}, "gelu"],
        },
        "Mix": {"body": [{"residual": [{"conv": "c_in"}, {"conv": "c_in"}]}]},
        "Tail": {"body": ["global_avg_pool", "flatten", {"linear": 10}]},
    },
    "figure": {"labels": {"Unit": "Unit"}},
    "stages": {
        "stem": [{"conv": {"out": 8, "kernel": 3, "stride": 2}}],
        "body": {"for": ["out", "s"], "in": ROWS, "body": [{"Unit": ["out", "s"]}, "Mix"]},
        "pool": [{"avg_pool": 2}],
        "head": ["Tail"],
    },
}


@pytest.fixture(scope="module")
def net() -> archdsl.Graph:
    return archdsl.graph(NET)


def rows(drawn) -> int:
    """How many rows there are, by the returns of the line between them."""
    return 1 + sum(len(way.points) > 2 for way in drawn.ways if way.kind == "flow")


def names(drawn) -> list[str]:
    return [solid.cell.name for solid in drawn.solids]


@pytest.mark.parametrize(
    ("width", "height", "count", "opened"), [(7, 9, 1, True), (3.4, 9, 2, True), (3.4, 1.6, 1, False)]
)
def test_rows_break_before_a_table_is_closed(net, width, height, count, opened):
    paper = Paper.of(width, height)
    drawn = strip(net, "strip", paper=paper)
    assert paper.holds(drawn)
    assert (rows(drawn), "body" not in names(drawn)) == (count, opened)


def test_a_strip_turns_unless_it_was_told_how_to_lie():
    tall = archdsl.graph({**NET, "stages": {"one": ["relu"], "two": [{"conv": 8}] + [{"max_pool": 3}] * 2 + ["gelu"]}})
    assert strip(tall, "strip", paper=Paper.of(7, 1.0)).rect.height < 100
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(tall, orient="landscape", format="dot", look=Look(width=7, height=1.0))
    assert "--orient portrait" in caught.value.diagnostics[0].help


def test_a_refusal_names_the_flags_that_would_do(net):
    with pytest.raises(archdsl.SpecError) as caught:
        figures.draw(net, look=Look(width=0.5, height=0.6))
    (found,) = caught.value.diagnostics
    assert found.message == "Net does not fit in 0.5 in × 0.6 in with text of 7 points"
    flags = dict(pairwise(found.help.removeprefix("give it ").replace(",", "").split()))
    wide, high = (float(flags[name].removesuffix("in")) for name in ("--width", "--height"))
    assert figures.draw(net, format="dot", look=Look(width=wide, height=high)).startswith("digraph")


def test_a_height_needs_a_width():
    with pytest.raises(archdsl.SpecError, match="a height needs a width"):
        Look(height=3)


def test_colours_are_roles_and_the_legend_names_them(net):
    drawn = strip(net, "strip", "landscape")
    assert {
        solid.cell.name: solid.cell.colour for solid in drawn.solids if solid.cell.name in ("stem", "pool", "head")
    } == {
        "stem": "conv",
        "pool": "pool",
        "head": "linear",
    }
    said = {key.colour: key.text.lines[0].words for key in drawn.keys}
    assert said == {"conv": "Stem", "block": "Mix", "pool": "Pooling", "linear": "Head"}
    others = [solid.rect for solid in drawn.solids] + [words.rect for words in drawn.words]
    assert all(key.patch.high < min(rect.low for rect in others) for key in drawn.keys)
    assert not strip(net, "strip", "landscape", legend=False).keys


def test_kinds_of_blocks_have_colours_by_how_much_of_the_network_they_are():
    legend = cells.strip(graph_of("pelee")).legend
    assert legend == {"conv": "Stem, convolution", "block": "TwoWayDenseLayer", "block2": "ResBlock", "linear": "Head"}
    assert "Stem" not in cells.strip(graph_of("mobilenet_v2")).legend["linear"]


def test_a_head_does_not_stretch_its_row_and_a_broken_frame_is_titled_once():
    drawn = strip(graph_of("mobilenet_v3"), "strip", "landscape", paper=Paper.of(7))
    blocks = {solid.rect.height for solid in drawn.solids if solid.cell.name == "MBConv"}
    (head,) = [solid.rect.height for solid in drawn.solids if solid.cell.name == "head"]
    assert max(blocks) < head
    assert [bool(border.label.lines) for border in drawn.borders()] == [True, False]


def test_lanes_change_places_where_fewer_cross():
    """The longest, which all others would have to cross from above, runs next to the strip."""
    wanted = [(2, 5), (3, 6), (4, 7), (5, 8), (5, 10)]
    spurs = [[2, 5], [3, 6], [4, 7], [5, 8], [5, 6, 7, 8, 9, 10]]
    greedy = [0, 1, 2, 3, 4]

    meetings = met(spurs, wanted)
    assert crossings(untangled(wanted, meetings), meetings) < crossings(greedy, meetings)
    assert untangled([(0, 1), (1, 2)], {}) == [0, 0]


def test_no_order_of_lanes_has_fewer_crossings_or_lanes_than_the_bound_at_which_the_search_ends():
    wanted = [(1, 4), (2, 6), (3, 5), (5, 7)]
    meetings = met([[1, 2, 4], [2, 3, 6], [3, 5], [5, 6, 7]], wanted)
    tried = [given(order, wanted) for order in permutations(range(4))]
    assert unavoidable(meetings) == min(crossings(found, meetings) for found in tried) == 3
    assert deepest(wanted) == min(map(max, tried)) == 2


def test_lines_that_would_cross_run_at_both_sides():
    assert not would_cross((1, 9), (2, 4))
    assert not would_cross((1, 4), (4, 6))
    assert not would_cross((1, 3, 9), (4, 8))
    assert would_cross((1, 4), (2, 6))
    assert would_cross((1, 3, 9), (2, 8))
    assert sides([(1, 4), (2, 6), (5, 8), (7, 9)]) == [1, -1, 1, -1]
    three = sides([(1, 4), (2, 5), (3, 6)])
    assert sorted(three) in ([-1, -1, 1], [-1, 1, 1])
    assert sides([(1, 3, 9)]) == [1]  # no line is in its own way


@pytest.mark.parametrize("orient", [*ORIENTS, None])
def test_a_strip_has_lines_at_both_sides_where_they_would_cross_at_one(orient):
    conv = {"conv": {"out": 4, "kernel": 3}}
    stages = {"a": [conv], "b": [conv], "c": [{"concat": [[conv], "a"]}, conv], "d": [{"concat": [[conv], "b"]}, conv]}
    graph = archdsl.graph({"archdsl": 1, "name": "Crossed", "input": [3, 32, 32], "stages": stages})
    drawn = strip(graph, "strip", orient)
    assert ways_cross(drawn.ways) == 0
    middle = {solid.cell: solid.rect.centre for solid in drawn.solids}
    skips = [way for way in drawn.ways if way.kind == "skip"]
    axis = 0 if drawn.rect.height > drawn.rect.width else 1
    assert {way.points[1][axis] > middle[way.source][axis] for way in skips} == {True, False}
    assert not drawn.words  # shapes stand inside the boxes, where no line passes them
    assert all("×32×32" in solid.text.words for solid in drawn.solids)
    del stages["d"]
    assert strip(archdsl.graph({"archdsl": 1, "name": "One", "input": [3, 32, 32], "stages": stages}), "strip").words


def test_lines_pass_rows_at_both_ends_of_these():
    """Two lines that would cross at one side of a long row, each from one row to the next."""
    conv = {"conv": {"out": 4, "kernel": 3}}
    stages = {name: [conv] for name in "abcd"}
    stages |= {"e": [{"concat": [[conv], "b"]}, conv], "f": [{"concat": [[conv], "c"]}, conv], "g": [conv]}
    graph = archdsl.graph({"archdsl": 1, "name": "Rows", "input": [3, 32, 32], "stages": stages})
    drawn = strip(graph, "strip", "landscape", paper=Paper.of(2.9))
    assert (rows(drawn), ways_cross(drawn.ways)) == (2, 0)
    boxes = [solid.rect for solid in drawn.solids]
    far = [[x for x, _ in way.points] for way in drawn.ways if way.kind == "skip"]
    assert any(min(across) < min(rect.left for rect in boxes) for across in far)
    assert any(max(across) > max(rect.right for rect in boxes) for across in far)


def test_stages_that_do_not_depend_on_each_other_change_places_where_fewer_lines_cross():
    conv = {"conv": {"out": 4, "kernel": 3}}
    maps = {f"map{n}": [conv] for n in range(3)}
    heads = {f"head{n}": [f"map{n}", conv] for n in range(3)}
    last = {"last": [{"concat": [*heads]}, conv]}
    graph = archdsl.graph({"archdsl": 1, "name": "Heads", "input": [3, 32, 32], "stages": {**maps, **heads, **last}})
    drawn = strip(graph, "strip", "landscape")
    assert ways_cross(drawn.ways) == 0
    order = names(drawn)
    assert sorted(order) == sorted(["", *maps, *heads, "last"])
    places = {solid.cell: solid.cell.place for solid in drawn.solids}
    assert all(places[way.source] < places[way.target] for way in drawn.ways)


@pytest.mark.parametrize("name", ["googlenet", "pelee", "retinanet"])
def test_no_lines_of_a_strip_cross(name):
    drawn = strip(archdsl.graph(name), "strip", paper=Paper.of(7))
    assert ways_cross(drawn.ways) == 0
    assert Paper.of(7).holds(drawn)


def test_lines_below_a_row_pass_no_label_of_a_border():
    conv = {"conv": {"out": 4, "kernel": 3}}
    rows = {"for": ["name", "c"], "in": [[name, 4] for name in "abc"], "body": [{"conv": {"out": "c", "kernel": 3}}]}
    joins = {
        "d": [{"concat": [[conv], "rows.b"]}, conv],
        "e": [{"concat": [[conv], "rows.c"]}, conv],
        "f": [{"concat": [[conv], "d"]}, conv],
    }
    graph = archdsl.graph({"archdsl": 1, "name": "Rows", "input": [3, 32, 32], "stages": {"rows": rows, **joins}})
    drawn = strip(graph, "strip", "landscape", paper=Paper.of(12))
    (border,) = drawn.borders()
    for way in drawn.ways:
        for (x, y), (to, down) in pairwise(way.points):
            across = min(x, to) < border.label_rect.right and max(x, to) > border.label_rect.left
            assert not (across and min(y, down) < border.label_rect.high and max(y, down) > border.label_rect.low)


def test_lines_that_pass_rows_are_nested_at_the_end_of_these():
    conv = {"out": 8, "kernel": 3}
    spec = {
        "archdsl": 1,
        "name": "U",
        "input": [3, 32, 32],
        "stages": {
            "d1": [{"conv": conv}],
            "d2": [{"conv": {**conv, "stride": 2}}],
            "d3": [{"conv": {**conv, "stride": 2}}],
            "u2": [{"upsample": {"scale": 2}}, {"concat": ["identity", "d2"]}],
            "u1": [{"upsample": {"scale": 2}}, {"concat": ["identity", "d1"]}],
        },
    }
    drawn = strip(archdsl.graph(spec), "strip", paper=Paper.of(1.9))
    skips = [way for way in drawn.ways if way.kind == "skip"]
    assert [len(way.points) for way in skips] == [6, 6]  # each runs at the end of rows
    assert ways_cross(skips) == 0


@pytest.mark.slow
@pytest.mark.parametrize("orient", ORIENTS)
def test_every_shipped_network_fits_a_column_and_a_page(orient):
    for path in sorted((ROOT / "specs").glob("*.yaml")) + sorted((ROOT / "specs" / "beyond").glob("*.yaml")):
        graph = archdsl.graph(path)
        for paper in (Paper.of(3.4), Paper.of(7)):
            assert paper.holds(strip(graph, "strip", orient, paper=paper)), (path.stem, paper)


def test_lines_beside_a_strip_stay_as_far_away_as_an_arrow_head_with_its_shaft():
    for tight in (False, True):
        assert clearance(Manner(tight=tight)) >= 2 * HEAD
