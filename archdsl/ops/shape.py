"""What moves elements and computes nothing: flatten, split, shuffle, rearrange, resize."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.expr.fold import fold
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, Logic, wrap
from archdsl.expr.show import show
from archdsl.expr.simplify import quotient
from archdsl.ops.axes import FROM_THE_END
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, atom, is_lit, per_axis, times
from archdsl.ops.pattern_words import Sizes, in_words
from archdsl.ops.target import SIDES, axes_like, check_target, sides_text, targets

if TYPE_CHECKING:
    from torch import Tensor


class Mover(Op):
    """What ops without arithmetic share."""

    group, role, counts = "shape", "shape", ""

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0


class Flatten(Mover, name="flatten"):
    """Puts all elements of a sample into one axis."""

    sized_by = ()
    fields = (
        Field(
            "order",
            "word",
            "chw",
            "the axes, slowest first: chw (torch) or hwc (TensorFlow)",
            ("chw", "hwc"),
            chooses=True,
        ),
    )
    example = {"fields": {}, "inputs": [(8, 3, 5)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        ordered = x[0].movedim(1, -1) if run.f.order == "hwc" else x[0]
        return ordered.reshape(ordered.size(0), -1)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        whole = math.prod(size)
        return c * whole if isinstance(whole, int) else math.prod(size, start=c)

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return ()

    def functional(self, given: frozenset[str]) -> bool:
        return "order" in given

    def module(self, e: Site) -> Module:
        return Module("nn.Flatten")

    def function(self, e: Site, *tensors: str) -> str:
        if is_lit(e.f.order, "hwc") and e.rank:
            axes = ", ".join(str(axis) for axis in (*range(2, e.rank + 2), 1))
            return f"{atom(tensors[0])}.permute(0, {axes}).flatten(1)"
        return f"{atom(tensors[0])}.flatten(1)"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Flatten"


MAX_PARTS = 1000


class Split(Mover, name="split"):
    """Splits the channels into equal parts, or into parts of given sizes."""

    fields = (Field("sizes", "ints", doc="how many equal parts, or the channels of each", minimum=1),)
    example = {"fields": {"sizes": [3, 5]}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        found, start = [], 0
        for shape in self.shapes(run.f, tuple(x[0].shape[1:])):
            found.append(x[0][:, start : start + shape[0]])
            start += shape[0]
        return found

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        c = shapes[0][0]
        count = len(f.sizes) if isinstance(f.sizes, (list, tuple)) else f.sizes
        if count > MAX_PARTS:
            raise OpFault(f"a tensor is split into at most {MAX_PARTS} parts, not {count}", field="sizes")
        if isinstance(f.sizes, (list, tuple)):
            if sum(f.sizes) != c:
                raise OpFault(
                    f"the parts {' + '.join(map(str, f.sizes))} are {sum(f.sizes)} channels, but the tensor has {c}",
                    field="sizes",
                )
        elif c % f.sizes:
            raise OpFault(f"{c} channels cannot be split into {f.sizes} equal parts", field="sizes")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return list(per_axis(f.sizes, 1)) if isinstance(f.sizes, (list, tuple, ListOf)) else c // f.sizes

    def shape(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        return self.shapes(f, *shapes)[0]

    def shapes(self, f: SimpleNamespace, *shapes: Shape) -> tuple[Shape, ...]:
        self.check(f, *shapes)
        c, *size = shapes[0]
        found = self.channels(f, c, ())
        return tuple((n, *size) for n in (found if isinstance(found, list) else [found] * f.sizes))

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        found = self.channels(e.f, e.c, ())
        if not isinstance(found, list):
            return f"torch.chunk({tensors[0]}, {show(wrap(e.f.sizes), python=True)}, 1)"
        return f"torch.split({tensors[0]}, [{', '.join(show(wrap(n), python=True) for n in found)}], 1)"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Channel split"


class Take(Mover, name="take"):
    """Keeps the first channels and drops the others, as GhostNet does."""

    fields = (Field("channels", "int", doc="how many channels are kept", minimum=1),)
    example = {"fields": {"channels": 5}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0][:, : run.f.channels]

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if f.channels > shapes[0][0]:
            raise OpFault(f"cannot take {f.channels} channels of a tensor that has {shapes[0][0]}", field="channels")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return f.channels

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        bound = show(wrap(e.f.channels), python=True)
        return f"{atom(tensors[0])}[:, :{bound if bound.isalnum() else f' {bound}'}]"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"First {f.channels} channels"

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return shape == out


class ChannelShuffle(Mover, name="channel_shuffle"):
    """Interleaves the channels of the groups: (g n) h w -> (n g) h w."""

    def compute(self, run: Run, *x: Tensor) -> Any:
        c, g = x[0].size(1), run.f.groups
        return x[0][:, [i * (c // g) + n for n in range(c // g) for i in range(g)]]

    fields = (
        Field("groups", "int", doc="number of groups; a shuffle with c_in // g groups undoes one with g", minimum=1),
    )
    example = {"fields": {"groups": 2}, "inputs": [(8, 6, 6)]}

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if shapes[0][0] % f.groups:
            raise OpFault(f"groups {f.groups} does not divide the {shapes[0][0]} channels", field="groups")
        if len(shapes[0]) == 1:
            raise OpFault("channel_shuffle takes a tensor with spatial axes", help="for a flat one write rearrange")

    def module(self, e: Site) -> Module:
        return Module("nn.ChannelShuffle", (e.f.groups,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Channel shuffle, g={f.groups}"

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return f.groups in {1, shape[0]}


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
            message = f"an axis of {n} is not ({' '.join(axis)}) with {sizes}" if sizes else f"an axis of {n} is not 1"
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


class Roll(Mover, name="roll"):
    """Shifts elements along axes, with those that leave at one end entering at the other: y[i] = x[(i − by) mod n]."""

    fields = (Field("by", "ints", doc="the shift of each axis, channels first; missing axes are not shifted"),)
    example = {"fields": {"by": [-1, 0, 2]}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        found = x[0]
        for axis, by in enumerate(per_axis(run.f.by, 1), 1):
            n = found.size(axis)
            found = found.index_select(axis, run.torch.tensor([(i - by) % n for i in range(n)]))
        return found

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        steps = per_axis(f.by, 1)
        if len(steps) > len(shapes[0]):
            raise OpFault(f"by has {len(steps)} entries for {len(shapes[0])} axes", field="by")

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        moved = zip(per_axis(f.by, 1)[1:], spacing, strict=False)
        if any(by and apart > 1 for by, apart in moved):
            raise OpFault("the elements that roll moves around the end are elsewhere in a larger map", field="by")
        return {}

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def function(self, e: Site, *tensors: str) -> str:
        steps = {axis: wrap(step) for axis, step in enumerate(per_axis(e.f.by, 1), 1) if not is_lit(wrap(step), 0)}
        texts, axes = [show(step, python=True) for step in steps.values()], [str(axis) for axis in steps]
        if not steps:
            return tensors[0]
        if len(steps) == 1:
            return f"{atom(tensors[0])}.roll({texts[0]}, {axes[0]})"
        return f"{atom(tensors[0])}.roll(({', '.join(texts)}), ({', '.join(axes)}))"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Roll, {', '.join(map(str, per_axis(f.by, 1)))}"


MODES = ("nearest", "bilinear", "bicubic", "trilinear")


class Upsample(Op, name="upsample"):
    """Resizes the spatial axes by interpolation."""

    group, role, fresh = "shape", "shape", True
    sized_by = ("scale", "size")
    fields = (
        Field("scale", "factors", None, "factor of every axis, or one for each; the result is rounded down", minimum=0),
        Field("size", "axes", None, "spatial sizes of the output", minimum=1),
        Field("like", "tensor", None, "a tensor whose spatial sizes the output gets"),
        Field("mode", "word", "nearest", "how it interpolates", MODES),
        Field(
            "align_corners",
            "bool",
            False,
            "whether the corner elements of input and output have the same centres (not with nearest)",
        ),
    )
    derived = (SIDES,)
    example = {"fields": {"scale": 2, "mode": "bilinear"}, "inputs": [(8, 5, 7)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        f, resize = run.f, run.torch.nn.functional.interpolate
        corners = f.align_corners if f.mode != "nearest" else None
        if f.scale is not None:  # the given factor tells the grid, not the rounded size
            factors = per_axis(f.scale, x[0].dim() - 2)
            return resize(x[0], scale_factor=factors, mode=f.mode, align_corners=corners)
        return resize(x[0], size=self.size(f, tuple(x[0].shape[2:])), mode=f.mode, align_corners=corners)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        rank = len(shapes[0]) - 1
        if rank not in (1, 2, 3):
            raise OpFault(f"upsample takes a tensor with 1 to 3 spatial axes, this one has {rank}")
        check_target(self, f, shapes[0], ("scale", "size", "like"))
        for name in ("scale", "size"):
            value = getattr(f, name)
            if isinstance(value, (list, tuple)) and len(value) != rank:
                raise OpFault(f"{name} has {len(value)} entries for {rank} spatial axes", field=name)
        axes = {"bilinear": 2, "bicubic": 2, "trilinear": 3}.get(f.mode, rank)
        if axes != rank:
            raise OpFault(f"{f.mode} takes {axes} spatial axes, this tensor has {rank}", field="mode")
        if f.align_corners and f.mode == "nearest":
            raise OpFault(
                "align_corners cannot be combined with mode nearest", field="align_corners", help="give mode: bilinear"
            )
        if min(self.size(f, shapes[0][1:])) < 1:
            raise OpFault(f"scale {self.factor(f)} leaves nothing of a map of {times(shapes[0][1:])}", field="scale")

    @staticmethod
    def factor(f: SimpleNamespace) -> str:
        """`2`, or `2×1`."""
        return "×".join(f"{n:g}" for n in per_axis(f.scale, 1))

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        if f.scale is None:
            return targets(f, size)
        scaled = zip(size, per_axis(f.scale, len(size)), strict=True)
        return tuple(n * factor if type(factor) is int else math.floor(n * factor) for n, factor in scaled)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        # The inputs that an output element reads; the finer grid that results is not counted.
        return ({"nearest": 1, "bicubic": 4}.get(f.mode, 2),) * rank, (1,) * rank

    def functional(self, given: frozenset[str]) -> bool:
        return "like" in given

    def module(self, e: Site) -> Module:
        f = e.f
        scaled = {"scale_factor": (f.scale, None), "size": (f.size, None)}
        return Module(
            "nn.Upsample", (), {**scaled, "mode": (f.mode, "nearest"), "align_corners": (self.corners(f), None)}
        )

    @staticmethod
    def corners(f: SimpleNamespace) -> Any:
        """What torch calls `align_corners`: true or None, for with nearest torch refuses a false one too."""
        return None if is_lit(f.mode, "nearest") else fold(Logic("or", (wrap(f.align_corners), Lit(None))))

    def function(self, e: Site, *tensors: str) -> str:
        more = "" if is_lit(e.f.mode, "nearest") else f", mode={show(wrap(e.f.mode), python=True)}"
        corners = wrap(self.corners(e.f))
        if not is_lit(corners, None):
            more += f", align_corners={show(corners, python=True)}"
        size = sides_text(e.f, tensors[1], e.rank) or axes_like(tensors[1], e.rank)
        return f"F.interpolate({tensors[0]}, size={size}{more})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        if f.scale is not None:
            return f"Upsample ×{self.factor(f)}"
        return "Upsample" if f.size is None else f"Upsample to {times(out[1:])}"  # that of a map is said beside it

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return f.scale is not None and {*per_axis(f.scale, len(shape) - 1)} == {1}


class PixelShuffle(Mover, name="pixel_shuffle"):
    """Rearranges channels into finer pixels: (c r r) h w -> c (h r) (w r)."""

    fields = (Field("factor", "int", doc="how much finer each axis becomes", minimum=1),)
    example = {"fields": {"factor": 2}, "inputs": [(8, 3, 5)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        n, c, h, w = x[0].shape
        r = run.f.factor
        return x[0].view(n, c // (r * r), r, r, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, h * r, w * r)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if len(shapes[0]) != 3:
            raise OpFault("pixel_shuffle takes a tensor with 2 spatial axes")
        if shapes[0][0] % (f.factor * f.factor):
            raise OpFault(f"{f.factor}² does not divide the {shapes[0][0]} channels", field="factor")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return quotient(c, f.factor * f.factor)

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(n * f.factor for n in size)

    def module(self, e: Site) -> Module:
        return Module("nn.PixelShuffle", (e.f.factor,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Pixel shuffle ×{f.factor}"
