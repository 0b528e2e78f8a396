"""Passes by name and as functions, of this package and of others; what is run after each."""

from __future__ import annotations

import copy

import pytest
import torch

import archdsl
from archdsl import passes
from archdsl.commands import cli
from archdsl.expr.nodes import Lit
from archdsl.ir.program import Primitive, Program
from archdsl.ir.rewrite import copied
from archdsl.ops import REGISTRY
from archdsl.passes.base import Pass

SMALL = {
    "archdsl": 1,
    "name": "Small",
    "input": [3, 8, 8],
    "stages": {"body": [{"conv": {"out": 4, "kernel": 3}}, "bn", "relu"], "head": [{"conv": 2}, "bn"]},
}


def five_by_five(program: Program) -> Program:
    """Makes 3×3 kernels 5×5."""
    made = copied(program)
    for function in made.functions:
        for node in function.walk():
            if isinstance(node, Primitive) and node.fields.get("kernel") == Lit(3):
                node.fields = {**node.fields, "kernel": Lit(5)}
    return made


def unchanged(program: Program) -> Program:
    return program


def test_every_built_in_pass_has_its_name_and_says_what_it_does():
    for name in passes.names():
        found = passes.named(name)
        assert found.name == name
        assert found.doc.endswith(".")
        assert found.doc[0].isupper()


def test_a_function_is_a_pass_by_its_name_and_docstring():
    found = passes.one(five_by_five)
    assert (found.name, found.doc) == ("five_by_five", "Makes 3×3 kernels 5×5.")
    graph = archdsl.graph(SMALL, passes=[five_by_five])
    assert graph.nodes[0].fields["kernel"] == 5
    assert archdsl.build(SMALL, passes=[five_by_five], verify=True).body[0].kernel_size == (5, 5)


def test_passes_run_one_after_another():
    assert archdsl.graph(SMALL, passes=["fold_batch_norm", five_by_five]).nodes[0].fields == {
        **archdsl.graph(SMALL).nodes[0].fields,
        "kernel": 5,
    }
    ops = [node.op.name for node in archdsl.graph(SMALL, passes=[five_by_five, "fold_batch_norm"]).nodes]
    assert ops == ["conv", "relu", "conv"]


def test_each_function_of_the_package_takes_passes(tmp_path):
    whole, folded = archdsl.cost(SMALL).params, archdsl.cost(SMALL, passes=["fold_batch_norm"]).params
    assert whole - folded == 2 * (4 + 2)
    assert "BatchNorm" not in archdsl.emit(SMALL, passes=["fold_batch_norm"])
    assert archdsl.table(SMALL, passes=["fold_batch_norm"]).rows[0].params == folded
    assert "BN" in archdsl.draw(SMALL, level="op", format="dot")
    assert "BN" not in archdsl.draw(SMALL, level="op", format="dot", passes=["fold_batch_norm"])
    backbone = archdsl.graph(SMALL, features_only=["body"], passes=["fold_batch_norm"])
    assert [node.op.name for node in backbone.nodes] == ["conv", "relu"]


def test_a_module_is_built_anew_for_other_passes():
    assert len(archdsl.build("squeezenext", "1.0-23", passes=["fold_batch_norm"]).state_dict()) < len(
        archdsl.build("squeezenext", "1.0-23").state_dict()
    )


def test_the_form_deploy_is_a_list_of_passes():
    deployed = archdsl.emit(SMALL, form="deploy")
    assert archdsl.emit(SMALL, passes=passes.DEPLOYED) == deployed != archdsl.emit(SMALL, passes=["deploy"])


def test_a_form_that_the_spec_states_is_kept():
    steps = [{"learned_group_conv": {"out": 8}}, "relu", {"learned_group_conv": {"out": 8, "form": "train"}}]
    spec = {"archdsl": 1, "name": "Net", "input": [8, 4, 4], "stages": {"a": [*steps, {"learned_linear": 4}]}}
    spec["stages"]["a"].insert(3, "global_avg_pool")
    spec["stages"]["a"].insert(4, "flatten")
    spec["defaults"] = {"learned_linear": {"form": "train"}}
    forms = [node.fields.get("form") for node in archdsl.graph(spec, form="deploy").nodes]
    assert forms == ["deploy", None, "train", None, None, "train"]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (["fold_batchnorm"], "unknown-pass", "there is no pass 'fold_batchnorm'"),
        ("fold_batch_norm", "bad-call", "passes are a list, not 'fold_batch_norm'"),
        ([3], "bad-call", "a pass is a name or a function from a Program to a Program, not 3"),
        (None, "bad-call", "passes are a list, not None"),
    ],
)
def test_what_is_no_pass_is_refused(given, code, message):
    with pytest.raises(archdsl.SpecError) as error:
        archdsl.graph(SMALL, passes=given)
    (found,) = error.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert found.help


