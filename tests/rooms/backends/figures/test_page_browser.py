"""The interactive page in a real browser: opening, moving, searching, reading, by pointer and by keys.

Needs the package `playwright` and a Chromium or Chrome of the machine; is skipped where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.browser import started
from support.page import SMALL, hostile_graph

import archdsl
from archdsl.analysis.work import work
from archdsl.backends import figures
from archdsl.backends.figures.style import ROLES
from archdsl.workspace.library import read

sync_api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")

SIZE = {"width": 1200, "height": 800}
# an own group for each kind of wiring: chains, branches, taps and many outputs, shuffles, U-shapes, several inputs
NETWORKS = ["mobilenet_v2", "peleenet", "pelee", "condensenet", "shufflenet_v2", "espnet", "weightnet", "hrnet"]


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the page of a graph; the browser must have had nothing to complain of, and nothing to fetch."""

    @contextmanager
    def show(graph: archdsl.Graph, *, anchor: str = "", context=None, **what) -> Iterator[sync_api.Page]:
        file = tmp_path / "page.html"
        file.write_text(figures.draw(graph, format="html", **what), encoding="utf-8")
        page = context.new_page() if context else browser.new_page(viewport=SIZE)
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url.split("#")[0]))
        page.goto(file.as_uri() + anchor)
        yield page
        page.close()
        assert not said
        assert set(asked) - {"data:,"} == {file.as_uri()}

    return show


@pytest.fixture
def small(tmp_path) -> archdsl.Graph:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return archdsl.graph(path)


def ids(page, what: str) -> list[str]:
    return page.eval_on_selector_all(f"#drawing {what}", "found => found.map((element) => element.id)")


def view_box(page) -> list[float]:
    return [float(number) for number in page.get_attribute("#drawing", "viewBox").split()]


def title_of(page, group: str):
    """A point in the upper left corner of a group, beside its name."""
    box = page.locator(f"#{group}").bounding_box()
    return box["x"] + 12, box["y"] + 12


def focused(page) -> str:
    return page.evaluate("document.activeElement.id")


# --- opening and closing
def test_stages_are_closed_until_clicked(opened, small):
    with opened(small) as page:
        assert ids(page, ".op") == []
        closed = page.eval_on_selector_all("[role=treeitem]", "all => all.map((e) => e.getAttribute('aria-expanded'))")
        assert closed == ["false", "false", "false"]
        page.click("#g2")
        assert page.get_attribute("#g2", "aria-expanded") == "true"
        assert ids(page, "#g2 .group") == ["g3", "g4"]
        assert ids(page, ".op") == []
        page.click("#g3")
        assert len(ids(page, "#g3 .op")) == 5
        page.mouse.click(*title_of(page, "g2"))
        assert page.get_attribute("#g2", "aria-expanded") == "false"
        assert ids(page, ".op") == []
        page.click("#g2")  # what was open in it still is
        assert len(ids(page, "#g3 .op")) == 5


def test_what_was_clicked_stays_under_the_pointer(opened, small):
    with opened(small) as page:
        page.click("#g2")
        page.keyboard.press("-")
        before = title_of(page, "g4")
        page.mouse.click(*before)
        assert page.get_attribute("#g4", "aria-expanded") == "true"
        box = page.locator("#g4 > .box").bounding_box()
        assert box["x"] - 1 <= before[0] <= box["x"] + box["width"] + 1
        assert abs(box["y"] + 12 - before[1]) < 3


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_open_all_shows_every_op_once_and_nothing_overlaps(opened, name):
    graph = archdsl.graph(name, read(name).networks()[0])
    with opened(graph) as page:
        for what in ("", "#open"):
            if what:
                page.click(what)
            assert page.evaluate(OVERLAPS) == []
        assert sorted(ids(page, ".op")) == sorted(f"n{node.id}" for node in graph.nodes)
        everything = page.eval_on_selector_all("[id]", "all => all.map((element) => element.id)")
        assert len(everything) == len(set(everything))
        page.click("#close")
        assert ids(page, ".op") == []


@pytest.mark.parametrize("name", ["pelee", "espnet"])
def test_nothing_overlaps_when_some_are_open(opened, name):
    with opened(archdsl.graph(name)) as page:
        closed = "() => document.querySelectorAll('#drawing .group:not(.opened)').length"
        for turn in range(12):
            groups = page.locator("#drawing .group:not(.opened)")
            group = groups.nth((7 * turn) % page.evaluate(closed))
            group.evaluate("element => element.dispatchEvent(new Event('click', { bubbles: true }))")
            assert page.evaluate(OVERLAPS) == []


