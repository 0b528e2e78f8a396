"""Several networks side by side: input, parameters, multiply-adds, and the top-1 accuracy that was published.

A network is named `spec`, or `spec@variant`. A spec alone stands for all its variants; beside others, for the network
as it stands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from archdsl.analysis.cost import cost
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.ir.seal import refuse_edited
from archdsl.ops.base import Shape, times
from archdsl.support import tables
from archdsl.support.latex import Placement, Width, latex
from archdsl.support.naming import did_you_mean, set_texts
from archdsl.support.paths import is_there
from archdsl.syntax.spec import DEFAULT, Amount, Spec
from archdsl.workspace import printing
from archdsl.workspace.expected import PAPER, TRAIN, claim_of, expect_as_stated
from archdsl.workspace.library import Inputs, SpecLike, elaborated, in_memory, read, rewritten
from archdsl.workspace.settings import patches_in

if TYPE_CHECKING:
    from archdsl.analysis.latency import Conditions, LatencyTable
    from archdsl.passes.pipeline import Rewriting
    from archdsl.workspace.side_by_side import SideBySide

AT = "@"  # between a spec and its variant
SORTS = ("params", "macs", "top1", "latency")

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
    form: str | None = None  # train or deploy; that of a Graph is not known
    top1: float | None = None
    source: str | None = None
    arxiv: str | None = None  # the network's paper
    published: Mapping[str, Amount] = field(default_factory=dict)  # params and macs as published, where they differ
    elsewhere: str | None = None  # the form of it that something was published of, if not this one
    latency_ms: float | None = None  # by a latency table, if there is one
    made: Callable[[], Graph] = field(repr=False, compare=False, kw_only=True)  # what gives the network

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

    @property
    def published_counts(self) -> dict[str, int | None]:
        """The published counts that differ, by the names of their columns in a file."""
        names = ("params", "macs")
        return {f"published_{name}": self.published[name].value if name in self.published else None for name in names}

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
            "form": self.form,
            "top1": self.top1,
            "source": self.source,
            "published": {name: amount.value for name, amount in self.published.items()},
            "arxiv": self.arxiv,
            **({} if self.latency_ms is None else {"latency_ms": self.latency_ms}),
        }


@dataclass(frozen=True)
class Comparison:
    """Networks side by side: `rows`, and the table of them in each format."""

    rows: Sequence[Row]
    timed: Conditions | None = None  # what latencies hold for, if there are any

    @property
    def stages(self) -> SideBySide:
        """The stages of the networks side by side; to print stages that do not match raises `SpecError`."""
        from archdsl.workspace.side_by_side import SideBySide

        return SideBySide(self)

    def data(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [row.data() for row in self.rows]

    def to_text(self, width: int = 120, *, columns: Sequence[str] = ()) -> str:
        """The table for a terminal; `columns` are the columns to show, in order."""
        console, out = tables.plain_console(width)
        printing.show(self, console, columns)
        return out.getvalue()

    def to_markdown(self, *, bold: bool = False, columns: Sequence[str] = ()) -> str:
        """The table in Markdown; `bold` marks the best of each column."""
        return tables.markdown(printing.exact(self, columns, bold=bold))

    def to_latex(
        self,
        *,
        bold: bool = False,
        width: Width | None = None,
        columns: Sequence[str] = (),
        caption: str | None = None,
        label: str | None = None,
    ) -> str:
        """The table in LaTeX, for booktabs, with counts in units; `bold` marks the best of each column.

        `width` is the width to fit, `"column"` or `"page"`. With a caption, the table is a float.
        """
        placement = Placement(width, caption, label)
        return latex(printing.fitting(self, columns, placement, bold=bold), placement)

    def to_csv(self) -> str:
        """Plain values."""
        header = ["spec", "name", "variant", "settings", "input", "params", "macs", "top1", "source"]
        values = [{**row.data(), "settings": row.set, "input": row.input, **row.published_counts} for row in self.rows]
        header += [name for name in ("published_params", "published_macs") if any(row[name] for row in values)]
        header += ["latency_ms"] if self.timed is not None else []
        return tables.as_csv(header, [[value_or_nothing(row[key]) for key in header] for row in values])

    def to_json(self) -> str:
        """The rows as JSON."""
        timed = {} if self.timed is None else {"latency": self.timed.data()}
        return json.dumps({"archdsl_table": 1, **timed, "rows": self.data()}, indent=2, ensure_ascii=False) + "\n"

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        return tables.html(printing.exact(self))


def value_or_nothing(value: Any) -> Any:
    return "" if value is None else value


# --- rows
def compare(
    specs: Sequence[Compared],
    change: Change | None = None,
    *,
    variants: bool = False,
    sort: str | None = None,
    latency: LatencyTable | None = None,
) -> Comparison:
    """The comparison of networks, in the order given or by a count (least first) or accuracy (best first).

    With `variants` every spec without a variant stands for all of its own, as one alone always does. What was
    published is shown of the network alone that it is bound to, in the form of its layers that it belongs to, whatever
    the `change` makes of it. Latencies are those of a table of measured ops.
    """
    if sort is not None and sort not in SORTS:
        hint = did_you_mean(sort, SORTS) or f"a table can be sorted by {', '.join(SORTS)}"
        raise fault("bad-call", f"there is no column '{sort}' to sort by", help=hint)
    if not specs:
        raise fault("bad-call", "there is nothing to compare", help="give the names of specs")
    if sort == "latency" and latency is None:
        raise fault("bad-call", "there are no latencies to sort by", help="give the file of a latency table")
    every = variants or len(specs) == 1
    rows = [row for spec in specs for row in rows_of(spec, change or Change(), every=every)]
    if latency is not None:
        times = latency.of_each(row.made() for row in rows)
        rows = [replace(row, latency_ms=time.total_ms) for row, time in zip(rows, times, strict=True)]
    return Comparison(sorted(rows, key=KEYS[sort]) if sort else rows, latency.conditions if latency else None)


KEYS: Mapping[str, Callable[[Row], float]] = {
    "params": lambda row: row.params,
    "macs": lambda row: row.macs,
    "top1": lambda row: -(row.top1 or 0),
    "latency": lambda row: row.latency_ms or 0,
}


@dataclass(frozen=True)
class Change:
    """What is done to each network of a comparison."""

    inputs: Inputs | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    layers: str = TRAIN
    rewriting: Rewriting = field(default_factory=rewritten)

    def __bool__(self) -> bool:
        has_params = bool(self.params) or bool(patches_in(self.params))
        return self.inputs is not None or has_params or self.rewriting != rewritten()


def rows_of(spec: Compared, change: Change, *, every: bool) -> Iterator[Row]:
    """The rows of a spec: of one network, or of all its variants."""
    if isinstance(spec, Graph):
        if change:
            raise fault("bad-call", "a Graph already has its input and params", help="give its spec")
        refuse_edited(spec)
        yield row_of(spec.name, lambda: spec)
        return
    file, variant = halves(spec)
    found = read(file, patches=patches_in(change.params, *([variant] if variant is not None else [])))
    called = Path(file).stem if isinstance(file, (str, os.PathLike)) and not in_memory(file) else found.name
    for form in [variant] if variant is not None else all_forms(found) if every else [found.standing()]:
        made = partial(elaborated, found, form, change.params, change.inputs, change.rewriting)
        yield replace(row_of(called, made, as_stated=not change), form=change.layers)


@overload
def halves(spec: SpecLike) -> tuple[SpecLike, str | None]: ...
@overload
def halves(spec: Compared) -> tuple[Compared, str | None]: ...
def halves(spec: Compared) -> tuple[Compared, str | None]:
    """A spec and its variant, of `spec@variant`; a file may have an @ in its name."""
    if not isinstance(spec, (str, os.PathLike)) or in_memory(spec) or AT not in os.fspath(spec) or is_there(Path(spec)):
        return spec, None
    file, _, variant = os.fspath(spec).rpartition(AT)
    if not file or not variant:
        raise fault(
            "bad-call", f"'{os.fspath(spec)}' is not of the form spec@variant", help="for example mobilenet_v2@1.00-224"
        )
    return file, variant


def all_forms(spec: Spec) -> list[str | None]:
    """The variants of a spec; the network without one if there are none, or if the spec expects numbers of it."""
    forms = spec.networks()
    if not forms:
        raise fault("bad-call", f"'{spec.name}' is not a network: it has only blocks")
    return forms if len(forms) == 1 or forms[0] is not None or DEFAULT in spec.expect else forms[1:]


def row_of(called: str, made: Callable[[], Graph], *, as_stated: bool = False) -> Row:
    """The row of a network; what it must come to is held against it where it is `as_stated` in its spec."""
    graph = made()
    counted = cost(graph)
    if as_stated:
        expect_as_stated(graph, counted, top1=True)
    claim = claim_of(counted)
    return Row(
        called,
        graph.name,
        graph.variant,
        graph.settings,
        counted.inputs,
        counted.params,
        counted.macs,
        top1=claim.top1,
        source=claim.source,
        arxiv=graph.paper.get("arxiv"),
        published=claim.counts,
        elsewhere=claim.elsewhere,
        made=made,
    )


def flat(specs: Compared | Sequence[Compared]) -> list[Compared]:
    """One spec, or several."""
    return list(specs) if isinstance(specs, Sequence) and not isinstance(specs, (str, bytes)) else [specs]


__all__ = ["Comparison", "Row", "compare", "flat"]
