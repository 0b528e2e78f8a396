"""ONNX models: what onnxruntime computes is what torch computes, and the model says what it is."""

from __future__ import annotations

import copy
import os
import subprocess
import sys

import onnx
import onnxruntime
import pytest
import safetensors.torch
import torch
from support import deformable
from support.nets import SPECS, assert_equal, exact, filled, graph_of, images, run, shipped_spec

import archdsl
from archdsl.commands import cli
from archdsl.runtime import module
from archdsl.runtime import onnx as onnx_export
from archdsl.runtime.in_training import Choice, in_training

SMALL = {
    "archdsl": 1,
    "name": "Small",
    "input": [3, 9, 9],
    "params": {"num_classes": 4},
    "stages": {
        "stem": [{"conv": {"out": 8, "kernel": 3, "stride": 2, "padding": "same"}}, "bn", "relu"],
        "head": ["global_avg_pool", "flatten", {"linear": "num_classes"}],
    },
}

HARDEST = {  # of the variants; of most specs the last
    # with few of the blocks that repeat: torch's exporter takes seconds for each
    "efficientnet": ("tf-b0", {}),
    "igc_v1": ("resnet-d50-l4m8", {"depth": 14}),
    "igc_v3": ("g2g4-1.0", {f"blocks.{row}.n": 2 for row in range(1, 6)}),
    "shufflenet_v2": ("large", {f"large_units.stage{number}.repeats": 2 for number in range(2, 6)}),
    "squeezenext": ("2.0-23v5", {"depths": [2, 2, 2, 1]}),
    "weightnet": ("condconv-x1.0", {f"units.stage{number}.repeats": 2 for number in range(2, 5)}),
}