# Boxes of one group that meet, boxes that leave their frame, words wider than their box, wires whose ends hang in the
# air, that are not orthogonal, go through a box, or lie upon the wire of another tensor: as texts, none if all is well.
# In px of the drawing, so that the zoom does not matter.
OVERLAPS = r"""() => {
  const faults = [], drawing = document.getElementById("drawing");
  const toDrawing = drawing.getScreenCTM().inverse();
  const rect = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const [from, to] = [[left, top], [right, bottom]].map(([x, y]) => new DOMPoint(x, y).matrixTransform(toDrawing));
    return { left: from.x, top: from.y, right: to.x, bottom: to.y };
  };
  const boxOf = (part) => rect(part.querySelector(":scope > .box, :scope > .outline"));
  for (const body of drawing.querySelectorAll("g[role=group], #drawing > g[role=none]")) {
    const parts = [...body.children].filter((part) => part.matches(".group, .stack, .end"));
    const boxes = parts.map(boxOf);
    const frame = body.parentNode.matches(".group") ? boxOf(body.parentNode) : null;
    boxes.forEach((one, i) => {
      for (const other of boxes.slice(i + 1)) {
        const apart = one.right <= other.left + 0.5 || other.right <= one.left + 0.5 ||
          one.bottom <= other.top + 0.5 || other.bottom <= one.top + 0.5;
        if (!apart) faults.push(`overlap in ${body.parentNode.id}`);
      }
      if (frame && (one.left < frame.left || one.right > frame.right || one.top < frame.top + 20 ||
          one.bottom > frame.bottom)) faults.push(`out of ${body.parentNode.id}`);
    });
    const segments = [];
    for (const wire of body.querySelectorAll(":scope > g > .wire")) {
      const [source, target, leaves] = wire.dataset.wire.split(" ").map(Number);
      const called = `wire ${source} ${target} of ${body.parentNode.id}`;
      const matrix = drawing.getCTM().inverse().multiply(wire.getCTM());
      const ends = wire.getAttribute("d").match(/^M[^LQ]*|Q[-\d.]+ [-\d.]+|L[^LQ]*$/g);
      const corners = ends.map((text) => new DOMPoint(...text.slice(1).split(" ").map(Number)).matrixTransform(matrix));
      corners.slice(1).forEach((to, i) => {
        const from = corners[i];
        const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
        const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
        if (right - left > 0.6 && bottom - top > 0.6) faults.push(`oblique ${called}`);
        const through = boxes.findIndex((box) =>
          right > box.left + 2 && left < box.right - 2 && bottom > box.top + 2 && top < box.bottom - 2);
        if (through >= 0) faults.push(`${called} through ${through}`);
        segments.push({ net: `${source} ${leaves}`, called, left, right, top, bottom });
      });
      const [start, end] = [corners[0], corners[corners.length - 1]];
      const beside = (point, box) => point.y > box.top && point.y < box.bottom &&
        Math.min(Math.abs(point.x - box.left), Math.abs(point.x - box.right)) < 1;
      const misses = (point, box, y) => box && (Math.abs(point.y - box[y]) > 6 ||
        point.x < box.left - 1 || point.x > box.right + 1) && !(y === "top" && beside(point, box));
      if (misses(start, boxes[source], "bottom") || misses(end, boxes[target], "top")) faults.push(called);
    }
    segments.forEach((one, i) => {
      for (const other of segments.slice(i + 1)) {
        if (one.net === other.net) continue;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (Math.max(across, down) > 2 && Math.min(across, down) > -2) {
          faults.push(`${one.called} upon ${other.called}`);
        }
      }
    });
  }
  for (const text of drawing.querySelectorAll(".op text, .group > g:not([role]):not(.badge) text")) {
    const box = rect(text.closest(".op, .group").querySelector(".row, .box")), words = rect(text);
    if (words.left < box.left || words.right > box.right) faults.push(`words ${text.textContent}`);
  }
  return faults;
}"""


def test_levels_open_it_from_the_start(opened, small):
    with opened(small, level="stage") as page:
        assert ids(page, ".group") == ["g1", "g2", "g3", "g4", "g5"]
    with opened(small, level="op") as page:
        assert len(ids(page, ".op")) == len(small.nodes)


