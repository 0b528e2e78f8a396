"""A network of one kernel, made of the same ops: an engine then runs it as it runs the kernel in its network."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.analysis.elaborate import elaborate
from archdsl.analysis.kernels import Kernel, fields
from archdsl.expr.nodes import Lit, wrap
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph, Node
from archdsl.ir.nodes import tensor_fields
from archdsl.syntax.spec import Spec
from archdsl.workspace.library import read

NAME = "Kernel"


def network_of(kernel: Kernel) -> Graph:
    """The graph of a network that is this kernel alone."""
    spec = spec_of(kernel)
    main = function_of(kernel, spec)
    main.channels_last = kernel.channels_last
    return elaborate(spec, program=ir.program(main))


def spec_of(kernel: Kernel) -> Spec:
    """What enters and leaves; the program says what is in between."""
    names = [f"x{number}" for number in range(len(kernel.inputs))]
    several = len(kernel.outputs) > 1
    return read(
        {
            "archdsl": 1,
            "name": NAME,
            "inputs": dict(zip(names, (list(tensor.shape) for tensor in kernel.inputs), strict=True)),
            "stages": {"kernel": "identity"},
            **({"outputs": {f"y{number}": "kernel" for number in range(len(kernel.outputs))}} if several else {}),
        }
    )


def function_of(kernel: Kernel, spec: Spec) -> ir.Function:
    """The ops in a row."""
    first, *others = [name if number else "input" for number, name in enumerate(spec.inputs)]
    inputs = {first: ir.Value(next(iter(spec.inputs))), **{name: ir.Value(name) for name in others}}
    operations = list(operations_of(kernel, tuple(inputs.values()), spec))
    result = operations[-1].out
    return ir.Function(
        name=NAME,
        span=spec.span,
        params={},
        let={},
        inputs=inputs,
        optional=frozenset(),
        require=(),
        region=ir.Region([*operations], result),
        network=True,
        staged=True,
        outputs={name: ir.Item(result, Lit(number)) for number, name in enumerate(spec.outputs)},
    )


def operations_of(kernel: Kernel, entering: tuple[ir.Operand, ...], spec: Spec) -> Iterator[ir.Primitive]:
    for number, node in enumerate(kernel.nodes):
        several = len(node.outputs) > 1
        made = operation(node, entering, ir.Value(f"y{number}", many=several), f"{node.op.name}_{number}", spec)
        yield made
        entering = (made.out,)


def operation(node: Node, entering: tuple[ir.Operand, ...], out: ir.Value, key: str, spec: Spec) -> ir.Primitive:
    """A node as an operation on these tensors, the last of which are those of its tensor fields."""
    names = tensor_fields(node)
    cut = len(entering) - len(names)
    return ir.Primitive(
        op=node.op,
        fields={name: wrap(value) for name, value in node.fields.items() if name not in names},
        ins=entering[:cut],
        tensors=dict(zip(names, entering[cut:], strict=True)),
        given=frozenset(fields(node)),
        out=out,
        span=node.span or spec.span,
        key=None if node.functional else key,
    )
