"""The files of a spec against the JSON Schema, once the reader has found nothing wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from archdsl.diagnostics.faults import Collector, SpecError
from archdsl.diagnostics.spans import Source
from archdsl.support.paths import real
from archdsl.support.resources import spec_folders
from archdsl.workspace.library import SpecLike, Stamp, in_memory, locate, read


def expect_valid(spec: SpecLike, files: dict[Path, Stamp] | None = None) -> None:
    """Raises `SpecError` with what the schema refuses in the files of a spec that is sound otherwise.

    `files` are those that `read` took note of. Shipped files that it names are not looked at: the tests of archdsl
    hold them to the schema.
    """
    from archdsl.yaml.located import open_source

    given = in_memory(spec)
    if given is not None:
        return hold([given])
    if files is None:
        read(spec, files := {})
    own, shipped = locate(spec), [real(folder) for folder in spec_folders().values()]
    others = [path for path in files if path != own and not any(real(path).is_relative_to(each) for each in shipped)]
    return hold(open_source(path) for path in (own, *others))


def hold(sources: Iterable[Source]) -> None:
    """Raises a `SpecError` with all that the schema refuses in some texts."""
    from archdsl.syntax.validation import refused
    from archdsl.yaml.located import read as tree_of

    faults = Collector()
    for source in sources:
        faults.found += refused(tree_of(source))
    if faults.found:
        raise SpecError(*faults.ordered())
