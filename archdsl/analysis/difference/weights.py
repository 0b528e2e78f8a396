"""Which weights of a network carry over to another one: those of the same shape at the same place of both trees."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import NamedTuple

from archdsl.analysis.difference.alignment import OP, Aligner, Gain, Item, Shapes, below, is_around, is_renamed
from archdsl.diagnostics.faults import at, fault
from archdsl.ir.graph import Graph

COUNTER = "num_batches_tracked"
NOTHING: Mapping[str, str] = {}


class Carried(NamedTuple):
    """A tensor that is there in both networks: its keys, and its shape."""

    before: str
    after: str
    shape: tuple[int, ...]


def carried(
    before: Graph,
    old: Mapping[int, Shapes],
    after: Graph,
    new: Mapping[int, Shapes],
    renamed: Mapping[str, str] = NOTHING,
) -> Iterator[Carried]:
    """The tensors of the new network that take those of the old one; tensors are given by node and key.

    `renamed` has the paths of parts of the old network, with those of the parts that they have become.
    """
    aligner = ByWeights()
    one, befores = aligner.tree_without(before, old, renamed.keys())
    other, afters = aligner.tree_without(after, new, renamed.values())
    for pair in ((one, other), *((found(befores, path), found(afters, path_)) for path, path_ in renamed.items())):
        for mine, theirs in aligner.pairs(*pair):
            if mine.kind == theirs.kind == OP:
                yield from carried_tensors(mine, theirs)


def found(parts: Mapping[str, Item], path: str) -> Item:
    """A part of a network by its path. Raises `SpecError`."""
    if path not in parts:
        message = f"map: no part with weights has the path '{path}'"
        raise fault("bad-call", message, help="paths are those of the keys: 'body.0' of 'body.0.conv.weight'")
    return parts[path]


class ByWeights(Aligner):
    """Aligns two networks so that most numbers are carried over."""

    def worth(self, item: Item) -> int:
        return sum(map(math.prod, item.tensors.values()))

    def gain(self, old: Item, new: Item) -> Gain:
        numbers = sum(math.prod(found.shape) for found in carried_tensors(old, new)) if old.kind == OP else 0
        return numbers, int(old.traits == new.traits), int(old.name == new.name)

    def renamed(self, befores: Sequence[Item], afters: Sequence[Item]) -> list[tuple[Item, Item]]:
        """Those that only their names tell apart, where as many have come as have gone: the first is the first."""
        gone, come = ([item for item in side if item.named] for side in (befores, afters))
        known = {item.name for item in gone} & {item.name for item in come}
        kinds: dict[object, tuple[list[Item], list[Item]]] = {}
        for index, side in enumerate((gone, come)):
            for item in side:
                if item.name not in known:
                    kinds.setdefault((item.kind, item.inside), ([], []))[index].append(item)
        pairs = [pair for pair in kinds.values() if len(pair[0]) == len(pair[1])]
        return [(old, new) for olds, news in pairs for old, new in zip(olds, news, strict=True)]

    def likeness(self, item: Item) -> Hashable:
        return item.name, item.word, item.looks, item.contents

    def may_pair(self, old: Item, new: Item) -> bool:
        """Ops of one kind, calls of one block (or of one by another name)."""
        if (old.kind != new.kind and not is_around(old, new)) or (old.named and new.named and old.name != new.name):
            return False
        return old.kind not in (OP, "block") or old.word == new.word or is_renamed(old, new)


def carried_tensors(old: Item, new: Item) -> Iterator[Carried]:
    """The tensors of an op that are there in both with one shape; the counter of a norm goes with the others."""
    there = {below(key, old.path): (key, shape) for key, shape in old.tensors.items()}
    ours = [(below(key, new.path), key, shape) for key, shape in new.tensors.items()]
    found = [(leaf, key, shape) for leaf, key, shape in ours if leaf in there and there[leaf][1] == shape]
    if any(leaf != COUNTER for leaf, *_ in found):
        yield from (Carried(there[leaf][0], key, shape) for leaf, key, shape in found)


def tensors_of(graph: Graph) -> dict[int, Shapes]:
    """The shapes of a network's state_dict, by node and key.

    All that an op of another package has is one tensor, unless the op tells its own.
    """
    found: dict[int, Shapes] = {}
    for node in graph.nodes:
        if node.shared:
            continue
        given = SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape
        with at(node.span):
            state = node.op.state(*given)
            if not state and (learned := node.op.params(*given)):
                state = {"": (learned,)}
        if state:
            found[node.id] = {f"{node.path}.{leaf}" if leaf else node.path: size for leaf, size in state.items()}
    return found
