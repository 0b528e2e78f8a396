"""Networks in rows by resolution: which row and column each stage stands in, and the lines between them."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

import archdsl
from archdsl.backends.figures import grid
from archdsl.backends.figures.grid.places import by_resolution
from archdsl.backends.figures.grid.routes import along, meet
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import strip
from archdsl.backends.figures.strip.plan import Rect

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


def flaws(made) -> list[str]:
    """Boxes over each other, lines through boxes, lines of different tensors on top of each other."""
    found = [f"{a.cell.name} {b.cell.name}" for a, b in combinations(made.solids, 2) if meet(a.rect, b.rect)]
    pieces, reached = [], {}
    for way in made.ways:
        reached.setdefault(way.source, set()).add(way.target)
    for way in made.ways:
        for a, b in pairwise(way.points):
            held = Rect(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            found += [f"{solid.cell.name} crossed" for solid in made.solids if meet(held, solid.rect.grown(-0.5))]
            assert a[0] == b[0] or a[1] == b[1]
            pieces.append((a, b, way))
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


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ([DOWN, U], {}, "'U' goes back up to larger maps"),
        ([DOWN, DOWN], {"arrange": "strip"}, "several networks have no 'arrange'"),
        ([DOWN, DOWN], {"format": "html"}, "several networks have no 'format html'"),
        (U, {"arrange": "resolution", "orient": "portrait"}, "a figure arranged by resolution has no 'orient'"),
        (U, {"arrange": "resolution", "level": "op"}, "this level has no 'arrange'"),
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
    assert flaws(grid.resolutions(visible(archdsl.graph(name)), Shapes())) == []
