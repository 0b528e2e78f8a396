"""The spec that results, as text: it builds the same network, and says where each line comes from."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.diagnostics.faults import SpecError
from archdsl.workspace.library import all_shipped, read
from archdsl.workspace.settings import given
from archdsl.workspace.showing import show


def facts(graph):
    """What a network computes, under which keys."""
    nodes = [(node.op.name, node.path, str(node.fields), [out.shape for out in node.outputs]) for node in graph.nodes]
    return nodes, {name: tensor.shape for name, tensor in graph.inputs.items()}


def check_same(name, variant, folder):
    """The whole spec and the one of a variant alone build the network that the spec builds."""
    whole, alone = folder / f"{name}.yaml", folder / f"{name}-alone.yaml"
    whole.write_text(show(name, None, {}))
    alone.write_text(show(name, variant, {}))
    wanted = archdsl.graph(name, variant)
    assert facts(archdsl.graph(whole, variant)) == facts(wanted)
    assert facts(archdsl.graph(alone)) == facts(wanted)
    assert archdsl.emit(archdsl.graph(whole, variant)) == archdsl.emit(wanted)
    assert archdsl.emit(archdsl.graph(alone)).splitlines()[1:] == archdsl.emit(wanted).splitlines()[1:]


@pytest.mark.parametrize("name", ["pelee", "ghostnet_v2", "mobilenet_v3"])
def test_what_is_shown_builds_the_same_network(name, tmp_path):
    check_same(name, read(name).networks()[-1], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", all_shipped())
def test_every_shipped_spec_is_shown_as_what_builds_the_same_network(name, tmp_path):
    for variant in read(name).networks()[:3]:
        check_same(name, variant, tmp_path)


def test_patches_of_a_call_are_those_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "over.yaml").write_text(
        "archdsl: 1\nextends: peleenet\ncalls: {relu: silu}\ndefaults: {conv: {bias: true}}\n"
        "blocks: {ConvBNReLU.bn: {eps: 0.01}}\nstages: {dense.stage3.layers: 2, dense.stage4: null}\n"
    )
    changes = {
        "calls.relu": "silu", "defaults.conv.bias": True, "ConvBNReLU.bn.eps": 0.01,
        "dense.stage3.layers": 2, "dense.stage4": None,
    }  # fmt: skip
    by_file, by_call = archdsl.graph("over.yaml"), archdsl.graph("peleenet", set=changes)
    assert facts(by_file) == facts(by_call)
    assert archdsl.cost("peleenet", set=changes).params == archdsl.cost("over.yaml").params
    small = archdsl.graph("peleenet", set={**changes, "growth": 16})
    shown = tmp_path / "small.yaml"
    shown.write_text(show("peleenet", None, given({}, {**changes, "growth": 16})))
    assert facts(archdsl.graph(shown)) == facts(small) != facts(by_call)


def test_a_module_is_built_anew_for_other_patches():
    first = archdsl.build("squeezenet", "1.1", set={"conv10.conv.out": 3})
    assert archdsl.build("squeezenet", "1.1", set={"conv10.conv.out": 4}) is not first
    assert [
        len(net.conv10[1].bias) for net in (first, archdsl.build("squeezenet", "1.1", set={"conv10.conv.out": 4}))
    ] == [3, 4]


def test_a_table_that_a_variant_states_is_patched_in_the_variant():
    with pytest.raises(SpecError, match=r"name it too: variants\.small-1\.00\.rows\.0"):
        archdsl.cost("mobilenet_v3", "small-1.00", set={"rows.0.0": 5})
    changed = archdsl.cost("mobilenet_v3", "small-1.00", set={"variants.small-1.00.rows.0.0": 5})
    assert changed.macs > archdsl.cost("mobilenet_v3", "small-1.00").macs
    assert archdsl.cost("mobilenet_v3", set={"rows.0.0": 5}).macs > archdsl.cost("mobilenet_v3").macs


def test_each_line_says_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "over.yaml").write_text("archdsl: 1\nextends: peleenet\nstages:\n  dense.stage3: {layers: 2}\n")
    text = show("over.yaml", None, given({}, {"dense.stage3.bottleneck": 3}), origin=True)
    lines = dict(reversed(line.split("# ")) for line in text.splitlines() if "stage" in line and "#" in line)
    assert [key for key, line in lines.items() if "[stage3, 2, 3, true]" in line] == [
        "peleenet.yaml:71, over.yaml:4, set:1"
    ]
    (tmp_path / "again.yaml").write_text(text)
    assert facts(archdsl.graph("again.yaml"))[0][-1] == facts(archdsl.graph("over.yaml"))[0][-1]


def test_files_of_a_project_are_named_from_where_the_spec_lies(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("")
    for folder in ("base", "configs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "base" / "parts.yaml").write_text("blocks: {Unit: [conv: 4, relu]}\n")
    (tmp_path / "base" / "net.yaml").write_text(
        "name: Net\ninput: [3, 8, 8]\nuse: parts.yaml\nstages: {a: [Unit], b: [relu]}\n"
    )
    mine = tmp_path / "configs" / "mine.yaml"
    mine.write_text("extends: ../base/net.yaml\nstages: {b: null}\n")
    monkeypatch.chdir(tmp_path)
    shown = show(mine, None, {})
    assert "use: [../base/parts.yaml]" in shown
    mine.write_text(shown)
    assert list(read(mine).stages) == ["a"]
    (tmp_path / "pyproject.toml").unlink()
    with pytest.raises(SpecError, match="leads out of the folder of the spec"):
        read(mine)
