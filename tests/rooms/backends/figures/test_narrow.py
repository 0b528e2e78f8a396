"""Block figures on narrow pages: closer, over more lines, with branches that are alike drawn once, in more rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from support.figures import blocks_of

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures.arrange import measured
from archdsl.backends.figures.compact import compact, shapes_inside
from archdsl.backends.figures.flaws import flaws
from archdsl.backends.figures.labels import box_text
from archdsl.backends.figures.narrow import on_page
from archdsl.backends.figures.once import drawn_once
from archdsl.backends.figures.paper import HAIR, LEAST, TALL, room
from archdsl.backends.figures.picture import Group, Picture
from archdsl.backends.figures.routes import Rect
from archdsl.backends.figures.sheet import Sheet
from archdsl.workspace.library import all_shipped

COLUMN = figures.Look(width=3.4)
WIDE, HIGH = room(3.4, LEAST) + HAIR, room(TALL, LEAST) + HAIR


def block(*steps: object) -> archdsl.Graph:
    stages = {"archdsl": 1, "name": "Small", "input": [8, 16, 16], "stages": {"body": ["Unit"]}}
    return archdsl.graph({**stages, "blocks": {"Unit": list(steps)}})


def picture(*steps: object) -> Picture:
    return figures.picture(block(*steps), block="Unit")


def conv(out: int = 4, kernel: int = 3, dilation: int = 1) -> dict:
    return {"conv": {"out": out, "kernel": kernel, "dilation": dilation}}


def said(made: Picture) -> list[str]:
    """The words of boxes, of frames and at arrows."""
    boxes = [" / ".join(box.lines) for box in made.boxes() if box.nodes]
    frames = [item.label for item in made.items if isinstance(item, Group)]
    return [*boxes, *frames, *(arrow.label for arrow in made.arrows if arrow.label)]


def laid_out(made: Picture, look: figures.Look = COLUMN) -> tuple[Picture, Sheet]:
    """The figure on its page, without a flaw."""
    drawn, sheet = on_page(made, look)
    assert not list(flaws(sheet, measured(drawn, look)))
    return drawn, sheet


@pytest.mark.parametrize(
    ("branches", "wanted"),
    [
        ([conv()] * 9, ["3×3 Conv", "Concat", "×9 in parallel", "each 4×16×16"]),
        (
            [conv(8), *(conv(dilation=d) for d in (2, 4))],
            ["3×3 Conv, d = 1, 2, 4", "Concat", "×3 in parallel", "8×16×16, 2×(4×16×16)"],
        ),
        (
            [conv(), {"running_sum": [conv(dilation=d) for d in (2, 4, 8)]}],
            [
                "3×3 Conv, d = 1, 2, 4, 8",
                "Running sums / of branches 2 to 4",
                "Concat",
                "×4 in parallel",
                "each 4×16×16",
            ],
        ),
        (
            [[conv(kernel=k), "bn", "relu", conv(), "relu"] for k in (1, 3, 5)],
            ["k×k Conv, k = 1, 3, 5 / BN, ReLU", "3×3 Conv / ReLU", "Concat", "×3 in parallel", "4×16×16"],
        ),
        (["identity", *[conv(8)] * 3, "relu"], ["3×3 Conv", "ReLU", "Concat", "×3 in parallel"]),
    ],
    ids=["equal", "a number apart", "running sums", "chains", "beside others"],
)
def test_branches_that_are_alike_are_drawn_once_with_their_number(branches, wanted):
    whole = picture({"concat": branches})
    made = drawn_once(whole)
    assert said(made) == wanted
    laid_out(made)
    ops = [node for box in whole.boxes() for node in box.nodes]
    assert {node for box in made.boxes() for node in box.nodes} == {*ops}  # each op is still in some box


@pytest.mark.parametrize(
    "steps",
    [
        [{"concat": [conv(), conv()]}],  # two
        [{"concat": [conv(), "relu", conv(), conv()]}],  # not side by side
        [{"concat": [conv(kernel=1), conv(kernel=3), {"conv": {"out": 4, "kernel": 5, "stride": 1, "groups": 2}}]}],
        [{"concat": [{**conv(), "as": "one"}, conv(), conv(), conv()]}, {"concat": ["identity", "one"]}],  # read again
    ],
    ids=["two", "apart", "two numbers", "read elsewhere"],
)
def test_other_branches_stay_apart(steps):
    assert drawn_once(picture(*steps)) is None


def test_words_are_broken_before_branches_become_one_and_branches_become_one_before_a_figure_is_refused():
    four = picture({"concat": [conv(dilation=d) for d in (1, 2, 4, 8)]}, conv())
    drawn, sheet = laid_out(four)
    assert len(drawn.boxes()) == len(four.boxes())
    assert sheet.width <= WIDE
    assert all(box.space is not None for box in drawn.boxes())
    many = picture({"concat": [conv(dilation=d) for d in range(1, 13)]}, conv())
    drawn, sheet = laid_out(many)
    assert said(drawn)[0] == "3×3 Conv, d = 1 to 12"
    assert sheet.width <= WIDE
    assert laid_out(many, figures.Look())[0] is many  # without a page it is as large as it comes


def test_rows_of_a_tangle_that_are_too_wide_stand_in_several():
    names = [f"t{n}" for n in range(4)]
    made = [{**conv(8), "from": source, "as": f"{source}{n}"} for source in names for n in range(3)]
    firsts = [{**conv(8), "from": "input", "as": name} for name in names]
    sums = [{"add": [f"{name}{n}" for name in names], "as": f"s{n}"} for n in range(3)]
    drawn, sheet = laid_out(picture(*firsts, *made, *sums, {"concat": ["s0", "s1", "s2"]}), figures.Look(width=4.5))
    assert sheet.width <= room(4.5, LEAST) + HAIR
    heights = {sheet.boxes[box].y for box in drawn.boxes() if box.lines == ("3×3 Conv",)}
    assert len(heights) > 2


def test_many_inputs_of_one_join_stand_in_several_rows():
    names = [f"m{n}" for n in range(2, 13)]
    blocks = {"Unit": {"inputs": names, "body": [{"conv": 8}, {"concat": ["identity", *names]}]}}
    steps = [*({"conv": 8, "as": name} for name in names), {"Unit": {name: name for name in names}, "from": "input"}]
    spec = {"archdsl": 1, "name": "Many", "input": [8, 16, 16], "blocks": blocks, "stages": {"body": steps}}
    made = figures.picture(archdsl.graph(spec), block="Unit")
    drawn, sheet = laid_out(made, figures.Look(width=6))
    assert sheet.width <= room(6, LEAST) + HAIR
    inputs = [sheet.boxes[box] for box in drawn.boxes() if box.role == "input"]
    assert len(inputs) == 12
    assert len({rect.y for rect in inputs}) > 1


def test_what_parts_of_a_row_lead_to_comes_before_the_next_part():
    """Four maps, and four sums of all of them."""
    names = [f"t{n}" for n in range(4)]
    firsts = [{**conv(8), "from": "input", "as": name} for name in names]
    sums = [
        {"add": [{**conv(8, kernel=2 * n + 1, dilation=m + 1), "from": names[m]} for m in range(4)], "as": f"s{n}"}
        for n in range(4)
    ]
    drawn, sheet = laid_out(picture(*firsts, *sums, {"concat": [f"s{n}" for n in range(4)]}))
    assert sheet.width <= WIDE
    adds = sorted((box for box in drawn.boxes() if box.lines == ("Add",)), key=lambda box: sheet.boxes[box].y)
    read = [[sheet.boxes[arrow.source] for arrow in drawn.arrows if arrow.target is add] for add in adds]
    assert [len(sources) for sources in read] == [4] * 4
    for add, after in zip(adds, read[1:], strict=False):
        assert all(rect.top > sheet.boxes[add].bottom for rect in after)


def test_shapes_that_differ_stand_in_their_box_over_several_lines():
    made = drawn_once(picture({"concat": [conv(8), *(conv(dilation=d) for d in (2, 4, 6))]}))
    assert made is not None
    box = compact(shapes_inside(made), 60).boxes()[1]
    assert [line.words for line in box_text(box).lines][-2:] == ["8×16×16,", "3×(4×16×16)"]


@pytest.mark.slow
def test_every_block_of_every_spec_fits_into_a_column():
    for name in all_shipped():
        graph = archdsl.graph(name)
        for each in blocks_of(graph):
            _, sheet = laid_out(figures.picture(graph, block=each, cases=["all"]))
            assert sheet.width <= WIDE, (name, each)
            assert sheet.height <= HIGH, (name, each)


def residuals(number: int) -> list[object]:
    return [{"residual": [conv(8), "relu", conv(8)]}] * number


@pytest.mark.parametrize("outer", [False, True], ids=["chain", "with a shortcut past all"])
def test_a_block_that_is_higher_than_its_page_goes_on_in_panels_beside_itself(outer):
    steps = residuals(10)
    look = figures.Look(width=7, height=5)
    made = picture(*([{"residual": steps}] if outer else steps))
    drawn, sheet = laid_out(made, look)
    assert sheet.width <= room(7, LEAST) + HAIR
    assert sheet.height <= room(5, LEAST) + HAIR
    assert set(sheet.boxes) == set(drawn.boxes())
    for arrow in drawn.arrows:  # from box to box, as every writer draws it
        first, *_, last = sheet.routes[arrow].whole
        assert touches(sheet.boxes[arrow.source], first)
        assert touches(sheet.boxes[arrow.target], last)
    rising = [arrow.kind for arrow in drawn.arrows if rises(sheet.routes[arrow].points)]  # to the next panel
    panels = len({round(sheet.boxes[box].x) for box in drawn.boxes() if box.lines == ("Add",)})
    assert panels > 1
    assert rising.count("flow") == panels - 1
    assert rising.count("skip") == outer  # that around all; no other is cut


def rises(points: Sequence[tuple[float, float]]) -> bool:
    return any(above < below for (_, below), (_, above) in pairwise(points))


def touches(box: Rect, point: tuple[float, float]) -> bool:
    x, y = point
    inside = box.left - 0.1 <= x <= box.right + 0.1 and box.top - 0.1 <= y <= box.bottom + 0.1
    return inside and min(abs(x - box.left), abs(x - box.right), abs(y - box.top), abs(y - box.bottom)) < 0.1


def test_a_block_goes_on_in_no_panels_where_it_fits_or_where_they_do_not():
    alone = figures.Look(width=7)
    made = picture(*residuals(2))
    assert len({round(rect.x) for rect in laid_out(made, alone)[1].boxes.values()}) == 1
    with pytest.raises(archdsl.SpecError, match="does not fit in 2 in × 3 in"):
        figures.draw(block(*residuals(10)), block="Unit", look=figures.Look(width=2, height=3))


def test_a_figure_that_is_higher_than_a_page_in_every_way_says_so_where_no_height_is_given(recwarn):
    tall = block(*residuals(20))
    with pytest.warns(archdsl.FigureWarning, match=r"Unit is \d\d\.\d in high, higher than a page of 9 in") as told:
        archdsl.draw(tall, block="Unit", format="tikz", width=2)
    assert [item.filename for item in told] == [__file__]
    recwarn.clear()
    archdsl.draw(tall, block="Unit", format="tikz", width=7)
    archdsl.draw(tall, block="Unit", format="tikz")  # as large as it comes
    assert not list(recwarn)
