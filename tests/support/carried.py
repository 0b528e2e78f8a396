"""What tests ask of a pass that keeps outputs: a trained network that is carried over gives what it gave."""

from __future__ import annotations

import copy

import torch
from torch import nn

import archdsl
from support.nets import assert_equal, run


@torch.no_grad()
def randomised(net):
    """A network in double precision, in eval mode, no channel of which has the numbers of another."""
    torch.manual_seed(0)
    for tensor in net.double().eval().state_dict().values():
        if tensor.is_floating_point():  # norms among them, whose scales and variances are positive
            nn.init.kaiming_normal_(tensor) if tensor.dim() > 1 else tensor.uniform_(0.5, 1.5)
    return net


def assert_carried(spec, variant=None, passes=None, **more):
    """The network after passes, which gives the outputs of one before, with its weights; that one stays as it is."""
    net = randomised(archdsl.build(spec, variant, **more))
    before = copy.deepcopy(net.state_dict())
    entering = archdsl.graph(spec, variant, **more).inputs.values()
    inputs = [torch.randn(2, *x.shape, dtype=torch.double) for x in entering]
    made = archdsl.convert(net, spec, variant, passes=passes, **more)
    assert_equal(run(made, inputs), run(net, inputs), 1e-11)
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())
    return made


def count(nodes, *names):
    """How many nodes are of the ops named."""
    return sum(node.op.name in names for node in nodes)