def computed(model, inputs):
    """What onnxruntime computes of it, by name."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    given = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
    outputs = [torch.from_numpy(output) for output in session.run(None, given)]
    return dict(zip((entry.name for entry in session.get_outputs()), outputs, strict=True))


def assert_same(model, net, inputs):
    assert_equal(list(computed(model, inputs).values()), run(net, inputs), 1e-4)


def network(name):
    """With weights at which differences tell, unless rounding alone makes some, deep down: then with the first ones."""
    inputs = images(name)
    true = run(exact(name), tuple(x.double() for x in inputs))
    error = max((y - t).abs().max() / t.abs().max() for y, t in zip(run(filled(name), inputs), true, strict=True))
    if error < 1e-4:
        return filled(name)
    torch.manual_seed(0)
    return module.build(graph_of(name)).eval()


# --- every spec
@pytest.mark.parametrize("name", ["espnet", "mobilenet_v2", "shufflenet_v2", "squeezenet"])
def test_onnxruntime_computes_what_torch_computes_at_any_batch(name):
    net, graph = network(name), graph_of(name)
    model = onnx_export.emit(graph, net.state_dict())
    for batch in (1, 3):
        assert_same(model, net, images(name, batch))
    assert_described(onnx.load_from_string(model), graph)
    assert str(sys.prefix).encode() not in model


def assert_described(model, graph):
    """Inputs and outputs have the names of the spec, every tensor a shape, every node a name of its own."""
    for values, tensors in ((model.graph.input, graph.inputs), (model.graph.output, graph.outputs)):
        assert {value.name: shape(value) for value in values} == {
            name: ["batch", *tensor.shape] for name, tensor in tensors.items()
        }
    shapes = {value.name: shape(value) for value in (*model.graph.value_info, *model.graph.output)}
    assert all(output in shapes for node in model.graph.node for output in node.output)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)


def shape(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_onnxruntime_computes_what_torch_computes_at_the_declared_size_and_any_batch(name):
    variant, changes = HARDEST.get(name) or (list(shipped_spec(name).variants)[-1], {})
    graph = archdsl.graph(name, variant, set=changes)
    torch.manual_seed(0)
    net = module.build(graph).eval()
    model = onnx_export.emit(graph, net.state_dict())
    inputs = tuple(torch.randn(3, *tensor.shape) for tensor in graph.inputs.values())
    found, alone = (list(computed(model, given).values()) for given in (inputs, tuple(x[:1] for x in inputs)))
    true = run(copy.deepcopy(net).double(), tuple(x.double() for x in inputs))
    for mine, one, theirs, exactly in zip(found, alone, run(net, inputs), true, strict=True):
        rounding = (theirs - exactly).abs().max().item()  # deep networks magnify it
        near = {"rtol": 0, "atol": 1e-4 * theirs.abs().max().item() + 3 * rounding}
        torch.testing.assert_close(mine, theirs, **near)
        torch.testing.assert_close(one, theirs[:1], **near)
    assert_described(onnx.load_from_string(model), graph)


# --- forms of networks
@pytest.mark.slow
def test_both_forms_of_a_layer_and_a_trained_network_deployed():
    torch.manual_seed(0)
    size = {"variant": "cifar10-50"}
    net = archdsl.build("condensenet", **size)
    net.condense()
    small = archdsl.convert(net, "condensenet", **size).eval()
    net.eval()
    x = torch.randn(2, 3, 32, 32)
    for form, made in (("train", net), ("deploy", small)):
        model = onnx_export.emit(archdsl.graph("condensenet", form=form, **size), made.state_dict())
        assert_equal(list(computed(model, (x,)).values()), run(net, (x,)), 1e-4)


def test_a_backbone_gives_its_maps_by_name():
    graph = archdsl.graph("squeezenet", features_only=True, input=[3, 65, 65])
    net = module.build(graph).eval()
    x = torch.randn(2, 3, 65, 65)
    found = computed(onnx_export.emit(graph, net.state_dict()), (x,))
    assert list(found) == list(net(x)._fields) == list(graph.outputs)
    assert len(found) > 2
    assert_equal(list(found.values()), run(net, (x,)), 1e-4)


def test_several_inputs_and_outputs_keep_names_and_order():
    spec = {
        "archdsl": 1,
        "name": "Two",
        "inputs": {"image": [3, 16, 16], "mask": [1, 16, 16]},
        "outputs": {"scores": "scores", "boxes": "boxes", "same": "scores"},
        "stages": {
            "trunk": [{"concat": ["image", "mask"]}, {"conv": 8}],
            "boxes": [{"conv": 4}],
            "scores": {"from": "trunk", "body": [{"conv": 6}, "sigmoid"]},
        },
    }
    graph = archdsl.graph(spec)
    net = module.build(graph).eval()
    inputs = (torch.randn(2, 3, 16, 16), torch.randn(2, 1, 16, 16))
    model = onnx_export.emit(graph, net.state_dict())
    found = computed(model, inputs)
    assert list(found) == ["scores", "boxes", "same"]
    assert_equal(list(found.values()), run(net, inputs), 1e-4)
    assert [value.name for value in onnx.load_from_string(model).graph.input] == ["image", "mask"]


@pytest.mark.parametrize("side", [9, 16, 31])
def test_padding_same_at_any_resolution(side):
    graph = archdsl.graph(SMALL, input=[3, side, side])
    net = module.build(graph).eval()
    assert_same(onnx_export.emit(graph, net.state_dict()), net, (torch.randn(2, 3, side, side),))


@pytest.mark.parametrize(
    ("size", "scale", "mode", "corners"),
    [
        ((9, 10), 2.3, "nearest", False),  # 10 × 2.3 is 22.999999 in 32 bits
        ((20, 10), 0.7, "nearest", False),
        ((9, 10), 2.3, "bilinear", False),
        ((9, 10), 2.3, "bilinear", True),
        ((10, 100), 1.01, "bicubic", False),
        ((9, 10), 1.01, "bicubic", False),  # no size changes, and torch copies
        ((9, 10), 1.01, "nearest", False),
        ((10,), 2.3, "nearest", False),
        ((5, 6, 10), 2.3, "nearest", False),
        ((5, 6, 10), 2.3, "trilinear", False),
        ((9, 10), 1.5, "bilinear", False),
    ],
)
def test_upsampling_by_a_fraction_gives_the_sizes_and_numbers_of_torch(size, scale, mode, corners):
    step = {"upsample": {"scale": scale, "mode": mode, "align_corners": corners}}
    graph = archdsl.graph({"archdsl": 1, "name": "Up", "input": [2, *size], "stages": {"a": [{"conv": 3}, step]}})
    net = module.build(graph).eval()
    model = onnx_export.emit(graph, net.state_dict())
    assert_same(model, net, (torch.randn(2, 2, *size),))
    assert_described(onnx.load_from_string(model), graph)


PLAIN = {  # an op beside all others, each on the same map
    "layer_norm": None, "rms_norm": None, "instance_norm": {"affine": True}, "grn": None, "glu": None, "softplus": None,
    "local_response_norm": 3, "log_softmax": None, "selu": None, "hard_tanh": None, "gelu": "tanh",
    "prelu": {"shared": True}, "lp_pool": {"norm_type": 2}, "gem": None, "blur_pool": None, "amax": {"axis": "h"},
    "mean": {"axis": ["c", "w"]}, "channel_mean": None, "channel_max": None,
    "adaptive_max_pool": {"size": [4, 3]}, "drop_block": {"block_size": 3}, "pixel_unshuffle": 2, "unfold": 3,
    "crop": {"size": 5}, "pad": {"after": 2, "mode": "circular"}, "upsample": {"scale": [2, 1.3]},
    "conv": {"out": 4, "kernel": 3, "padding_mode": "reflect", "standardize": True},
}  # fmt: skip


def test_every_op_that_is_more_than_one_of_onnx_is_computed():
    stages = {"stem": [{"conv": 6}], **{f"s_{op}": {"from": "stem", "body": [{op: PLAIN[op]}]} for op in PLAIN}}
    spec = {"archdsl": 1, "name": "Ops", "input": [3, 8, 10], "outputs": {f"s_{op}": f"s_{op}" for op in PLAIN}}
    graph = archdsl.graph({**spec, "stages": stages})
    net = module.build(graph).eval()
    assert_same(onnx_export.emit(graph, net.state_dict()), net, (torch.randn(2, 3, 8, 10),))


SAMPLED = {
    "volume": ("grid_sample", {"grid": "by"}, [3, 5, 6, 4], [3, 4, 3, 2]),
    "map": ("grid_sample", {"grid": "by", "mode": "bicubic", "padding_mode": "reflection"}, [3, 6, 7], [2, 5, 8]),
    "taps": ("deform_conv", {"offset": "by", "out": 6, "stride": 2, "groups": 2}, [4, 7, 8], [36, 4, 4]),
}


@pytest.mark.parametrize("case", SAMPLED)
def test_a_map_is_sampled_where_another_tensor_says(case, monkeypatch):
    deformable.put_in_place(monkeypatch)
    op, given, shape, by = SAMPLED[case]
    stages = {"a": {"from": "x", "body": [{op: given}]}}
    graph = archdsl.graph({"archdsl": 1, "name": "Sampled", "inputs": {"x": shape, "by": by}, "stages": stages})
    net = module.build(graph).eval()
    assert_same(onnx_export.emit(graph, net.state_dict()), net, (torch.randn(2, *shape), torch.randn(2, *by)))


@pytest.mark.parametrize(("shape", "size"), [((2, 9), 4), ((2, 9, 5, 6), [4, 5, 2])], ids=["1-D", "3-D"])
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_a_pool_to_a_size_has_windows_of_its_own(kind, shape, size):
    stages = {"a": [{f"adaptive_{kind}_pool": {"size": size}}]}
    graph = archdsl.graph({"archdsl": 1, "name": "Pool", "input": list(shape), "stages": stages})
    net = module.build(graph).eval()
    assert_same(onnx_export.emit(graph, net.state_dict()), net, (torch.randn(2, *shape),))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "groups"),
    [(1, 1, 0, 1), (1, 2, 0, 2), (3, 2, 1, 1), (3, 1, 0, 8), ([1, 3], 1, 2, 4)],
)
def test_a_kernel_for_each_sample_at_any_batch(kernel, stride, padding, groups):
    taps = kernel * kernel if isinstance(kernel, int) else 3
    conv = {"out": 8, "kernel": kernel, "stride": stride, "padding": padding, "groups": groups}
    stages = {
        "stem": [{"conv": 8}],
        "kernel": [{"body": ["global_avg_pool", {"conv": 64 // groups * taps}]}],
        "out": {"from": "stem", "body": [{"conv": {**conv, "weight": "kernel"}}]},
    }
    graph = archdsl.graph({"archdsl": 1, "name": "Kernels", "input": [3, 10, 12], "stages": stages})
    net = module.build(graph).eval()
    model = onnx_export.emit(graph, net.state_dict())
    for batch in (1, 2, 5):
        assert_same(model, net, (torch.randn(batch, 3, 10, 12),))


# --- what a model says of itself
@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 4, 6)], ids=["no heads", "two axes of heads"])
def test_attention_with_any_number_of_axes_of_heads(shape):
    """Torch's exporter takes one axis of heads and no other number."""
    steps = [
        {"as": "q"},
        {"matmul": {"by": "q", "transpose_by": True}, "as": "scores"},
        {"scaled_dot_product_attention": {"k": "q", "v": "q", "bias": "scores"}, "from": "q"},
    ]
    graph = archdsl.graph({"archdsl": 1, "name": "Net", "input": list(shape), "stages": {"a": steps}})
    session = onnxruntime.InferenceSession(onnx_export.emit(graph), providers=["CPUExecutionProvider"])
    x = torch.randn(3, *shape)
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), archdsl.build(graph)(x))


