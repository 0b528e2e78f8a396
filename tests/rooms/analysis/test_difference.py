"""What is said of two networks: statements, rows of the stage table, weights that carry over."""

from __future__ import annotations

import math

import pytest
import torch
from support.nets import shipped_spec

import archdsl
from archdsl.analysis.difference.weights import tensors_of
from archdsl.workspace.library import all_shipped, read

NET = """
archdsl: 1
name: Net
input: [3, 32, 32]
params: {growth: 8, act: relu, eps: 1.0e-5}
defaults: {conv: {bias: false}, bn: {eps: eps}}
blocks:
  Unit: {params: {out: , kernel: 3, stride: 1}, body: [conv: {out: out, kernel: kernel, stride: stride}, bn, act: act]}
  Layer:
    params: {width: , ratio: 2}
    let: {inner: width * ratio}
    body: [concat: [identity, [Unit: {out: inner, kernel: 1}, Unit: width]]]
stages:
  stem: [Unit: {out: 8, stride: 2}]
  dense:
    for: [name, layers, pool]
    in: [[one, 2, true], [two, 3, false]]
    body:
      - repeat: layers
        body: [Layer: growth]
      - {avg_pool: {kernel: 2, stride: 2}, when: pool}
  head: [global_avg_pool, flatten, linear: 10]
"""
EXCITE = (
    "  Excite: {params: {by: 4}, body: [mul: [identity, [global_avg_pool, conv: c_in // by, conv: c_in, sigmoid]]]}\n"
)


