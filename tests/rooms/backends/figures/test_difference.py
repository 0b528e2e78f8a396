"""The figure of two networks beside one another."""

from __future__ import annotations

from itertools import combinations

import pytest

import archdsl
from archdsl.backends.figures import Look, draw_difference, strip
from archdsl.backends.figures.difference import COLOURS, drawing
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip import Paper, crossings
from archdsl.diagnostics.faults import SpecError

NET = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 16, 16],
    "stages": {"a": [{"conv": 4}], "b": [{"conv": 8}, "relu"], "c": [{"add": ["a", {"conv": 4}]}], "d": [{"conv": 2}]},
}
OTHER = {**NET, "stages": {"a": [{"conv": 4}], "b": [{"conv": 12}, "relu"], "e": ["relu"], "c": NET["stages"]["c"]}}


def apart(one, other) -> bool:
    return one.right <= other.left or other.right <= one.left or one.high <= other.low or other.high <= one.low


def test_what_was_done_to_a_stage_is_its_colour_and_the_same_stage_is_on_a_level():
    made = drawing(archdsl.diff(NET, OTHER), Shapes())
    looks = {(solid.rect.centre[0] > 0, solid.cell.name): solid for solid in made.solids}
    assert {place: solid.cell.box.colour for place, solid in looks.items()} == {
        (False, "a"): COLOURS["same"], (True, "a"): COLOURS["same"],
        (False, "b"): COLOURS["changed"], (True, "b"): COLOURS["changed"],
        (False, "c"): COLOURS["changed"], (True, "c"): COLOURS["changed"],
        (False, "d"): COLOURS["removed"], (True, "e"): COLOURS["added"],
    }  # fmt: skip
    words = {key.colour: key.text.words for key in made.keys}
    assert words == {COLOURS["added"]: "+ added", COLOURS["removed"]: "− removed", COLOURS["changed"]: "changed"}
    for name in "abc":
        assert looks[False, name].rect.centre[1] == looks[True, name].rect.centre[1]
    ways = {(way.source.name, way.target.name, way.kind) for way in made.ways}
    assert {("a", "b", "flow"), ("a", "c", "skip"), ("b", "c", "flow"), ("b", "e", "flow"), ("e", "c", "flow")} <= ways
    rects = [solid.rect for solid in made.solids] + [words.rect for words in made.words]
    assert all(apart(one, other) for one, other in combinations(rects, 2))


def test_on_a_narrow_page_words_break_and_columns_move_together():
    long = {
        **NET,
        "stages": {"a": [{"conv": {"out": 4, "kernel": 3}}, "bn", "hard_swish", {"max_pool": 2}, {"conv": 8}]},
    }
    found = archdsl.diff(long, {**long, "input": [3, 32, 32]})
    wide, paper = drawing(found, Shapes()), Paper.of(3.23)
    narrow = drawing(found, Shapes(), paper)
    assert not paper.holds(wide)
    assert paper.holds(narrow)
    assert narrow.rect.height > wide.rect.height
    rects = [solid.rect for solid in narrow.solids] + [words.rect for words in narrow.words]
    assert all(apart(one, other) for one, other in combinations(rects, 2))
    assert drawing(found, Shapes(), Paper.of(7)).rect == wide.rect


def deep(stages: int, width: int) -> dict:
    return {**NET, "stages": {f"s{n}": [{"conv": width}, "relu"] for n in range(stages)}}


def test_what_is_higher_than_the_page_goes_on_beside_itself():
    found = archdsl.diff(deep(12, 4), deep(12, 8))
    paper = Paper.of(7, 5)
    made = drawing(found, Shapes(), paper, told=False)
    assert paper.holds(made)
    places = {solid.cell: solid.rect.centre for solid in made.solids}
    assert len({x for x, _ in places.values()}) == 4  # two panels of two columns
    assert len(places) == 24
    assert len({(cell.name, y) for cell, (_, y) in places.items()}) == 12
    rects = [solid.rect for solid in made.solids] + [words.rect for words in made.words]
    assert all(apart(one, other) for one, other in combinations(rects, 2))
    assert crossings(made.ways) == 0
    parted = [way for way in made.ways if len(way.points) > 2]
    assert [(way.source.name, way.target.name) for way in parted] == [("s5", "s6")] * 2


def joined(width: int) -> dict:
    spec = deep(12, width)
    return {**spec, "stages": {**spec["stages"], "end": [{"add": ["s4", "s11"]}]}}