# --- reading
def test_hovering_shows_shape_costs_and_the_line_of_the_spec(opened):
    graph = archdsl.graph("mobilenet_v2")
    node = next(node for node in graph.nodes if node.path == "bottlenecks.1.0.depthwise.conv")
    with opened(graph, anchor=f"#{node.path}") as page:
        page.hover("#g1")
        assert "stage" in page.inner_text("#facts")
        page.hover(f"#n{node.id}")
        told = page.inner_text("#facts")
        found = work(node)
        for words in (
            node.path, "96×112×112", "96×56×56", f"{found.params:,}", f"{found.macs:,}",
            f"mobilenet_v2.yaml:{node.span.line} conv", "block InvertedResidual", "stage bottlenecks",
        ):  # fmt: skip
            assert words in told, words
        assert node.span.source.line(node.span.line).strip() in told


def test_a_focused_box_is_told_as_well_and_read_aloud(opened, small):
    with opened(small) as page:
        page.focus("#g1")
        assert "8×32×32" in page.inner_text("#facts")
        label = page.get_attribute("#g1", "aria-label")
        assert label == "stem, stage; output 8×32×32; 240 parameters; 221,184 MACs; small.yaml:17"


def test_totals_and_the_legend_stand_at_once(opened, small):
    with opened(small) as page:
        assert page.inner_text("#totals") == "input 3×32×32 · 2,554 parameters · 1,237,152 MACs · 15 ops"
        assert "convolution" in page.inner_text("#legend")


# --- search
def test_search_finds_ops_blocks_paths_and_lines(opened, small):
    with opened(small) as page:
        for query, number in (("unit", 2), ("BN", 3), ("body.1", 1), ("linear", 1), ("relu body.0", 1), ("xyz", 0)):
            page.fill("#query", query)
            assert page.inner_text("#found") == f"{number} found", query
        page.fill("#query", "small.yaml:18")
        assert page.inner_text("#found").startswith("1 ")


def test_search_finds_blocks_by_what_figures_call_them(opened):
    figure = {"labels": {"Unit": "Gâte & 50 %"}}
    units = {"Unit": {"body": [{"conv": 8}, "relu"]}}
    spec = {
        "archdsl": 1,
        "name": "Net",
        "input": [3, 8, 8],
        "figure": figure,
        "blocks": units,
        "stages": {"a": ["Unit", "bn"]},
    }
    with opened(archdsl.graph(spec)) as page:
        page.fill("#query", "unit")
        found = page.inner_text("#found")
        assert found != "0 found"
        for query in ("gâte", "50 %"):
            page.fill("#query", query)
            assert page.inner_text("#found") == found, query


def test_what_is_found_is_opened_and_shown(opened, small):
    with opened(small) as page:
        page.keyboard.press("/")
        page.keyboard.type("bn")
        assert page.text_content("#g2 .badge") == "2"  # in a closed box: how many are in it
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        assert page.inner_text("#found") == "2 of 3"
        (current,) = ids(page, ".current")
        assert small.nodes[int(current[1:])].op.name == "bn"
        assert page.get_attribute("#g2", "aria-expanded") == "true"
        box, window = page.locator(f"#{current}").bounding_box(), page.locator("#drawing").bounding_box()
        assert window["y"] <= box["y"] <= window["y"] + window["height"] - box["height"]
        page.click("#results button >> nth=0")
        assert page.inner_text("#found") == "1 of 3"
        page.press("#query", "Escape")
        assert page.locator(".hit").count() == 0
        assert page.locator("#results").is_hidden()


# --- keys
def test_keys_work_from_the_start(opened, small):
    with opened(small) as page:
        for key, expected in (("ArrowDown", "g2"), ("Enter", "g2"), ("ArrowRight", "g3"), ("Escape", "g2")):
            page.keyboard.press(key)
            assert focused(page) == expected, key
        assert page.get_attribute("#g2", "aria-expanded") == "true"
        page.keyboard.press("Escape")
        assert page.get_attribute("#g2", "aria-expanded") == "false"
        page.click("#in")  # a button keeps its own keys
        page.keyboard.press(" ")
        assert page.get_attribute("#g2", "aria-expanded") == "false"


def test_all_keys_are_told(opened, small):
    with opened(small) as page:
        assert "lists all keys" in page.inner_text("#hint")
        page.keyboard.press("?")
        told = page.inner_text("#keys")
        assert all(key in told for key in ("↓", "↑", "→", "←", "Esc", "Enter", "Home", "End", "+", "−", "0", "/", "?"))
        page.keyboard.press("ArrowDown")  # is not heard behind it
        page.keyboard.press("Escape")
        assert page.locator("#keys").is_hidden()
        assert ids(page, ".current") == ["g1"]


