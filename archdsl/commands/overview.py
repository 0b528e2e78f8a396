"""What there is: the shipped specs with their numbers, the primitives with their fields."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from archdsl.diagnostics.faults import fault
from archdsl.ops import REGISTRY, Field, Op
from archdsl.support.naming import did_you_mean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from archdsl.syntax.spec import Spec

NUMBERS = ("params", "MACs")


def table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """An empty table; columns that are `whole` are never broken, and numbers stand right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column in columns:
        side: Literal["left", "right"] = "right" if column in NUMBERS else "left"
        made.add_column(column, justify=side, overflow="fold", no_wrap=column in whole)
    return made


# --- specs
def show_specs(console: Console, *, variants: bool) -> None:
    """A line for each shipped spec, or for each of its variants."""
    from rich.text import Text

    from archdsl.workspace.library import read, shipped

    columns = ("spec", "variant", "params", "MACs") if variants else ("spec", "variants", "params", "MACs", "paper")
    made = table(*columns, whole=("spec", "variant", *NUMBERS))
    rows = [row for name in shipped() for row in spec_rows(name, read(name), variants=variants)]
    made.columns[1].min_width = max(len(word) for row in rows for word in row[1].split() or [""])
    for row in rows:
        made.add_row(*map(Text, row[: len(columns)]))
    console.print(made)


def spec_rows(name: str, spec: Spec, *, variants: bool) -> Iterator[tuple[str, ...]]:
    from archdsl.syntax.spec import DEFAULT

    forms = spec.networks()
    title = paper(spec)
    if not forms:
        yield name, "", "", "", title
    elif not variants:
        others = ", ".join(spec.variants)
        yield name, others, *numbers(spec, forms[0]), title
    else:
        # A variant that only names the network as it stands says it better than `default`.
        shown = forms if len(forms) == 1 or forms[0] is not None or DEFAULT in spec.expect else forms[1:]
        for form in shown:
            yield name, form or "", *numbers(spec, form), title


def numbers(spec: Spec, form: str | None) -> tuple[str, str]:
    """Params and MACs: those that the spec expects (`check` holds it to them), else counted."""
    from archdsl.analysis.cost import cost
    from archdsl.analysis.elaborate import elaborate
    from archdsl.syntax.spec import DEFAULT

    stated = spec.expect.get(form or DEFAULT)
    if stated is not None and stated.params is not None and stated.macs is not None:
        return f"{stated.params:,}", f"{stated.macs:,}"
    counted = cost(elaborate(spec, form))
    return f"{counted.params:,}", f"{counted.macs:,}"


def paper(spec: Spec) -> str:
    parts = [str(spec.paper[key]) for key in ("title", "year") if spec.paper.get(key)]
    return ", ".join(parts)


# --- primitives
def show_ops(console: Console) -> None:
    """Every primitive under its group, with its fields."""
    from rich.text import Text

    ordered = sorted(REGISTRY.values(), key=lambda op: (op.group, op.name))
    made = table("op", "fields", "what it is")
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

    if name not in REGISTRY:
        raise fault(
            "unknown-op", f"'{name}' is not an op", help=did_you_mean(name, REGISTRY) or "archdsl ops lists them"
        )
    op = REGISTRY[name]
    console.print(Text(op.name, style="bold"), Text(op.doc()), sep="\n")
    if op.fields:
        made = table("field", "kind", "default", "what it is")
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
    written = ", ".join(f"{key}: {shown(value)}" for key, value in given.items())
    yield f"example: {op.name}: {{{written}}}" if written else f"example: {op.name}"
    fields = {item.name: item.default for item in op.fields if not item.required} | dict(given)
    out = op.shapes(SimpleNamespace(**fields), *shapes)
    enter, leave = (", ".join("×".join(map(str, shape)) for shape in part) for part in (shapes, out))
    yield f"         {enter} → {leave}"
