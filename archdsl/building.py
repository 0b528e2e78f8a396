"""`archdsl build`: the module made and run once against what was inferred, and the files of the output folder."""

from __future__ import annotations

import warnings

from archdsl.backends import backend, figures, torch_source
from archdsl.backends.cost import latex, markdown
from archdsl.counting import Cost
from archdsl.graph import Graph


class Differs(Exception):
    """The module that was built is not what was inferred: a fault of archdsl."""


def verified(graph: Graph) -> None:
    """Builds the module and runs it once; raises `Differs` unless shapes, parameters and MACs are the inferred ones."""
    from archdsl import module

    with warnings.catch_warnings():
        # Torch says on every other machine what it was not compiled for: nothing a user of archdsl can act on.
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        differences = module.verify(module.build(graph), graph)
    if differences:
        raise Differs("the module differs from the graph: " + "; ".join(differences))


def files(graph: Graph, cost: Cost, name: str) -> dict[str, str | bytes]:
    """The files of the output folder by name; nothing is written."""
    blocks = {
        f"blocks/{block}.svg": figures.draw(graph, block=block, level="op", format="svg") for block in blocks_of(graph)
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
    return list(dict.fromkeys(scope.name for scope in graph.root.scopes() if scope.kind == "block"))
