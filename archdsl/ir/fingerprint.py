"""What tells a network from others: its ops with their arguments, who reads whom, and the size of its inputs.

Names play no part, nor does the order of what runs side by side. An argument that has its default is left out, so that
a later version of an op, which takes one more, leaves the fingerprints as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.expr.nodes import Expr
from archdsl.expr.show import show
from archdsl.ops.base import Op, Shape

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph, Tensor

DIGITS = 11  # of a fingerprint, in hexadecimal; with a letter in front it is a word to every reader of YAML
FIRST = "g"


class Ran(NamedTuple):
    """An op at work: what it says of itself, and the numbers of the tensors that it reads and makes.

    `module` tells modules apart; one that is `shared` ran before.
    """

    said: str
    reads: Sequence[int]
    makes: Sequence[int]
    module: str = ""
    shared: bool = False


def fingerprint(graph: Graph) -> str:
    """`g4be81c20d1f`."""
    numbers: dict[Tensor, int] = {}
    for tensor in [*graph.inputs.values(), *(tensor for node in graph.nodes for tensor in node.outputs)]:
        numbers[tensor] = len(numbers)

    def numbered(tensors: Iterable[Tensor]) -> list[int]:
        return [numbers[tensor] for tensor in tensors]

    steps = []
    for node in graph.nodes:
        told = said(node.op, node.fields, [tensor.shape for tensor in node.outputs], training=node.training)
        steps.append(Ran(told, numbered(node.inputs), numbered(node.outputs), node.path, node.shared))
    results = numbered(graph.outputs.values()), numbered(graph.training.values())
    return fingerprint_of([tensor.shape for tensor in graph.inputs.values()], steps, *results)


def fingerprint_of(
    entries: Sequence[Shape], steps: Iterable[Ran], outputs: Iterable[int], training: Iterable[int]
) -> str:
    """The fingerprint of steps in order of execution, and of what leaves them; inputs have the first numbers."""
    tensors = [digest("input", place, shape) for place, shape in enumerate(entries)]
    modules: dict[str, str] = {}  # what ran first
    readers: list[list[str]] = [[] for _ in entries]
    made: list[tuple[str, Sequence[int]]] = []
    for step in steps:
        shared = modules.get(step.module) if step.shared else None
        found = hashed(f"{step.said[:-1]}, {data(shared)}, {listed(tensors[number] for number in step.reads)}]")
        modules.setdefault(step.module, found)
        made.append((found, step.makes))
        for index, _ in enumerate(step.makes):
            tensors.append(hashed(f'["{found}", {index}]'))
            readers.append([])
        for number in step.reads:
            readers[number].append(found)
    nodes = sorted(hashed(listed([found], *(listed(sorted(readers[n])) for n in makes))) for found, makes in made)
    results = [[tensors[number] for number in part] for part in (outputs, training)]
    return FIRST + digest(tensors[: len(entries)], nodes, results)[:DIGITS]


def said(op: Op, fields: Mapping[str, Any], outs: Sequence[Shape], *, training: bool) -> str:
    """What an op at work says of itself, as a list of JSON."""
    return data((op.name, sorted(arguments(op, fields)), outs, training))


def arguments(op: Op, fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The arguments that are not their defaults; of a tensor, that it is given."""
    for item in (*op.fields, *op.derived):
        value = fields.get(item.name)
        if item.kind == "tensor":
            value, default = value is not None, False
        else:
            default = item.default
        if item.required or plain(value) != plain(default):
            yield item.name, plain(value)


def plain(value: Any) -> Any:
    """A value as data; a number is the same whether it is whole by its kind or by chance."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return sorted((name, plain(item)) for name, item in value.items())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return show(value) if isinstance(value, Expr) else value


def listed(digests: Iterable[str], *further: str) -> str:
    """Digests as a list of JSON, with further items that are JSON already."""
    quoted = [f'"{item}"' for item in digests]
    return f"[{', '.join(quoted + list(further))}]"


def data(value: Any) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, default=str)


def digest(*parts: Any) -> str:
    """A hash of data."""
    return hashed(data(parts))


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
