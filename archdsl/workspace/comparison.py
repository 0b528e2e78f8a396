"""Several networks side by side: input, parameters, multiply-adds, and the top-1 accuracy that was published.

A network is named `spec`, or `spec@variant`. A spec alone stands for all its variants; beside others, for the network
as it stands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.analysis.cost import cost
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.ir.seal import refuse_edited
from archdsl.ops.base import Shape, times
from archdsl.support import tables
from archdsl.support.naming import did_you_mean, set_texts
from archdsl.support.paths import is_there
from archdsl.support.tables import BLANK, MARKS, NOTHING, Column, Table, unit_of
from archdsl.syntax.spec import DEFAULT, Spec
from archdsl.workspace.expected import accuracy_of, expect_as_stated
from archdsl.workspace.library import Inputs, SpecLike, elaborated, in_memory, read, rewritten
from archdsl.workspace.settings import patches_in

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.passes import PassLike
    from archdsl.passes.pipeline import Rewriting

AT = "@"  # between a spec and its variant
PAPER = "paper"  # where a top-1 is from, if a spec says nothing else
SORTS = ("params", "macs", "top1")

Compared: TypeAlias = "SpecLike | Graph"


@dataclass(frozen=True)
class Row:
    """A network: counts of it as it is, for one input; `top1` in percent, as `source` has published it."""

    spec: str
    name: str
    variant: str | None
    settings: Mapping[str, Any]  # params that were set over the variant's
    inputs: Mapping[str, Shape]
    params: int
    macs: int
    top1: float | None = None
    source: str | None = None
    arxiv: str | None = None  # the network's paper

    @property
    def reference(self) -> str:
        """The source for a reader of several networks: of a paper its number."""
        source = self.source or ""
        cited = self.arxiv and source.split(",")[0] == PAPER
        return f"arXiv {self.arxiv}{source.removeprefix(PAPER)}" if cited else source

    @property
    def set(self) -> str:
        """`growth=16, round_up=true`, as `--set` takes them."""
        return ", ".join(set_texts(self.settings))

    @property
    def input(self) -> str:
        """`3×224×224`; several by name."""
        shapes = [times(shape) if len(self.inputs) == 1 else f"{k} {times(shape)}" for k, shape in self.inputs.items()]
        return ", ".join(shapes)

    def data(self) -> dict[str, Any]:
        """As plain data."""
        inputs = {name: list(shape) for name, shape in self.inputs.items()}
        return {
            "spec": self.spec,
            "name": self.name,
            "variant": self.variant,
            "settings": dict(self.settings),
            "inputs": inputs,
            "params": self.params,
            "macs": self.macs,
            "top1": self.top1,
            "source": self.source,
            "arxiv": self.arxiv,
        }


@dataclass(frozen=True)
class Comparison:
    """Networks side by side: `rows`, and the table of them in each format."""

    rows: Sequence[Row]

    def data(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [row.data() for row in self.rows]

    def to_text(self, width: int = 120) -> str:
        """For a terminal."""
        console, out = tables.plain_console(width)
        show(self, console)
        return out.getvalue()

    def to_markdown(self, *, bold: bool = False) -> str:
        """A GitHub table; `bold` marks the best of each column."""
        return tables.markdown(exact(self, bold=bold))

    def to_latex(self, *, bold: bool = False) -> str:
        """A booktabs tabular, counts in units, the sources of accuracies as marks; `bold` marks the best."""
        return tables.latex(rounded(self, bold=bold))

    def to_csv(self) -> str:
        """Plain values."""
        header = ["spec", "name", "variant", "settings", "input", "params", "macs", "top1", "source"]
        values = [{**row.data(), "settings": row.set, "input": row.input} for row in self.rows]
        return tables.as_csv(header, [[value_or_nothing(row[key]) for key in header] for row in values])

    def to_json(self) -> str:
        """The rows as JSON."""
        return json.dumps({"archdsl_table": 1, "rows": self.data()}, indent=2, ensure_ascii=False) + "\n"

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        return tables.html(exact(self))


def value_or_nothing(value: Any) -> Any:
    return "" if value is None else value


# --- rows
def compare(
    specs: Sequence[Compared],
    *,
    variants: bool = False,
    sort: str | None = None,
    inputs: Inputs | None = None,
    params: Mapping[str, Any] | None = None,
    passes: Sequence[PassLike] = (),
) -> Comparison:
    """The comparison of networks, in the order given or by a count (least first) or accuracy (best first).

    With `variants` every spec without a variant stands for all of its own, as one alone always does. A published
    accuracy is shown of the network alone that it is bound to, whatever `inputs`, `params` and `passes` make of it.
    """
    if sort is not None and sort not in SORTS:
        hint = did_you_mean(sort, SORTS) or f"a table is sorted by {', '.join(SORTS)}"
        raise fault("bad-call", f"there is no column '{sort}' to sort by", help=hint)
    if not specs:
        raise fault("bad-call", "there is nothing to compare", help="give the names of specs")
    every = variants or len(specs) == 1
    rewriting = rewritten(passes=passes)
    rows = [row for spec in specs for row in rows_of(spec, inputs, params or {}, rewriting, every=every)]
    return Comparison(sorted(rows, key=KEYS[sort]) if sort else rows)


KEYS: Mapping[str, Callable[[Row], float]] = {
    "params": lambda row: row.params,
    "macs": lambda row: row.macs,
    "top1": lambda row: -(row.top1 or 0),
}


def rows_of(
    spec: Compared, inputs: Inputs | None, params: Mapping[str, Any], rewriting: Rewriting, *, every: bool
) -> Iterator[Row]:
    changed = inputs is not None or bool(params) or bool(patches_in(params)) or bool(rewriting.passes)
    if isinstance(spec, Graph):
        if changed:
            raise fault("bad-call", "a Graph has its input and params already", help="give its spec")
        refuse_edited(spec)
        yield row_of(spec.name, spec)
        return
    file, variant = halves(spec)
    found = read(file, patches=patches_in(params, *([variant] if variant is not None else [])))
    called = Path(file).stem if isinstance(file, (str, os.PathLike)) and not in_memory(file) else found.name
    for form in [variant] if variant is not None else all_forms(found) if every else [found.standing()]:
        yield row_of(called, elaborated(found, form, params, inputs, rewriting), as_stated=not changed)


def halves(spec: SpecLike) -> tuple[SpecLike, str | None]:
    """A spec and its variant, of `spec@variant`; a file may have an @ in its name."""
    if not isinstance(spec, (str, os.PathLike)) or in_memory(spec) or AT not in os.fspath(spec) or is_there(Path(spec)):
        return spec, None
    file, _, variant = os.fspath(spec).rpartition(AT)
    if not file or not variant:
        raise fault("bad-call", f"'{os.fspath(spec)}' is no spec@variant", help="for example mobilenet_v2@1.00-224")
    return file, variant


def all_forms(spec: Spec) -> list[str | None]:
    """The variants of a spec; the network without one if there are none, or if the spec expects numbers of it."""
    forms = spec.networks()
    if not forms:
        raise fault("bad-call", f"'{spec.name}' is no network: it has blocks alone")
    return forms if len(forms) == 1 or forms[0] is not None or DEFAULT in spec.expect else forms[1:]


def row_of(called: str, graph: Graph, *, as_stated: bool = False) -> Row:
    """The row of a network; what it must come to is held against it where it is `as_stated` in its spec."""
    counted = cost(graph)
    if as_stated:
        expect_as_stated(graph, counted, top1=True)
    published = accuracy_of(graph)
    counts = counted.inputs, counted.params, counted.macs
    row = Row(called, graph.name, graph.variant, graph.settings, *counts, arxiv=graph.paper.get("arxiv"))
    if published is None:
        return row
    source = published.top1_source or graph.paper.get("top1") or PAPER
    return replace(row, top1=published.top1, source=source)


# --- tables
def front(found: Comparison) -> list[tuple[Column, Callable[[Row], str]]]:
    """The columns that say which network it is: its name unless all have one, its variant if one has any."""
    variants = any(row.variant for row in found.rows)
    columns: list[tuple[Column, Callable[[Row], str]]] = []
    if len(names_of(found)) > 1 or not variants:
        columns.append((Column("network"), lambda row: row.name))
    if variants:
        columns.append((Column("variant"), lambda row: row.variant or NOTHING))
    if any(row.settings for row in found.rows):
        columns.append((Column("settings"), lambda row: row.set or NOTHING))
    return [*columns, (Column("input"), lambda row: row.input)]


def names_of(found: Comparison) -> list[str]:
    """The networks, each once."""
    return list(dict.fromkeys(row.name for row in found.rows))


def title(found: Comparison) -> str:
    return ", ".join(names_of(found))


def accuracies(found: Comparison) -> bool:
    return any(row.top1 is not None for row in found.rows)


def percents(found: Comparison) -> Callable[[Row], str]:
    """Accuracies as published, one decimal at least, with a blank where another has one more: points stay in line."""
    most = max((len(decimals(row.top1)) for row in found.rows if row.top1 is not None), default=0)

    def cell(row: Row) -> str:
        return NOTHING if row.top1 is None else decimal(row.top1) + BLANK * (most - len(decimals(row.top1)))

    return cell


def decimal(value: float) -> str:
    """`71.8`, `60.38`, `75.0`."""
    text = f"{value:.2f}"
    return text.removesuffix("0")


def decimals(value: float) -> str:
    """The digits behind the point."""
    return decimal(value).partition(".")[2]


def exact(found: Comparison, *, bold: bool = False) -> Table:
    """Every digit, and the source of each accuracy in words."""
    columns = [
        *front(found),
        (Column("params", right=True), lambda row: f"{row.params:,}"),
        (Column("MACs", right=True), lambda row: f"{row.macs:,}"),
    ]
    if accuracies(found):
        columns += [
            (Column("top-1", right=True), percents(found)),
            (Column("source of top-1", breaks=True), lambda row: row.source or ""),
        ]
    return built(found, columns, bold=bold)


def rounded(found: Comparison, *, bold: bool = False) -> Table:
    """Counts in units, the sources as notes."""
    params = unit_of([row.params for row in found.rows], "M")
    macs = unit_of([row.macs for row in found.rows], "M")
    columns = [
        *((Column(column.heading.capitalize()), cell) for column, cell in front(found)),
        (Column(f"Params ({params.name})", right=True), lambda row: params.text(row.params)),
        (Column(f"MACs ({macs.name})", right=True), lambda row: macs.text(row.macs)),
    ]
    below: list[str] = []
    percent = percents(found)
    if accuracies(found):
        told = attrgetter("reference" if len(names_of(found)) > 1 else "source")
        sources = list(dict.fromkeys(filter(None, map(told, found.rows))))
        marks = dict(zip(sources, MARKS, strict=False)) if len(sources) > 1 else {}
        columns.append((Column("Top-1 (%)", right=True), lambda row: percent(row) + marks.get(told(row), "")))
        below = [f"{marks.get(source, '')}{source}" for source in sources] if marks else [f"Top-1: {sources[0]}."]
    return built(found, columns, bold=bold, below=below)


def built(
    found: Comparison,
    columns: Sequence[tuple[Column, Callable[[Row], str]]],
    *,
    bold: bool,
    below: Sequence[str] = (),
) -> Table:
    rows = [[cell(row) for _, cell in columns] for row in found.rows]
    best = frozenset(winners(found, [column for column, _ in columns])) if bold else frozenset()
    return Table(title(found), [column for column, _ in columns], rows, below=below, strong=best)


def winners(found: Comparison, columns: Sequence[Column]) -> Iterator[tuple[int, int]]:
    """Row and column of the best: the fewest parameters and multiply-adds, the highest accuracy."""
    keys = {name.lower(): key for name, key in (("params", KEYS["params"]), ("macs", KEYS["macs"]))}
    for place, column in enumerate(columns):
        word = column.heading.lower().split(" ")[0]
        key = KEYS["top1"] if word == "top-1" else keys.get(word)
        if key is not None:
            least = min(map(key, found.rows))
            yield from ((n, place) for n, row in enumerate(found.rows) if key(row) == least)


def show(found: Comparison, console: Console) -> None:
    """Prints the table."""
    from rich.text import Text

    made = tables.rich_table(exact(found))
    console.width = max(console.width, tables.narrowest(made, console))  # rather wrapped by the terminal than cut
    console.print(Text(title(found), style="bold"), made, sep="\n")


FORMATS = ("text", "md", "latex", "json", "csv")


def written(found: Comparison, form: str, *, bold: bool = False) -> str:
    """The table in a format."""
    match form:
        case "text":
            return found.to_text()
        case "md":
            return found.to_markdown(bold=bold)
        case "latex":
            return found.to_latex(bold=bold)
        case "json":
            return found.to_json()
        case "csv":
            return found.to_csv()
    help_ = did_you_mean(form, FORMATS) or f"known are {', '.join(FORMATS)}"
    raise fault("unknown-format", f"there is no table format '{form}'", help=help_)


def flat(specs: Compared | Sequence[Compared]) -> list[Compared]:
    """One spec, or several."""
    return list(specs) if isinstance(specs, Sequence) and not isinstance(specs, (str, bytes)) else [specs]


__all__ = ["FORMATS", "Comparison", "Row", "compare", "flat", "show", "written"]
