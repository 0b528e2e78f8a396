"""From a name to where it is given and to all that use it, over the files of a project; and another name for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.names import Symbol, Use, uses
from archdsl.editor.project import File, Project, is_shipped
from archdsl.editor.reading import holds

RENAMED = ("block", "param", "let", "column", "tensor", "input", "stage", "variant")


def use_at(file: File, line: int, column: int, project: Project) -> Use | None:
    """The name at a line and column, from 1."""
    return next((use for use in uses(file, project) if holds(use.span, line, column)), None)


def definition(file: File, line: int, column: int, project: Project) -> list[Span]:
    """Where a name is given; of the name of a file, its first line."""
    for word, path in file.named:
        if holds(word.span, line, column):
            other = project.file(path)
            return [Span(other.source, 1, 1, 1, 1)] if other is not None else []
    use = use_at(file, line, column, project)
    if use is None:
        return []
    home = project.file(use.symbol.file) or file
    return [found.span for found in uses(home, project) if found.declares and found.symbol == use.symbol]


def references(file: File, line: int, column: int, project: Project) -> list[Use]:
    """Every place that names what is named here, in this file and in all of the project."""
    use = use_at(file, line, column, project)
    return list(everywhere(use.symbol, file, project)) if use is not None else []


def everywhere(symbol: Symbol, file: File, project: Project) -> Iterator[Use]:
    home = project.file(symbol.file)
    files = {found.path: found for found in (file, *([home] if home else []), *project.all())}
    for found in files.values():
        yield from (use for use in uses(found, project) if use.symbol == symbol)


# --- renaming
def rename(file: File, line: int, column: int, name: str, project: Project) -> dict[Path, list[Span]]:
    """The places to write another name at; raises `SpecError` where the specs would not be the same networks then."""
    use = use_at(file, line, column, project)
    if use is None:
        raise fault("bad-call", "there is no name here that can be changed")
    places: dict[Path, list[Span]] = defaultdict(list)
    for found in everywhere(use.symbol, file, project):
        path = Path(found.span.source.name)
        if found.span not in places[path]:
            places[path].append(found.span)
    shipped = next((path for path in (use.symbol.file, *places) if is_shipped(path)), None)
    if shipped is not None:
        raise fault("bad-call", f"'{use.symbol.name}' is of the shipped file {shipped.name}", use.span)
    texts = {path: written(spans, name) for path, spans in places.items()}
    expect_same(project, project.with_texts(texts), set(places))
    return places


def written(spans: list[Span], name: str) -> str:
    """The text of a file with another name at some places."""
    text = spans[0].source.text
    lines = text.splitlines(keepends=True)
    for span in sorted(spans, key=lambda span: (span.line, span.col), reverse=True):
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.col - 1] + name + line[span.end_col - 1 :]
    return "".join(lines)


def expect_same(before: Project, after: Project, changed: set[Path]) -> None:
    """Raises `SpecError` unless each spec that is made of the files changed was sound, and is what it was."""
    for file in before.made_of(changed):
        old, new = (checked(project, file.path) for project in (before, after))
        for analysis in (old, new):
            if analysis.found.found:
                raise SpecError(*analysis.found.ordered())
        if told(old) != told(new):
            raise fault("bad-call", f"with this name {file.path.name} would be another network")


def checked(project: Project, path: Path) -> Analysis:
    analysis = analyse(path, project.load(path).text, project.load)
    for _ in analysis.rest():
        pass
    return analysis


def told(analysis: Analysis) -> list[tuple[object, ...]]:
    """A network without its names: which op makes which shape of which others, with which numbers."""
    if analysis.graph is None:
        return []
    return [
        (node.op.name, dict(node.fields), [t.shape for t in node.outputs], sources(node.inputs))
        for node in analysis.graph.nodes
    ]


def sources(tensors: Iterable[object]) -> list[tuple[object, object]]:
    return [(node.id if (node := getattr(t, "node", None)) else None, getattr(t, "index", 0)) for t in tensors]
