"""What there is to see of a spec at one moment: figure, source, table, warnings, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from archdsl.analysis.cost import cost
from archdsl.backends import figures, torch
from archdsl.backends.cost import html, title
from archdsl.diagnostics.faults import Diagnostic, SpecError
from archdsl.ir.graph import Graph
from archdsl.lint.run import lint
from archdsl.lint.switches import chosen, projects
from archdsl.syntax.own_ops import load_ops, loaded_files
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
    """What there is to see of a spec now; `network` makes the graph that is looked at.

    Files of ops that have changed since the view `before` are loaded again.
    """
    files: dict[Path, Stamp] = {}
    beside: dict[Path, Stamp] = {}
    try:
        folder = locate(spec).parent
        beside |= {path: stamp(path) for path in (*projects(folder), *chain(*loaded_files().values()))}
        load_changed(before)
        read(spec, files)
        return seen(network(), chosen(folder), {**files, **beside})
    except SpecError as error:
        known = {**(before.files if before and not files else {}), **files, **beside}
        return replace(before or View(known), files=known, faults=error.diagnostics, warnings=())


def load_changed(before: View | None) -> None:
    """Loads the files of ops again that are not as they were, or of which a part is not; all of them after a fault."""
    if before is None:
        return
    failed = any(item.code == "bad-plugin" for item in before.faults)
    for path, parts in loaded_files().items():
        if failed or any(stamp(part) != before.files.get(part) for part in parts):
            load_ops(path)


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
