"""From a spec to its graph: what passes make of its program in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from archdsl.analysis.elaborate import elaborate, lowered
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ir.facts import Undilated, origin_of
from archdsl.ir.graph import Graph
from archdsl.ir.program import Primitive, Program
from archdsl.ir.rewrite import copied
from archdsl.ir.verify import verify
from archdsl.passes import DEPLOYED
from archdsl.passes.backbone import backbone, beyond, expect_part
from archdsl.passes.base import Pass
from archdsl.passes.features import chosen_features
from archdsl.passes.output_stride import expect_as_planned, with_output_stride
from archdsl.passes.reparameterize import expect_mergeable
from archdsl.passes.spacing import spacings
from archdsl.passes.varied import all_networks, expect_for_all
from archdsl.support.plugins import NOT_OURS
from archdsl.syntax.spec import Figure, Spec

Said = TypeVar("Said")
Inputs: TypeAlias = "Mapping[str, Sequence[int]] | Sequence[int]"


@dataclass(frozen=True)
class Rewriting:
    """What is done to a network between its spec and its graph.

    `features` cut it down to a backbone: stages and parts of them, or true for the last map of each resolution, or
    numbers of these. That comes first, in the spec, whose names they are. Then each pass takes what the one before it
    has left. Last, strides past `output_stride` become dilations: in a program for `every_variant` of the spec, or for
    this one alone.
    """

    features: tuple[str | int, ...] | bool = False
    passes: tuple[Pass, ...] = ()
    output_stride: int | None = None
    every_variant: bool = False

    def options(self) -> tuple[str, ...] | None:
        """The options of a command that ask for the same; None if a pass has no name by which a command knows it."""
        names = [one.called for one in self.passes if one.called is not None]
        if len(names) < len(self.passes):
            return None
        deployed = tuple(names[: len(DEPLOYED)]) == DEPLOYED
        words = ["--form", "deploy"] if deployed else []
        for name in names[len(DEPLOYED) :] if deployed else names:
            words += ["--pass", name]
        if self.features is not False:
            words += ["--features-only", "all" if self.features is True else ",".join(map(str, self.features))]
        if self.output_stride is not None:
            words += ["--output-stride", str(self.output_stride)]
        return tuple(words)


def graph_of(
    spec: Spec,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Inputs | None = None,
    rewriting: Rewriting | None = None,
) -> Graph:
    """The graph of a spec, rewritten."""
    rewriting = rewriting or Rewriting()
    features, whole = rewriting.features, None
    if features is not False:
        whole = elaborate(spec, variant, params, inputs)
        spec = backbone(spec, chosen_features(features, whole), whole)
    own = lowered(spec)
    spec, program = rewritten(spec, rewriting, own)
    try:
        if loses_joins(own, program) or (whole is not None and rewriting.passes):
            part = elaborate(spec, variant, params, inputs, own)
        made = elaborate(spec, variant, params, inputs, program)
    except SpecError as error:
        raise (idle(error, spec, whole) if whole is not None else error) from None
    if whole is not None:
        expect_part(part if rewriting.passes else made, whole)
    return dilated(made, params, inputs, rewriting) if rewriting.output_stride is not None else made


def dilated(graph: Graph, params: Mapping[str, Any] | None, inputs: Inputs | None, rewriting: Rewriting) -> Graph:
    """A graph with dilations in place of strides past the output stride."""
    limit, origin = rewriting.output_stride, origin_of(graph)
    assert limit is not None
    networks = all_networks(graph, limit) if rewriting.every_variant else [graph]
    program = with_output_stride(networks, limit)
    program.main.of_variant = not rewriting.every_variant
    try:
        made = elaborate(origin.spec, graph.variant, params, inputs, program)
    except SpecError as error:
        (first, *_), help = (
            error.diagnostics,
            "take the maps before it with features_only, or use a larger output_stride",
        )
        message = f"with output_stride {limit}, {first.message}"
        raise fault("bad-call", message, first.span, help=help) from None
    expect_as_planned(graph, made, limit)
    changed = {node: (one.spacing, one.stride) for node, one in spacings(graph, limit).items() if one.changes}
    origin_of(made).before = Undilated(graph, changed)
    if rewriting.every_variant:
        expect_for_all(graph, program, limit)
    return made


def idle(error: SpecError, spec: Spec, whole: Graph) -> SpecError:
    """What to say where a backbone would compute what leads to none of its maps, or take what none of them reads."""
    first = error.diagnostics[0]
    if first.code == "unused-input":
        message = (
            f"{first.message} in a backbone with the map{'s' * (len(spec.features) > 1)} {', '.join(spec.features)}"
        )
        known = ", ".join(beyond(whole, spec.features)) or "none can be named"
        help = f"name the maps, and among them one that this input leads to: {known}"
        return fault("bad-call", message, first.span, help=help)
    unused = [item for item in error.diagnostics if item.code == "unused-step"]
    if not unused or len(unused) < len(error.diagnostics):
        return error
    message = f"the steps after a map in {', '.join(spec.features)} cannot be left out"
    return fault("bad-call", message, unused[0].span, help="take the row or stage that contains this step")


def loses_joins(before: Program, after: Program) -> bool:
    """Whether passes took out joins. That their tensors fit is then seen in the network before."""
    return before is not after and bool(joins(before) - joins(after))


def joins(program: Program) -> Counter[str]:
    """How often tensors are joined by each op."""
    nodes = (node for function in program.functions for node in function.walk())
    return Counter(node.op.name for node in nodes if isinstance(node, Primitive) and node.op.many)


def rewritten(spec: Spec, rewriting: Rewriting, program: Program | None = None) -> tuple[Spec, Program]:
    """The program of a spec after passes; what the spec says of figures goes with the names of blocks."""
    program = program or lowered(spec)
    expect_mergeable(program)
    for one in rewriting.passes:
        before, program = program, applied(one, program)
        spec = replace(spec, figure=renamed(spec.figure, new_names(before, program)))
    program.main.options = rewriting.options()
    return spec, program


def applied(one: Pass, program: Program) -> Program:
    """What a pass makes of a program, verified; the program that it is given stays as it is."""
    with one.blamed("fails"):
        made = one.rewrite(program)
    if not isinstance(made, Program):
        raise fault("bad-plugin", f"{one.said} gives {type(made).__name__}, not a Program", help=NOT_OURS)
    made = copied(program) if made is program else made
    with one.blamed("leaves what is no program"):
        verify(program, f"{one.name}, which must not change the program that it receives")
        verify(made, one.name)
    return made


def new_names(before: Program, after: Program) -> dict[str, str]:
    """What the blocks are called now that had another name."""
    names = {function.id: function.name for function in before.functions}
    found = {names.get(function.source, function.name): function.name for function in after.functions}
    return {old: new for old, new in found.items() if old != new}


def renamed(figure: Figure, names: Mapping[str, str]) -> Figure:
    """What is said of figures, for blocks with other names too."""

    def now(word: str) -> str:
        """A block, or `Block.argument`, by the name that the block has now."""
        block, dot, argument = word.partition(".")
        return names.get(block, block) + dot + argument

    def named(said: Mapping[str, Said]) -> dict[str, Said]:
        return {**said, **{now(word): value for word, value in said.items()}}

    paper = {
        number: replace(shown, block=tuple(map(now, shown.block)), expand=tuple(map(now, shown.expand)))
        for number, shown in figure.paper.items()
    }
    hide = figure.hide | set(map(now, figure.hide))
    return Figure(named(figure.labels), named(figure.colours), hide, named(figure.cases), paper)
