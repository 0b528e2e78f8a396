"""What a rearrangement of axes does, in the words of papers: space to depth, patches, tokens, heads, groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, TypeAlias

Axis: TypeAlias = "tuple[str, ...]"
Side: TypeAlias = "tuple[Axis, ...]"  # of a pattern: the names of each axis
MAP = frozenset("hw")  # names that only the axes of maps have


class Sizes(NamedTuple):
    """How large the axes of a pattern are, and which of the sizes a call gives."""

    of: Mapping[str, int]
    given: Collection[str]


Rule: TypeAlias = "Callable[[Side, Side, Sizes], str | None]"


def in_words(left: Side, right: Side, sizes: Sizes) -> str | None:
    """The words for a pattern from left to right; None if there are none that are clearer than the pattern."""
    left, right = real(left), real(right)
    rules: tuple[tuple[Rule, Rule], ...] = (
        (shuffled, shuffled),
        (grouped, ungrouped),
        (to_map, to_vector),
        (to_heads, from_heads),
        (to_depth, to_space),
        (to_patches, from_patches),
        (to_tokens, from_tokens),
        (permuted, permuted),
    )
    for forwards, backwards in rules if left and right else ():
        said = forwards(left, right, sizes) or backwards(right, left, sizes)
        if said is not None:
            return said
    return None


def real(side: Side) -> Side:
    """Without axes of size 1 that stand for nothing."""
    return tuple(axis for axis in side if axis)


def singles(side: Side) -> bool:
    return all(len(axis) == 1 for axis in side)


def flat(side: Side) -> Axis:
    return tuple(name for axis in side for name in axis)


# --- channels
def shuffle_label(groups: int) -> str:
    """`Channel shuffle, g=4`, and `c/2 groups` where the number is written as what it is made of."""
    return f"Channel shuffle, g={groups}" if f"{groups}".isdigit() else f"Channel shuffle, {groups} groups"


def shuffled(left: Side, right: Side, sizes: Sizes) -> str | None:
    """`(g c) h w -> (c g) h w`."""
    if left[1:] == right[1:] and singles(left[1:]) and len(left[0]) == 2 and left[0][::-1] == right[0]:
        return shuffle_label(sizes.of[left[0][0]])
    return None


def parts(left: Side, right: Side) -> bool:
    """`(g c) h w -> g c h w`."""
    split = tuple((name,) for name in left[0])
    return len(split) == 2 and right == (*split, *left[1:]) and singles(left[1:])


def grouped(left: Side, right: Side, sizes: Sizes) -> str | None:
    if not parts(left, right):
        return None
    groups = sizes.of[left[0][0]]
    return f"Split into {groups} groups" if groups > 1 else "Add an axis"


def ungrouped(left: Side, right: Side, sizes: Sizes) -> str | None:
    if not parts(left, right):
        return None
    groups = sizes.of[left[0][0]]
    return f"Merge {groups} groups" if groups > 1 else "Drop an axis"


def vector(left: Side, right: Side) -> Axis | None:
    """`(c h w) -> c h w`: the places of the map."""
    return flat(right[1:]) if len(left) == 1 and len(right) > 2 and singles(right) and flat(right) == left[0] else None


def to_map(left: Side, right: Side, sizes: Sizes) -> str | None:
    places = vector(left, right)
    return f"Vector to {extent(places, sizes)} map" if places else None


def to_vector(left: Side, right: Side, sizes: Sizes) -> str | None:
    return "Flatten" if vector(left, right) else None


# --- what stands beside each other in a map
def cells(left: Side) -> tuple[Axis, Axis] | None:
    """Of `c (h a) (w b)` what is left of a map, `h w`, and what its cells are made of, `a b`."""
    if len(left) < 2 or len(left[0]) != 1 or any(len(axis) != 2 for axis in left[1:]):
        return None
    return tuple(axis[0] for axis in left[1:]), tuple(axis[1] for axis in left[1:])


def extent(inner: Axis, sizes: Sizes) -> str:
    return "×".join(str(sizes.of[name]) for name in inner)


def deepened(left: Side, right: Side) -> Axis | None:
    """`c (h a) (w b) -> (a b c) h w`: what goes into the channels."""
    found = cells(left)
    if found is None or right[1:] != tuple((name,) for name in found[0]):
        return None
    return found[1] if sorted(right[0]) == sorted((*found[1], *left[0])) else None


def to_depth(left: Side, right: Side, sizes: Sizes) -> str | None:
    inner = deepened(left, right)
    return f"Space to depth, {extent(inner, sizes)}" if inner else None


def to_space(left: Side, right: Side, sizes: Sizes) -> str | None:
    inner = deepened(left, right)
    return f"Depth to space, {extent(inner, sizes)}" if inner else None


def patched(left: Side, right: Side) -> tuple[str, Axis] | None:
    """`c (h a) (w b) -> (h w) (a b c)`, or with axes of their own for the places in each window."""
    found = cells(left)
    if found is None or len(right) < 2 or right[0] != found[0]:
        return None
    inside = sorted(flat(right[1:])) == sorted((*found[1], *left[0]))
    return ("patches" if len(right) == 2 else "windows", found[1]) if inside else None


def to_patches(left: Side, right: Side, sizes: Sizes) -> str | None:
    found = patched(left, right)
    return f"Split into {extent(found[1], sizes)} {found[0]}" if found else None


def from_patches(left: Side, right: Side, sizes: Sizes) -> str | None:
    found = patched(left, right)
    return f"Merge {extent(found[1], sizes)} {found[0]}" if found else None


# --- tokens
def flattened(left: Side, right: Side) -> Axis | None:
    """`c h w -> (h w) c`; with groups of channels `(g c) h w -> g (h w) c` or `(g h w) c`. The names of groups.

    There may be several, as of queries, keys and values of heads: `(k g c) h w -> k g (h w) c`.
    """
    places = flat(left[1:])
    if len(left) < 3 or not singles(left[1:]) or right[-1] not in [(name,) for name in left[0]]:
        return None
    groups = tuple(name for name in left[0] if (name,) != right[-1])
    apart = (*((name,) for name in groups), places)
    return groups if right[:-1] in (apart, (groups, places), ((*groups, *places),)) else None


def to_tokens(left: Side, right: Side, sizes: Sizes) -> str | None:
    groups = flattened(left, right)
    return None if groups is None else f"Map to tokens{in_groups(groups, sizes)}"


def from_tokens(left: Side, right: Side, sizes: Sizes) -> str | None:
    groups = flattened(left, right)
    return None if groups is None else f"Tokens to map{in_groups(groups, sizes)}"


def in_groups(groups: Axis, sizes: Sizes) -> str:
    return f", {extent(groups, sizes)} groups" if groups else ""


def headed(left: Side, right: Side, given: Collection[str]) -> Axis | None:
    """`n (k d) -> k n d`, where `k` may join what stands before the tokens: the names of what features are split by.

    A sequence is parted into windows in the same way, but then it is their length that is given. Heads may be called
    as the height is, `h`, where their number is given.
    """
    *before, features = left
    if not before or len(features) < 2 or not singles(left[:-1]):
        return None
    heads, tokens = features[:-1], before[-1]
    if MAP.intersection((*flat(left[:-1]), features[-1], *(name for name in heads if name not in given))):
        return None
    moved = sorted((*heads, *flat(tuple(before[:-1]))))
    apart = len(right) > 2 and right[-2:] == (tokens, features[-1:]) and sorted(flat(right[:-2])) == moved
    return heads if apart and (len(left) > 2 or set(heads) <= set(given)) else None


def to_heads(left: Side, right: Side, sizes: Sizes) -> str | None:
    heads = headed(left, right, sizes.given)
    return None if heads is None else f"Split into {counted(heads, sizes)}"


def from_heads(left: Side, right: Side, sizes: Sizes) -> str | None:
    heads = headed(left, right, sizes.given)
    return None if heads is None else f"Merge {counted(heads, sizes)}"


def counted(heads: Axis, sizes: Sizes) -> str:
    return f"{sizes.of[heads[0]]} heads" if len(heads) == 1 else "heads"


# --- axes that only change places
def permuted(left: Side, right: Side, sizes: Sizes) -> str | None:
    if not (singles(left) and singles(right)) or left == right:
        return None
    return "Transpose" if len(left) == 2 else f"Permute to {' '.join(flat(right))}"