def edited(tmp_path, *changes: tuple[str, str], text: str = NET, **params):
    """A network, and what some changes of its text make of it."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    for name, content in (("old", NET), ("new", text)):
        (tmp_path / f"{name}.yaml").write_text(content)
    return archdsl.diff(archdsl.graph(tmp_path / "old.yaml"), archdsl.graph(tmp_path / "new.yaml", **params))


SAID = [
    ([], {"growth": 12}, ["growth 8 → 12"]),
    ([("two, 3", "two, 5")], {}, ["dense.two: 3 → 5 layers"]),
    ([("act: act]", "act: hard_swish]")], {}, ["in all 11 Units: act kind relu → hard_swish"]),
    ([("bn, act: act]", "group_norm: 4, act: act]")], {}, ["in all 11 Units: BN → GN, g4"]),
    ([("act: act]", "act: act, dropout: 0.1]")], {}, ["in all 11 Units: + Dropout 0.1 after act"]),
    ([("conv: {out: out", "conv: {bias: true, out: out")], {}, ["in all 11 Units: conv bias false → true"]),
    ([("{inner: width * ratio}", "{inner: width * 3}")], {}, ["in all 5 Layers: Unit out 16 → 24"]),
    ([("ratio: 2", "ratio: 4")], {}, ["in all 5 Layers: ratio 2 → 4"]),
    ([("out: 8, stride: 2", "out: 8, stride: 2, kernel: 5")], {}, ["in the Unit of stem: kernel 3 → 5"]),
    ([("eps: 1.0e-5", "eps: 1.0e-3")], {}, ["eps 1e-05 → 0.001"]),
    ([("[3, 32, 32]", "[3, 48, 48]")], {}, ["input 3×32×32 → 3×48×48"]),
    ([("  head:", "  extra: [Unit: 32, Unit: 16]\n  head:")], {}, ["+ stage extra after dense: Unit ×2"]),
    ([(", [two, 3, false]", "")], {}, ["dense: − row dense.two: Layer ×3"]),
    ([("      - {avg_pool: {kernel: 2, stride: 2}, when: pool}\n", "")], {}, ["dense.one: − 2×2 Avg pool, s2"]),
    ([("avg_pool: {k", "max_pool: {k")], {}, ["dense.one: 2×2 Avg pool, s2 → 2×2 Max pool, s2"]),
    (
        [("  Layer:", EXCITE + "  Layer:"), ("Unit: width]]]", "Unit: width, Excite: ]]]")], {},
        ["in all 5 Layers: + Excite after Unit"],
    ),
    ([("bn, act: act]", "act: act, bn]")], {}, ["in all 11 Units: in another order: conv, bn, act → conv, act, bn"]),
    ([("Layer:", "Pair:")], {}, ["the block Layer is called Pair"]),
    ([("  stem:", "  begin:")], {}, ["the stage stem is called begin"]),
    (
        [("[identity, [Unit", "[[Unit"), ("Unit: width]]]", "Unit: width], identity]]")], {},
        ["in all 5 Layers: concat inputs in another order: what enters, branch1.1.act → branch1.1.act, what enters"],
    ),
    ([], {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "params", "said"), SAID, ids=[f"{n}" for n in range(len(SAID))])
def test_what_was_changed_is_said_once_and_what_follows_is_not(tmp_path, changes, params, said):
    found = edited(tmp_path, *changes, **params)
    texts = [str(statement) for statement in found.changes]
    assert len(texts) == len(said), texts
    for text, beginning in zip(texts, said, strict=True):
        assert text.startswith(beginning)
    for name in ("params", "macs", "activations"):
        assert sum(getattr(row.before.cost, name) for row in found.rows if row.before) == getattr(
            found.before.cost, name
        )
        assert sum(getattr(row.after.cost, name) for row in found.rows if row.after) == getattr(found.after.cost, name)
    assert found.is_empty == all("is called" in text for text in texts)


TOLD = [
    ([("two, 3", "two, 5")], {}, ["two: 3 → 5 layers"]),
    ([("bn, act: act]", "group_norm: 4, act: act]")], {}, ["in 11 convolutions: BN → GN, g4"]),
    ([("act: act]", "act: hard_swish]")], {}, ["in 11 convolutions: ReLU → h-swish"]),
    ([("conv: {out: out", "conv: {bias: true, out: out")], {}, ["in 11 convolutions: + bias of Conv"]),
    ([("ratio: 2", "ratio: 4")], {}, ["in all 5 Layers: ratio 2 → 4"]),
    ([("  head:", "  extra: [Unit: 32, Unit: 16]\n  head:")], {}, ["+ extra after dense: 3×3 Conv ×2"]),
    ([(", [two, 3, false]", "")], {}, ["dense: − two: Layer ×3"]),
    ([("[one, 2, true]", "[one, 2, false]"), ("  head:", "  last: [Unit: 4]\n  head:")], {},
     ["one: − pool; − 2×2 Avg pool, s2", "+ last after dense: 3×3 Conv"]),
    ([("bn, act: act]", "act: act, bn]")], {},
     ["in 11 convolutions: in another order: Conv, BN, ReLU → Conv, ReLU, BN"]),
    ([("  stem:", "  begin:")], {}, []),
    ([("Layer:", "Pair:")], {}, []),
    ([("flatten,", "flatten, dropout: 0,")], {}, []),
    ([("stages:", "init: {conv: {weight: {normal: 0.01}}}\nstages:")], {}, []),
    ([("stages:", "figure: {labels: {Layer: dense layer, Layer.ratio: t}}\nstages:"), ("ratio: 2", "ratio: 3")], {},
     ["in all 5 dense layers: t 2 → 3"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "params", "told"), TOLD, ids=[f"{n}" for n in range(len(TOLD))])
def test_a_figure_tells_changes_in_the_words_of_a_paper_and_none_that_it_does_not_show(tmp_path, changes, params, told):
    assert edited(tmp_path, *changes, **params).phrases == told


def test_a_figure_of_a_difference_calls_params_as_other_figures_do(tmp_path):
    for ratio in (2, 4):
        (tmp_path / f"{ratio}.yaml").write_text(NET.replace("ratio: 2", f"ratio: {ratio}").replace("ratio", "se_ratio"))
    found = archdsl.diff(tmp_path / "2.yaml", tmp_path / "4.yaml")
    assert found.phrases == ["in all 5 Layers: SE ratio 2 → 4"]


def test_two_changes_of_a_place_are_one_statement_and_others_are_others(tmp_path):
    grouped = ("conv: {out: out", "conv: {groups: 2, out: out")
    found = edited(tmp_path, ("one, 2", "one, 4"), ("two, 3", "two, 5"), grouped, ("[3, 32, 32]", "[4, 32, 32]"))
    assert [str(statement) for statement in found.changes] == [
        "input 3×32×32 → 4×32×32",
        "in all 11 Units: conv groups 1 → 2",
        "dense.one: 2 → 4 layers",
        "dense.two: 3 → 5 layers",
    ]


def test_a_step_that_reads_another_tensor_is_told(tmp_path):
    text = """
