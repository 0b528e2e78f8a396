"""What is compared with what: two networks by name, one before and after settings, a file at two revisions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.analysis.difference import Difference, difference
from archdsl.analysis.difference.phrases import set_to
from archdsl.analysis.difference.statements import value_text
from archdsl.analysis.latency import LatencyTable
from archdsl.diagnostics.faults import fault
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph
from archdsl.ops.base import times
from archdsl.passes.pipeline import Rewriting
from archdsl.support.naming import spaced
from archdsl.support.paths import is_file
from archdsl.workspace.comparison import AT, Compared, halves
from archdsl.workspace.library import Inputs, SpecLike, elaborated, graph_of, locate, rewritten
from archdsl.workspace.revisions import HEAD, read_at, revisions
from archdsl.workspace.settings import patches_in


@dataclass(frozen=True)
class Choice:
    """What is said of a network beside its spec."""

    variant: str | None = None
    params: Mapping[str, Any] | None = None
    inputs: Inputs | None = None
    rewriting: Rewriting | None = None

    @property
    def is_rewritten(self) -> bool:
        """Whether it is another network than its spec says."""
        return self.rewriting not in (None, rewritten())

    def named(self, name: str, graph: Graph) -> str:
        """`PeleeNet, growth=24, input 3×256×256`: a network that is called so, with what was chosen of it."""
        return self.with_settings(name, [f"{setting}={value_text(value)}" for setting, value in graph.settings.items()])

    def printed(self, name: str, graph: Graph) -> str:
        """The same in print: `PeleeNet, growth 24, input 3×256×256`."""
        return self.with_settings(name, [set_to(setting, value) for setting, value in graph.settings.items()])

    def with_settings(self, name: str, said: Sequence[str]) -> str:
        shapes = self.inputs.items() if isinstance(self.inputs, Mapping) else [("", self.inputs or ())]
        sizes = (f"input {name}".strip() + f" {times(shape)}" for name, shape in shapes if shape)
        return ", ".join([name, *said, *sizes])


@dataclass(frozen=True)
class Named:
    """A network, and what it may be called: by its spec's name, by what it was asked for with, and in print."""

    graph: Graph
    name: str
    asked: str
    printed: str


def diff(before: Compared, after: Compared, latency: LatencyTable | None = None) -> Difference:
    """What makes one network of another; each is a spec, `spec@variant`, or a Graph."""
    return compared(*two(before, after, Choice()), latency)


def two(before: Compared, after: Compared, choice: Choice) -> tuple[Named, Named]:
    """Two networks of which the same is said; `@variant` is one of the first one's spec."""
    if isinstance(after, str) and after.startswith(AT) and not isinstance(before, Graph):
        file, _ = halves(before)
        return network(before, choice), of_file(file, after[len(AT) :], choice)
    return network(before, choice), network(after, choice)


def settings(spec: Compared, choice: Choice) -> tuple[Named, Named]:
    """A network as it is, and with what is said of it: what rewrites it is said of both if there is more."""
    if choice.params or patches_in(choice.params) or choice.inputs is not None:
        plain = Choice(choice.variant, rewriting=choice.rewriting)
        return network(spec, plain), network(spec, choice)
    before, after = network(spec, Choice(choice.variant)), network(spec, choice)
    options = origin_of(after.graph).function.options or ()
    made = f" with {' '.join(options)}"
    printed = ", ".join([after.printed, *map(option_in_print, options[::2], options[1::2])])
    return before, Named(after.graph, after.name + made, after.asked + made, printed)


def option_in_print(flag: str, value: str) -> str:
    """`deploy form` of `--form deploy`, `output stride 16`."""
    word = flag.removeprefix("--").replace("-", " ")
    return f"{value} {word}" if word == "form" else f"{word} {spaced(value)}"


def history(spec: str, choice: Choice, between: str | None = None) -> tuple[Named, Named]:
    """A file of a repository at two revisions (`v1..v2`), at one and as it is, or committed and as it is."""
    name, variant = halves(spec)
    file = str(name)
    path = Path(file)
    first, second = revisions(between if between is not None else HEAD)
    if between is None and not is_file(path):
        locate(file)  # raises if there is no such spec at all
        message = f"there is nothing to compare '{spec}' with"
        raise fault("bad-call", message, help="give a second spec, --set NAME=VALUE, or a file that is in git")
    old = at_revision(path, first, variant, choice)
    if second is None:
        now = of_file(file, variant, choice)
        name = f"{called(now.graph)} now"
        return old, Named(now.graph, choice.named(name, now.graph), now.asked, choice.printed(name, now.graph))
    return old, at_revision(path, second, variant, choice)


def compared(before: Named, after: Named, latency: LatencyTable | None = None) -> Difference:
    """The difference of two networks, by names that tell them apart where any do; latencies are those of a table."""
    names = (before.name, after.name) if before.name != after.name else (before.asked, after.asked)
    return difference(before.graph, after.graph, names, latency, printed(before, after))


def printed(before: Named, after: Named) -> tuple[str, str]:
    """What two networks are called in print: those of one name with their files behind it."""
    if before.printed != after.printed or before.asked == after.asked:
        return before.printed, after.printed
    files = [Path(one.asked.partition(AT)[0]).stem for one in (before, after)]
    if files[0] == files[1]:
        return before.asked, after.asked
    return f"{before.printed} ({files[0]})", f"{after.printed} ({files[1]})"


def network(spec: Compared, choice: Choice) -> Named:
    """A network by its spec, with its variant behind an @."""
    if isinstance(spec, Graph):
        graph = graph_of(spec, choice.variant, choice.params, choice.inputs, choice.rewriting or rewritten())
        return Named(graph, *[called(graph)] * 3)
    file, variant = halves(spec)
    return of_file(file, variant, choice)


def of_file(file: SpecLike, variant: str | None, choice: Choice) -> Named:
    """A network by its spec."""
    graph = graph_of(file, variant_of(variant, choice), choice.params, choice.inputs, choice.rewriting)
    asked = os.fspath(file) if isinstance(file, (str, os.PathLike)) else "a dict"
    named = f"{asked}@{variant}" if variant is not None else asked
    names = choice.named(called(graph), graph), choice.named(named, graph), choice.printed(called(graph), graph)
    return Named(graph, *names)


def at_revision(path: Path, revision: str, variant: str | None, choice: Choice) -> Named:
    """A network as its file was."""
    form = variant_of(variant, choice)
    spec = read_at(path, revision, patches_in(choice.params, form))
    graph = elaborated(spec, form, choice.params, choice.inputs, choice.rewriting)
    name = f"{called(graph)} at {revision}"
    return Named(graph, choice.named(name, graph), f"{path} at {revision}", choice.printed(name, graph))


def called(graph: Graph) -> str:
    return " ".join(filter(None, (graph.name, graph.variant)))


def variant_of(own: str | None, choice: Choice) -> str | None:
    """The variant of a network: the one that stands with its spec, or that of the call."""
    if own is not None and choice.variant is not None:
        raise fault("bad-call", f"two variants are asked for, {own} and {choice.variant}", help="give one of them")
    return own if own is not None else choice.variant


__all__ = ["Choice", "compared", "diff", "history", "settings", "two"]