def test_tab_reaches_everything_and_the_focus_is_seen(opened, small):
    with opened(small) as page:
        page.fill("#query", "bn")
        reached = []
        for _ in range(14):
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.localName"))
            ring = page.evaluate(
                "(() => { const at = document.activeElement, ring = at.querySelector(':scope > .ring');"
                " const style = getComputedStyle(ring || at);"
                " return ring ? style.strokeWidth : style.outlineStyle === 'none' ? '0' : style.outlineWidth; })()"
            )
            assert float(ring.removesuffix("px")) >= 2 or reached[-1] == "body", reached[-1]
            page.keyboard.press("Tab")
        expected = ["query", "open", "close", "out", "in", "fit", "help", "g1", "aside", *["button"] * 3]
        assert reached[: len(expected)] == expected


def test_keys_walk_open_and_close(opened, small):
    with opened(small) as page:
        page.focus("#help")
        page.keyboard.press("Tab")
        assert focused(page) == "g1"
        for key, expected in (
            ("ArrowDown", "g2"), ("ArrowRight", "g2"), ("ArrowRight", "g3"), ("Enter", "g3"), ("ArrowRight", "n3"),
            ("ArrowDown", "n4"), ("ArrowLeft", "g3"), ("ArrowLeft", "g3"), ("ArrowLeft", "g2"), ("Home", "g1"),
            ("End", "g5"), ("ArrowUp", "g4"),
        ):  # fmt: skip
            page.keyboard.press(key)
            assert focused(page) == expected, key
            assert page.locator("[role=treeitem][tabindex='0']").count() == 1
        assert page.get_attribute("#g3", "aria-expanded") == "false"


def test_the_tree_is_one_for_screen_readers(opened, small):
    with opened(small, level="op") as page:
        assert page.get_attribute("#drawing", "role") == "tree"
        levels = {item: page.get_attribute(f"#{item}", "aria-level") for item in ("g1", "g3", "n0", "n3")}
        assert levels == {"g1": "1", "g3": "2", "n0": "2", "n3": "3"}
        unnamed = page.locator("button:not([aria-label])").all()
        assert all(button.inner_text() for button in unnamed)


# --- the view
def test_zoom_keeps_the_point_under_the_pointer(opened, small):
    with opened(small) as page:
        box = page.locator("#g2").bounding_box()
        x, y = box["x"] + 10, box["y"] + 10
        page.mouse.move(x, y)
        before = view_box(page)
        page.keyboard.down("Control")
        page.mouse.wheel(0, -50)
        page.keyboard.up("Control")
        page.wait_for_function("wide => document.getElementById('drawing').viewBox.baseVal.width < wide", arg=before[2])
        after = page.locator("#g2").bounding_box()
        zoomed = before[2] / view_box(page)[2]
        assert after["width"] == pytest.approx(box["width"] * zoomed, rel=0.02)
        assert x - after["x"] == pytest.approx(10 * zoomed, abs=2)


def test_scrolling_and_dragging_move_and_do_not_click(opened, small):
    with opened(small) as page:
        before = view_box(page)
        box = page.locator("#g2").bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.wheel(0, 120)
        page.wait_for_function("y => document.getElementById('drawing').viewBox.baseVal.y > y", arg=before[1])
        middle = view_box(page)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
        page.mouse.up()
        after = view_box(page)
        assert after[0] < middle[0]
        assert after[2:] == before[2:]
        assert page.get_attribute("#g2", "aria-expanded") == "false"


