"""What moves elements and computes nothing: flatten, split, take, shuffle, roll."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Constant, ListOf, wrap
from archdsl.expr.show import show
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, atom, is_lit, per_axis
from archdsl.ops.pattern_words import shuffle_label

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
        return shuffle_label(f.groups)

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return f.groups in {1, shape[0]}


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