archdsl: 1
name: Net
input: [4, 8, 8]
stages:
  a: [conv: 4]
  b: [conv: 4]
  c: [add: [a, b], relu]
"""
    (tmp_path / "old.yaml").write_text(text)
    (tmp_path / "new.yaml").write_text(
        text.replace("[a, b]", "[input, b]").replace("  b: [", "  b: [{from: a, sigmoid: }, ")
    )
    found = archdsl.diff(tmp_path / "old.yaml", tmp_path / "new.yaml")
    assert [str(statement) for statement in found.changes] == [
        "b: + Sigmoid",
        "c: add reads the input x in place of a",
    ]  # fmt: skip


WRAPPED = """
archdsl: 1
name: Net
input: [3, 16, 16]
blocks:
  Unit: {params: [out], body: [conv: {out: out, kernel: 3}, relu]}
stages:
  stem: [Unit: 8]
  mid: BODY
  head: [global_avg_pool, flatten, linear: 4]
"""
PLAIN = "[Unit: 8, Unit: 8]"
WRAPS = [
    (PLAIN, "[residual: [Unit: 8, Unit: 8]]", "residual around the whole stage"),
    (PLAIN, "[residual: [Unit: 8, Unit: 8], relu]", "residual around Unit ×2; * ReLU"),
    (PLAIN, "[residual: [Unit: 8], residual: [Unit: 8]]", "residual around Unit"),
    (PLAIN, "[residual: {body: [Unit: 8, Unit: 8], shortcut: [conv: 8]}]",
     "residual around the whole stage, with the shortcut 1×1 Conv"),
    (PLAIN, "[concat: [identity, [Unit: 8, Unit: 8]]]", "Concat around the whole stage"),
    (PLAIN, "[concat: [[conv: 4], [Unit: 8, Unit: 8]]]", "Concat around the whole stage, beside 1×1 Conv"),
    ("[{repeat: 3, body: [Unit: 8]}]", "[{repeat: 3, body: [residual: [Unit: 8]]}]", "residual around Unit"),
    ("[{repeat: 2, body: [Unit: 8, conv: 8]}]", "[{repeat: 2, body: [residual: [Unit: 8, conv: 8]]}]",
     "residual around Unit; 1×1 Conv"),
    ("[conv: 8, bn, relu]", "[residual: {body: [conv: 8, bn], if: c_in == 8}, relu]", "residual around 1×1 Conv; BN"),
]  # fmt: skip


@pytest.mark.parametrize(("plain", "wrapped", "said"), WRAPS, ids=[f"{n}" for n in range(len(WRAPS))])
def test_a_join_around_steps_is_told_as_such_and_their_weights_carry_over(tmp_path, plain, wrapped, said):
    for name, body in (("old", plain), ("new", wrapped)):
        (tmp_path / f"{name}.yaml").write_text(WRAPPED.replace("BODY", body))
    for (before, after), sign in {("old", "new"): "+", ("new", "old"): "−"}.items():
        found = archdsl.diff(tmp_path / f"{before}.yaml", tmp_path / f"{after}.yaml")
        text = " ".join(str(statement) for statement in found.changes).replace(" after Unit", "")
        assert text.partition(": ")[2] == f"{sign} {said}".replace("*", sign)
        kept = [pair.after for pair in found.weights.carried if pair.after.startswith("mid")]
        assert len(kept) >= 4


def test_a_repeat_around_steps_is_told_as_one(tmp_path):
    (tmp_path / "old.yaml").write_text(WRAPPED.replace("BODY", PLAIN))
    (tmp_path / "new.yaml").write_text(WRAPPED.replace("BODY", f"[{{repeat: 3, body: {PLAIN}}}]"))
    for before, after, said in (("old", "new", "mid: [Unit ×2] ×1 → ×3"), ("new", "old", "mid: [Unit ×2] ×3 → ×1")):
        found = archdsl.diff(tmp_path / f"{before}.yaml", tmp_path / f"{after}.yaml")
        assert [str(statement) for statement in found.changes] == [said]


def test_rules_of_init_are_told_though_the_network_is_the_same(tmp_path):
    rules = "init: {conv: {weight: {normal: 0.01}}, head.2: {bias: {constant: 1}}}\nstages:\n"
    (tmp_path / "old.yaml").write_text(NET)
    (tmp_path / "new.yaml").write_text(NET.replace("stages:\n", rules))
    found = archdsl.diff(tmp_path / "new.yaml", tmp_path / "old.yaml")
    assert found.is_empty
    text = found.to_text()
    assert text[text.index("  both") :].splitlines()[:3] == [
        "  both are the same network, initialised in another way",
        "  init of conv weight: normal(0.01) → torch's own",
        "  init of head.2 bias: constant(1) → torch's own",
    ]


def test_rows_stand_in_the_order_of_the_new_network_with_those_that_are_gone(tmp_path):
    found = edited(tmp_path, ("  stem:", "  first: [relu]\n  stem:"), ("[one, 2, true], ", ""))
    assert [(row.name, row.status) for row in found.rows] == [
        ("first", "added"), ("stem", "same"), ("dense.one", "removed"), ("dense.two", "changed"), ("head", "changed"),
    ]  # fmt: skip


def test_what_carries_over_is_what_an_edit_leaves(tmp_path):
    found = edited(tmp_path, ("linear: 10", "linear: 7"))
    w = found.weights
    assert w.new == w.dropped == ("head.2.weight", "head.2.bias")
    assert [(row.name, row.kept) for row in found.rows if row.status != "same"] == [("head", 0)]
    total = sum(math.prod(shape) for shapes in tensors_of(found.after.graph).values() for shape in shapes.values())
    assert w.kept == total - 7 * 48 - 7 == w.total - 7 * 48 - 7


def test_a_pass_is_a_change_too():
    found = archdsl.diff(archdsl.graph("squeezenet"), archdsl.graph("squeezenet", passes=["deploy"]))
    assert found.is_empty
    assert not archdsl.diff("mobilenet_v2", archdsl.graph("mobilenet_v2", passes=["fold_batch_norm"])).is_empty


NETWORKS = [(name, shipped_spec(name).networks()[-1]) for name in all_shipped()][::2]


@pytest.mark.parametrize(("name", "variant"), NETWORKS)
def test_a_network_does_not_differ_from_itself(name, variant):
    graph = archdsl.graph(name, variant)
    found = archdsl.diff(graph, archdsl.graph(name, variant))
    assert found.is_empty
    assert not found.changes
    assert {row.status for row in found.rows} == {"same"}
    assert not found.weights.new
    assert not found.weights.dropped
    assert [pair.before for pair in found.weights.carried] == [pair.after for pair in found.weights.carried]


@pytest.mark.parametrize("name", ["peleenet", "condensenet"])
def test_the_tensors_of_a_network_are_those_of_its_module(name):
    the_tensors_are_those_of_the_module(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", all_shipped())
def test_the_tensors_of_each_network_are_those_of_its_module(name):
    the_tensors_are_those_of_the_module(name)


def the_tensors_are_those_of_the_module(name):
    graph = archdsl.graph(name, read(name).networks()[-1])
    told = {key: shape for shapes in tensors_of(graph).values() for key, shape in shapes.items()}
    with torch.device("meta"):
        module = archdsl.build(graph)
    assert told == {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