def test_whoever_scrolls_past_it_in_another_page_is_not_held_up(browser, small, tmp_path):
    (tmp_path / "page.html").write_text(figures.draw(small, format="html"), encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text('<body style="height: 3000px"><iframe src="page.html" width="600" height="500"></iframe>')
    page = browser.new_page(viewport=SIZE)
    page.goto(outer.as_uri())
    page.mouse.move(300, 200)
    page.mouse.wheel(0, 120)
    page.wait_for_function("scrollY > 50")
    page.close()


def test_buttons_and_keys_zoom_and_fit(opened, small):
    with opened(small) as page:
        whole = view_box(page)
        page.click("#in")
        assert view_box(page)[2] == pytest.approx(whole[2] / 1.25, rel=1e-3)
        page.keyboard.press("-")
        page.keyboard.press("-")
        assert view_box(page)[2] > whole[2]
        page.keyboard.press("0")
        assert view_box(page) == pytest.approx(whole)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_large_is_shown_readable_first_and_whole_on_demand(opened):
    with opened(archdsl.graph("pelee")) as page:
        page.click("#open")
        window = page.locator("#drawing").bounding_box()
        row = page.locator("#n0").bounding_box()
        assert row["height"] > 11
        assert window["x"] < row["x"] < window["x"] + window["width"]
        page.keyboard.press("0")
        ends = page.locator(".end").evaluate_all("ends => ends.map((end) => end.getBoundingClientRect().toJSON())")
        assert all(window["y"] <= end["top"] and end["bottom"] <= window["y"] + window["height"] for end in ends)
        assert len(ends) == 4


def test_it_works_on_a_telephone(opened, small, telephone):
    with opened(small, context=telephone) as page:
        for selector in ("#query", *(f"#{button}" for button in ("open", "close", "in", "out", "fit", "help"))):
            box = page.locator(selector).bounding_box()
            assert 0 <= box["x"] < box["x"] + box["width"] <= 390, selector
        page.tap("#g2")
        assert page.get_attribute("#g2", "aria-expanded") == "true"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        window = page.locator("#drawing").bounding_box()
        assert window["height"] > 400
        frame = page.locator("#g2 > .box").bounding_box()
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= 390
        page.tap("#help")
        keys = page.locator("#keys").bounding_box()
        assert 0 <= keys["x"] < keys["x"] + keys["width"] <= 390
        page.keyboard.press("Escape")
        before = view_box(page)
        pinch(page, (195, 300), apart=(40, 120))
        after = view_box(page)
        assert after[2] == pytest.approx(before[2] / 3, rel=0.1)


@pytest.fixture
def telephone(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context
    context.close()


def pinch(page, middle: tuple[float, float], apart: tuple[float, float]) -> None:
    """Two fingers, so far apart at first and at last."""
    session, (x, y) = page.context.new_cdp_session(page), middle
    fingers = [[{"x": x + side * width / 2, "y": y, "id": n} for n, side in enumerate((-1, 1))] for width in apart]
    for kind, points in (("touchStart", fingers[0]), ("touchMove", fingers[1]), ("touchEnd", [])):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


# --- addresses
def test_an_address_leads_to_a_box(opened, small):
    with opened(small, anchor="#body.1") as page:
        assert ids(page, ".current") == ["g4"]
        assert page.get_attribute("#g4", "aria-expanded") == "true"
        page.click("#g1")
        assert page.url.endswith("#stem")
    with opened(small, anchor="#nowhere%") as page:
        assert ids(page, ".current") == ["g1"]


def test_a_block_can_be_asked_for(opened, small):
    with opened(small, block="Unit") as page:
        assert ids(page, ".current") == ["g3"]
        assert len(ids(page, "#g3 .op")) == 5


# --- colours
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_every_colour(opened, small, scheme):
    with opened(small) as page:
        page.emulate_media(color_scheme=scheme)
        grounds = ["back", "panel", "frame", "frame-inner"]
        names = [*ROLES, *grounds, "ink", "faint", "hit"]
        colours = page.evaluate(
            "names => { const style = getComputedStyle(document.documentElement);"
            " return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])); }",
            names,
        )
        for name in (*ROLES, *grounds):
            assert contrast(colours["ink"], colours[name]) >= (7 if scheme == "light" or name in grounds else 4.5), name
        for name in grounds:
            assert contrast(colours["faint"], colours[name]) >= 4.5, name
        assert contrast(colours["hit"], colours["back"]) >= 4.5
        assert (luminance(colours["back"]) > 0.5) == (scheme == "light")
        page.emulate_media(media="print")
        printed = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--conv').trim()")
        assert printed == ROLES["conv"].fill


def luminance(colour: str) -> float:
    """Of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


# --- safety
def test_words_of_a_hostile_spec_are_only_shown(opened):
    with opened(hostile_graph(), level="op") as page:
        page.hover("#n0")
        page.fill("#query", "script")
        page.press("#query", "Enter")
        assert page.evaluate("window.ran") is None
        assert "</script>" in page.inner_text("#facts")
        assert page.locator("img").count() == 0


def test_the_policy_is_in_force(browser, small, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(figures.draw(small, format="html"), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        " document.body.append(script); }"
    )
    assert page.evaluate("window.ran") is None
    assert page.evaluate("fetch('https://example.org').then(() => 'fetched', () => 'refused')") == "refused"
    page.close()
