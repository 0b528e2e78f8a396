"""`archdsl build`: the module made and proven to be its graph, and the files of the output folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from archdsl.analysis.cost import Cost
from archdsl.backends import backend, figures
from archdsl.backends import torch as torch_source
from archdsl.backends.cost import latex, markdown
from archdsl.ir.graph import Graph


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Torch says on every other machine what it was not compiled for: nothing a user of archdsl can act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        yield


def verified(graph: Graph) -> None:
    """Builds the module and proves that it is the graph; raises `SpecError` unless it is."""
    with quiet_torch():
        from archdsl.runtime import module

        module.build(graph, verify=True)


def verified_as_one(graphs: Sequence[Graph]) -> None:
    """Proves that the one class of all these graphs, the networks of one spec, is each of them."""
    with quiet_torch():
        from archdsl.runtime import module

        whole, arguments = module.one_of_all(graphs[0])
        for graph in graphs:
            module.prove(whole(**arguments.get(graph.variant or "", {})), graph)


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