def test_a_graph_takes_no_passes():
    with pytest.raises(archdsl.SpecError, match="already a specific network"):
        archdsl.graph(archdsl.graph(SMALL), passes=["fold_batch_norm"])


def test_a_pass_that_gives_something_else_is_refused():
    with pytest.raises(archdsl.SpecError, match="gives NoneType, not a Program"):
        archdsl.graph(SMALL, passes=[lambda program: None])


def test_a_pass_that_leaves_no_program_is_told_by_its_name():
    def crossed(program: Program) -> Program:
        made = copied(program)
        made.main.region.nodes.reverse()
        return made

    with pytest.raises(
        archdsl.SpecError,
        match=r"the pass crossed .*after crossed: container .* of Small \(.*\): it reads 'body' before",
    ):
        archdsl.graph(SMALL, passes=[crossed])


def test_what_a_pass_raises_is_its_own_fault():
    def divided(program: Program) -> Program:
        return list(program.functions)[len(program.functions)]

    with pytest.raises(
        archdsl.SpecError, match=r"the pass divided of .*: IndexError: list index out of range"
    ) as caught:
        archdsl.graph(SMALL, passes=[divided])
    assert [item.code for item in caught.value.diagnostics] == ["bad-plugin"]


def test_a_pass_that_changes_what_it_is_given_is_told_by_its_name():
    def careless(program: Program) -> Program:
        program.main.region.nodes.pop()
        return copied(program)

    with pytest.raises(archdsl.SpecError, match=r"the pass careless .*careless, which must not change the program"):
        archdsl.graph(SMALL, passes=[careless])


def test_weights_follow_a_pass_that_has_no_rule():
    net = archdsl.build(SMALL).eval()
    made = archdsl.convert(net, SMALL, passes=[unchanged]).eval()
    x = torch.randn(1, 3, 8, 8)
    assert torch.equal(made(x), net(x))


def test_weights_follow_calls_that_run_in_another_order():
    def turned(program: Program) -> Program:
        """Runs what stands side by side the other way round."""
        made = copied(program)
        (whole,) = made.main.region.nodes
        left, right, join = whole.body.nodes
        whole.body.nodes = [right, left, join]
        return Program(made.functions)

    unit = {"params": ["out"], "body": [{"conv": "out"}, "relu"]}
    body = [{"concat": [{"Unit": 4}, [{"Unit": 4}]]}]
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "blocks": {"Unit": unit}, "stages": {"a": body}}
    net = archdsl.build(spec).eval()
    made = archdsl.convert(net, spec, passes=[turned])
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(made(x), net(x))


def test_a_pass_that_changes_weights_without_a_rule_is_told_by_its_name():
    with pytest.raises(archdsl.SpecError, match=r"five_by_five does not say .* 'body.0.weight'"):
        archdsl.convert(archdsl.build(SMALL), SMALL, passes=[five_by_five])


def test_a_weight_rule_gives_the_weights_of_a_pass():
    def bordered(carry):
        """A kernel with a border of zeros."""
        grown = [node for node, old in carry.kept.items() if node.fields.get("kernel") != old.fields.get("kernel")]
        return {
            node: {**state, "weight": torch.nn.functional.pad(state["weight"], (1, 1, 1, 1))}
            for node in grown
            for state in [carry.weights(carry.kept[node])]
        }

    net = archdsl.build(SMALL).eval()
    made = archdsl.convert(net, SMALL, passes=[Pass(five_by_five, bordered), "fold_batch_norm"])
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(made(x), net(x))


# --- the command line
def test_the_command_lists_the_passes(capfd):
    assert cli.main(["passes"]) == 0
    said = capfd.readouterr().out
    assert all(name in said and passes.named(name).doc in said for name in passes.names())


