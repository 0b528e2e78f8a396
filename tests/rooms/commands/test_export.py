"""`archdsl export`: files that compute what the module does, and what is refused."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

import archdsl
from archdsl.commands import cli
from archdsl.commands.export import named
from archdsl.runtime import exporting, module
from archdsl.runtime.free_pools import with_free_pools
from archdsl.runtime.free_size import free_size

NET = """
archdsl: 1
name: Toy
input: [3, 16, 16]
stages:
  stem: [conv: {out: 8, kernel: 3, stride: 2, bias: false}, bn, relu]
  head: [global_avg_pool, flatten, linear: 10]
outputs: {map: stem, scores: head}
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(NET, encoding="utf-8")
    torch.manual_seed(1)
    model = archdsl.build("toy.yaml").eval()
    torch.save(model.state_dict(), "toy.pth")
    return model


SLOW = ("onnx", "openvino", "litert")


@pytest.mark.parametrize(
    "target", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in exporting.FORMATS]
)
def test_a_file_gives_the_outputs_of_the_trained_module(target, net, tmp_path, capfd):
    for package in exporting.FORMATS[target].packages:
        pytest.importorskip(package)
    call = ["export", "toy.yaml", "--to", target, "--form", "deploy", "--weights", "toy.pth"]
    assert cli.main(call) == 0
    said = capfd.readouterr().out
    assert "proven" in said
    suffix = exporting.FORMATS[target].suffix
    assert f"wrote toy{suffix}: 0.0" in said
    x = torch.randn(2, 3, 16, 16)
    found = exporting.FORMATS[target].read(tmp_path / f"toy{suffix}")(x)
    with torch.no_grad():
        for mine, theirs in zip(found, net(x), strict=True):
            torch.testing.assert_close(torch.as_tensor(mine), theirs, rtol=1e-4, atol=1e-5)


def test_a_backbone_takes_the_weights_of_the_whole_network_or_its_own(net, capfd):
    chosen = {"features_only": True, "output_stride": 1}
    backbone = archdsl.build("toy.yaml", **chosen).eval()
    backbone.load_state_dict({key: net.state_dict()[key] for key in backbone.state_dict()})
    torch.save(backbone.state_dict(), "backbone.pth")
    x = torch.randn(1, 3, 16, 16)
    for weights in ("toy.pth", "backbone.pth"):
        call = ["export", "toy.yaml", "--to", "torchscript", "--form", "deploy", "--weights", weights]
        assert cli.main([*call, "--features-only", "all", "--output-stride", "1"]) == 0
        with torch.no_grad():
            (found,) = torch.jit.load("toy.pt")(x)
            torch.testing.assert_close(found, backbone(x)[0], rtol=1e-4, atol=1e-5)
    assert cli.main([*call[:4], "--weights", "backbone.pth"]) != 0  # which is not all of the network
    assert "missing: head.2.weight" in capfd.readouterr().err
    fast = archdsl.convert(backbone, "toy.yaml", **chosen)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in fast.modules())
    torch.testing.assert_close(fast(x)[0], backbone(x)[0], rtol=1e-4, atol=1e-5)


def test_a_file_that_computes_something_else_is_refused(net, monkeypatch):
    graph = archdsl.graph("toy.yaml")
    kind = exporting.FORMATS["torchscript"]

    def wrong(path):
        run = kind.read(path)
        return lambda x: [out * 1.001 for out in run(x)]

    monkeypatch.setitem(exporting.FORMATS, "torchscript", exporting.Format(kind.suffix, kind.write, wrong))
    with pytest.raises(archdsl.SpecError, match=r"the torchscript file gives other outputs: they differ by 1\.0e-03"):
        exporting.export(net, graph, "torchscript")


def test_rounding_does_not_excuse_any_output():
    class Rounded(torch.nn.Module):
        def forward(self, x):
            return (x.sign() * 1e9 + 1) - x.sign() * 1e9  # 0 in single precision

    wrong = 3 * torch.ones(1, 4)
    with pytest.raises(archdsl.SpecError, match="other outputs"):
        exporting.difference(Rounded(), [(4,)], lambda x: [wrong], 1, "onnx")


def test_no_file_of_a_format_takes_the_name_of_another():
    files = {".xml": b"x", ".bin": b"b"}
    assert named(files, Path("a/net.v2.xml")) == {"net.v2.xml": b"x", "net.v2.bin": b"b"}
    with pytest.raises(archdsl.SpecError, match=r"give -o net\.xml"):
        named(files, Path("a/net.bin"))


