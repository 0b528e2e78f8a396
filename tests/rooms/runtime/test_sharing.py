"""Modules that several steps share: one set of weights, each run proven, carried and counted."""

from __future__ import annotations

import copy
import pickle

import onnx
import pytest
import torch
from support.nets import livened
from support.places import LANGUAGE
from torch import nn

import archdsl
from archdsl.diagnostics.faults import SpecError
from archdsl.runtime.verify import verify

SIAMESE = """archdsl: 1
name: Siamese
inputs: {left: [3, 12, 12], right: [3, 12, 12]}
blocks:
  Tower: [conv: {out: 8, kernel: 3, stride: 2, bias: false}, bn, relu, global_avg_pool, flatten]
stages:
  both:
    - {Tower: , from: left, name: tower, as: a}
    - {Tower: , from: right, share: tower, as: b}
    - concat: [a, b]
    - linear: 1
"""


class ByHand(nn.Module):
    """The same network as a user of torch writes it."""

    def __init__(self) -> None:
        super().__init__()
        convolution = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.tower = nn.Sequential(convolution, nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classes = nn.Linear(16, 1)

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.classes(torch.cat([self.tower(left), self.tower(right)], 1))
        return found


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("sharing") / "siamese.yaml"
    path.write_text(SIAMESE)
    return path


@pytest.fixture
def network(spec):
    return livened(archdsl.graph(spec), images())


def images():
    return [torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(n)) for n in (1, 2)]


def test_the_parameters_are_counted_once_and_the_work_at_each_run(spec, network):
    graph = archdsl.graph(spec)
    found = archdsl.cost(spec)
    assert found == archdsl.cost(graph)
    assert found.params == sum(p.numel() for p in network.parameters()) == 8 * 27 + 16 + 17
    assert found.buffers == 16
    assert found.macs == 2 * 8 * 27 * 36 + 16
    assert [node.shared for node in graph.nodes if node.op.name == "conv"] == [False, True]
    verify(network, pickle.loads(pickle.dumps(graph)), training=True)
    verify(copy.deepcopy(network), copy.deepcopy(graph), training=True)


def test_norms_gather_from_both_runs_in_their_order(network):
    reference = ByHand()
    reference.load_state_dict(archdsl_keys(network, reference))
    for module in (network, reference):
        module.train()
        module.apply(fresh)
        module(*images())
    assert network.both_tower.bn.num_batches_tracked == 2
    torch.testing.assert_close(network.both_tower.bn.running_mean, reference.tower[1].running_mean)
    torch.testing.assert_close(network.both_tower.bn.running_var, reference.tower[1].running_var)


def fresh(module):
    """Norms as they are before they have gathered anything."""
    if isinstance(module, nn.BatchNorm2d):
        module.reset_running_stats()


def archdsl_keys(network, reference):
    """The state of ours under the keys of theirs, which stand in the same order."""
    return dict(zip(reference.state_dict(), network.state_dict().values(), strict=True))


def test_two_modules_in_the_place_of_one_are_not_the_graph(spec, network):
    class Two(type(network)):
        def __init__(self):
            super().__init__()
            self.other = copy.deepcopy(self.both_tower)

        def forward(self, left, right):
            return self.both_linear(torch.cat([self.both_tower(left), self.other(right)], 1))

    with pytest.raises(SpecError, match=r"'other\.conv'|has 522 parameters") as caught:
        verify(Two(), archdsl.graph(spec))
    assert caught.value.diagnostics[0].code == "differs"


def test_the_tensors_of_two_runs_are_told_apart(spec, network):
    class Swapped(type(network)):
        def forward(self, left, right):
            return self.both_linear(torch.cat([self.both_tower(right), self.both_tower(left)], 1))

    class Lazy(type(network)):
        def forward(self, left, right):
            found = self.both_tower(left)
            return self.both_linear(torch.cat([found, found], 1))

    with pytest.raises(SpecError, match=r"what enters 'both_tower\.conv'"):
        verify(Swapped(), archdsl.graph(spec))
    with pytest.raises(SpecError, match="what enters 'both_linear'"):
        verify(Lazy(), archdsl.graph(spec))


def test_weights_of_a_shared_module_are_paired_once(spec, network):
    reference = ByHand()
    by_running = archdsl.port(reference.state_dict(), spec, reference=reference)
    by_order = archdsl.port(reference.state_dict(), spec)
    assert by_running.pairs == by_order.pairs
    over_an_edit = archdsl.port(network.state_dict(), spec, before=spec)
    assert [pair.ours for pair in over_an_edit.pairs] == list(network.state_dict())


def test_an_exported_network_has_one_set_of_weights(spec, tmp_path):
    archdsl.export_onnx(spec, tmp_path / "siamese.onnx")
    graph = onnx.load(tmp_path / "siamese.onnx").graph
    kernels = [item.name for item in graph.initializer if len(item.dims) == 4]
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(kernels) == 1
    assert len(convolutions) == 2


def test_norms_in_a_shared_block_are_folded_once(spec, network):
    network.eval()
    folded = archdsl.convert(network, spec, passes=["fold_batch_norm"])
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(*images()), network(*images()))
    verify(folded, archdsl.graph(spec, passes=["fold_batch_norm"]))


@pytest.mark.parametrize("name", ["share_with_own_norms", "share"])
def test_a_shared_layer_keeps_the_norms_of_its_runs(name):
    path = LANGUAGE / f"{name}.yaml"
    graph = archdsl.graph(path)
    x = torch.randn(2, *next(iter(graph.inputs.values())).shape)
    before = livened(graph, [x])
    after = archdsl.convert(before, path, passes=["fold_batch_norm"])
    assert after.state_dict().keys() == before.state_dict().keys()
    torch.testing.assert_close(after(x), before(x))
