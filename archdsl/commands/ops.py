"""`archdsl ops`: the primitives with their fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands import completion
from archdsl.commands.options import all_ops, to_own
from archdsl.commands.terminal import console, empty_table
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.ops import Field, Op


@click.command("ops")
@click.argument("name", required=False, shell_complete=completion.ops)
@to_own
def command(name: str | None) -> None:
    """List the primitive ops, or describe one."""
    all_ops()
    if name is None:
        show_ops(console())
    else:
        show_op(name, console())


def show_ops(console: Console) -> None:
    """Every primitive under its group, with its fields."""
    from rich.text import Text

    from archdsl.ops import REGISTRY

    ordered = sorted(REGISTRY.values(), key=lambda op: (op.group, op.name))
    made = empty_table("op", "fields", "what it is")
    for group, members in groupby(ordered, key=lambda op: op.group):
        made.add_row(Text(group or "other", style="bold"))
        for op in members:
            made.add_row(
                Text(f"  {op.name}"), Text(", ".join(map(signature, op.fields))), Text(op.doc().split("\n")[0])
            )
    console.print(made)


def signature(item: Field) -> str:
    return item.name if item.required else f"{item.name}={shown(item.default)}"


def shown(value: Any) -> str:
    """A default as YAML has it."""
    return {True: "true", False: "false", None: "null"}.get(value, str(value)) if is_word(value) else str(value)


def is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def show_op(name: str, console: Console) -> None:
    """One primitive: what it is, its fields, what shapes leave."""
    from rich.text import Text

    from archdsl.ops import REGISTRY
    from archdsl.support.naming import did_you_mean

    if name not in REGISTRY:
        raise fault(
            "unknown-op", f"'{name}' is not an op", help=did_you_mean(name, REGISTRY) or "archdsl ops lists them"
        )
    op = REGISTRY[name]
    console.print(Text(op.name, style="bold"), Text(op.doc()), sep="\n")
    if op.fields:
        made = empty_table("field", "kind", "default", "what it is")
        for item in op.fields:
            made.add_row(*map(Text, (item.name, kind(item), "" if item.required else shown(item.default), item.doc)))
        console.print(made)
    for line in example(op):
        console.print(Text(line))


def kind(item: Field) -> str:
    """The kind of a field, with its words."""
    words = " | ".join(item.choices)
    return words if item.kind == "word" else " | ".join(filter(None, (item.kind, words)))


def example(op: Op) -> Iterator[str]:
    """The op's example: how it is written, what enters and what leaves."""
    if not op.example:
        return
    given, shapes = op.example["fields"], [tuple(shape) for shape in op.example["inputs"]]
    tensors = op.example_tensors()
    whole = given | {name: name for name in tensors}
    written = ", ".join(f"{key}: {shown(value)}" for key, value in whole.items())
    yield f"example: {op.name}: {{{written}}}" if written else f"example: {op.name}"
    fields = {item.name: item.default for item in op.fields if not item.required} | dict(given) | tensors
    out = op.shapes(SimpleNamespace(**fields), *shapes)
    enter, leave = (", ".join("×".join(map(str, shape)) for shape in part) for part in (shapes, out))
    yield f"         {enter} → {leave}"
