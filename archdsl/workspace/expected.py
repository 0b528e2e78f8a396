"""What a spec states of its networks (`expect:`, `top1:`), held against what they come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from archdsl.analysis.cost import Claim, Cost
from archdsl.diagnostics.faults import Diagnostic, Note, SpecError
from archdsl.ir.graph import Graph
from archdsl.syntax.spec import DEFAULT, Expected, Published, Spec
from archdsl.workspace.library import elaborated, rewritten
from archdsl.yaml.edits import key_text

UPDATE = "archdsl check --update"
PAPER = "paper"  # where numbers are from, if a spec says nothing else
TRAIN = "train"  # the form in which a network is what its spec says
TAKE_OUT = f"remove top1: and run {UPDATE}, or extend the spec (extends:) instead of copying it"


def known_as(spec: Spec, variant: str | None) -> str | None:
    """The variant of which something is stated: for the network as it stands, also the variant that changes nothing."""
    return spec.standing() if variant is None and DEFAULT not in spec.expect else variant


def expect_as_stated(graph: Graph, cost: Cost, *, top1: bool = False) -> None:
    """As `expect_stated` for a graph that is a network of its spec, with nothing set over it."""
    assert graph.origin is not None
    spec = graph.origin.spec
    expect_stated(spec, known_as(spec, graph.variant), cost.params, cost.macs, lambda: graph.fingerprint, top1=top1)


def with_published(cost: Cost) -> Cost:
    """The cost, which finds out what was published of its network when that is asked for."""
    return replace(cost, look_up=claim_of)


def claim_of(cost: Cost) -> Claim:
    """What was published of a network: its counts where they differ, its accuracy, and where both are from."""
    graph = cost.graph
    published = published_of(graph)
    if published is None:
        return Claim(elsewhere=form_elsewhere(graph))
    source = published.source or graph.paper.get("top1") or PAPER
    told = (("params", published.params, cost.params), ("macs", published.macs, cost.macs))
    other = {name: amount for name, amount, count in told if amount is not None and not amount.is_rounded(count)}
    return Claim(published.top1, source, other)


def published_of(graph: Graph) -> Published | None:
    """What was published of this very network, in this very form."""
    published = stated_of(graph)
    if published is None or graph.origin is None:
        return None
    spec, name = graph.origin.spec, known_as(graph.origin.spec, graph.variant)
    stated = spec.expect.get(name or DEFAULT)
    if stated is None or stated.graph is None:
        return None
    if published.form == TRAIN:
        return published if stated.graph == graph.fingerprint else None
    trained, formed = elaborated(spec, name, None, None), rewritten(form=published.form)
    bound = stated.graph == trained.fingerprint
    same = bound and elaborated(spec, name, None, None, formed).fingerprint == graph.fingerprint
    return published if same else None


def form_elsewhere(graph: Graph) -> str | None:
    """The form of a network that something was published of, if it is the stated network in another form."""
    published = stated_of(graph)
    if published is None or published.form == TRAIN or graph.origin is None:
        return None
    spec = graph.origin.spec
    stated = spec.expect.get(known_as(spec, graph.variant) or DEFAULT)
    return published.form if stated is not None and stated.graph == graph.fingerprint else None


def stated_of(graph: Graph) -> Published | None:
    """What the spec says was published of a variant, whatever has become of it."""
    spec = graph.origin.spec if graph.origin is not None else None
    name = known_as(spec, graph.variant) if spec is not None else None
    return spec.variants[name].published if spec is not None and name is not None else None


def expect_stated(
    spec: Spec, variant: str | None, params: int, macs: int, fingerprint: Callable[[], str], *, top1: bool = True
) -> None:
    """Raises `SpecError` where a network is not what its spec states of it.

    With `top1` what was published must say of which network it is. The fingerprint is asked for only where needed.
    """
    expected = spec.expect.get(variant or DEFAULT)
    faults = [] if expected is None else wrong_counts(spec, variant, expected, params, macs)
    if not faults:
        faults = wrong_network(spec, variant, expected, fingerprint, top1=top1)
    if faults:
        raise SpecError(*faults)


def named(spec: Spec, variant: str | None) -> str:
    return f"{spec.name} {variant or ''}".strip()


def wrong_counts(spec: Spec, variant: str | None, expected: Expected, params: int, macs: int) -> list[Diagnostic]:
    pairs = {"params": (expected.params, params), "macs": (expected.macs, macs)}
    return [
        Diagnostic(
            "unexpected-count",
            f"{named(spec, variant)} has {counted:,} {what}, but expect: states {wanted:,}",
            expected.span,
            help=f"compare archdsl cost with the table of the paper, or correct the number with {UPDATE}",
        )
        for what, (wanted, counted) in pairs.items()
        if wanted is not None and wanted != counted
    ]


def wrong_network(
    spec: Spec, variant: str | None, expected: Expected | None, fingerprint: Callable[[], str], *, top1: bool
) -> list[Diagnostic]:
    """At most one fault: another network than the one stated, or an accuracy of none that is stated."""
    published = spec.variants.get(variant or "")
    wanted = expected.graph if expected is not None else None
    numbers = published.published if published is not None else None
    if wanted is None:
        bound = not top1 or numbers is None
        return [] if bound or published is None else [unbound(spec, published.name, fingerprint())]
    found = fingerprint()
    if expected is None or found == wanted:
        return []
    notes: tuple[Note, ...] = ()
    help = f"if the change is intended, run {UPDATE}, or write graph: {found}"
    if numbers is not None:
        notes, help = (measured_on(spec, variant),), TAKE_OUT
    message = f"{named(spec, variant)} is not the network that expect: states: its fingerprint is {found}, not {wanted}"
    return [Diagnostic("other-network", message, expected.span, notes=notes, help=help)]


def measured_on(spec: Spec, variant: str | None) -> Note:
    published = spec.variants[variant or ""]
    if published.top1 is None:
        return Note("the published numbers belong to the stated network", published.span)
    return Note(f"top1: {published.top1:g} was measured on the stated network", published.span)


def unbound(spec: Spec, variant: str, found: str) -> Diagnostic:
    """The fault of an accuracy that says nothing of its network."""
    published = spec.variants[variant]
    message = f"the numbers published for '{variant}' do not say which network they belong to"
    if published.top1 is not None:
        message = f"top1: {published.top1:g} of '{variant}' does not say which network it was measured on"
    help = f"if it is this network, run {UPDATE}, or write expect: {{{key_text(variant)}: {{graph: {found}}}}}"
    return Diagnostic("unbound-accuracy", message, published.span, help=help)