def test_commands_take_passes(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["emit", "mobilenet_v2", "--pass", "fold_batch_norm"]) == 0
    assert capfd.readouterr().out == archdsl.emit("mobilenet_v2", passes=["fold_batch_norm"])
    assert cli.main(["cost", "mobilenet_v2", "--pass", "fold_batch_norm", "--format", "json"]) == 0
    assert '"params": 3487816' in capfd.readouterr().out
    assert cli.main(["draw", "mobilenet_v2", "--pass", "fold_batch_norm", "--block", "ConvReLU6"]) == 0
    assert cli.main(["build", "squeezenet", "--pass", "fold_batch_norm", "--pass", "deploy"]) == 0
    assert "proven" in capfd.readouterr().out


def with_sigmoid(program: Program) -> Program:
    """Puts another activation in the place of one, which outputs depend on."""
    made = copied(program)
    for function in made.functions:
        for node in function.walk():
            if isinstance(node, Primitive) and node.op.name == "relu":
                node.op = REGISTRY["sigmoid"]
    return Program(made.functions)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_pass_that_changes_outputs_is_refused_with_both_values(kind):
    net = archdsl.build(SMALL).to(kind).train()
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(archdsl.SpecError, match=r"with_sigmoid .*changes what .* is -?\d[^ ]*, and was -?\d") as caught:
        archdsl.convert(net, SMALL, passes=["fold_batch_norm", with_sigmoid])
    assert [item.code for item in caught.value.diagnostics] == ["differs"]
    assert net.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


def test_what_is_converted_is_proven_on_images_with_as_many_channels_as_the_call_says():
    net = archdsl.build("mobilenet_v2", "0.35-224", in_chans=1)
    made = archdsl.convert(net, "mobilenet_v2", "0.35-224", in_chans=1)
    assert made(torch.zeros(2, 1, 64, 64)).shape == (2, 1000)


def test_what_is_frozen_stays_frozen_and_what_is_in_eval_mode_stays_in_it():
    net = archdsl.build(SMALL)
    net.body.requires_grad_(False)
    net.head[1].eval()
    kept = archdsl.convert(net, SMALL, passes=[unchanged])
    assert {key: part.requires_grad for key, part in kept.named_parameters()} == {
        key: part.requires_grad for key, part in net.named_parameters()
    }
    assert {key: part.training for key, part in kept.named_modules()} == {
        key: part.training for key, part in net.named_modules()
    }
    folded = archdsl.convert(net, SMALL, passes=["fold_batch_norm"])
    trained = {key for key, part in folded.named_parameters() if part.requires_grad}
    assert trained == {"head.0.weight", "head.0.bias"}


def test_to_convert_leaves_the_random_state_and_needs_no_device_of_its_own():
    net = archdsl.build(SMALL)
    state = torch.get_rng_state()
    with torch.device("meta"):
        made = archdsl.convert(net, SMALL)
    assert torch.equal(torch.get_rng_state(), state)
    assert {tensor.device.type for tensor in made.state_dict().values()} == {"cpu"}


def test_a_module_that_holds_the_network_is_told_from_one_of_another_spec():
    net = archdsl.build(SMALL)
    with pytest.raises(archdsl.SpecError, match=r"only holds the network, as its part 'module'") as caught:
        archdsl.convert(torch.nn.DataParallel(net), SMALL)
    assert caught.value.diagnostics[0].help == "give the part: model.module"
    with pytest.raises(archdsl.SpecError, match=r"as its part '_orig_mod'"):
        archdsl.convert(torch.compile(net), SMALL)


def test_rounding_that_a_norm_magnifies_is_not_taken_for_another_network():
    spec = {**SMALL, "stages": {"body": [{"conv": {"out": 4, "bias": True}}, "bn"]}}
    net = archdsl.build(spec).double().eval()
    for large in (net.body[0].bias.data, net.body[1].running_mean):
        large.fill_(1e12)  # they cancel, and of what is added in between few digits are left
    made = archdsl.convert(net, spec, passes=["fold_batch_norm"])
    x = torch.randn(2, 3, 8, 8, dtype=torch.double)
    assert not torch.allclose(made(x), net(x), rtol=0, atol=1e-5)  # the network before has rounded
