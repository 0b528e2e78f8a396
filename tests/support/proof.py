"""What tests ask of a network: in both styles it is its graph, in eval mode and in training, and gradients flow."""

from __future__ import annotations

import inspect

import torch
from torch.utils._pytree import tree_leaves

from archdsl.analysis.noting import size_word
from archdsl.diagnostics.faults import SpecError
from archdsl.runtime import module
from archdsl.runtime.verify import verify

STYLES = ("specialized", "parametric")


def network(graph, style):
    """The module of a graph; that of the class of all variants is given the params of the graph."""
    if style == "specialized":
        return module.build(graph)
    whole, _ = module.one_of_all(graph)
    values = {size_word(graph.params): next(iter(graph.inputs.values())).shape[1:], **graph.params}
    taken = values.keys() & inspect.signature(whole).parameters.keys()
    return whole(**{name: tuples(values[name]) for name in taken})


def tuples(value):
    """Lists become tuples, as they are printed."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def prove(graph, style):
    """Raises unless the network of a style is the graph, in both modes, and its backward pass runs."""
    prove_network(network(graph, style), graph)


def prove_network(net, graph):
    verify(net, graph, training=True)
    inputs = [torch.randn(2, *tensor.shape, requires_grad=True) for tensor in graph.inputs.values()]
    loss = sum(output.sum() for output in tree_leaves(net.eval()(*inputs)) if output.requires_grad)
    if isinstance(loss, torch.Tensor):
        loss.backward()


def prove_what_prints(graph):
    """The styles in which a graph can be printed, each proven."""
    found = []
    for style in STYLES:
        try:
            net = network(graph, style)
        except SpecError:
            continue
        prove_network(net, graph)
        found.append(style)
    return found
