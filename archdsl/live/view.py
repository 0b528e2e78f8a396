"""What there is to see of a spec at one moment: figure, source, table, warnings, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archdsl.analysis.cost import cost
from archdsl.backends import figures, torch
from archdsl.backends.cost import html, title
from archdsl.diagnostics.faults import Diagnostic, SpecError
from archdsl.ir.graph import Graph
from archdsl.lint.run import lint
from archdsl.lint.switches import chosen
from archdsl.workspace.library import Stamp, locate, read, stamp


@dataclass(frozen=True)
class View:
    """What is shown; of a spec with faults, what the last sound one gave beside them."""

    files: Mapping[Path, Stamp]  # that were read
    title: str = ""
    totals: str = ""
    figure: str = ""  # svg
    source: str = ""
    table: str = ""  # html
    warnings: tuple[Diagnostic, ...] = ()
    faults: tuple[Diagnostic, ...] = ()

    def is_current(self) -> bool:
        """Whether the files are as they were read."""
        return all(stamp(path) == known for path, known in self.files.items())


def look(spec: str, network: Callable[[], Graph], before: View | None = None) -> View:
    """What there is to see of a spec now; `network` makes the graph that is looked at."""
    files: dict[Path, Stamp] = {}
    try:
        read(spec, files)
        return seen(network(), chosen(locate(spec).parent), files)
    except SpecError as error:
        known = {**(before.files if before and not files else {}), **files}
        return replace(before or View(known), files=known, faults=error.diagnostics, warnings=())


def seen(graph: Graph, codes: frozenset[str], files: Mapping[Path, Stamp]) -> View:
    found = cost(graph)
    return View(
        files,
        title(found),
        f"{found.params:,} params, {found.macs:,} MACs",
        str(figures.draw(graph)),
        torch.emit(graph),
        html(found),
        tuple(lint([graph], codes)),
    )
