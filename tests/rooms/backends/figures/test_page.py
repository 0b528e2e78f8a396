"""The interactive page as text: what stands in it, once, and that nothing of a spec can run.

`test_page_browser.py` opens it. After a wanted change of what a page says, write the golden file anew with

    ARCHDSL_REWRITE_GOLDEN=1 python -m pytest tests/rooms/backends/figures/test_page.py -k golden
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time
from collections import Counter
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import pytest
from support.page import HOSTILE, SMALL, hostile_graph
from support.places import GOLDEN as GOLDENS
from support.places import ROOT

import archdsl
from archdsl.analysis.cost import cost
from archdsl.backends import figures
from archdsl.backends.figures import Look
from archdsl.backends.figures.interactive import boxes, plans
from archdsl.backends.figures.interactive.data import ROLES, Writer
from archdsl.backends.figures.interactive.parts import whole
from archdsl.backends.figures.interactive.rows import Rows
from archdsl.backends.figures.strip.cells import strip
from archdsl.backends.figures.style import ROLES as LIGHT
from archdsl.backends.figures.theme import DARK
from archdsl.ops import REGISTRY
from archdsl.workspace.library import read, shipped

GOLDEN = GOLDENS / "page" / "small.json"
ASSETS = ROOT / "codegen_templates" / "interactive"


class Reader(HTMLParser):
    """The elements of a page, in order, with what stands in scripts and styles; refuses tags that do not pair."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.stack: list[str] = []
        self.feed(text)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), tag
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.stack.append(tag)
            self.inside.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack:
            self.inside[self.stack[-1]][-1] += data


def graph_of(name: str) -> archdsl.Graph:
    return archdsl.graph(name, read(name).networks()[0])


def page_of(graph: archdsl.Graph, **what) -> str:
    return figures.draw(graph, format="html", **what)


def data_of(text: str) -> dict:
    return json.loads(Reader(text).inside["script"][0])


def groups_of(group: dict) -> list[dict]:
    return [group, *(inner for part in group["parts"] if part["kind"] == "group" for inner in groups_of(part))]


def stacks_of(root: dict) -> list[dict]:
    return [part for group in groups_of(root) for part in group["parts"] if part["kind"] == "stack"]


@pytest.fixture
def small(tmp_path) -> archdsl.Graph:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return archdsl.graph(path)


@pytest.fixture(scope="module", params=shipped())
def shown(request) -> tuple[archdsl.Graph, dict]:
    """Each shipped network with the data of its page."""
    graph = graph_of(request.param)
    return graph, data_of(page_of(graph))


# --- what is in it
def test_every_op_stands_in_it_once(shown):
    graph, data = shown
    found = Counter(op["id"] for stack in stacks_of(data["root"]) for op in stack["ops"])
    assert found == Counter(f"n{node.id}" for node in graph.nodes)


def test_ids_are_unique(shown):
    _, data = shown
    groups = [group["id"] for group in groups_of(data["root"])]
    ops = [op["id"] for stack in stacks_of(data["root"]) for op in stack["ops"]]
    assert max(Counter(groups + ops).values()) == 1


def test_each_op_has_its_path_shapes_costs_and_line(shown):
    graph, data = shown
    ops = {op["id"]: op for stack in stacks_of(data["root"]) for op in stack["ops"]}
    for node in graph.nodes:
        op = ops[f"n{node.id}"]
        assert (op["op"], op["path"]) == (node.op.name, node.path)
        assert op["out"] == [list(tensor.shape) for tensor in node.outputs]
        assert op["in"] == [list(tensor.shape) for tensor in node.inputs]
        file, line, text = data["lines"][op["at"]]
        assert (file, line) == (Path(node.span.source.name).name, node.span.line)
        assert text.rstrip("…") in node.span.source.line(line)


def test_costs_add_up(shown):
    graph, data = shown
    found = cost(graph)
    assert (data["root"]["params"], data["root"]["macs"]) == (found.params, found.macs)
    for group in groups_of(data["root"]):
        for what in ("params", "macs"):
            parts = [part for part in group["parts"] if part["kind"] == "group"]
            ops = [op for part in group["parts"] if part["kind"] == "stack" for op in part["ops"]]
            assert group[what] == sum(part[what] for part in (*parts, *ops))


