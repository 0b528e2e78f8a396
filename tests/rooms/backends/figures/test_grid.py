"""Networks in rows by resolution: which row and column each stage stands in, and the lines between them."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

import archdsl
from archdsl.backends.figures import grid
from archdsl.backends.figures.grid.places import Form, by_resolution
from archdsl.backends.figures.grid.routes import NEAR, SHAFT, distance, level
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip import Paper
from archdsl.backends.figures.strip.cells import strip
from archdsl.backends.figures.strip.crossings import crossings
from archdsl.backends.figures.strip.plan import Point, Rect, Way

U = {
    "archdsl": 1,
    "name": "U",
    "input": [3, 32, 32],
    "stages": {
        "d1": [{"conv": {"out": 4, "kernel": 3}}],
        "d2": [{"max_pool": 2}, {"conv": {"out": 8, "kernel": 3}}],
        "d3": [{"max_pool": 2}, {"conv": {"out": 16, "kernel": 3}}],
        "u2": [{"concat": [[{"upsample": 2}], "d2"]}, {"conv": 8}],
        "u1": [{"concat": [[{"upsample": 2}], "d1"]}, {"conv": 4}],
        "head": [{"conv": 2}],
    },
}
DOWN = {
    "archdsl": 1,
    "name": "Down",
    "input": [3, 64, 64],
    "stages": {
        "stem": [{"conv": {"out": 4, "kernel": 3, "stride": 2}}],
        "more": [{"conv": {"out": 4, "kernel": 3}}],
        "last": [{"conv": {"out": 8, "kernel": 3, "stride": 2}}],
        "head": ["global_avg_pool", "flatten", {"linear": 10}],
    },
}
ONLY_UP = {  # as a generator, without anything that skips
    "archdsl": 1,
    "name": "Up",
    "input": [8, 8, 8],
    "stages": {"a": [{"upsample": 2}, {"conv": 4}], "b": [{"upsample": 2}, {"conv": 4}], "c": [{"conv": 3}]},
}
LONG = {
    "archdsl": 1,
    "name": "Long",
    "input": [3, 64, 64],
    "stages": {f"stage{n}": [{"conv": {"out": n, "kernel": 3}}] for n in range(1, 25)},
}
TABLES = {
    "archdsl": 1,
    "name": "Tables",
    "input": [3, 64, 64],
    "blocks": {"B": {"params": ["out"], "body": [{"conv": "out"}]}},
    "stages": {"body": {"for": ["out"], "in": [[n] for n in range(1, 25)], "body": [{"B": ["out"]}]}},
}
DETECTOR = {
    "archdsl": 1,
    "name": "Detector",
    "input": [3, 64, 64],
    "stages": {
        **{f"c{n}": [{"conv": {"out": 4, "kernel": 3, "stride": 2}}] for n in (1, 2, 3)},
        **{
            head: [{"concat": [[{"from": f"c{n}", "conv": out}, "flatten"] for n in (1, 2, 3)]}]
            for head, out in (("scores", 2), ("boxes", 4))
        },
    },
    "outputs": {"scores": "scores", "boxes": "boxes"},
}


def along(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two pieces run beside each other, too near."""
    if level(a, b) != level(c, d):
        return False
    n = 0 if level(a, b) else 1
    ends = min(a[n], b[n]) - NEAR < max(c[n], d[n]) and min(c[n], d[n]) - NEAR < max(a[n], b[n])
    return ends and abs(a[1 - n] - c[1 - n]) < NEAR