def test_a_model_says_what_it_is(tmp_path):
    file = tmp_path / "net.onnx"
    archdsl.export_onnx("squeezenet", file, "1.1", input=[3, 64, 64], num_classes=10)
    model = onnx.load(file)
    cost = archdsl.cost("squeezenet", "1.1", input=[3, 64, 64], num_classes=10)
    known = {entry.key: entry.value for entry in model.metadata_props}
    assert known["spec"] == "SqueezeNet"
    assert known["variant"] == "1.1"
    assert (int(known["params"]), int(known["macs"])) == (cost.params, cost.macs)
    assert known["paper arxiv"] == "1602.07360"
    assert f"{cost.params:,} parameters" in model.doc_string
    assert (model.producer_name, model.producer_version) == ("archdsl", archdsl.__version__)
    paths = {node.path for node in archdsl.graph("squeezenet", "1.1").nodes}
    owners = [node.name.partition("/")[0] for node in model.graph.node if node.op_type == "Conv"]
    assert len(owners) == 26
    assert set(owners) <= paths


def test_the_same_call_writes_the_same_bytes_and_leaves_the_random_state():
    graph, state = archdsl.graph(SMALL), torch.get_rng_state()
    first = onnx_export.emit(graph)
    assert torch.equal(torch.get_rng_state(), state)
    imports = "import sys; from archdsl import graph; from archdsl.runtime.onnx import emit"
    code = f"{imports}; sys.stdout.buffer.write(emit(graph({SMALL!r})))"
    fresh = {**os.environ, "PYTHONHASHSEED": "7"}
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=fresh).stdout
    assert again == first