def test_wires_are_the_edges_of_the_graph(shown):
    """Followed through the frames, the wires lead from the op that makes a tensor to each that reads it."""
    graph, data = shown
    found, parents = Counter(), {}
    for group in groups_of(data["root"]):
        for index, part in enumerate(group["parts"]):
            if part["kind"] == "group":
                parents[part["id"]] = (group, index)

    def maker(group: dict, place: int, leaves: int) -> dict:
        """The stack or end from which a wire comes."""
        if place < 0:
            outer, index = parents[group["id"]]
            (wire,) = (w for w in outer["wires"] if w[1] == index and w[3] == -1 - place)
            return maker(outer, wire[0], wire[2])
        part = group["parts"][place]
        if part["kind"] != "group":
            return part
        (wire,) = (w for w in part["wires"] if w[1] == len(part["parts"]) + leaves)
        return maker(part, wire[0], wire[2])

    def called(part: dict) -> str:
        return part["ops"][0]["id"] if part["kind"] == "stack" else part["name"]

    for group in groups_of(data["root"]):
        for source, target, leaves, _ in group["wires"]:
            if target < len(group["parts"]) and group["parts"][target]["kind"] == "stack":
                found[called(maker(group, source, leaves)), called(group["parts"][target])] += 1

    owner = {op["id"]: called(stack) for stack in stacks_of(data["root"]) for op in stack["ops"]}
    inputs = {name: "input" if len(graph.inputs) == 1 else name for name in graph.inputs}
    expected = set()
    for node in graph.nodes:
        for tensor in node.inputs:
            source = owner[f"n{tensor.node.id}"] if tensor.node else inputs[tensor.name]
            if source != owner[f"n{node.id}"]:
                expected.add((source, owner[f"n{node.id}"], id(tensor)))
    assert found == Counter((source, target) for source, target, _ in expected)


def test_what_stands_in_a_row_of_a_plan_does_not_overlap(shown):
    """Boxes, and wires that pass them: `test_page_browser.py` looks at what the script draws."""
    _, data = shown
    for group in groups_of(data["root"]):
        plan, parts = data["plans"][group["plan"]], group["parts"]
        rows: dict[int, list[tuple[float, float]]] = {}
        for row, x, part in zip(plan["rows"], plan["parts"], parts, strict=True):
            rows.setdefault(row, []).append((x, part["size"][0]))
        for net, stops in zip(nets_of(group), plan["stops"], strict=True):
            first = plan["rows"][net[0][0]] + 1 if net[0][0] >= 0 else 1
            for row, x in enumerate(stops, first):
                rows.setdefault(row, []).append((x, 0))
        for (x, wide), (u, wide2) in (pair for row in rows.values() for pair in combinations(row, 2)):
            assert abs(x - u) >= (wide + wide2) / 2 + 4, group["title"]


def test_wires_lead_down_and_stop_in_every_row_that_they_pass(shown):
    _, data = shown
    for group in groups_of(data["root"]):
        plan = data["plans"][group["plan"]]
        rows = [*plan["rows"], *[max(plan["rows"]) + 1] * len(group["out"])]
        for net, stops in zip(nets_of(group), plan["stops"], strict=True):
            start = rows[net[0][0]] if net[0][0] >= 0 else 0
            ends = [rows[wire[1]] for wire in net]
            assert min(ends) > start
            assert len(stops) == max(ends) - start - 1


def nets_of(group: dict) -> list[list[list[int]]]:
    """The wires of a group, by the tensor."""
    nets: dict[tuple[int, int], list[list[int]]] = {}
    for wire in group["wires"]:
        nets.setdefault((wire[0], wire[2]), []).append(wire)
    return [*nets.values()]


def test_alike_blocks_share_a_plan():
    data = data_of(page_of(archdsl.graph("efficientnet", "b7")))
    assert len(groups_of(data["root"])) > 100
    assert len(data["plans"]) < 40


def test_a_chain_is_set_as_the_engine_would_set_it(small):
    writer = Writer(small, Look())
    group = whole(small)
    stem = group.parts[1]
    assert plans.is_chain(group)
    assert plans.is_chain(stem)
    assert not plans.is_chain(group.parts[2].parts[0])
    for chain in (group, stem):
        rows = Rows(chain)
        sizes = [boxes.closed_size(part, writer.words(part), writer.shapes) for part in chain.parts]
        ours, theirs = plans.column(chain, rows), plans.laid_out(plans.dot(chain, rows, sizes), chain, rows)
        assert ours.rows == theirs.rows == [*range(1, len(sizes) + 1)]
        across = [*theirs.parts, *theirs.entries, *theirs.exits]
        assert across == pytest.approx([across[0]] * len(across), abs=1)
        assert ours.stops == theirs.stops == [[] for _ in chain.wires]


