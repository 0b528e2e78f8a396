"""The documentation as a site: every page has its place, and it is built and read without a network."""

from __future__ import annotations

import re
import socket
from fnmatch import fnmatch

import pytest
import yaml
from support.browser import browser_of_this_machine, started
from support.places import DOCS, ROOT

import archdsl
from archdsl.commands.cli import NAMES
from archdsl.ops import REGISTRY
from archdsl.syntax.words import BESIDE, SPEC, STEP, STRUCTURE

CONFIG = ROOT / "mkdocs.yml"
SHARED = yaml.load(CONFIG.read_text(encoding="utf-8"), yaml.BaseLoader)["site_description"]
MADE = {"api.md", "source/CONTRIBUTING.md", "source/CHANGELOG.md"}  # by the build
SMALLEST = """Math.min(1, ...[...document.querySelectorAll('.md-content img[width]')].map(
    image => image.getBoundingClientRect().width / image.getAttribute('width')))"""
LOADED = re.compile(r"""<(?:script|img|iframe)\b[^>]*?\bsrc="([^"]+)"|<link\b[^>]*?\bhref="([^"]+)"[^>]*?>""")


def entries(nav):
    """The pages that the navigation names, and its patterns."""
    if isinstance(nav, str):
        return [nav]
    return [page for item in (nav.values() if isinstance(nav, dict) else nav) for page in entries(item)]


def test_every_page_has_its_place_in_the_navigation():
    nav = entries(yaml.load(CONFIG.read_text(encoding="utf-8"), yaml.BaseLoader)["nav"])
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {page for page in pages if not any(fnmatch(page, entry) for entry in nav)} == set()
    assert {entry for entry in nav if "*" not in entry} - pages == MADE
    assert all(any(fnmatch(page, entry) for page in pages) for entry in nav if "*" in entry)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built in strict mode: a link that leads nowhere is an error."""
    pytest.importorskip("material", reason="the packages of archdsl[docs] are not installed")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    def refused(self, address):
        raise AssertionError(f"the build reaches for {address}")

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        config = load_config(str(CONFIG), site_dir=str(folder), strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
    return folder


@pytest.mark.slow
@pytest.mark.long
def test_the_site_is_built_and_read_without_a_network(site):
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    for name, text in pages.items():
        loaded = [first or second for first, second in LOADED.findall(text)]
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], name

        about = re.findall(r'<meta name="description" content="([^"]*)"', text)
        assert len(about) == 1 or name.endswith("-interactive.html"), name
        assert f'content="{SHARED}"' not in text or name == "404.html" or name.startswith("source/"), name
        assert all("height=" in image for image in re.findall(r"<img [^>]*svg[^>]*>", text)), name

    for word in SPEC:
        assert f'id="{word}-of-a-spec"' in pages["words.html"]
    for word in STEP:
        assert f'id="{word}-of-a-step"' in pages["words.html"]
    for word in STRUCTURE:
        assert f'id="{word}"' in pages["words.html"]
    for word, keys in BESIDE.items():
        assert all(f'id="{key}-of-{word}"' in pages["words.html"] for key in keys)
    for name in REGISTRY:
        assert f'id="{name}"' in pages["ops.html"]
    assert '<code>archdsl COMMAND <span class="option">--help</span></code>' in pages["cli.html"]
    for name in NAMES:
        assert f"All options of <code>archdsl {name}</code>" in pages["cli.html"]
    for name in archdsl.__all__:
        assert name.startswith("_") or name == "Shape" or f'id="archdsl.{name}"' in pages["api.html"]
    for spec in (path.stem for path in (DOCS / "systems").glob("*.md") if path.stem in archdsl.specs()):
        assert f'src="{spec}-interactive.html"' in pages[f"systems/{spec}.html"]
        assert f'src="{spec}-interactive.html"' in pages["systems/gallery.html"]
        assert f"systems/{spec}-interactive.html" in pages
    if browser_of_this_machine():
        found_in_a_browser(site)


def found_in_a_browser(site):
    """A page opened as a file is searched, and fits a phone."""
    with started() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(120_000)  # other tests run beside this one
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index", "cli", "ops", "systems/peleenet", "systems/gallery"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
            assert page.evaluate(SMALLEST) >= 0.6, name
        page.set_viewport_size({"width": 1280, "height": 900})
        for words in ("running_sum", "--output-stride"):
            page.goto((site / "index.html").as_uri())
            page.click("input.md-search__input")
            page.keyboard.type(words)
            page.wait_for_selector(".md-search-result__item")
        page.goto((site / "systems/peleenet.html").as_uri())
        page.locator("iframe.interactive").focus()
        heading = page.frame_locator("iframe.interactive").locator("#facts h2")
        before = heading.inner_text()
        page.keyboard.press("ArrowDown")
        assert heading.inner_text() != before
        assert all(url.startswith(("file:", "data:", "about:", "blob:")) for url in asked)
