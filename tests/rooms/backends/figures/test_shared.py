"""What figures, pages and JSON say of modules that several steps share."""

from __future__ import annotations

import json
import re

import pytest
from support.places import LANGUAGE

import archdsl
from archdsl.backends import json as graph_json
from archdsl.backends.figures.interactive.data import Writer
from archdsl.backends.figures.theme import Look


def words(svg):
    return re.findall(r">([^<>]+)</text>", svg)


@pytest.fixture(scope="module")
def graph():
    return archdsl.graph(LANGUAGE / "share_turns.yaml")


def test_each_box_of_a_shared_module_says_so_and_no_other(graph):
    said = words(archdsl.draw(graph, expand=["boxes", "p3"]))
    assert [text for text in said if "shared" in text] == [
        "1×1 Conv · 1×1 Conv ×2 (shared)",
        *["shared"] * 2,  # the two heads
        "FC ×2 · shared",
    ]
    inside = words(archdsl.draw(graph, block="Deep"))
    assert inside.count("shared") == 4  # both runs of the unit, and of the layer
    assert "shared" not in words(archdsl.draw(LANGUAGE / "residual_list.yaml", level="op"))


def test_a_page_and_the_json_mark_the_further_runs(graph):
    shared = [node["path"] for node in json.loads(graph_json.emit(graph))["nodes"] if node.get("shared")]
    assert shared == [node.path for node in graph.nodes if node.shared]
    assert len(set(shared)) < sum(node.path in shared for node in graph.nodes)
    page = json.dumps(Writer(graph, Look()).document())
    assert page.count('"shared": true') >= len(shared)