def flaws(made) -> list[str]:
    """Boxes over each other, lines through boxes, lines of different tensors on top of each other, arrows all head."""
    found = [f"{a.cell.name} {b.cell.name}" for a, b in combinations(made.solids, 2) if a.rect.meets(b.rect)]
    pieces, reached = [], {}
    for way in made.ways:
        reached.setdefault(way.source, set()).add(way.target)
    for way in made.ways:
        for a, b in pairwise(way.points):
            held = Rect(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            found += [f"{solid.cell.name} crossed" for solid in made.solids if held.meets(solid.rect.grown(-0.5))]
            assert a[0] == b[0] or a[1] == b[1]
            pieces.append((a, b, way))
    found += [f"no shaft into {way.target.name}" for way in made.ways if distance(*way.points[-2:]) < SHAFT]
    for (a, b, one), (c, d, other) in combinations(pieces, 2):
        bundled = one.kind == other.kind == "skip" and len(reached[one.source] & reached[other.source]) > 1
        related = one.source is other.source or one.target is other.target or bundled
        if not related and along(a, b, c, d):
            found.append(f"{one.source.name}→{one.target.name} on {other.source.name}→{other.target.name}")
    return found


def test_an_encoder_goes_down_a_column_and_its_decoder_up_another_one():
    graph = archdsl.graph(U)
    places = {cell.name: place for cell, place in by_resolution(strip(graph), 3).items() if not cell.end}
    assert places == {"d1": (0, 1), "d2": (1, 1), "d3": (2, 1), "u2": (1, 2), "u1": (0, 2), "head": (0, 3)}
    made = grid.resolutions(graph, Shapes())
    assert flaws(made) == []
    corners = {(way.source.name, way.target.name): len(way.points) - 2 for way in made.ways}
    assert corners["d1", "u1"] == corners["d2", "u2"] == corners["d1", "d2"] == 0  # what skips is straight
    assert corners["d3", "u2"] == 1


def test_a_narrow_detector_has_its_heads_below_at_one_trunk():
    graph = archdsl.graph(DETECTOR)
    found = strip(graph)
    (net,) = (net for net in found.nets if len(net.targets) > 1)
    assert [cell.name for cell in net.sources] == ["c1", "c2", "c3"]  # c1 and c2 are read by the next stage too
    made = grid.resolutions(graph, Shapes(), Paper.of(1.7))
    assert flaws(made) == []
    assert crossings(made.ways) == 0
    tops = {solid.cell.name: solid.rect.high for solid in made.solids}
    assert max(tops["scores"], tops["boxes"]) < tops["c3"]
    trunk = {way.points[1][0] for way in made.ways if way.kind == "skip" and way.source.name in ("c1", "c2")}
    assert len(trunk) == 1


def test_what_follows_at_one_resolution_stands_below_in_a_stacked_form():
    places = {c.name: at for c, at in by_resolution(strip(archdsl.graph(DOWN)), 3, Form(stacked=True)).items()}
    assert (places["stem"], places["more"], places["last"]) == ((1, 0), (2, 0), (3, 0))


@pytest.mark.parametrize(("spec", "arranged"), [(U, True), (DETECTOR, True), (DOWN, False), (ONLY_UP, False)])
def test_decoders_and_detectors_are_arranged_by_resolution_unless_a_strip_is_asked_for(spec, arranged):
    as_strip = archdsl.draw(spec, arrange="strip", format="dot")
    assert archdsl.draw(spec, orient="landscape", format="dot") == as_strip
    by_size = archdsl.draw(spec, arrange="resolution", format="dot")
    assert (
        archdsl.draw(spec, format="dot") == (by_size if arranged else as_strip) != (as_strip if arranged else by_size)
    )


def test_lines_of_different_bundles_cross_where_they_meet():
    ends = cells(2)
    level, upright = [(0.0, 0.0), (10.0, 0.0)], [(5.0, -5.0), (5.0, 5.0)]
    for bundle, expected in ((1, 0), (2, 1)):
        assert crossings([Way(*ends, "skip", level, 1), Way(*ends, "skip", upright, bundle)]) == expected


def cells(number: int) -> list:
    return strip(archdsl.graph(DOWN)).cells[:number]


def test_several_networks_stand_in_common_rows():
    small = {**DOWN, "name": "Small", "input": [3, 32, 32], "stages": {**DOWN["stages"]}}
    del small["stages"]["more"]
    made = grid.side_by_side([archdsl.graph(DOWN), archdsl.graph(small)], Shapes())
    assert flaws(made) == []
    heights = {}
    for solid in made.solids:
        heights.setdefault(solid.cell.name or "input", []).append(solid.rect.centre[1])
    assert all(len(set(found)) == 1 for found in heights.values())
    assert [words.text.lines[0].words for words in made.words] == ["Down", "Small", "1", "1/2", "1/4"]
    assert archdsl.draw([DOWN, small]).count(">head<") == 2
    assert archdsl.draw([DOWN, small], format="tikz").count(r"\textbf{head}") == 2


def test_one_that_goes_up_stands_beside_one_that_goes_down():
    made = grid.side_by_side([archdsl.graph(DOWN), archdsl.graph(U)], Shapes())
    assert flaws(made) == []
    assert crossings(made.ways) == 0
    at = {solid.cell.name: solid.rect.centre for solid in made.solids if not solid.cell.end}
    assert at["d1"][1] == at["u1"][1] > at["d2"][1] == at["u2"][1] == at["stem"][1] > at["d3"][1]
    assert at["stem"][0] == at["last"][0] < at["d1"][0] == at["d2"][0] < at["u1"][0] == at["u2"][0]
    titles = {words.text.words: words.rect.centre[0] for words in made.words}
    own = [solid.rect for solid in made.solids if solid.cell.name in U["stages"]]
    assert min(rect.left for rect in own) < titles["U"] < max(rect.right for rect in own)


def test_an_arrow_leads_out_of_the_last_map():
    made = grid.resolutions(archdsl.graph(U), Shapes())
    assert [way.source.name for way in made.ways if way.target.box.role == "output"] == ["head"]
    narrow = grid.resolutions(archdsl.graph(U), Shapes(), Paper.of(2.6))
    at = {solid.cell.name or solid.cell.lines[0]: solid.rect.centre for solid in narrow.solids}
    assert flaws(narrow) == []
    assert at["output"][0] == pytest.approx(at["head"][0])  # above it, where there is no room beside it
    assert at["output"][1] > at["head"][1]
    down = grid.resolutions(archdsl.graph(DOWN), Shapes())  # of a vector the head says it
    assert not any(way.target.box.role == "output" for way in down.ways)


def test_a_line_beside_an_input_begins_at_its_words():
    stages = {"a": [{"conv": {"out": 4, "kernel": 3, "stride": 2}}], **{n: [{"max_pool": 2}] for n in ("b", "c")}}
    join = {"concat": ["c", [{"from": "input", "avg_pool": {"kernel": 8, "stride": 8}}]]}
    graph = archdsl.graph({**U, "stages": {**stages, "join": [join, {"conv": 4}]}})
    made = grid.resolutions(graph, Shapes())
    (way,) = (way for way in made.ways if way.kind == "skip")
    words = next(solid for solid in made.solids if solid.cell is way.source)
    x, y = way.points[0]
    assert x in (words.rect.left, words.rect.right)
    assert y < words.rect.centre[1] - 2  # level with the shape, which is wider than the name


def test_tables_are_closed_where_networks_side_by_side_are_higher_than_a_page():
    graph, paper = archdsl.graph(TABLES), Paper.of(3.4)
    for high, count in ((9.0, 2), (99.0, 48)):
        made = grid.side_by_side([graph, graph], Shapes(), Paper.of(3.4, high))
        assert sum(not solid.cell.end for solid in made.solids) == count
    assert paper.holds(grid.side_by_side([graph, graph], Shapes(), paper))


def test_rows_of_one_resolution_are_a_box_before_a_whole_table_is_one():
    rows = [[1, 1], [2, 1], [3, 2], [4, 2], [5, 1], *([n, 1] for n in range(6, 25))]
    step = {"conv": {"out": "out", "kernel": 3, "stride": "s"}}
    body = {"for": ["out", "s"], "in": rows, "body": [{"B": ["out", "s"]}]}
    net = TABLES | {"blocks": {"B": {"params": ["out", "s"], "body": [step, "relu"]}}, "stages": {"body": body}}
    made = grid.side_by_side([archdsl.graph(net)] * 2, Shapes(), Paper.of(3.4))
    said = [(solid.cell.name, solid.cell.output.shape) for solid in made.solids if not solid.cell.end]
    assert said == [("3×3 Conv ×2", (2, 64, 64)), ("3×3 Conv, s2", (3, 32, 32)), ("3×3 Conv ×21", (24, 16, 16))] * 2


def test_latex_has_the_arrangement_of_other_formats():
    by_resolution = archdsl.draw(U, format="tikz", arrange="resolution")
    assert archdsl.draw(U, format="tikz") == by_resolution != archdsl.draw(U, format="tikz", style="blocks")


def test_networks_side_by_side_are_a_page_too():
    page = archdsl.draw([DOWN, U], format="html")
    assert page.startswith("<!DOCTYPE html>")
    assert (page.count("<svg"), page.count("<?xml"), page.count("<table>")) == (1, 0, 0)
    assert "<h1>Down, U</h1>" in page


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ([DOWN, DOWN], {"arrange": "strip"}, "a figure of several networks does not take 'arrange'"),
        (U, {"arrange": "resolution", "format": "html"}, "an interactive page has an arrangement of its own"),
        ([LONG, LONG], {"width": 1.5}, "Long, Long does not fit in 1.5 in × 9 in"),
        (U, {"arrange": "resolution", "orient": "portrait"}, "a figure arranged by resolution does not take 'orient'"),
        (U, {"arrange": "resolution", "level": "op"}, "the figure of a level does not take 'arrange'"),
        (U, {"arrange": "resolutions"}, "there is no arrangement 'resolutions'"),
        (U, {"arrange": "resolution", "width": 1}, "U does not fit in 1 in"),
    ],
)
def test_what_a_grid_has_not_is_refused(spec, options, message):
    with pytest.raises(archdsl.SpecError, match=message):
        archdsl.draw(spec, **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unet", "retinanet", "espnet", "pelee", "yolox", "hrnet"])
def test_a_shipped_network_that_goes_up_again_is_drawn_without_flaws(name):
    for wide in (3.4, 7):
        made = grid.resolutions(visible(archdsl.graph(name)), Shapes(), Paper.of(wide))
        assert flaws(made) == []
        assert crossings(made.ways) == 0
        assert Paper.of(wide).holds(made)
