"""The parts as plain data for the script: words, shapes, costs, places in the spec, plans."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, TypeAlias

from archdsl.analysis.work import Work, total, work
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.interactive import boxes
from archdsl.backends.figures.interactive.colours import class_of
from archdsl.backends.figures.interactive.kinds import Kinds
from archdsl.backends.figures.interactive.parts import End, Group, Part, Stack, whole
from archdsl.backends.figures.interactive.plans import Plan, Plans
from archdsl.backends.figures.shapes import Shapes, inside, numbered
from archdsl.backends.figures.theme import Look
from archdsl.backends.figures.wording import value_text
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr
from archdsl.expr.show import show
from archdsl.ir.graph import Graph, Node, Scope, Tensor

Data: TypeAlias = "dict[str, Any]"

ROLES = {  # what kind of op it is, in words
    "conv": "convolution",
    "norm": "normalisation",
    "act": "activation",
    "pool": "pooling",
    "join": "join",
    "shape": "rearrangement",
    "linear": "fully connected",
    "other": "other",
}
MOST_TEXT = 160  # characters of a line of the spec


def document(graph: Graph, look: Look | None = None) -> Data:
    """All that the page's script gets."""
    return Writer(graph, look or Look()).document()


class Writer:
    """Writes one graph; keeps tables of what many parts share."""

    def __init__(self, graph: Graph, look: Look) -> None:
        self.graph, self.look = graph, look
        self.shapes = numbered(look.axes, graph)  # as they are written in the group at work
        self.kinds = Kinds(graph)
        self.plans = Plans()
        self.works = {node.id: work(node) for node in graph.nodes}
        self.lines: dict[tuple[str, int], int] = {}  # file and line -> place in the table
        self.table: list[list[Any]] = []
        self.groups = 0
        self.said: dict[Group, boxes.Words] = {}
        self.colours: set[str] = set()  # of groups

    def document(self) -> Data:
        graph, root = self.graph, self.group(whole(self.graph))
        used = {node.op.name: (class_of(self.kinds.of_op(node)), ROLES[node.op.role]) for node in graph.nodes}
        return {
            "name": graph.name,
            "variant": graph.variant,
            "paper": paper(graph),
            "root": root,
            "plans": [plan_data(plan) for plan in self.plans.made],
            "ops": dict(sorted(used.items())),
            "legend": [(class_of(colour), word) for colour, word in self.kinds.legend(self.colours)],
            "lines": self.table,
            "measures": boxes.MEASURES,
        }

    # --- parts
    def part(self, part: Part) -> Data:
        if isinstance(part, End):
            return {
                "kind": "end",
                "name": printable(part.name),
                "out": self.shapes.axes(part.tensor),
                "leaves": part.leaves,
            }
        return self.stack(part) if isinstance(part, Stack) else self.group(part)

    def group(self, group: Group) -> Data:
        number, self.groups = self.groups, self.groups + 1
        said = self.words(group) if number else None
        inputs, outputs = (self.all(group.entries), self.all(group.exits)) if number else self.ends()
        outside, self.shapes = self.shapes, self.within(group)
        sizes = [boxes.closed_size(part, self.words(part), self.shapes) for part in group.parts]
        parts = [self.part(part) | {"size": size} for part, size in zip(group.parts, sizes, strict=True)]
        self.shapes = outside
        return {
            "kind": "group",
            "id": f"g{number}",
            "title": said.title if said else printable(self.graph.name),
            "lines": said.lines if said else (),
            "shape": said.shape if said else "",
            **({"colour": self.colour(group)} if number else {}),
            "scopes": [self.scope(scope) for scope in group.scopes],
            "in": inputs,
            "out": outputs,
            **self.cost(group.nodes),
            **({"training": True} if all(node.training for node in group.nodes) else {}),
            "parts": parts,
            "wires": [(wire.source, wire.target, wire.leaves, wire.enters) for wire in group.wires],
            "plan": self.plans.plan(group, sizes),
        }

    def words(self, part: Part) -> boxes.Words | None:
        """What a group says, worked out once."""
        if not isinstance(part, Group):
            return None
        if part not in self.said:
            self.said[part] = boxes.words(self.kinds.words(part), part.exits, self.shapes)
        return self.said[part]

    def colour(self, group: Group) -> str:
        colour = self.kinds.colour(group)
        self.colours.add(colour)
        return class_of(colour)

    def ends(self) -> tuple[list[Any], list[Any]]:
        return self.all(self.graph.inputs.values()), self.all(self.graph.outputs.values())

    # --- shapes
    def within(self, group: Group) -> Shapes:
        """How shapes are written inside a group: in a call of a block over what enters it, if they are symbolic."""
        calls = [scope for scope in group.scopes if scope.is_block]
        return inside(self.graph, calls[-1], self.look.shapes, self.look.axes) if calls else self.shapes

    def all(self, tensors: Iterable[Tensor]) -> list[Any]:
        return [self.shapes.axes(tensor) for tensor in tensors]

    def stack(self, stack: Stack) -> Data:
        return {
            "kind": "stack",
            **({"symbol": True} if boxes.is_symbol(stack, self.shapes) else {}),
            **({"shape": below} if (below := boxes.caption(stack, self.shapes)) else {}),
            "scopes": [self.scope(scope) for scope in stack.scopes],
            "ops": [self.op(*row) for row in zip(stack.nodes, boxes.row_texts(stack, self.shapes), strict=True)],
        }

    def op(self, node: Node, text: str) -> Data:
        return {
            "id": f"n{node.id}",
            "op": node.op.name,
            "text": text,
            "path": node.path,
            "in": self.all(node.inputs),
            "out": self.all(node.outputs),
            **self.cost([node]),
            **({"training": True} if node.training else {}),
            **({"shared": True} if node.shared else {}),
            "fields": given(node),
            "at": self.line(node.span),
        }

    def scope(self, scope: Scope) -> Data:
        called = self.graph.figure.labels.get(scope.name) if scope.is_block else None
        return {
            "kind": scope.kind,
            "name": printable(scope.name),
            **({"called": printable(called)} if called else {}),
            **({"label": printable(scope.label)} if scope.label else {}),
            **({"shared": True} if scope.shared else {}),
            "path": scope.path,
            "fields": [(name, text_of(value)) for name, value in scope.arguments.items()],
            "at": self.line(scope.span),
        }

    def cost(self, nodes: Iterable[Node]) -> Data:
        """Trained parameters, and multiply-adds for one input."""
        found: Work = total(self.works[node.id] for node in nodes)
        return {"params": found.params, "macs": found.macs}

    # --- the spec
    def line(self, span: Span | None) -> int | None:
        """The place in the table of lines: file, number, text. Folders are left out: they differ between machines."""
        if span is None:
            return None
        key = (span.source.name, span.line)
        if key not in self.lines:
            self.lines[key] = len(self.table)
            text = printable(span.source.line(span.line))
            cut = text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
            self.table.append([PurePath(span.source.name).name, span.line, cut])
        return self.lines[key]


def paper(graph: Graph) -> str:
    """Where the network is from: `title, arXiv:1801.04381, 2018`, as far as the spec says."""
    said = {key: str(value) for key, value in graph.paper.items()}
    arxiv = f"arXiv:{said['arxiv']}" if "arxiv" in said else ""
    return printable(", ".join(filter(None, (said.get("title"), arxiv, said.get("year")))))


def given(node: Node) -> list[tuple[str, str]]:
    """The arguments that differ from the op's own defaults."""
    defaults = {field.name: field.default for field in node.op.fields}
    return [
        (name, text_of(value))
        for name, value in node.fields.items()
        if value is not None and (name not in defaults or defaults[name] != value)
    ]


def text_of(value: Any) -> str:
    return printable(show(value) if isinstance(value, Expr) else value_text(value))


def plan_data(plan: Plan) -> Data:
    return {
        "rows": plan.rows,
        "parts": plan.parts,
        "entries": plan.entries,
        "exits": plan.exits,
        "stops": plan.stops,
    }
