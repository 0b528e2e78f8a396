"""What is said of the word under a cursor: its meaning, and of a step what it makes, has and costs in the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.analysis.work import Work, total, work
from archdsl.diagnostics.spans import Span
from archdsl.editor.analysis import Analysis
from archdsl.editor.completion import doc_of, source_of
from archdsl.editor.declared import block_of, inputs_of, params_of
from archdsl.editor.grammar import Place, place
from archdsl.editor.names import Use, uses
from archdsl.editor.project import File, Project
from archdsl.editor.reading import Under, holds, under
from archdsl.ir.graph import Node, Scope
from archdsl.ops import REGISTRY, Op
from archdsl.ops.base import times
from archdsl.syntax.json_schema import summary

SHOWN = 4  # shapes of several calls


@dataclass(frozen=True)
class Hover:
    """Markdown about a stretch of the text."""

    text: str
    span: Span


def hover(file: File, line: int, column: int, project: Project, analyses: Sequence[Analysis]) -> Hover | None:
    """What to say of a line and column, from 1; `analyses` are the networks in which the file takes part."""
    found = under(file.tree, line, column)
    if found is None:
        return None
    use = next((use for use in uses(file, project) if holds(use.span, line, column)), None)
    parts = [meaning(found, use, file, project), *costs(found.node.span, use, analyses)]
    text = "\n\n".join(filter(None, parts))
    return Hover(text, use.span if use is not None else found.node.span) if text else None


# --- the meaning of a word
def meaning(found: Under, use: Use | None, file: File, project: Project) -> str:
    word = found.node.text
    if use is not None:
        return named(use, file, project)
    here = place(found.path[:-1] if found.is_key else found.path)
    if found.is_key:
        return of_key(word, here)
    if here.is_step and word in REGISTRY:
        return of_op(REGISTRY[word])
    if here.field is not None and here.field.doc:
        return f"**{here.field.name}**: {here.field.doc}"
    return ""


def of_key(word: str, here: Place) -> str:
    if here.op is not None:
        field = next((field for field in here.op.fields if field.name == word), None)
        if field is not None:
            default = (
                "required" if field.required else f"default `{field.default}`" if field.default is not None else ""
            )
            return f"**{word}** of {here.op.name}: {'; '.join(filter(None, (field.doc, default)))}"
    if here.is_step and word in REGISTRY:
        return of_op(REGISTRY[word])
    form = here.properties.get(word)
    doc = form.get("description", "") if form is not None else ""
    return f"**{word}**: {doc}" if doc else ""


def of_op(op: Op) -> str:
    arguments = ", ".join(field.name if field.required else f"{field.name}={field.default}" for field in op.fields)
    return f"**{op.name}**({arguments})\n\n{summary(op)}"


def named(use: Use, file: File, project: Project) -> str:
    """What a name of the spec stands for."""
    symbol = use.symbol
    if symbol.kind == "block":
        return of_block(symbol.name, file, project)
    if symbol.kind == "param":
        home = project.file(symbol.file) or file
        node = home.tree if not symbol.owner else (home.entry("blocks", symbol.owner) or (None, home.tree))[1]
        found = {**inputs_of(node), **params_of(node)}.get(symbol.name)
        default = source_of(found[1]) if found is not None else ""
        of = symbol.owner or "the network"
        return f"**{symbol.name}**: param of {of}" + (f", default `{default}`" if default else ", required")
    return f"**{symbol.name}**: {symbol.kind}"


def of_block(name: str, file: File, project: Project) -> str:
    found = block_of(name, file, project)
    if found is None:
        return f"**{name}**"
    home, key, node = found
    params = (f"{p}={source_of(value)}" if source_of(value) else p for p, (_, value) in params_of(node).items())
    where = "" if home.path == file.path else f"\n\nfrom `{home.path.name}:{key.span.line}`"
    return f"**{name}**({', '.join(params)})" + (f"\n\n{doc_of(node)}" if doc_of(node) else "") + where


# --- the network
def costs(span: Span, use: Use | None, analyses: Sequence[Analysis]) -> list[str]:
    """What a step or a stage makes, has and costs, in each network in which it runs."""
    told = []
    for analysis in analyses:
        scopes, nodes = running(span, use, analysis)
        text = of_scopes(scopes) if scopes else of_nodes(nodes)
        if text and analysis.graph is not None:
            form = " ".join(filter(None, (analysis.graph.name, analysis.graph.variant)))
            told.append(f"{text}  \nin {form}")
    return told


def running(span: Span, use: Use | None, analysis: Analysis) -> tuple[list[Scope], list[Node]]:
    """The runs of what begins at a place: a stage by its name, else the calls of a block, else those of an op."""
    if use is not None and use.symbol.kind == "stage":
        stages = analysis.graph.stages() if analysis.graph is not None else []
        return [stage for stage in stages if stage.name == use.symbol.name], []
    place = span.source.name, span.line
    scopes = [scope for scope in analysis.scopes.get(place, ()) if starts(scope.span, span)]
    calls = [scope for scope in scopes if scope.kind == "block"]
    return calls, [node for node in analysis.nodes.get(place, ()) if starts(node.span, span)]


def starts(span: Span | None, other: Span) -> bool:
    return span is not None and (span.line, span.col) == (other.line, other.col)


def of_nodes(nodes: Sequence[Node]) -> str:
    pairs = [(times(node.inputs[0].shape), times(node.shape)) for node in nodes]
    return summed(pairs, [work(node) for node in nodes])


def of_scopes(scopes: Sequence[Scope]) -> str:
    pairs = [(times(s.inputs[0].shape) if s.inputs else "", shape_of(s)) for s in scopes]
    return summed(pairs, [total(work(node) for node in scope.nodes()) for scope in scopes])


def shape_of(scope: Scope) -> str:
    """The shape that leaves a scope; of several tensors, each."""
    out = scope.output
    if isinstance(out, list):
        return ", ".join(times(tensor.shape) for tensor in out)
    return times(out.shape) if out is not None else ""


def summed(pairs: Sequence[tuple[str, str]], works: Sequence[Work]) -> str:
    if not works:
        return ""
    kinds = list(dict.fromkeys(pairs))
    shapes = "  \n".join(f"{into} → {out}" for into, out in kinds[:SHOWN])
    more = f"  \nand {len(kinds) - SHOWN} more shapes" if len(kinds) > SHOWN else ""
    whole = total(works)
    runs = f", over {len(works)} runs" if len(works) > 1 else ""
    return f"{shapes}{more}\n\n{whole.params:,} parameters, {whole.macs:,} MACs{runs}"
