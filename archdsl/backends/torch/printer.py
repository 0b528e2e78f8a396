"""Classes -> text, through a template that only prints."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from archdsl.analysis.work import trained
from archdsl.backends.torch import detector
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.breaks import breakable, statement_lines
from archdsl.backends.torch.class_source import Argument, ClassSource
from archdsl.backends.torch.docstrings import class_lines, plain, shapes_of
from archdsl.backends.torch.layout import Cat, Doc, Group, lines
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.pieces import value_tree
from archdsl.backends.torch.prelude import TOLD, called, imports_of, ours, prelude_parts, words_of
from archdsl.backends.torch.scope import results_of
from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Call, Constant, Name
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph
from archdsl.ops import REGISTRY
from archdsl.ops.own import said
from archdsl.support.naming import called as network_name
from archdsl.support.resources import template

STANDARD = {
    "functools": "import functools",
    "math": "import math",
    "Callable": "from collections.abc import Callable",
    "partial": "from functools import partial",
    "accumulate": "from itertools import accumulate",
}
TORCH = {"torch": "import torch", "F": "import torch.nn.functional as F"}
UNTRACED = ("max", "min", "round")  # functions of Python that torch.fx traces only if it is told to


@dataclass
class Document:
    """All that an emitted file holds."""

    graph: Graph
    classes: list[ClassSource]
    variants: dict[str, dict[str, Constant]] = field(default_factory=dict)  # what arguments make each; in one style
    names: Mapping[str, str] = field(default_factory=dict)  # of the prelude's definitions that have another here
    helpers: list[str] = field(default_factory=list)  # functions of the file's own


def print_document(document: Document) -> str:
    *blocks, network = document.classes
    shapes = f"{'By default ' if document.variants else ''}{shapes_of(document.graph)}"
    classes = [*(printable(source, "") for source in blocks), printable(network, shapes)]
    prelude, further = preludes(document.classes)
    read = py.words_read(*(part for source in document.classes for part in parts_of(source)))
    if "make_divisible" in read:
        prelude = [*(part for _, part in prelude_parts(ours("make_divisible.py"), "make_divisible")), *prelude]
    if document.classes[-1].detect:
        prelude += detector.prelude_text()
    prelude = [*(called(part, document.names) for part in prelude), *document.helpers]
    context = {
        "doc": document_lines(document),
        "imports": imports(read.union(*map(words_of, prelude)), document, further),
        "wrapped": wrapped(document.classes),
        "prelude": prelude,
        "classes": classes,
        "outputs": output_fields(document),
        "detect_signature": signature_of_detect(document),
        "network": document.graph.name,
        "variants": variant_lines(document.variants),
    }
    return template("module.py.jinja", **context)


def wrapped(classes: Sequence[ClassSource]) -> list[str]:
    """The functions through which `forward` computes sizes, of those that torch.fx is to be told of."""
    bodies = (part for source in classes for body in (source.features, source.head, source.forward) for part in body)
    called = {part.function for part in py.walk(*bodies) if isinstance(part, (py.Call, Call))}
    return [word for word in UNTRACED if word in called or Name(word) in called]


def variant_lines(variants: Mapping[str, Mapping[str, Constant]]) -> list[str]:
    """The dictionary of variants."""
    if not variants:
        return []
    return statement_lines([py.Assign(Name("VARIANTS"), value_tree(variants), parsed("dict[str, dict[str, Any]]"))], 0)


def signature_of_detect(document: Document) -> list[str]:
    """The first lines of a detector's `detect`."""
    detect = origin_of(document.graph).spec.detect
    return detector.detect_signature(detect, document.names) if detect is not None else []


def parts_of(source: ClassSource) -> Iterator[py.Part]:
    """All of a class that may read a name of the file."""
    for given in source.arguments:
        yield parsed(given.type)
        if given.default is not None:
            yield given.default
    for body in (source.init, source.features, source.head, source.forward, source.reset, source.detect):
        yield from body


def printable(source: ClassSource, shapes: str) -> dict[str, Any]:
    """A class as lines; of a network with the shapes that it takes and gives."""
    arguments = [argument(a) for a in source.arguments]
    init = statement_lines(source.init, 2)
    forward = statement_lines(source.forward, 2)
    inputs = ["self", *(f"{name}: {input_type(name, source)}" for name in source.inputs)]
    kinds = [kind for kind in results_of(source.name) if gives(source, kind)]
    result = " | ".join(["Tensor", *kinds] if len(kinds) == 1 and source.training else kinds or [source.result])
    return {
        "name": source.name,
        "base": source.base,
        "doc": class_lines(source.doc, shapes),
        "signature": lines(Group("def __init__", ("self", *arguments)), 4, " -> None:"),
        "init": init,
        "has_init": bool(init or arguments),
        "forward_signature": lines(Group("def forward", tuple(inputs)), 4, f" -> {result}:"),
        "forward": forward,
        "features": statement_lines(source.features, 2),
        "head": statement_lines(source.head, 2),
        "entering": source.entering,
        "last_layer": statement_lines([py.Return(source.last_layer)], 2) if source.last_layer is not None else [],
        "image": next(iter(source.inputs), ""),
        "detect": statement_lines(source.detect, 2),
        "reset": statement_lines(source.reset, 2),
        "reset_signature": f"    def reset_classifier(self, {source.classes}: int) -> None:",
    }


