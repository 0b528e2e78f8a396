"""A state_dict as the modules that it belongs to, and which of one network may stand for which of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from archdsl.analysis.difference.weights import COUNTER
from archdsl.ops.base import times

if TYPE_CHECKING:
    import torch

State: TypeAlias = "Mapping[str, torch.Tensor]"
Shapes: TypeAlias = "Mapping[str, tuple[int, ...]]"
Match: TypeAlias = "dict[str, str | None]"  # our leaf -> theirs; None: they have none, and that is a number known

NORM = "running_mean"
PACKED = "in_proj_"  # how nn.MultiheadAttention begins the names of its queries' layer, which is no module there


@dataclass(frozen=True, eq=False)
class Part:
    """A module's own tensors: its path and their shapes by the last word of the key.

    A tensor that stands beside modules (a class token) is a part of its own: its path is the key, its last word empty.
    `prefix` begins the last words of the keys and is left out in `shapes`.
    """

    path: str
    shapes: Shapes
    prefix: str = ""

    def key(self, leaf: str) -> str:
        leaf = self.prefix + leaf
        return f"{self.path}.{leaf}" if self.path and leaf else self.path or leaf

    @property
    def is_own(self) -> bool:
        """Whether it is a tensor that stands beside modules."""
        return "" in self.shapes

    @property
    def owner(self) -> str:
        """The path of the module that has the tensors."""
        return self.path.rpartition(".")[0] if self.is_own else self.path

    @property
    def is_norm(self) -> bool:
        return NORM in self.shapes

    def __str__(self) -> str:
        shape = self.shapes.get("weight") or next(iter(self.shapes.values()))
        return f"'{self.path}' ({'norm ' if self.is_norm else ''}{times(shape) or 'one number'})"


class Pair(NamedTuple):
    """A tensor of ours, and theirs that fills it; `None`: they have none, and 0 (a missing scale: 1) says the same.

    `order` gives for each of our channels the one of theirs, where a concatenation runs the other way round; `axis`
    is that of the channels.
    """

    theirs: str | None
    ours: str
    shape: tuple[int, ...]
    order: tuple[int, ...] | None = None
    axis: int = 0


def parts_of(shapes: Shapes) -> list[Part]:
    """The modules that own tensors, in the order of their first key."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    around = {path for key in shapes for path in above(key.rpartition(".")[0])}
    for key, shape in shapes.items():
        path, _, leaf = key.rpartition(".")
        if path in around and not leaf.startswith(PACKED):
            path, leaf = key, ""
        found.setdefault(path, {})[leaf] = shape
    return [part(path, leaves) for path, leaves in found.items()]


def part(path: str, shapes: Shapes) -> Part:
    """A module's own tensors; those of a packed projection are called as those of a linear layer are."""
    if not all(leaf.startswith(PACKED) for leaf in shapes):
        return Part(path, shapes)
    return Part(path, {leaf.removeprefix(PACKED): shape for leaf, shape in shapes.items()}, PACKED)


def above(path: str) -> Iterator[str]:
    """The paths of the modules that a module stands in."""
    while path:
        path = path.rpartition(".")[0]
        yield path


def shapes_of(state: State) -> dict[str, tuple[int, ...]]:
    """The shapes of a state_dict, in its order."""
    return {key: tuple(tensor.shape) for key, tensor in state.items()}


def squeezed(shape: Iterable[int], rank: int = 2) -> tuple[int, ...]:
    """The shape of a weight; that of a 1×1 convolution is a matrix."""
    sizes = [*shape]
    while len(sizes) > rank and sizes[-1] == 1:
        sizes.pop()
    return tuple(sizes)


def of_channels(shape: Iterable[int]) -> tuple[int, ...]:
    """The shape of the only tensor of a module; a factor of each channel may have axes of size 1 behind these."""
    return squeezed(shape, 1)


def long_axes(shape: Iterable[int]) -> tuple[int, ...]:
    """The shape of a tensor that is spread over others: it tells nothing where it is 1."""
    return tuple(n for n in shape if n != 1)


def match(theirs: Part, ours: Part) -> Match | None:
    """Which tensor of theirs fills which of ours, or nothing if one cannot stand for the other.

    Tensors pair by name; one that is left on each side pairs by shape. A bias, a counter, the scale of a norm that
    they lack is the number that changes nothing; one that only they have would be lost, but for the counter.
    """
    if theirs.is_norm != ours.is_norm:
        return None
    found: Match = {leaf: leaf for leaf in ours.shapes if leaf in theirs.shapes}
    left = [leaf for leaf in theirs.shapes if leaf not in found and leaf != COUNTER]
    missing = [leaf for leaf in ours.shapes if leaf not in found]
    wanted = [leaf for leaf in missing if not neutral(ours, leaf)]
    if len(left) != len(wanted) or len(left) > 1:
        return None
    found |= dict.fromkeys(missing) | dict(zip(wanted, left, strict=True))
    form: Callable[[Iterable[int]], tuple[int, ...]] = squeezed
    if ours.is_own or theirs.is_own:
        form = long_axes
    elif len(theirs.shapes) == len(ours.shapes) == 1:
        form = of_channels
    if any(form(theirs.shapes[other]) != form(ours.shapes[leaf]) for leaf, other in found.items() if other is not None):
        return None
    return found


def neutral(part: Part, leaf: str) -> bool:
    """Whether a tensor may be missing elsewhere, for a constant says the same."""
    return leaf in {"bias", COUNTER} or (leaf == "weight" and part.is_norm)


def pairs_of(theirs: Part, ours: Part) -> list[Pair]:
    """The tensors of two modules that match."""
    found = match(theirs, ours)
    assert found is not None, "modules that do not match"
    return [
        Pair(None if other is None else theirs.key(other), ours.key(leaf), ours.shapes[leaf])
        for leaf, other in found.items()
    ]