def test_a_line_beside_a_column_stays_in_one_panel_where_that_fits():
    made = drawing(archdsl.diff(joined(4), joined(8)), Shapes(), Paper.of(7, 6.5))
    columns = {}
    for solid in made.solids:
        columns.setdefault(solid.rect.centre[0], set()).add(solid.cell.name)
    assert len(columns) == 4
    assert all({"s4", "end"} <= names or names.isdisjoint({"s4", "end"}) for names in columns.values())


def test_on_a_lower_page_lines_beside_columns_go_on_in_the_next_panel_too():
    paper = Paper.of(7, 4.5)
    made = drawing(archdsl.diff(joined(4), joined(8)), Shapes(), paper)
    assert paper.holds(made)
    passing = [way for way in made.ways if (way.source.name, way.target.name) == ("s4", "end")]
    assert [way.kind for way in passing] == ["skip", "skip"]
    assert all(way.points[0][0] + 100 < way.points[-1][0] for way in passing)
    assert crossings(made.ways) == 0
    rects = [solid.rect for solid in made.solids]
    corners = [point for way in passing for point in way.points[1:-1]]
    assert not any(r.left < x < r.right and r.low < y < r.high for r in rects for x, y in corners)


def named(*stages: tuple[str, int]) -> dict:
    """A chain of convolutions: their names, and by how much each halves the map."""
    return {**NET, "stages": {name: [{"conv": {"out": 4, "stride": stride}}] for name, stride in stages}}


def test_stages_that_are_gone_stand_beside_those_that_came_with_as_large_a_map():
    old = named(("stem", 1), ("a1", 1), ("a2", 2), ("end", 1))
    new = named(("stem", 1), ("b1", 2), ("b2", 1), ("b3", 2), ("end", 1))
    new["stages"] |= {name: [*new["stages"][name], "relu"] for name in ("b1", "b2", "b3")}
    made = drawing(archdsl.diff(old, new), Shapes(), told=False)
    levels = {}
    for solid in made.solids:
        levels.setdefault(-solid.rect.centre[1], []).append(solid.cell.name)
    assert [sorted(names) for _, names in sorted(levels.items())] == [
        ["stem", "stem"], ["a1"], ["a2", "b1"], ["b2"], ["b3"], ["end", "end"],
    ]  # fmt: skip


UNIT = {"params": {"out": None}, "body": [{"conv": {"out": "out", "kernel": 3}}, "bn", {"conv": "out"}]}


def table(*widths: int) -> dict:
    rows = {"for": ["c"], "in": [[width] for width in widths], "body": [{"Unit": {"out": "c"}}]}
    return {**NET, "blocks": {"Unit": UNIT}, "stages": {"stem": ["relu"], "body": rows, "end": [{"conv": 2}]}}


def said(made) -> list[tuple[str, ...]]:
    """What the boxes of the new network say, from above."""
    new = [solid for solid in made.solids if solid.cell.place % 2]
    return [(solid.cell.name, *solid.cell.lines) for solid in sorted(new, key=lambda solid: solid.cell.place)]


def test_where_the_page_is_low_repeats_are_counted_and_what_is_unchanged_is_told_by_its_number():
    found = archdsl.diff(table(*[4] * 9), table(*[4] * 8, 6))
    high = drawing(found, Shapes(), told=False)
    assert len(said(high)) == 11
    assert ("Unit ×8",) in said(drawing(found, Shapes(), Paper.of(3.4, 4), told=False))
    low = said(drawing(found, Shapes(), Paper.of(3.4, 1.9), told=False))
    assert low[0] == ("", "9 unchanged stages")
    assert len(low) == 3


def test_a_stage_that_does_nothing_is_no_box_and_lines_pass_it_by():
    net = {**NET, "stages": {"a": [{"conv": 4}], "idle": [{"dropout": 0}], "b": [{"conv": 4}]}}
    made = drawing(archdsl.diff(net, {**net, "input": [3, 8, 8]}), Shapes())
    assert {solid.cell.name for solid in made.solids} == {"a", "b"}
    assert {(way.source.name, way.target.name, way.kind) for way in made.ways} == {("a", "b", "flow")}


def test_what_a_column_says_of_one_network_is_said_of_the_other():
    def kernels(*sizes: int) -> dict:
        unit = {"params": ["k"], "body": [{"conv": {"out": 4, "kernel": "k"}}, {"conv": 4}]}
        rows = {"for": ["k"], "in": [[size] for size in sizes], "body": [{"Unit": {"k": "k"}}]}
        return {**NET, "blocks": {"Unit": unit}, "stages": {"body": rows}}

    made = drawing(archdsl.diff(kernels(3, 5), kernels(3, 3)), Shapes())
    assert sorted(solid.cell.lines for solid in made.solids) == [["k3"], ["k3"], ["k3"], ["k5"]]


