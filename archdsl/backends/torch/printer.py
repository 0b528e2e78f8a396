"""Classes -> text, through a template that only prints."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.analysis.work import trained
from archdsl.backends.torch import detector
from archdsl.backends.torch.classes import Argument, ClassSource
from archdsl.backends.torch.docstrings import class_lines, plain, shapes_of
from archdsl.backends.torch.layout import Cat, Doc, Group, broken, lines
from archdsl.backends.torch.pieces import value_doc
from archdsl.backends.torch.prelude import TOLD, called, imports_of, ours, prelude_parts
from archdsl.backends.torch.scope import results_of
from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Constant
from archdsl.ir.graph import Graph
from archdsl.ops import REGISTRY
from archdsl.ops.own import said
from archdsl.support.resources import template


@dataclass
class Document:
    """All that an emitted file holds."""

    graph: Graph
    classes: list[ClassSource]
    variants: dict[str, dict[str, Constant]] = field(default_factory=dict)  # what arguments make each; in one style
    names: dict[str, str] = field(default_factory=dict)  # of the prelude's definitions that have another here
    helpers: list[str] = field(default_factory=list)  # functions of the file's own


def print_document(document: Document) -> str:
    *blocks, network = document.classes
    classes = [*(printable(source, "") for source in blocks), printable(network, shapes_of(document.graph))]
    prelude, further = preludes(document.classes)
    if any("make_divisible(" in line for c in classes for line in c["init"]):
        prelude = [*(part for _, part in prelude_parts(ours("make_divisible.py"), "make_divisible")), *prelude]
    if document.classes[-1].detect:
        prelude += [part for _, part in prelude_parts(ours(detector.PRELUDE), detector.SEARCH)]
    prelude = [*(called(part, document.names) for part in prelude), *document.helpers]
    body = "\n".join(
        [
            *prelude,
            *(
                line
                for c in classes
                for part in ("signature", "init", "features", "forward", "reset", "detect")
                for line in c[part]
            ),
        ]
    )
    context = {
        "doc": document_lines(document),
        "imports": imports(body, document, further),
        "prelude": prelude,
        "classes": classes,
        "outputs": output_fields(document),
        "detections": document.names.get(detector.RESULT, detector.RESULT),
        "network": document.graph.name,
        "variants": variant_lines(document.variants),
    }
    return template("module.py.jinja", **context)


def variant_lines(variants: Mapping[str, Mapping[str, Constant]]) -> list[str]:
    """The dictionary of variants."""
    if not variants:
        return []
    return lines(Cat(("VARIANTS: dict[str, dict[str, Any]] = ", value_doc(variants))), 0)


def printable(source: ClassSource, shapes: str) -> dict[str, Any]:
    """A class as lines; of a network with the shapes that it takes and gives."""
    arguments = [argument(a) for a in source.arguments]
    init = [text for line in source.init for text in lines(line.doc, 8 + 4 * line.depth, line.suffix)]
    forward = body_lines(source.forward)
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
        "features": body_lines(source.features),
        "image": next(iter(source.inputs), ""),
        "detect": [text for line in source.detect for text in lines(line.doc, 8 + 4 * line.depth, line.suffix)],
        "reset": [text for line in source.reset for text in lines(line.doc, 8 + 4 * line.depth, line.suffix)],
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
    return Cat((f"{said} = ", given.table if given.table is not None else given.default))


def body_lines(body: list[tuple[int, str]]) -> list[str]:
    return [text for depth, line in body for text in lines(broken(line), 8 + 4 * depth)]


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
    numbers = f"Input {shapes}; {params:,} parameters, {macs:,} multiply-adds."
    title = f"{graph.name}{f' {graph.variant}' if graph.variant else ''}."
    return [plain(title), "", *textwrap.wrap(plain(about), 88), *([""] if about else []), numbers]


def imports(body: str, document: Document, further: Sequence[str]) -> dict[str, list[str]]:
    """The import lines: the standard library, then torch; `further` are those of preludes."""
    standard = []
    if re.search(r"(?<![\w.])math\.", body):
        standard.append("import math")
    known = {
        "from collections.abc import Callable": r"(?<![\w.])Callable\[",
        "from functools import partial": r"(?<![\w.])partial\(",
        "from itertools import accumulate": r"(?<![\w.])accumulate\(",
    }
    froms = [line for line, used in known.items() if re.search(used, body)]
    typed = ["Any"] if document.variants else []
    if output_fields(document):
        typed.append("NamedTuple")
    if typed:
        froms.append(f"from typing import {', '.join(typed)}")
    third = []
    if re.search(r"(?<![\w.])torch\.", body) or re.search(r"(?<![\w.])F\.", body):
        if re.search(r"(?<![\w.])torch\.", body):
            third.append("import torch")
        if re.search(r"(?<![\w.])F\.", body):
            third.append("import torch.nn.functional as F")
    third.append(
        "from torch import Tensor, nn"
        if "Tensor" in body or any(c.forward for c in document.classes)
        else "from torch import nn"
    )
    groups = {"standard": standard + froms, "third": third}
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
    return any(f"return {kind}(" in line for _, line in source.forward)


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
            for kind in kinds:
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
