"""Costs without a graph: the same as the graph's own, for less."""

from __future__ import annotations

import pickle
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.places import ERRORS, LANGUAGE, ROOT, SPEC_FILES

import archdsl
from archdsl.analysis import counting
from archdsl.analysis.cost import cost
from archdsl.analysis.counting import Kept, count, count_program, run
from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.faults import SpecError
from archdsl.ir.graph import Node, Scope
from archdsl.lowering.entry import lower
from archdsl.workspace import recent
from archdsl.workspace.library import read

NET = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {only: [conv: WIDTH]}\n"


def networks(path):
    spec = read(path)
    return spec, lower(spec) if spec.networks() else None, spec.networks()


@pytest.mark.parametrize("path", [*SPEC_FILES, *sorted(LANGUAGE.glob("*.yaml"))], ids=lambda path: path.stem)
def test_the_costs_and_the_fingerprint_of_a_network_are_those_of_its_graph(path):
    spec, program, variants = networks(path)
    kept = Kept()
    for variant in variants:
        found, graph = count_program(spec, program, kept, variant, {}, None), elaborate(spec, variant)
        assert found.data() == cost(graph).data()
        ran = run(spec, program, kept, variant)
        assert ran.fingerprint() == graph.fingerprint
        again = any(node.shared for node in graph.nodes)
        assert (ran.trace.fingerprint() is None) == again  # whose module that is, a trace does not say


