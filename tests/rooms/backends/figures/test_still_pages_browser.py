"""The pages of plots, differences and networks side by side in a browser: they load nothing, a telephone shows them."""

from __future__ import annotations

import pytest
from support.browser import started

import archdsl
from archdsl.backends import difference
from archdsl.backends.figures import draw_difference

NET = {
    "archdsl": 1, "name": "Net", "input": [3, 32, 32], "params": {"width": 8},
    "stages": {
        "stem": [{"conv": {"out": "width", "kernel": 3, "stride": 2}}, "bn", "relu"],
        "body": [{"repeat": 3, "body": [{"conv": {"out": "width", "kernel": 3, "padding": 1}}, "relu"]}],
        "head": ["global_avg_pool", "flatten", {"linear": 10}],
    },
}  # fmt: skip

SIZES = """() => [...document.querySelectorAll("figure text")].map(
    (words) => words.getScreenCTM().a * parseFloat(words.getAttribute("font-size")))"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with started() as browser:
        yield browser


def page_of(kind: str) -> str:
    if kind == "difference":
        found = archdsl.diff(NET, NET | {"params": {"width": 16}})
        return difference.page(found, str(draw_difference(found, told=False)))
    if kind == "networks":
        return archdsl.draw([NET] * 6, format="html")
    return archdsl.plot(kind, NET, format="html")


@pytest.mark.parametrize("kind", ["stages", "receptive", "difference", "networks"])
def test_it_loads_nothing_and_fits_a_telephone(browser, tmp_path, kind):
    pytest.importorskip("matplotlib")
    file = tmp_path / "page.html"
    file.write_text(page_of(kind), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    told = page.locator("svg title").all_text_contents()
    assert any("stem" in text for text in told)
    assert all(size >= 9.5 for size in page.evaluate(SIZES))
    assert page.evaluate("document.querySelector('figure').matches('[tabindex][aria-label]')")
    # A figure carries only the letters that it shows: other words in its font would be of two.
    assert "Source" not in page.evaluate("getComputedStyle(document.body).fontFamily")
    if kind != "networks":
        assert page.locator("tbody tr").count() >= 2
        page.keyboard.press("Tab")  # what scrolls can be reached
        assert page.evaluate("document.activeElement.matches('.scroll[aria-label]')")
    page.close()
    assert not said
    assert set(asked) - {"data:,"} == {file.as_uri()}