def test_at_last_all_rows_of_a_table_are_one_box():
    def rows(*widths: int) -> dict:
        cells = [[f"s{n}", width, n % 2 + 1] for n, width in enumerate(widths)]
        body = [{"conv": {"out": "c", "stride": "s"}}]
        return {**NET, "stages": {"stem": ["relu"], "body": {"for": ["name", "c", "s"], "in": cells, "body": body}}}

    found = archdsl.diff(rows(*[4] * 8), rows(*[6] * 8))
    assert said(drawing(found, Shapes(), Paper.of(3.4, 9), told=False))[1:3] == [
        ("s0", "1×1 Conv"),
        ("s1", "1×1 Conv, s2"),
    ]
    assert said(drawing(found, Shapes(), Paper.of(3.4, 1.5), told=False))[1:] == [("s0 – s7",)]


def test_what_the_figure_shows_nowhere_is_no_change_in_it():
    found = archdsl.diff(NET, {**NET, "stages": {**NET["stages"], "d": [{"conv": 2}, {"dropout": 0}]}})
    assert not found.is_empty
    assert {solid.cell.box.colour for solid in drawing(found, Shapes()).solids} == {COLOURS["same"]}


def test_an_argument_that_makes_no_other_op_is_no_change_of_a_stage():
    unit = {"params": {"gate": False}, "body": [{"conv": 4}, {"sigmoid": None, "when": "gate"}]}
    spec = {**NET, "blocks": {"Unit": unit}, "stages": {"a": [{"Unit": {}}], "b": [{"conv": 4}]}}
    more = {**unit, "params": {"gate": False, "bias": True}}
    made = drawing(archdsl.diff(spec, {**spec, "blocks": {"Unit": more}}), Shapes())
    assert {solid.cell.box.colour for solid in made.solids} == {COLOURS["same"]}


def test_a_row_without_a_name_is_known_by_what_it_does():
    def rows(*widths: int) -> dict:
        body = [{"conv": {"out": "c", "kernel": 3}}, {"max_pool": 2}]
        return {**NET, "stages": {"stem": ["relu"], "body": {"for": ["c"], "in": [[w] for w in widths], "body": body}}}

    made = drawing(archdsl.diff(rows(4), rows(4, 6)), Shapes())
    texts = [" ".join(line.words for line in solid.text.lines) for solid in made.solids]
    assert sum(words.startswith("+ 3×3 Conv; 2×2 Max pool") for words in texts) == 1
    assert not any("body" in words for words in texts)


def test_boxes_have_the_words_of_a_strip():
    unit = {"params": {"out": None, "k": 3}, "body": [{"conv": {"out": "out", "kernel": "k"}}, "bn", {"conv": "out"}]}
    rows = {"for": ["c", "k"], "in": [[4, 3], [8, 5]], "body": [{"Unit": {"out": "c", "k": "k"}}]}
    spec = {
        **NET,
        "figure": {"labels": {"Unit": "Bottleneck"}},
        "blocks": {"Unit": unit},
        "stages": {"body": rows, "last_one": [{"conv": 2}]},
    }
    made = drawing(archdsl.diff(spec, {**spec, "input": [3, 32, 32]}), Shapes())
    said = {(solid.cell.name, *solid.cell.lines) for solid in made.solids}
    strips = strip.cells.strip(archdsl.graph(spec)).cells
    assert said == {(cell.name, *cell.lines) for cell in strips if not cell.end}
    assert ("Bottleneck", "k3") in said


def test_smaller_gaps_come_before_panels_and_a_refusal_names_the_width_that_fits():
    found = archdsl.diff(deep(8, 4), deep(8, 8))
    high = drawing(found, Shapes(), told=False).rect.height
    for less in (50, 100):
        tighter = drawing(found, Shapes(), Paper(700, high - less), told=False)
        assert len({solid.rect.centre[0] for solid in tighter.solids}) == 2
        assert tighter.rect.height <= high - less
    with pytest.raises(SpecError) as refused:
        draw_difference(found, "dot", Look(width=3.4, height=2.4))
    assert "or --width 7in" in str(refused.value)
    assert draw_difference(found, "dot", Look(width=7, height=2.4))