@pytest.mark.parametrize(
    ("name", "variant", "rewriting"),
    [("condensenet", "cifar10-50", {"form": "deploy"}), ("ghostnet", None, {"passes": ["fold_batch_norm"]})],
)
def test_so_they_are_after_passes(name, variant, rewriting):
    rewritten = archdsl.cost(name, variant, **rewriting)
    assert rewritten.data() == cost(archdsl.graph(name, variant, **rewriting)).data()
    given = yaml.safe_load((ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert rewritten.data() == archdsl.cost(given, variant, **rewriting).data()
    assert rewritten.params < archdsl.cost(name, variant).params
    assert cost(rewritten.graph).data() == rewritten.data()


@pytest.mark.parametrize("path", sorted(ERRORS.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_wrong_is_said_as_elaboration_says_it(path):
    def said(run):
        try:
            return run(read(path), None) and None
        except SpecError as error:
            return error.diagnostics

    expected, found = said(elaborate), said(count)
    assert [(d.code, d.message, d.help) for d in found or ()] == [(d.code, d.message, d.help) for d in expected or ()]


SHARED = {name: (read(name), lower(read(name)), Kept()) for name in ("mobilenet_v2", "peleenet", "mnasnet")}


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_so_they_are_for_params_of_any_value(data):
    name = data.draw(st.sampled_from(sorted(SHARED)))
    params = {
        "mobilenet_v2": {"width": data.draw(st.floats(0.1, 3)), "num_classes": data.draw(st.integers(1, 50))},
        "peleenet": {"growth": data.draw(st.integers(1, 60)), "round_up": data.draw(st.booleans())},
        "mnasnet": {"width": data.draw(st.floats(0.3, 2))},
    }[name]
    side = data.draw(st.integers(20, 130))
    spec, program, kept = SHARED[name]
    try:
        graph = elaborate(spec, None, params, [3, side, side])
    except SpecError as wrong:
        with pytest.raises(SpecError, match=re.escape(wrong.diagnostics[0].message)):
            count_program(spec, program, kept, None, params, [3, side, side])
        return
    assert count_program(spec, program, kept, None, params, [3, side, side]).data() == cost(graph).data()


# --- no more is made than is wanted
def test_no_node_and_no_scope_is_made(monkeypatch):
    def refuse(*_, **__):
        pytest.fail("a part of a graph was made")

    monkeypatch.setattr(Node, "__init__", refuse)
    monkeypatch.setattr(Scope, "__init__", refuse)
    assert archdsl.cost("peleenet").params == 2802248


def test_the_graph_of_a_cost_is_made_when_asked_for():
    found = archdsl.cost("peleenet", growth=16)
    assert "graph" not in vars(found)
    assert cost(found.graph) == found
    assert found.graph is found.graph


def test_a_cost_pickles():
    found = archdsl.cost("peleenet")
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_is_kept_over_runs_has_an_end(monkeypatch):
    monkeypatch.setattr(counting, "MAX_KEPT", 500)
    spec, kept = read("mobilenet_v2"), Kept()
    program = lower(spec)
    sizes = []
    for width in range(1, 30):
        count_program(spec, program, kept, None, {"width": width / 8}, None)
        sizes.append(len(kept.workers))
    assert max(sizes) < 700


# --- files
def test_a_file_that_has_not_changed_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "net.yaml"
    path.write_text(NET.replace("WIDTH", "4"))
    archdsl.cost(path)
    monkeypatch.setattr(recent, "read_from", lambda *_, **__: pytest.fail("read again"))
    assert archdsl.cost(path).outputs == {"output": (4, 8, 8)}


def test_files_are_counted_in_several_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(recent, "MOST", 1)
    interval = sys.getswitchinterval()
    paths = [tmp_path / f"{number}.yaml" for number in range(8)]
    for width, path in enumerate(paths, 1):
        path.write_text(NET.replace("WIDTH", str(width)))
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda path: archdsl.cost(path).outputs["output"][0], paths * 20))
    finally:
        sys.setswitchinterval(interval)
    assert found == list(range(1, 9)) * 20


def test_a_file_that_has_changed_is_read_again_however_fast(tmp_path):
    path = tmp_path / "net.yaml"
    for width in range(1, 9):
        path.write_text(NET.replace("WIDTH", str(width)))
        assert archdsl.cost(path).outputs == {"output": (width, 8, 8)}


def test_a_file_that_is_used_is_looked_at_too(tmp_path):
    used = "archdsl: 1\nblocks: {Unit: {body: [conv: WIDTH]}}\n"
    path, other = tmp_path / "net.yaml", tmp_path / "blocks.yaml"
    path.write_text(NET.replace("conv: WIDTH", "Unit").replace("input:", "use: [blocks.yaml]\ninput:"))
    for width in (4, 5):
        other.write_text(used.replace("WIDTH", str(width)))
        assert archdsl.cost(path).outputs == {"output": (width, 8, 8)}
    other.unlink()
    with pytest.raises(SpecError, match=r"blocks\.yaml"):
        archdsl.cost(path)


def test_a_file_that_now_stands_before_a_shipped_one_is_seen(tmp_path):
    (shipped,) = (path for path in SPEC_FILES if path.stem == "mobilenet_v2")
    path = tmp_path / "net.yaml"
    path.write_text(NET.replace("conv: WIDTH", "ConvBNReLU6: 4").replace("input:", "use: mobilenet_v2.yaml\ninput:"))
    before = archdsl.cost(path)
    shutil.copy(shipped, tmp_path / "mobilenet_v2.yaml")
    with (tmp_path / "mobilenet_v2.yaml").open("a") as file:
        file.write("\n")
    assert archdsl.cost(path) == before
    text = (tmp_path / "mobilenet_v2.yaml").read_text()
    (tmp_path / "mobilenet_v2.yaml").write_text(text.replace("bn, relu6]", "bn, relu6, relu6]"))
    assert archdsl.cost(path) != before


def test_what_is_done_with_a_graph_changes_no_later_cost():
    first = archdsl.cost("peleenet")
    whole = first.graph
    archdsl.emit(whole)
    whole.nodes.clear()
    whole.root.children.clear()
    whole.figure.labels["Transition"] = "nothing"
    again = archdsl.cost("peleenet")
    assert again == first
    assert len(again.graph.nodes) == 369
    assert "Transition" not in again.graph.figure.labels
