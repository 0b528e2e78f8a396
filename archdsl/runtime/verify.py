"""The proof that a module is its graph: equal outputs, arguments, parameters and multiply-adds."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from archdsl.analysis.work import trained
from archdsl.diagnostics.faults import Diagnostic, Note, SpecError, fault
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.ir.nodes import Shapes, kinds_of, macs_of
from archdsl.ops.base import Shape, times
from archdsl.ops.own import is_own, said
from archdsl.runtime import leaves
from archdsl.runtime.interpret import by_module, interpret
from archdsl.runtime.kernels import Kernels
from archdsl.runtime.listening import Heard, difference, listening
from archdsl.runtime.members import Members, members_of
from archdsl.runtime.once import Once, once
from archdsl.runtime.pieces import Piece, pieces
from archdsl.runtime.sizes import another, smallest
from archdsl.support.plugins import NOT_OURS

BATCH = 2
SAMPLE = 4096  # numbers of a weight that tell how large they are
LOUD = 4.0  # times as large as would keep the variance of a signal, or as small: that still tells
State = dict[str, torch.Tensor]


def verify(network: nn.Module, graph: Graph, *, training: bool | None = None) -> None:
    """Raises `SpecError`, its code `differs`, unless a module is the network of a graph.

    Every module has the class and the arguments of its nodes, is called once for each and gets what they get, and with
    the same weights the module and the graph, computed op by op, give the same outputs of a random input N×C×H×W, in
    double precision to 1e-9 of the largest: in eval mode, and in training if that is asked for, or (None) if the graph
    has stages of training alone. The weights are those of the module, scaled so that no branch is silent; the module
    stays as it is. The input is the smallest that runs the same graph, of the full size where none does. A module on
    the meta device has no weights to compute with: its code is `bad-call`.
    """
    members, kinds = members_of(network), kinds_of(graph.nodes)
    if any(parameter.is_meta for parameter in members.parameters.values()):
        raise fault("bad-call", "a module on the meta device has no weights to compute with")
    found = [*leaves.compared(network, members.modules, graph, kinds), *parameters(members, graph)]
    if not found:
        with as_it_was(members), one_thread():
            probe = Probe(graph, network, members, kinds, lively(members), smallest(graph, kinds))
            found = probe.run(training=False)
            if bool(graph.training) if training is None else training:
                found += probe.run(training=True)
    if found:
        raise SpecError(*(blamed(item, graph) for item in found))


def verify_elsewhere(network: nn.Module, graph: Graph) -> None:
    """Raises `SpecError` where the module is not its graph at another height and width; nothing if it takes one alone.

    What is printed as a number may be right at one size by chance, and height and width are told apart.
    """
    members, kinds = members_of(network), kinds_of(graph.nodes)
    shapes = another(graph, kinds)
    if shapes is None:
        return
    with as_it_was(members), one_thread():
        found = Probe(graph, network, members, kinds, lively(members), shapes).run(training=False)
    if found:
        size = ", ".join(times(shapes[tensor]) for tensor in graph.inputs.values())
        raise SpecError(*(replace(item, message=f"{item.message}, for an input of {size}") for item in found))


def blamed(found: Diagnostic, graph: Graph) -> Diagnostic:
    """A difference where an op of another package stands is that op's: it does not compute what it prints."""
    node = next((node for node in graph.nodes if node.span == found.span and is_own(type(node.op))), None)
    if node is None:
        return found
    message = f"{said(type(node.op))}: compute() and what it prints differ: {found.message}"
    return replace(found, code="bad-plugin", message=message, help=NOT_OURS)


@contextlib.contextmanager
def as_it_was(members: Members) -> Iterator[None]:
    """Afterwards each part of a module is in the mode in which it was."""
    modes = [(vars(part), part.training) for part in members.modules.values()]
    try:
        yield
    finally:
        for attributes, mode in modes:  # torch's own way to set one takes as long as a layer
            attributes["training"] = mode


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Small tensors are not worth the wait for a second thread, least of all beside other processes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def parameters(members: Members, graph: Graph) -> Iterator[Diagnostic]:
    """A difference of the number of parameters."""
    has, (wanted, _) = sum(p.numel() for p in members.parameters.values()), trained(graph)
    if has != wanted:
        yield Diagnostic("differs", f"the module has {has:,} parameters, the graph {wanted:,}", graph.root.span)


