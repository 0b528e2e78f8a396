"""The concrete network: tensors, op nodes and the tree of scopes, over a networkx DiGraph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.spans import Span
from archdsl.ops.base import Op, Shape, times
from archdsl.support.naming import called
from archdsl.syntax.spec import Figure

if TYPE_CHECKING:
    import networkx

    from archdsl.ir.facts import Origin


@dataclass(frozen=True, eq=False, repr=False)
class Tensor:
    """A tensor of the graph: its shape without the batch axis, and the node that computes it (None for an input)."""

    shape: Shape
    node: Node | None = None
    index: int = 0  # which result, of a node with several
    name: str = ""  # of an input, or as the spec names it

    def __repr__(self) -> str:
        source = self.node.path if self.node else self.name
        return f"<Tensor {times(self.shape)} of {source}>"


@dataclass(eq=False, repr=False)
class Node:
    """A primitive op in a network."""

    id: int  # position in execution order
    op: Op
    fields: Mapping[str, Any]  # every field with its value; tensor fields are absent
    inputs: tuple[Tensor, ...]  # the tensor or branches, then the tensor fields in the op's order
    outputs: tuple[Tensor, ...]
    path: str  # `dense.stage1.0.branch2.0.conv`: the module's name in the built network
    scope: Scope
    span: Span | None = None
    label: str | None = None  # from the spec's `label:`
    training: bool = False  # runs in training alone
    functional: bool = False  # an expression in `forward`, without a module of its own
    shared: bool = False  # its module is that of an earlier node with the same path, and runs once more

    @property
    def shape(self) -> Shape:
        return self.outputs[0].shape

    @property
    def is_idle(self) -> bool:
        """Whether it returns its input unchanged, like a dropout of 0 or a sum of one tensor, and has no label."""
        if self.label or not len(self.inputs) == len(self.outputs) == 1:
            return False
        entry = self.inputs[0].shape
        is_of_one = self.op.many and self.op.role == "join" and entry == self.shape
        return is_of_one or self.op.idle(SimpleNamespace(**self.fields), entry, self.shape)

    @property
    def reads(self) -> tuple[Tensor, ...]:
        """The tensors whose values it reads. A `param` or `buffer` reads only the batch size of its input."""
        return () if self.op.owned else self.inputs

    def __repr__(self) -> str:
        return f"<Node {self.id} {self.op.name} {self.path}: {times(self.shape)}>"


@dataclass(eq=False, repr=False)
class Scope:
    """A part of the network: the whole, a stage, a table row, a repeat turn, a block call, a branch."""

    kind: str  # network | stage | row | turn | block | branch
    name: str  # the stage's, row's or block's
    path: str
    parent: Scope | None
    inputs: tuple[Tensor, ...] = ()
    output: Tensor | list[Tensor] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of a block call: its params, with values
    # of a block call: what enters, by the block's names, of a list `m` as m1, m2, …
    tensors: dict[str, Tensor] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)  # of a row or turn: the columns of its loop, with values
    children: list[Scope | Node] = field(default_factory=list)
    span: Span | None = None
    label: str | None = None
    shared: bool = False  # the module of a call that ran before, once more
    outlined: bool = False  # of a block call: the body of a loop that has no name in the spec

    @property
    def is_block(self) -> bool:
        """Whether it is the call of a block that the spec has."""
        return self.kind == "block" and not self.outlined

    def __getstate__(self) -> dict[str, Any]:
        """What is inside first, so that a copy meets the nodes in execution order: see `Graph.__getstate__`."""
        return {"children": self.children, **vars(self)}

    def nodes(self) -> Iterator[Node]:
        """Every op inside, in execution order."""
        for child in self.children:
            if isinstance(child, Node):
                yield child
            else:
                yield from child.nodes()

    def scopes(self) -> Iterator[Scope]:
        """Every scope inside, itself first."""
        yield self
        for child in self.children:
            if isinstance(child, Scope):
                yield from child.scopes()

    def __repr__(self) -> str:
        return f"<Scope {self.kind} {self.name} at {self.path or '(root)'}>"


@dataclass(eq=False, repr=False)
class Graph:
    """A checked network. `nodes` are in execution order; `nx` is the networkx DiGraph over their ids."""

    name: str  # the network's
    variant: str | None
    params: Mapping[str, Any]  # the network's parameters with their values
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    nodes: list[Node]
    root: Scope
    paper: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Tensor] = field(default_factory=dict)  # further outputs, in training alone
    figure: Figure = field(default_factory=Figure)
    settings: Mapping[str, Any] = field(default_factory=dict)  # those of the params that were set over the spec's own
    origin: Origin | None = None  # the spec and program it came from, for the source back end
    _cache: dict[str, Any] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """For pickles and copies: nodes first, in execution order, so that each finds copied what it reads.

        Begun at an output, a copy would go back from reader to source, a recursion as deep as the network.
        """
        return {"nodes": self.nodes, **{name: value for name, value in vars(self).items() if name != "nx"}}

    @property
    def called(self) -> str:
        """Its name, its variant, and the settings that were changed."""
        return called(self.name, self.variant, self.settings)

    @cached_property
    def nx(self) -> networkx.DiGraph[Any]:
        """Ids of inputs (their names) and nodes; node attribute `node`; edge attribute `tensor`."""
        import networkx

        graph: networkx.DiGraph[Any] = networkx.DiGraph(name=self.name)
        for name, tensor in self.inputs.items():
            graph.add_node(name, tensor=tensor)
        for node in self.nodes:
            graph.add_node(node.id, node=node)
            for tensor in node.inputs:
                graph.add_edge(tensor.node.id if tensor.node else tensor.name, node.id, tensor=tensor)
        return graph

    @property
    def fingerprint(self) -> str:
        """A string that networks with the same ops, arguments, wiring and input sizes share, whatever their names."""
        from archdsl.ir.fingerprint import fingerprint

        return fingerprint(self)

    def _repr_svg_(self) -> str:
        """The figure in a notebook."""
        from archdsl.backends.figures import draw

        return str(draw(self))

    def stages(self) -> list[Scope]:
        """The stages, in order."""
        return [child for child in self.root.children if isinstance(child, Scope)]

    def __repr__(self) -> str:
        return f"<Graph {self.called}: {len(self.nodes)} nodes, {len(self.stages())} stages>"