def test_thousands_of_ops_in_a_row_take_seconds():
    body = [{"repeat": 1500, "body": [{"conv": {"out": 4, "kernel": 1}}, "bn", "relu"]}]
    graph = archdsl.graph({"archdsl": 1, "name": "Long", "input": [4, 8, 8], "stages": {"body": body}})
    start = time.process_time()
    text = page_of(graph)
    assert time.process_time() - start < 10
    assert len(data_of(text)["root"]["parts"][1]["parts"]) == 1500


def test_a_large_network_stays_small():
    text = page_of(archdsl.graph("efficientnet", "b7"))
    assert len(text.encode()) < 400_000


def test_a_block_that_is_one_box_is_no_group_of_its_own(small):
    _, body, _ = (part for part in data_of(page_of(small))["root"]["parts"] if part["kind"] == "group")
    assert [part["title"] for part in body["parts"]] == ["Unit", "Unit"]
    stacks = [[op["op"] for op in stack["ops"]] for stack in stacks_of(body["parts"][0])]
    assert stacks == [["conv", "bn", "relu"], ["add"], ["conv"]]


def test_a_stage_with_a_condition_is_one_scope():
    body = [{"conv": 4}, "relu", {"add": ["identity", {"conv": 4}]}]
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "params": {"deep": True}}
    net = archdsl.graph({**spec, "stages": {"a": [{"conv": 4}], "b": {"when": "deep", "body": body}}})
    told = [[scope["kind"] for scope in group["scopes"]] for group in groups_of(data_of(page_of(net))["root"])]
    assert told == [["network"], ["stage"], ["stage"]]


def test_several_outputs_and_heads_of_training_are_ends():
    spec = {
        "archdsl": 1, "name": "Two", "input": [3, 8, 8],
        "stages": {
            "body": [{"conv": {"out": 4, "kernel": 1}}],
            "aux": {"training": True, "from": "body", "body": ["global_avg_pool", "flatten"]},
            "head": {"from": "body", "body": ["relu"]},
        },
    }  # fmt: skip
    data = data_of(page_of(archdsl.graph(spec)))
    ends = [part["name"] for part in data["root"]["parts"] if part["kind"] == "end"]
    assert ends == ["input", "output", "aux (training)"]
    assert [part["title"] for part in data["root"]["parts"] if part.get("training")] == ["aux"]


