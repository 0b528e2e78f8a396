"""What is known of a document: its faults, its spec, and its network for shapes and costs.

Two rounds find the faults. The first reads, looks up all names and runs one network, in less than what a keystroke
should cost; all networks of the spec, with what it states of them, follow one by one, once nothing is typed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from archdsl.analysis.counting import Kept, run
from archdsl.analysis.elaborate import elaborate, lowered
from archdsl.analysis.partial import with_numbers
from archdsl.diagnostics.faults import Collector, Diagnostic, Note, SpecError
from archdsl.diagnostics.spans import Source, Span
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ir.program import Program
from archdsl.lowering.entry import UnsoundError, lower_blocks
from archdsl.passes.reparameterize import expect_mergeable
from archdsl.support.paths import real
from archdsl.syntax.spec import Spec
from archdsl.syntax.validation import refused
from archdsl.workspace.expected import expect_stated
from archdsl.workspace.library import read_from
from archdsl.yaml.located import read

Load = Callable[[Path], Source]


@dataclass(eq=False)
class Analysis:
    """One state of a document."""

    path: Path
    source: Source
    spec: Spec | None = None
    program: Program | None = None
    kept: Kept = field(default_factory=Kept)
    texts: dict[Path, str] = field(default_factory=dict)  # of the files that it was read from
    links: dict[str, Span] = field(default_factory=dict)  # where the document names other files
    found: Collector = field(default_factory=Collector)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The faults found so far, each at a place of this document."""
        return [at_home(item, self.source, self.links) for item in self.found.ordered()]

    @property
    def forms(self) -> list[str | None]:
        """The networks that the spec is; first the one that it is where no variant is named."""
        if self.spec is None:
            return []
        first = self.spec.chosen(None)
        return sorted(self.spec.networks(), key=lambda name: name != first)

    def rest(self) -> Iterator[None]:
        """Runs each network of the spec, for what the spec states of it too, one a step; the schema comes last."""
        for variant in self.forms if self.program is not None else ():
            self.run(variant, stated=True)
            yield
        if not self.found.found:
            self.found.found += refused(read(self.source))

    def run(self, variant: str | None, *, stated: bool = False) -> None:
        """Counts a network, without what is stated of it: that may ask for its graph, which takes longer."""
        spec, program = self.spec, self.program
        assert spec is not None
        assert program is not None
        with self.found.catch():
            ran = run(spec, program, self.kept, variant)
            if stated:
                counted = ran.trace.total()
                expect_stated(spec, variant, counted.params, counted.macs, ran.fingerprint)

    @cached_property
    def graph(self) -> Graph | None:
        """The first network, if it is sound."""
        if self.spec is None or self.program is None or not self.forms:
            return None
        try:
            return elaborate(self.spec, self.forms[0])
        except SpecError:
            return None

    @cached_property
    def nodes(self) -> dict[tuple[str, int], list[Node]]:
        """The ops by the file and line of their step."""
        found: dict[tuple[str, int], list[Node]] = defaultdict(list)
        for node in self.graph.nodes if self.graph is not None else ():
            if node.span is not None:
                found[node.span.source.name, node.span.line].append(node)
        return found

    @cached_property
    def scopes(self) -> dict[tuple[str, int], list[Scope]]:
        """The stages and calls by the file and line of their step."""
        found: dict[tuple[str, int], list[Scope]] = defaultdict(list)
        for scope in self.graph.root.scopes() if self.graph is not None else ():
            if scope.span is not None and scope.kind in ("stage", "block"):
                found[scope.span.source.name, scope.span.line].append(scope)
        return found


def analyse(path: Path, text: str, load: Load, links: dict[str, Span] | None = None) -> Analysis:
    """The first round: faults of form and names, and those of one network."""
    analysis = Analysis(path, Source(str(path), text), texts={real(path): text}, links=links or {})

    def noted(named: Path) -> Source:
        source = load(named)
        analysis.texts[real(named)] = source.text
        return source

    with analysis.found.catch():
        analysis.spec = read_from(analysis.source, path, noted, brief=True)
        if not analysis.forms:
            lower_blocks(analysis.spec)
            return analysis
        try:
            analysis.program = lowered(analysis.spec)
        except UnsoundError as error:
            raise SpecError(*with_numbers(error, analysis.spec, brief=True)) from None
        expect_mergeable(analysis.program)
        analysis.run(analysis.forms[0])
    return analysis


def at_home(item: Diagnostic, source: Source, links: dict[str, Span]) -> Diagnostic:
    """A fault of another file, told where this one names it; with its own place as a note."""
    if item.span is not None and item.span.source.name == source.name:
        return item
    here = next((note.span for note in item.trail if note.span and note.span.source.name == source.name), None)
    if here is None and item.span is not None:
        here = links.get(item.span.source.name) or next(iter(links.values()), None)
    note = (Note(item.message, item.span),) if item.span is not None else ()
    return replace(item, span=here or Span(source, 1, 1, 1, 1), notes=(*note, *item.notes))
