"""`rearrange`: the axes of a tensor by a pattern, as einops writes it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from itertools import zip_longest
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.expr.nodes import Expr, Lit, wrap
from archdsl.expr.show import show
from archdsl.expr.simplify import quotient
from archdsl.ops.axes import FROM_THE_END
from archdsl.ops.base import Field, OpFault, Run, Shape, Site, atom, times
from archdsl.ops.pattern_words import Sizes, in_words
from archdsl.ops.shape import Mover

if TYPE_CHECKING:
    from torch import Tensor


class Pattern(NamedTuple):
    """An einops pattern: on each side one tuple of names for each axis; `()` is an axis of size 1."""

    left: tuple[tuple[str, ...], ...]
    right: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> list[str]:
        return [name for axis in self.left for name in axis]


def read_pattern(text: str) -> Pattern:
    """`(g c) h w -> g c h w`; raises `OpFault` unless both sides hold the same names, each once."""
    sides = text.split("->")
    if len(text) > 200 or len(sides) != 2:
        raise OpFault("a pattern has two sides: (g c) h w -> g c h w", field="pattern")
    pattern = Pattern(*(read_side(side) for side in sides))
    ordered = [[name for axis in side for name in axis] for side in pattern]
    for side in ordered:
        if len(set(side)) < len(side):
            raise OpFault("a pattern cannot name an axis twice on one side", field="pattern")
    if odd := sorted(set(ordered[0]) ^ set(ordered[1])):
        raise OpFault(
            f"'{odd[0]}' is only on one side of the pattern",
            field="pattern",
            help="rearrange cannot repeat or sum",
        )
    if not pattern.right:
        raise OpFault("the right side of the pattern is empty", field="pattern")
    return pattern


def read_side(text: str) -> tuple[tuple[str, ...], ...]:
    """One side of a pattern."""
    parts = re.findall(r"[A-Za-z_]\w*|\S", text)
    axes: list[tuple[str, ...]] = []
    group: list[str] | None = None
    for part in parts:
        if part == "(" and group is None:
            group = []
        elif part == ")" and group is not None:
            axes.append(tuple(group))
            group = None
        elif part.isidentifier() or part == "1":
            names = [] if part == "1" else [part]
            if group is None:
                axes.append(tuple(names))
            else:
                group += names
        else:
            raise OpFault(
                f"'{part}' is not allowed in a pattern",
                field="pattern",
                help="names of axes, 1, ->, and ( ) around merged axes",
            )
    if group is not None:
        raise OpFault("a bracket in the pattern is not closed", field="pattern")
    return tuple(axes)


class Rearrange(Mover, name="rearrange"):
    """Splits, permutes and merges axes, in the notation of einops without the batch axis: (g c) h w -> g c h w."""

    fields = (
        Field("pattern", "text", doc="the axes before -> the axes after"),
        Field("like", "tensor", None, "a map that gives the sizes of the axes named d, h and w"),
    )
    further = Field("axis", "int", doc="the size of an axis of the pattern", minimum=1)
    example = {"fields": {"pattern": "(g c) h w -> (c g) h w", "g": 2}, "inputs": [(8, 6, 6)]}

    def last_axis_holds_features(self, fields: Mapping[str, Any], entering: Callable[[], bool]) -> bool | None:
        pattern = read_pattern(fields["pattern"])
        features = pattern.left[-1 if entering() else 0]
        return bool(features) and features[-1] in pattern.right[-1]  # (g c) h w -> (g h w) c

    @staticmethod
    def read(f: SimpleNamespace) -> tuple[Pattern, dict[str, Any]]:
        """The pattern and the sizes that were given, numbers or expressions."""
        text = f.pattern.value if isinstance(f.pattern, Lit) else f.pattern
        pattern = read_pattern(str(text))
        own = ("pattern", "like")
        given = {name: value for name, value in vars(f).items() if name not in own and value is not None}
        like: Any = getattr(f, "like", None)
        if isinstance(like, tuple):
            given = {name: like[end] for name, end in Rearrange.named(pattern, len(like)).items()} | given
        return pattern, given

    @staticmethod
    def named(pattern: Pattern, rank: int) -> dict[str, int]:
        """The axes of a pattern that a map of so many axes has too, and where that has them."""
        return {name: end for name, end in FROM_THE_END.items() if name in pattern.names and -end < rank}

    def sizes(self, f: SimpleNamespace, shape: tuple[Any, ...], wanted: tuple[str, ...]) -> list[Any]:
        """Sizes of the axes `wanted`; the one that is not given in its group is what the others leave."""
        pattern, given = self.read(f)
        return [given[name] if name in given else self.rest(pattern, given, shape, name) for name in wanted]

    @staticmethod
    def rest(pattern: Pattern, given: dict[str, Any], shape: tuple[Any, ...], name: str) -> Any:
        index, group = next((n, axis) for n, axis in enumerate(pattern.left) if name in axis)
        others = [given[other] for other in group if other != name]
        return quotient(shape[index], math.prod(others[1:], start=others[0])) if others else shape[index]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        pattern, given = self.read(f)
        shape = shapes[0]
        if len(shapes) > 1:
            self.check_like(pattern, shapes[1])
        if len(pattern.left) != len(shape):
            raise OpFault(
                f"the pattern takes {len(pattern.left)} axes, the tensor has {len(shape)} ({times(shape)})",
                field="pattern",
            )
        for name, value in given.items():
            if name not in pattern.names:
                raise OpFault(f"the pattern has no axis '{name}'", field=name)
            if type(value) is not int or value < 1:
                raise OpFault(f"the size of the axis {name} is a whole number of at least 1, not {value!r}", field=name)
        for axis, n in zip(pattern.left, shape, strict=True):
            self.check_axis(axis, n, given)

    def check_like(self, pattern: Pattern, like: Shape) -> None:
        """Raises unless the axes named d, h and w are some of those of the other map."""
        found = self.named(pattern, len(like))
        if not found:
            message = f"no axis of the pattern has its size from like, which is {times(like)}"
            raise OpFault(message, field="like", help="name those axes h and w")
        for name in self.named(pattern, len(FROM_THE_END) + 1):
            if name not in found:
                message = f"like, which is {times(like)}, has no axis {name}"
                raise OpFault(
                    message,
                    field="like",
                    help=f"rename the axes that do not belong to that map, so that none is called {name}",
                )

    @staticmethod
    def check_axis(axis: tuple[str, ...], n: int, given: dict[str, Any]) -> None:
        known = math.prod(given[name] for name in axis if name in given)
        unknown = [name for name in axis if name not in given]
        if len(unknown) > 1:
            raise OpFault(
                f"the sizes of {' and '.join(unknown)} cannot both be inferred",
                field="pattern",
                help=f"give one: {unknown[0]}: 2",
            )
        if n % known if unknown else n != known:
            sizes = ", ".join(f"{name} = {given[name]}" for name in axis if name in given)
            given_sizes = f"cannot be split into ({' '.join(axis)}) with {sizes}" if sizes else "is not 1"
            message = f"an axis of size {n} {given_sizes}"
            raise OpFault(message, field="pattern")

    def comes_of(self, f: SimpleNamespace, *ranks: int) -> list[tuple[frozenset[int], list[Expr]]]:
        pattern, given = self.read(f)
        axes: dict[str, set[int]] = {name: set() for name in given}
        fields = {name: {name} for name in given}
        for index, group in enumerate(pattern.left):
            for name in (name for name in group if name not in given):
                axes[name], fields[name] = {index}, given.keys() & set(group)
        for name, end in self.named(pattern, ranks[1]).items() if len(ranks) > 1 else ():
            if name not in given:
                axes[name], fields[name] = {sum(ranks) + end}, set()
        return [
            (frozenset().union(*(axes[n] for n in axis)), [given[name] for n in axis for name in sorted(fields[n])])
            for axis in pattern.right
        ]

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        left, right = (side[:0:-1] for side in self.read(f)[0])  # the spatial axes, from the last one
        spatial = {name for axis in left for name in axis}
        pairs = zip_longest(left, right, fillvalue=())
        stays = all(spatial.isdisjoint(set(axis).difference(old)) for old, axis in pairs)
        kept = all(not old or not spatial.isdisjoint(axis) for old, axis in zip(left, right, strict=False))
        return (1 if stays and kept else 0,) * rank, (1,) * rank

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        first = self.read(f)[0].right[0]
        found = self.sizes(f, (c, *size), first)
        return math.prod(found[1:], start=found[0]) if found else 1

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        right = self.read(f)[0].right
        return tuple(math.prod(self.sizes(f, shapes[0], axis)) for axis in right)

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        pattern, given = self.read(e.f)
        left, right = [[name for axis in side for name in axis] for side in pattern]
        text, shown = atom(tensors[0]), {name: show(wrap(value), python=True) for name, value in given.items()}
        for like in tensors[1:]:
            ends = self.named(pattern, len(FROM_THE_END) + 1)
            shown = {name: f"{atom(like)}.size({end})" for name, end in ends.items()} | shown
        for index, axis in reversed(list(enumerate(pattern.left, 1))):
            if len(axis) > 1:
                sizes = ", ".join(shown.get(name, "-1") for name in axis)
                text = f"torch.unflatten({text}, {index}, ({sizes}))"
            elif not axis:
                text += f".squeeze({index})"
        if left != right:
            text += f".permute({', '.join(['0', *(str(left.index(name) + 1) for name in right)])})"
        for index, axis in reversed(list(enumerate(pattern.right))):
            start = 1 + sum(len(before) for before in pattern.right[:index])
            if len(axis) > 1:
                text += f".flatten({start}, {start + len(axis) - 1})"
            elif not axis:
                text += f".unsqueeze({start})"
        return text

    def compute(self, run: Run, *x: Tensor) -> Any:
        pattern, _ = self.read(run.f)
        shape, batch = tuple(x[0].shape[1:]), x[0].size(0)
        sizes = dict(zip(pattern.names, self.sizes(run.f, shape, tuple(pattern.names)), strict=True))
        order = [1 + pattern.names.index(name) for axis in pattern.right for name in axis]
        apart = x[0].reshape(batch, *sizes.values()).permute(0, *order)
        return apart.reshape(batch, *(math.prod(sizes[name] for name in axis) for axis in pattern.right))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        pattern, given = self.read(f)
        sizes = dict(zip(pattern.names, self.sizes(f, shape, tuple(pattern.names)), strict=True))
        return in_words(*pattern, Sizes(sizes, given)) or " ".join(f.pattern.replace("->", " → ").split())
