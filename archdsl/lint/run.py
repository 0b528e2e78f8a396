"""Graphs of a spec -> warnings: each step once, with the run that says most."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import Collector, Diagnostic, Note
from archdsl.diagnostics.spans import Span
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.lint.base import Finding, Rule
from archdsl.lint.network import Network
from archdsl.lint.rules import RULES
from archdsl.lint.switches import ignored, is_off


@dataclass
class Told:
    """What a rule found at one place of a spec, over all its runs."""

    findings: list[tuple[Network, Finding]] = field(default_factory=list)
    weights: dict[Network, float] = field(default_factory=lambda: defaultdict(float))  # in each network

    @property
    def worst(self) -> tuple[Network, Finding]:
        return max(self.findings, key=lambda found: found[1].weight)


def lint(graphs: Sequence[Graph], codes: Collection[str] = RULES.keys()) -> list[Diagnostic]:
    """The warnings of some rules about a network, given in each of its variants; comments in its files are heeded."""
    networks = [Network(graph) for graph in graphs]
    runs = Counter(net.place(node).span for net in networks for node in net.nodes)
    gathered = Collector()
    for code in codes:
        for span, told in places(RULES[code], networks).items():
            off = is_off(code, span) or is_off(code, told.worst[1].node.span)
            if not off and is_told(RULES[code], told, runs[span]):
                gathered.found.append(warning(RULES[code], span, told, runs[span]))
    for source in dict.fromkeys(graph.origin.spec.span.source for graph in graphs if graph.origin):
        gathered.found += ignored(source)[1]
    return gathered.ordered()


def places(rule: Rule, networks: Sequence[Network]) -> dict[Span | None, Told]:
    """What a rule finds, by place."""
    found: dict[Span | None, Told] = defaultdict(Told)
    for net in networks:
        for finding in rule.find(net):
            told = found[net.place(finding.node).span]
            told.findings.append((net, finding))
            told.weights[net] += finding.weight
    return found


def is_told(rule: Rule, told: Told, runs: int) -> bool:
    """Whether it is enough to speak of."""
    return max(told.weights.values()) >= rule.least and (not rule.every or len(told.findings) == runs)


def warning(rule: Rule, span: Span | None, told: Told, runs: int) -> Diagnostic:
    net, finding = told.worst
    notes = [Note(where(net, finding.node, len(told.findings), runs))]
    if rule.paper is not None:
        notes.append(Note(str(rule.paper)))
    trail = tuple(Note(f"{scope.name}, called here", scope.span) for scope in calls(net, finding.node))
    return Diagnostic(
        rule.code, finding.message, span, notes=tuple(notes), help=rule.help, trail=trail, severity="warning"
    )


def where(net: Network, node: Node, told: int, runs: int) -> str:
    """Which run the message is about, of how many."""
    place = node.path + (f" of {net.graph.variant}" if net.graph.variant else "")
    others = f"; the same in {told} of {runs} runs" if runs > 1 else ""
    return f"this is {place}{others}"


def calls(net: Network, node: Node) -> Iterator[Scope]:
    """The calls of blocks that led to a step, the innermost first, from the place on that the warning has."""
    here, scope = net.place(node), node.scope
    if isinstance(here, Scope):
        scope = here.parent or here
    current: Scope | None = scope
    while current is not None:
        if current.kind == "block" and current.span is not None:
            yield current
        current = current.parent