def input_type(name: str, source: ClassSource) -> str:
    if name in source.lists:
        return "tuple[Tensor, ...] | list[Tensor]"  # of a split, of a fork
    return "Tensor | None = None" if name in source.optional else "Tensor"


def argument(given: Argument) -> Doc:
    """`width: float = 1.0`."""
    said = f"{given.name}: {given.type}"
    if given.default is None:
        return said
    return Cat((f"{said} = ", breakable(given.default)))


def document_lines(document: Document) -> list[str]:
    """The module's docstring: paper, variant, input, parameters and MACs."""
    graph, paper = document.graph, document.graph.paper
    params, macs = trained(graph)
    shapes = ", ".join("N×" + "×".join(map(str, t.shape)) for t in graph.inputs.values())
    about = f'From "{paper["title"]}"' if paper.get("title") else ""
    source = ", ".join(
        v for v in (f"arXiv:{paper['arxiv']}" if paper.get("arxiv") else "", str(paper.get("year", ""))) if v
    )
    about += f" ({source})." if about and source else "." if about else ""
    title, numbers = graph.name, f"{shapes}; {params:,} parameters, {macs:,} multiply-adds."
    if document.variants:  # what the variant is, and its settings, are defaults of arguments
        itself = f", it is {graph.variant}" if graph.variant else ""
        each = "One class for all variants: VARIANTS has the arguments of each."
        numbers = f"{each} Without arguments{itself}: input {numbers}"
    else:
        title, numbers = network_name(graph.name, graph.variant, graph.settings), f"Input {numbers}"
    parts = [textwrap.wrap(plain(part), 88) for part in (f"{title}.", about, numbers) if part]
    return [line for number, part in enumerate(parts) for line in ([""] if number else []) + part]


def imports(read: AbstractSet[str], document: Document, further: Sequence[str]) -> dict[str, list[str]]:
    """The import lines for the names that a file reads; `further` are those of preludes."""
    typed = ["Any"] if document.variants or "Any" in read else []
    if output_fields(document):
        typed.append("NamedTuple")
    standard = [line for name, line in STANDARD.items() if name in read]
    standard += [f"from typing import {', '.join(typed)}"] if typed else []
    third = [line for name, line in TORCH.items() if name in read]
    tensors = "Tensor" in read or any(source.forward for source in document.classes)
    names = [*(["Tensor"] if tensors else []), *(["fx"] if wrapped(document.classes) else []), "nn"]
    groups = {"standard": standard, "third": [*third, f"from torch import {', '.join(names)}"]}
    for line in further:
        module = line.split()[1].partition(".")[0]
        groups["standard" if module in sys.stdlib_module_names else "third"].append(line)
    return {name: merged(lines) for name, lines in groups.items()} if further else groups


def output_fields(document: Document) -> dict[str, list[str]]:
    """The fields of each NamedTuple that the network gives: its outputs, and in training those of training too."""
    graph, network = document.graph, document.classes[-1]
    kinds = [kind for kind in results_of(network.name) if gives(network, kind)]
    fields = [list(graph.outputs), [*graph.outputs, *network.training]]
    return dict(zip(kinds, fields[-len(kinds) :] if network.training else fields, strict=False))


def gives(source: ClassSource, kind: str) -> bool:
    """Whether `forward` gives a NamedTuple of this class."""
    return kind in py.words_read(*source.forward)


def merged(found: Sequence[str]) -> list[str]:
    """Import lines in the order of isort: whole modules first; what comes from one module stands in one line."""
    whole = sorted(line for line in dict.fromkeys(found) if line.startswith("import "))
    names: dict[str, set[str]] = {}
    told: dict[str, str] = {}  # to type checkers
    for line in found:
        statement, mark, rest = line.partition(TOLD)
        head, _, parts = statement.partition(" import ")
        if parts:
            names.setdefault(head, set()).update(parts.split(", "))
            told[head] = told.get(head) or mark + rest
    order = {head: sorted(parts, key=by_case) for head, parts in names.items()}
    return [*whole, *(f"{head} import {', '.join(order[head])}{told[head]}" for head in sorted(order))]


def by_case(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as isort has them."""
    return 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2, name


def preludes(classes: list[ClassSource]) -> tuple[list[str], list[str]]:
    """The text of the prelude classes and functions that the file uses, each once, and what they import."""
    found: dict[str, str] = {}
    owners: dict[str, str] = {}
    imported: list[str] = []
    for source in classes:
        for op, kinds in source.modules.items():
            for kind in sorted(kinds):
                if not kind.startswith("nn."):
                    wanted = REGISTRY[op].network_bases.get(kind, kind)
                    parts = prelude_parts(REGISTRY[op].prelude_file(), wanted)
                    refuse_two(op, parts, found, owners)
                    found.update(parts)
                    owners |= dict.fromkeys(dict(parts), op)
                    imported += imports_of(REGISTRY[op].prelude_file(), dict(parts).values())
    return list(found.values()), imported


def refuse_two(op: str, parts: Sequence[tuple[str, str]], found: Mapping[str, str], owners: Mapping[str, str]) -> None:
    """Raises where two preludes define one name as two things."""
    for name, text in parts:
        if found.get(name, text) != text:
            message = f"the preludes of {said(type(REGISTRY[op]))} and of '{owners[name]}' both define '{name}'"
            raise fault("bad-plugin", message, help="rename it in the prelude")
