"""One network of each shipped spec, at a small input and with weights that keep signals at their size."""

from __future__ import annotations

import copy
from functools import cache

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

import archdsl
from archdsl.ir.nodes import kinds_of
from archdsl.runtime import module
from archdsl.runtime.sizes import smallest
from archdsl.workspace.library import read, shipped

SIDE = 64
SPECS = shipped()
LIGHT = {  # what stands for its spec where another variant than the default costs less or shows more
    "efficientnet": "tf-b0",  # with convolutions that torch does not have
    "mobilenet_v2": "0.35-224",
    "shufflenet_v2": "x0.5",
    "espnet": "q3",
}


@cache
def shipped_spec(name):
    """A shipped spec, read once for all tests that are made for its variants."""
    return read(name)


def variant_of(name):
    """The light variant, else the default, else the first."""
    spec = shipped_spec(name)
    given = all(param.default is not None for param in spec.params.values())
    return LIGHT.get(name) or (None if given else next(iter(spec.variants)))


@cache
def graph_of(name):
    """The graph at a small input, or at the declared one where the small one does not fit."""
    try:
        return archdsl.graph(name, variant_of(name), input=[3, SIDE, SIDE])
    except archdsl.SpecError:
        return archdsl.graph(name, variant_of(name))


def images(name, batch=2):
    torch.manual_seed(1)
    return tuple(torch.randn(batch, *tensor.shape) for tensor in graph_of(name).inputs.values())


@cache
def filled(name):
    """The network in eval mode, with outputs of a size at which differences tell. Not to be changed."""
    return livened(graph_of(name), images(name, 8))


def livened(graph, inputs):
    """A new network in eval mode whose norms are those of some inputs, so that its outputs tell something."""
    torch.manual_seed(0)
    net = module.build(graph)
    norms = [part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.normal_(1, 0.1)
            norm.bias.normal_(0, 0.1)
            norm.momentum = 1.0  # one pass of training sets the statistics, and with them the size of all signals
        net(*inputs)
    for norm in norms:
        norm.momentum = 0.1
    return net.eval()


@cache
def exact(name):
    """The same in double precision, in which a deep network's magnified rounding errors are still small."""
    return copy.deepcopy(filled(name)).double()


@cache
def outputs(name):
    """What the network gives for its images, computed once for all tests that compare with it."""
    return run(filled(name), images(name))


@cache
def exact_outputs(name):
    """The same in double precision."""
    return run(exact(name), tuple(x.double() for x in images(name)))


def smallest_of(graph):
    """The shape of each input at the smallest size that runs the same ops, by its name."""
    shapes = smallest(graph, kinds_of(graph.nodes))
    return {name: shapes[tensor] for name, tensor in graph.inputs.items()}


def run(net, inputs):
    """The outputs, in a list."""
    with torch.no_grad():
        return tree_leaves(net(*inputs))


def assert_equal(found, wanted, tolerance=0.0):
    """Outputs agree, to a share of the largest value."""
    assert [tuple(o.shape) for o in found] == [tuple(o.shape) for o in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        scale = theirs.abs().max().item()
        assert 1e-3 < scale < 1e6, "an output that tells nothing"
        assert (mine - theirs).abs().max().item() <= tolerance * scale