# --- weights
@pytest.fixture
def net():
    torch.manual_seed(3)
    return archdsl.build(SMALL).eval()


def saved(state, file):
    if file.suffix == ".safetensors":
        safetensors.torch.save_file(state, file)
    else:
        torch.save(state, file)
    return file


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.pt"])
def test_weights_of_a_file_are_those_of_the_model(name, net, tmp_path, monkeypatch, capfd):
    import json

    saved(net.state_dict(), tmp_path / name)
    (tmp_path / "net.yaml").write_text(json.dumps(SMALL))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["emit", "net.yaml", "--target", "onnx", "--weights", name, "-o", "net.onnx"]) == 0
    assert capfd.readouterr() == ("", "")
    assert_same((tmp_path / "net.onnx").read_bytes(), net, (torch.randn(2, 3, 9, 9),))


def test_a_checkpoint_of_a_training_script_is_unwrapped(net, tmp_path):
    plain = net.state_dict()
    lightning = {**{f"model._orig_mod.{key}": value for key, value in plain.items()}, "loss.weight": torch.ones(4)}
    for state in (plain, lightning):
        file = saved({"state_dict": state, "epoch": 3, "optimizer": {"lr": 0.1}}, tmp_path / "w.pth")
        assert_same(onnx_export.emit(archdsl.graph(SMALL), file), net, (torch.randn(2, 3, 9, 9),))


def test_a_backbone_takes_the_weights_of_a_whole_network_with_a_prefix(net, tmp_path):
    state = {f"model.{key}": value for key, value in net.state_dict().items()}
    file = saved(state, tmp_path / "w.pth")
    backbone = in_training(Choice(SMALL, None, {}, None, features=("stem",)), str(file))
    assert torch.equal(backbone.stem[0].weight, net.stem[0].weight)


def test_old_weights_without_the_counters_of_batch_norms_fit(net):
    state = {key: value for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    assert len(state) < len(net.state_dict())
    assert_same(onnx_export.emit(archdsl.graph(SMALL), state), net, (torch.randn(2, 3, 9, 9),))


def test_all_keys_that_do_not_fit_are_told_in_one_error(net, tmp_path):
    state = net.state_dict()
    state["head.3.weight"] = state.pop("stem.1.weight")
    state["head.2.weight"] = torch.zeros(10, 8)
    file = tmp_path / "net.onnx"
    weights = saved(state, tmp_path / "w.safetensors")
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.export_onnx(SMALL, file, weights=weights)
    (found,) = caught.value.diagnostics
    assert found.code == "bad-weights"
    assert [note.message for note in found.notes] == [
        "missing: stem.1.weight",
        "not in the network: head.3.weight",
        "of another shape: head.2.weight (10×8, not 4×8)",
    ]
    assert list(tmp_path.iterdir()) == [weights]


def test_a_long_list_of_keys_is_cut(net):
    with pytest.raises(archdsl.SpecError, match=r"missing: conv1.0.weight, .* and \d+ more"):
        onnx_export.emit(archdsl.graph("squeezenet"), net.state_dict())


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(archdsl.SpecError, match=r"archdsl\[onnx\]"):
        archdsl.export_onnx(SMALL, tmp_path / "net.onnx")


def test_binary_does_not_go_to_a_terminal(monkeypatch, capfd):
    monkeypatch.setattr(onnx_export, "emit", lambda graph: b"\0")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert cli.main(["emit", "peleenet", "--target", "onnx"]) == 2
    assert "give -o FILE" in capfd.readouterr().err
