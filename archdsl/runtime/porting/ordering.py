"""Pairing without a network at hand: their modules in the order of the file, ours in every order that could be it.

Who writes a network makes its modules in an order in which they could run, and those of a block or a branch together.
So their order is one of ours in which no module comes before what it reads, and none is set inside another block. If
the shapes leave one such order alone, it gives the pairs; if none or several, they are not known. Only a tensor that
stands beside modules (a layer scale) says nothing by its place: torch lists it before them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.runtime.porting.parts import Pair, Part, match, pairs_of

MOST_ORDERS = 4096  # open at a time
REFERENCE = (
    "name the network that they come from, which leaves fewer possibilities: --from timm:NAME, or a module in Python"
)


@dataclass(eq=False)
class Group:
    """A module, or several that stand together; sets of modules are bits of a number."""

    part: Part | None = None
    members: list[Group] = field(default_factory=list)
    inside: int = 0
    needs: int = 0  # what must have come before


def by_order(theirs: Sequence[Part], ours: Sequence[Part], graph: Graph) -> list[Pair]:
    """Pairs the tensors of a file, in its order, with those of a network. Raises `SpecError`."""
    if len(theirs) != len(ours):
        message = f"their network has {len(theirs)} modules with weights, ours has {len(ours)}"
        raise fault("unmatched-weights", message, notes=first_difference(theirs, ours), help=REFERENCE)
    root = grouped(graph, ours)
    layers: list[dict[int, list[tuple[int, Part]]]] = [{0: []}]
    for part in theirs:
        layers.append(further(part, layers[-1], root))
        if not layers[-1]:
            raise stuck(part, layers[-2], root)
        if len(layers[-1]) > MOST_ORDERS:
            message = f"before their {part}, too many orders of our modules fit to tell which one is right"
            raise fault("unmatched-weights", message, help=REFERENCE)
    found = traced(theirs, layers)
    return [pair for theirs_, ours_ in zip(theirs, found, strict=True) for pair in pairs_of(theirs_, ours_)]


def by_shape(theirs: Sequence[Part], ours: Sequence[Part]) -> list[Pair]:
    """Pairs tensors by their shapes alone, for a file that keeps no order. Raises `SpecError`."""
    found: list[Pair] = []
    help = "give one with their names in order, or the network that they come from: --from FILE.pth, --from timm:NAME"
    for part in ours:
        fitting = [item for item in theirs if match(item, part) is not None]
        rivals = [item for item in ours if fitting and match(fitting[0], item) is not None]
        if len(fitting) != 1 or len(rivals) != 1:
            what = f"{len(fitting)} of their modules have" if len(fitting) != 1 else "several of ours have"
            message = f"the file does not keep the order, and {what} the shape of our {part}"
            raise fault("unmatched-weights", message, help=help)
        found += pairs_of(fitting[0], part)
    if len(theirs) != len(ours):
        raise fault("unmatched-weights", f"their network has {len(theirs)} modules with weights, ours has {len(ours)}")
    return found


# --- the orders of ours


def grouped(graph: Graph, parts: Sequence[Part]) -> Group:
    """The modules of a network as they stand together, with what each needs."""
    owners = owners_of(graph, parts)
    bits: dict[int, int] = {}
    groups: dict[int, list[Group]] = {}
    for index, (part, node) in enumerate(zip(parts, owners, strict=True)):
        bits[node.id] = bits.get(node.id, 0) | 1 << index
        groups.setdefault(node.id, []).append(Group(part, inside=1 << index))
    before: dict[int, int] = {}  # of each node: the modules that come before it in the graph
    for node in graph.nodes:
        sources = [tensor.node for tensor in node.reads if tensor.node is not None]
        reached = 0
        for source in sources:
            reached |= before[source.id] | bits.get(source.id, 0)
        before[node.id] = reached
        chain = 0  # the modules of one op: in the order of its own
        for group in groups.get(node.id, []):
            group.needs, chain = reached | chain, chain | group.inside
    return of_scope(graph.root, groups)


def of_scope(scope: Scope, groups: dict[int, list[Group]]) -> Group:
    """The group of a scope; one that holds a single group is that one."""
    members: list[Group] = []
    for child in scope.children:
        if isinstance(child, Scope):
            group = of_scope(child, groups)
            members += [group] if group.inside else []
        else:
            members += groups.get(child.id, [])
    if len(members) == 1:
        return members[0]
    whole = Group(members=members)
    for member in members:
        whole.inside |= member.inside
        whole.needs |= member.needs
    whole.needs &= ~whole.inside
    return whole


def owners_of(graph: Graph, parts: Sequence[Part]) -> list[Node]:
    """The op of each module: the one of its path, or of the longest path above it."""
    nodes = {node.path: node for node in graph.nodes if not node.shared}  # in its first run
    found = []
    for part in parts:
        path = part.path
        while path not in nodes and path:
            path = path.rpartition(".")[0]
        assert path in nodes, f"no op has the weights of '{part.path}'"
        found.append(nodes[path])
    return found


def ready(group: Group, done: int) -> Iterator[Group]:
    """The modules that may come next; a group once begun is ended first."""
    if group.part is not None:
        yield group
        return
    for member in waiting(group, done):
        yield from ready(member, done)


def waiting(group: Group, done: int) -> list[Group]:
    """The members of a group that may come next, or go on."""
    begun = [member for member in group.members if member.inside & done and member.inside & ~done]
    return begun or [m for m in group.members if not m.inside & done and not m.needs & ~done]


def ahead(group: Group, done: int) -> Iterator[Group]:
    """All modules that are left of what may come next, whatever they need."""
    for member in waiting(group, done):
        yield from (leaf for leaf in leaves(member) if not leaf.inside & done)


def leaves(group: Group) -> Iterator[Group]:
    """The modules of a group."""
    if group.part is not None:
        yield group
    for member in group.members:
        yield from leaves(member)


def further(part: Part, states: dict[int, list[tuple[int, Part]]], root: Group) -> dict[int, list[tuple[int, Part]]]:
    """The sets of our modules that may be placed after one more of theirs, with the ways there."""
    found: dict[int, list[tuple[int, Part]]] = {}
    coming = ahead if part.is_own and root.members else ready
    for done in states:
        for group in coming(root, done):
            if group.part is not None and match(part, group.part) is not None:
                found.setdefault(done | group.inside, []).append((done, group.part))
    return found


def traced(theirs: Sequence[Part], layers: Sequence[dict[int, list[tuple[int, Part]]]]) -> list[Part]:
    """The one way through the layers, from its end."""
    (done,) = layers[-1]
    found: list[Part] = []
    for part, layer in zip(reversed(theirs), reversed(layers[1:]), strict=True):
        ways = layer[done]
        if len(ways) > 1:
            first, second = ways[0][1], ways[1][1]
            message = f"their {part} may be our {first} or our {second}: shapes and order allow both"
            raise fault("unmatched-weights", message, help=REFERENCE)
        done, ours = ways[0]
        found.append(ours)
    return found[::-1]


# --- what to say


def stuck(part: Part, states: dict[int, list[tuple[int, Part]]], root: Group) -> SpecError:
    """None of ours fits at this place."""
    wanted = list(dict.fromkeys(str(group.part) for done in states for group in ready(root, done)))
    shown = " or ".join(wanted[:3]) + (", …" if len(wanted) > 3 else "")
    return fault("unmatched-weights", f"the file has {part} where our network expects {shown}", help=REFERENCE)


def first_difference(theirs: Sequence[Part], ours: Sequence[Part]) -> tuple[Note, ...]:
    """The first place where the shapes of two lists differ."""
    for mine, other in zip(ours, theirs, strict=False):
        if match(other, mine) is None:
            return (Note(f"the first that differ are their {other} and our {mine}"),)
    return ()