def test_a_missing_package_and_an_unknown_format_are_named(net, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    assert cli.main(["export", "toy.yaml", "--to", "openvino"]) != 0
    assert "pip install 'archdsl[openvino]'" in capfd.readouterr().err
    assert cli.main(["export", "toy.yaml", "--to", "onx"]) != 0
    assert "did you mean 'onnx'?" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.pth", "toy.yaml"]


FREE = """
archdsl: 1
name: Free
input: [3, 32, 32]
stages:
  down: [conv: {out: 4, kernel: 3, stride: 2}, relu, conv: {out: 4, kernel: 3, stride: 2}]
  up: [upsample: 4, {concat: [identity, input]}, conv: 2]
"""


SLOW = [pytest.param(form, marks=pytest.mark.slow) for form in ("onnx", "openvino")]


@pytest.mark.parametrize("target", ["pt2", *SLOW])
def test_a_file_takes_every_size_that_the_network_takes(target, tmp_path, monkeypatch, capfd):
    for package in exporting.FORMATS[target].packages:
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "free.yaml").write_text(FREE, encoding="utf-8")
    graph = archdsl.graph("free.yaml")
    free = free_size(graph)
    assert (free.multiple, free.least) == (4, (8, 8))
    assert len(set(free.samples())) == 3
    suffix = exporting.FORMATS[target].suffix
    assert cli.main(["export", "free.yaml", "--to", target, "--any-size", "-o", f"free{suffix}"]) == 0
    assert "proven" in capfd.readouterr().out
    found = exporting.FORMATS[target].read(tmp_path / f"free{suffix}")(torch.randn(2, 3, 20, 44))
    assert tuple(found[0].shape) == (2, 2, 20, 44)


CEIL = [
    {"kernel": 2},
    {"kernel": 3, "stride": 2},
    {"kernel": [5, 3], "stride": 2, "padding": 1},
    {"kernel": 2, "stride": 3},
]
POOLS = [("max_pool", {}), ("avg_pool", {}), ("avg_pool", {"count_include_pad": False})]


@pytest.mark.parametrize("fields", CEIL)
@pytest.mark.parametrize(("op", "more"), POOLS, ids=["max", "mean", "inside"])
def test_a_pool_whose_last_window_extends_beyond_the_end_is_exported_for_any_size(op, more, fields):
    spec = {"name": "Net", "input": [2, 13, 14], "stages": {"a": [{op: {**fields, **more, "ceil": True}}, {"conv": 3}]}}
    graph, network = archdsl.graph(spec), archdsl.build(spec).double().eval()
    longer = with_free_pools(copy.deepcopy(network), graph)
    assert (type(longer.a[0]) is type(network.a[0])) == (fields == CEIL[-1])  # its last window may begin outside
    for height, width in ((13, 14), (12, 12), (14, 15), (17, 11)):
        x = torch.randn(1, 2, height, width, dtype=torch.float64)
        torch.testing.assert_close(longer(x), network(x))


def test_a_network_with_such_pools_is_exported_for_any_size():
    pools = [{"max_pool": {"kernel": 3, "stride": 2, "ceil": True}}, {"avg_pool": {"ceil": True}}]
    spec = {"name": "Net", "input": [2, 13, 14], "stages": {"a": [{"conv": 3}, *pools], "b": [{"conv": 3}]}}
    written = exporting.export(archdsl.build(spec), archdsl.graph(spec), "pt2", any_size=True)
    assert written.error < 1e-5


ONE_SIZE = {
    "last": ["flatten", {"linear": 4, "name": "last"}],
    "concat": [{"conv": 4}, {"upsample": {"size": 32}}, {"concat": ["identity", "input"]}],
    "add": [
        {"conv": {"out": 4, "kernel": 16, "stride": 16, "padding": 0}},
        {"add": ["identity", {"param": {"shape": [4, 2, 2]}}]},
    ],
}


@pytest.mark.parametrize("op", ONE_SIZE)
def test_a_network_of_one_size_is_refused_at_the_step_that_forbids_others(op):
    graph = archdsl.graph({"name": "Net", "input": [3, 32, 32], "stages": {"s": ONE_SIZE[op]}})
    with pytest.raises(archdsl.SpecError, match=rf"takes images of 32×32 alone: '[\w.]*{op}' is") as caught:
        free_size(graph)
    assert caught.value.diagnostics[0].span is not None


SIZE_ASKED = {
    "a": ("pt2", [{"conv": {"out": 4, "kernel": 3, "stride": 2, "padding": "same"}}]),
    "b": ("torchscript", [{"adaptive_avg_pool": {"size": ["h_in // 2", "w_in // 2"]}}, {"conv": 3}]),
}


@pytest.mark.parametrize("stage", SIZE_ASKED)
def test_a_step_that_a_format_cannot_leave_free_is_refused_at_its_place(stage):
    target, steps = SIZE_ASKED[stage]
    graph = archdsl.graph({"name": "Net", "input": [3, 33, 33], "stages": {stage: steps}})
    with pytest.raises(archdsl.SpecError, match=r"cannot export 'a' with a free|a trace writes the size of") as caught:
        exporting.export(module.build(graph), graph, target, any_size=True)
    assert caught.value.diagnostics[0].span is not None