def test_it_is_the_golden_one(small):
    """The data; of the plans, which the engine makes, what it is asked to lay out."""
    writer = Writer(small, Look())
    data = writer.document() | {"plans": [text.splitlines() for text in writer.plans.index]}
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", flat, json.dumps(data, indent=1, ensure_ascii=False)) + "\n"
    if os.environ.get("ARCHDSL_REWRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def flat(match: re.Match) -> str:
    """A list of short things on one line."""
    items = re.sub(r"\s*\n\s*", " ", match[1])
    return f"[{items}]" if len(items) < 100 else match[0]


# --- the file
def test_it_asks_for_nothing(small):
    for tag, attributes in Reader(page_of(small)).elements:
        for name in ("src", "href", "srcset", "action", "poster", "data", "background"):
            assert attributes.get(name) in (None, "data:,"), (tag, attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    for asset in ASSETS.iterdir():
        text = asset.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"https?:|//\w|@import|url\((?!#)|\bfetch\b|XMLHttpRequest|\bimport\b", strip_comments(text)
        )


def strip_comments(text: str) -> str:
    return re.sub(r"^\s*//.*$|/\*.*?\*/", "", text, flags=re.MULTILINE | re.DOTALL)


def test_its_policy_names_its_style_and_script(small):
    page = Reader(page_of(small))
    (policy,) = (a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = {
        tag: f"'sha256-{base64.b64encode(hashlib.sha256(page.inside[tag][-1].encode()).digest()).decode()}'"
        for tag in ("style", "script")
    }
    assert rules == {
        "default-src": "'none'", "img-src": "data:", "style-src": digest["style"], "script-src": digest["script"],
    }  # fmt: skip


def test_nothing_of_a_spec_becomes_markup(small):
    hostile = hostile_graph()
    page, tame = Reader(page_of(hostile)), Reader(page_of(small))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in tame.elements]
    assert page.inside["title"] == [f"{HOSTILE} {HOSTILE}"]
    data = json.loads(page.inside["script"][0])
    assert data["name"] == HOSTILE
    assert any(op["text"].startswith("</script>") for stack in stacks_of(data["root"]) for op in stack["ops"])


def test_no_folder_of_this_machine_is_named(small, tmp_path):
    assert str(tmp_path) not in page_of(small)
    assert str(ROOT) not in page_of(graph_of("peleenet"))
    assert {line[0] for line in data_of(page_of(small))["lines"]} == {"small.yaml"}


def test_every_role_has_the_colour_of_the_figures_and_a_word(small):
    (style,) = Reader(page_of(small)).inside["style"]
    for role in {op.role for op in REGISTRY.values()} | set(LIGHT):
        assert role in ROLES or role.startswith("block")
        for paint in (LIGHT[role], DARK[role]):
            assert f"--{role}: {paint.fill}; --{role}-line: {paint.line};" in style
        assert re.search(rf"^\.{role} \{{ fill: var\(--{role}\); stroke: var\(--{role}-line\);", style, re.MULTILINE)


def test_words_colours_and_legend_are_those_of_the_strip(shown):
    graph, data = shown
    made = strip(graph)
    cells = {frozenset(f"n{node.id}" for node in cell.box.nodes): cell for cell in made.cells if cell.kind}
    found = 0
    for group in groups_of(data["root"])[1:]:
        cell = cells.get(frozenset(op["id"] for stack in stacks_of(group) for op in stack["ops"]))
        if cell is None or group["scopes"][0]["kind"] == "block":
            continue
        found += 1
        assert group["colour"] == cell.colour
        title, *lines = [cell.name, *cell.lines] if cell.name else cell.lines
        assert group["title"] == title
        assert " ".join(group["lines"]) == " ".join(lines)
    assert found
    legend = dict(data["legend"])
    for colour, words in made.legend.items():
        assert legend[colour].startswith(words)


def test_what_a_spec_says_of_its_figures_holds_on_the_page_too():
    spec = {
        "archdsl": 1, "name": "Said", "input": [3, 8, 8],
        "figure": {"labels": {"conv": "Filter", "Unit": "Cell", "Unit.g": "groups"}, "colours": {"Unit": "#99ccff"}},
        "blocks": {"Unit": {"params": ["g"], "body": [{"conv": {"out": 4, "groups": "g"}}, {"channel_shuffle": 2}]}},
        "stages": {"body": [{"Unit": 1}, {"Unit": 2}, "relu"]},
    }  # fmt: skip
    text = page_of(archdsl.graph(spec))
    body = data_of(text)["root"]["parts"][1]
    assert [part.get("title") for part in body["parts"]] == ["Cell", "Cell", None]
    assert body["parts"][0]["scopes"][0]["called"] == "Cell"
    assert [part["lines"] for part in body["parts"][:2]] == [["groups 1"], ["groups 2"]]
    assert [op["text"] for op in body["parts"][0]["parts"][0]["ops"]] == ["Filter"]
    assert body["parts"][0]["colour"] == "c99ccff"
    assert ".c99ccff { fill: var(--c99ccff)" in text


# --- sizes and words
def test_a_box_holds_its_words():
    assert boxes.text_width("WWW", 12) > boxes.text_width("iii", 12)
    assert boxes.text_width("深い", 12) > 24
    width, height = boxes.fit([("x" * 30, boxes.TEXT, False)], 20)
    assert width % boxes.GRID == 0
    assert width >= boxes.text_width("x" * 30, boxes.TEXT) + 2 * boxes.SIDE
    assert height == 20


def test_a_long_word_is_cut():
    assert boxes.clipped("x" * 100) == "x" * (boxes.WIDEST - 1) + "…"
    assert boxes.clipped("a\x00b\u202ec") == "a b c"


# --- how it is asked for
def test_draw_makes_it(small):
    assert archdsl.draw(small, format="html") == page_of(small)
    assert page_of(small).startswith("<!DOCTYPE html>")
    levels = [data_of(page_of(small, level=level))["depth"] for level in figures.LEVELS]
    assert levels[0] == 0 < levels[-1]


def test_a_block_is_shown_at_its_first_call(small):
    assert data_of(page_of(small, block="Unit"))["show"] == "body.0"
    with pytest.raises(archdsl.SpecError, match="uses no block 'Unti'"):
        page_of(small, block="Unti")


def test_the_command_line_makes_it_by_the_name_of_the_file(tmp_path, monkeypatch):
    from archdsl.commands import cli

    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL)
    assert cli.main(["draw", "small.yaml", "-o", "small.html"]) == 0
    assert data_of(Path("small.html").read_text(encoding="utf-8"))["name"] == "Small"
