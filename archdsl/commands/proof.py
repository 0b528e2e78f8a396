"""The proof that modules are their graphs, as `archdsl build` and `archdsl check --deep` give it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph

PROVEN = "outputs, arguments, parameters and MACs are those of the graph"


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Torch says on every other machine what it was not compiled for: nothing a user of archdsl can act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        yield


def verified(graph: Graph, *, elsewhere: bool = False) -> None:
    """Builds the module and proves that it is the graph; raises `SpecError` unless it is.

    With `elsewhere` it is proven at a second size of the image too, if it takes one.
    """
    with quiet_torch():
        from archdsl.runtime import module

        module.prove(module.build(graph), graph, elsewhere=elsewhere)


def verified_as_one(graphs: Sequence[Graph]) -> None:
    """Proves that the one class of all these graphs, the networks of one spec, is each of them."""
    with quiet_torch():
        from archdsl.runtime import module

        whole, arguments = module.one_of_all(graphs[0])
        for graph in graphs:
            module.prove(whole(**arguments.get(graph.variant or "", {})), graph)