def lively(members: Members) -> State:
    """Weights in double precision that let a signal through: none is so small that its error would hide."""
    found: State = {}
    for key, buffer in members.buffers.items():
        own = buffer.detach()
        found[key] = own.to("cpu", torch.double) if own.is_floating_point() else own.cpu()
    flat: dict[str, torch.Tensor] = {}  # those that are vectors, or all the same number
    for key, parameter in members.parameters.items():
        own = parameter.detach().cpu()
        deviation = float(own.flatten()[:SAMPLE].std(correction=0)) if own.dim() > 1 else 0.0
        if deviation == 0:
            flat[key] = own
            continue
        found[key], scale = own.to(torch.double, copy=True), math.sqrt(2 / own[0].numel()) / deviation
        if not 1 / LOUD < scale < LOUD:
            found[key] *= scale
    return found | drawn(flat)


def drawn(tensors: State) -> State:
    """Random numbers around 1 in the shapes of these tensors."""
    sizes = [tensor.numel() for tensor in tensors.values()]
    random = torch.empty(sum(sizes), dtype=torch.double).uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0))
    parts = zip(tensors.items(), random.split_with_sizes(sizes), strict=True)
    return {key: part.view(tensor.shape) for (key, tensor), part in parts}


@dataclass
class Probe:
    """A module and its graph, run side by side with the same weights."""

    graph: Graph
    network: nn.Module
    members: Members
    kinds: Mapping[Node, int]
    weights: State
    shapes: Shapes
    state: State = field(default_factory=dict)  # the weights, and what norms gather
    pieces: Mapping[Node, Piece] = field(default_factory=dict)  # of the layers that are not run on the whole

    def run(self, *, training: bool) -> list[Diagnostic]:
        """What differs in one mode."""
        found, magnified = self.compared(training=training, calibrate=not training)
        if found or training or not magnified:
            return found
        return self.compared(training=False, calibrate=False)[0]

    def compared(self, *, training: bool, calibrate: bool) -> tuple[list[Diagnostic], bool]:
        """The first thing that differs, and whether an output is left out since it magnifies rounding.

        To calibrate keeps the signals of deep networks alive: norms then have the mean and variance of the input.
        """
        inputs = self.inputs()
        given = [x.clone() for x in inputs]
        self.network.train(training)
        written = self.members.buffers  # a run may write into them
        self.state = {key: tensor.clone() if key in written else tensor for key, tensor in self.weights.items()}
        nodes = [node for node in self.graph.nodes if training or not node.training]
        made = [node for node in nodes if not node.functional]
        self.pieces = pieces(made, self.members.modules, self.kinds, self.shapes, BATCH, training=training)
        with torch.no_grad(), Kernels() if training else contextlib.nullcontext():
            values = self.interpreted(inputs, training=training, calibrate=calibrate)
        wanted = self.wanted(training=training)
        with torch.no_grad(), listening(self.members.modules, made, values) as heard, Kernels() as kernels:
            weights = by_module(self.state, {node.path for node in self.pieces}) if self.pieces else {}
            shared = Once(self.kinds, heard, kernels, self.pieces, weights, training)
            try:
                with once(self.members.modules, made, shared):
                    found = self.outputs(given)
            except Exception as error:  # noqa: BLE001 - whatever a wrong module may raise
                return [self.broken(error, heard)], False
        if odd := self.odd(zip(inputs, given, strict=True), found, wanted):
            return [self.whole(odd)], False
        apart = [*heard.differences, *self.leaving(found, wanted, values)]
        magnified = self.magnified(training=training) if apart else set()
        real = [item for tensor, item in apart if tensor not in magnified]
        real += [self.whole(text) for text in (*often(made, heard), *self.work(kernels.macs, nodes))]
        return real[:1], not magnified.isdisjoint(wanted)

    def odd(
        self, inputs: Iterable[tuple[torch.Tensor, torch.Tensor]], found: Sequence[Any], wanted: Sequence[Tensor]
    ) -> str:
        """What is wrong with a run whatever its numbers are; nothing if it is sound."""
        if not all(torch.equal(before, after) for before, after in inputs):
            return "the module changes the tensor that it is given"
        if len(found) != len(wanted):
            return f"the module gives {len(found)} outputs, the graph {len(wanted)}"
        return ""

    def leaving(
        self, found: Sequence[torch.Tensor], wanted: Sequence[Tensor], values: Mapping[Tensor, torch.Tensor]
    ) -> Iterator[tuple[Tensor, Diagnostic]]:
        """The outputs that differ."""
        for tensor, output in zip(wanted, found, strict=True):
            if text := difference(output, values[tensor]):
                place = tensor.node.span if tensor.node else self.graph.root.span
                yield tensor, Diagnostic("differs", f"the output {text}", place)

    def work(self, macs: int, nodes: Sequence[Node]) -> Iterator[str]:
        """A difference of the multiply-adds of all samples."""
        counted, wanted = macs // BATCH, sum(self.wanted_macs(nodes))
        if counted != wanted:
            yield f"the module has {counted:,} MACs, the graph {wanted:,}"

    def wanted_macs(self, nodes: Sequence[Node]) -> Iterator[int]:
        """The multiply-adds of each node; those of a kind have the same where the same shapes enter."""
        known: dict[tuple[int, tuple[Shape, ...]], int] = {}
        for node in nodes:
            key = self.kinds[node], tuple([self.shapes[tensor] for tensor in node.inputs])
            if key not in known:
                known[key] = macs_of(node, self.shapes)
            yield known[key]

    def whole(self, message: str) -> Diagnostic:
        """A difference that no step has alone."""
        return Diagnostic("differs", message, self.graph.root.span)

    def wanted(self, *, training: bool) -> list[Tensor]:
        """The outputs, in the order in which the module gives them."""
        return [*self.graph.outputs.values(), *(self.graph.training.values() if training else ())]

    def magnified(self, *, training: bool) -> set[Tensor]:
        """The tensors whose difference rounding alone may explain: norms of what hardly varies magnify its errors."""
        noise = torch.Generator().manual_seed(2)
        with torch.no_grad(), Kernels():
            one = self.interpreted(self.inputs(), training=training)
            other = self.interpreted(self.inputs(), training=training, noise=noise)
        return {tensor for tensor, value in one.items() if difference(other[tensor], value)}

    def interpreted(
        self,
        inputs: Sequence[torch.Tensor],
        *,
        training: bool,
        calibrate: bool = False,
        noise: torch.Generator | None = None,
    ) -> dict[Tensor, torch.Tensor]:
        """Every tensor of the graph for the inputs."""
        standing = {node: piece.standing for node, piece in self.pieces.items()}
        given = self.graph, self.state, inputs
        return interpret(*given, training=training, calibrate=calibrate, noise=noise, standing=standing)

    def inputs(self) -> list[torch.Tensor]:
        """The same random tensors each time."""
        random = torch.Generator().manual_seed(1)
        entering = [self.shapes[tensor] for tensor in self.graph.inputs.values()]
        return [torch.randn(BATCH, *shape, generator=random).double() for shape in entering]  # slow if drawn in it

    def outputs(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """What the module gives with the weights of the probe."""
        with self.members.holding(self.state):
            found = self.network(*inputs)
        return list(found) if isinstance(found, tuple) else [found]

    def broken(self, error: Exception, heard: Heard) -> Diagnostic:
        """A module that cannot run."""
        if (node := self.raising(error)) is not None:
            return Diagnostic("bad-plugin", f"{said(type(node.op))} makes a module that cannot run: {error}", node.span)
        text = f"the module cannot run: {error}"
        if not heard.differences:
            return self.whole(text)
        _, first = heard.differences[0]
        return replace(first, notes=(Note(text),))

    def raising(self, error: BaseException) -> Node | None:
        """The node of another package's op in whose module something was raised."""
        nodes = {node.path: node for node in self.graph.nodes if is_own(type(node.op))}
        modules = {module: nodes[path] for path, module in self.members.modules.items() if path in nodes}
        trace, found = error.__traceback__, None
        while trace is not None:
            module = trace.tb_frame.f_locals.get("self")
            found = modules.get(module, found) if isinstance(module, nn.Module) else found
            trace = trace.tb_next
        return found


def often(nodes: Sequence[Node], heard: Heard) -> Iterator[str]:
    """Which modules are called as often as no graph calls them: two dropouts tell in no number of eval mode."""
    wanted = Counter(node.path for node in nodes)
    for path, runs in wanted.items():
        if (count := heard.calls[path]) != runs:
            yield f"'{path}' is called {count} times, in the graph {'once' if runs == 1 else f'{runs} times'}"
