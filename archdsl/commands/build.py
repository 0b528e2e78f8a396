"""`archdsl build`: a network proven, its table, and the files of its folder."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands.options import network, once, to_choose_of_spec
from archdsl.commands.progress import working
from archdsl.commands.proof import PROVEN, verified
from archdsl.commands.terminal import console, say

if TYPE_CHECKING:
    from archdsl.analysis.cost import Cost
    from archdsl.ir.graph import Graph


LONGEST = 120  # characters of the name of a folder


@click.command("build")
@to_choose_of_spec
@once(
    "-o",
    "--out",
    metavar="DIR",
    help="Folder to write into. [default: build/NAME-CHOICE, such as build/peleenet-growth=16]",
)
def command(spec: str, variant: str | None, out: str | None, **choice: Any) -> None:
    """Build and verify a network, and write it into a folder.

    The folder then contains the source, the figures and the tables. The module must agree with the graph in
    its outputs, layer arguments, parameters and MACs.
    """
    from archdsl.analysis.cost import cost
    from archdsl.backends.cost import show
    from archdsl.support.output import write_all
    from archdsl.workspace.expected import expect_as_stated, with_published
    from archdsl.workspace.library import locate
    from archdsl.workspace.validation import expect_valid

    name, graph = locate(spec).stem, network(spec, variant=variant, **choice)
    expect_valid(spec)
    found = with_published(cost(graph))
    if not graph.settings and is_of_spec(**choice):
        expect_as_stated(graph, found)
    with working(f"building and proving {graph.name}"):
        verified(graph)
    with working(f"printing and drawing {graph.name}"):
        written = files(graph, found, name)
    folder = Path(out) if out else Path("build") / folder_name(name, graph, **choice)
    write_all(folder, written)
    show(found, console())
    say(f"\nproven: {PROVEN}")
    say(f"wrote {folder}{os.sep}: {', '.join(listed(written))}")


def folder_name(
    name: str,
    graph: Graph,
    *,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    passes: tuple[str, ...],
    features: Any,
    output_stride: int | None,
) -> str:
    """`peleenet-growth=16`: what was chosen, so that no other choice has the same folder."""
    from archdsl.support.naming import set_texts

    shapes = {name: "x".join(map(str, tensor.shape)) for name, tensor in graph.inputs.items()} if inputs else {}
    sizes = [size if len(shapes) == 1 else f"{name}={size}" for name, size in shapes.items()]
    form = [layers] if layers != "train" else []
    form += [f"features_only={'all' if features is True else ','.join(map(str, features))}"] if features else []
    form += [f"output_stride={output_stride}"] if output_stride is not None else []
    whole = "-".join(filter(None, (name, graph.variant, *set_texts(graph.settings), *sizes, *form, *passes)))
    plain = re.sub(r"[^\w.,=+-]+", "_", re.sub(r"[\[\] ]", "", whole))[:LONGEST]
    return plain if plain == whole else f"{plain}-{sha256(whole.encode()).hexdigest()[:8]}"


def is_of_spec(*, layers: str, **chosen: Any) -> bool:
    """Whether a network is one that its spec states something of: nothing is chosen beside its variant."""
    return layers == "train" and not any(chosen.values())


def files(graph: Graph, cost: Cost, name: str) -> dict[str, str | bytes]:
    """The files of the output folder by name; nothing is written."""
    from archdsl.backends import backend, figures
    from archdsl.backends import torch as torch_source
    from archdsl.backends.cost import markdown
    from archdsl.backends.cost.paper import latex

    blocks = {
        f"blocks/{block}.svg": figures.draw(graph, block=block, cases=["all"], level="op", format="svg")
        for block in blocks_of(graph)
    }
    return {
        f"{name}.py": torch_source.emit(graph),
        f"{name}.svg": figures.draw(graph, block=None, level="network", format="svg"),
        f"{name}.json": backend("json")(graph),
        "table.tex": latex(cost),
        "table.md": markdown(cost),
        **blocks,
    }


def blocks_of(graph: Graph) -> list[str]:
    """The blocks in use, in the order of their first call."""
    return list(dict.fromkeys(scope.name for scope in graph.root.scopes() if scope.is_block))


def listed(written: dict[str, str | bytes]) -> list[str]:
    """Names for one line: the blocks counted."""
    count = sum("/" in name for name in written)
    figures = "1 figure" if count == 1 else f"{count} figures"
    return [name for name in written if "/" not in name] + ([f"{figures} in blocks"] if count else [])
