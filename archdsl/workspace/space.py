"""The settings of a sweep: every combination of the values of a few axes.

Each is a param, a part of the spec by its path, the variant or an input.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Literal, TypeAlias

from archdsl.analysis.batches import Call
from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.spans import Source
from archdsl.expr.given import plain_value
from archdsl.syntax.reading.variants import LONE_INPUT
from archdsl.workspace.settings import expect_paths
from archdsl.yaml.located import Mapping as Section
from archdsl.yaml.located import Node, Scalar, read
from archdsl.yaml.located import Sequence as Items

MOST = 100_000  # values of an axis
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
RANGE = re.compile(rf"({NUMBER}):({NUMBER})(?::({NUMBER}))?", re.ASCII)

Kind: TypeAlias = Literal["variant", "param", "patch", "input"]


@dataclass(frozen=True)
class Axis:
    """One thing that differs between settings."""

    kind: Kind
    name: str
    values: tuple[Any, ...]

    @property
    def column(self) -> str:
        """What its column is called; a param may have the name of a count."""
        if self.kind == "input":
            return "input" if self.name == LONE_INPUT else f"input.{self.name}"
        return f"param.{self.name}" if self.kind == "param" and self.name in TAKEN else self.name


# The columns of what is counted, then of a fault; those of stages have names of their own.
COUNTED = ("params", "macs", "peak_bytes", "receptive_field")
LATENCY = "latency_ms"  # behind the counts, if there is a latency table
FAULT = ("code", "message")
TAKEN = frozenset((*COUNTED, LATENCY, *FAULT, "variant"))


@dataclass(frozen=True)
class Space:
    """All settings: the last axis changes first."""

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def columns(self) -> list[str]:
        return [axis.column for axis in self.axes]

    def at(self, place: int) -> tuple[Any, ...]:
        """The values of a setting."""
        found = []
        for axis in reversed(self.axes):
            place, index = divmod(place, len(axis.values))
            found.append(axis.values[index])
        return tuple(reversed(found))

    def places(self, sample: int | None = None, seed: int = 0) -> Sequence[int]:
        """All settings in order, or so many that are drawn at random, each at most once."""
        count = math.prod(len(axis.values) for axis in self.axes)
        return range(count) if sample is None or sample >= count else drawn(count, sample, seed)

    def call(self, values: Sequence[Any]) -> Call:
        """What a network is run with in a setting."""
        inputs = self.given("input", values)
        variant = self.given("variant", values).get("variant")
        return Call(variant, self.given("param", values), inputs.get(LONE_INPUT, inputs or None))

    def given(self, kind: Kind, values: Sequence[Any]) -> dict[str, Any]:
        """The values of the axes of a kind, by their names."""
        pairs = zip(self.axes, values, strict=True)
        return {axis.name: value for axis, value in pairs if axis.kind == kind}


def drawn(count: int, sample: int, seed: int) -> list[int]:
    """Places drawn at random; a range may be longer than `random.sample` takes."""
    random, found = Random(seed), dict[int, None]()  # noqa: S311 - not for secrets
    while len(found) < sample:
        found[random.randrange(count)] = None
    return list(found)


def space_of(
    variants: Sequence[str], params: Mapping[str, Sequence[Any]], inputs: Mapping[str, Sequence[Any]]
) -> Space:
    """The space of variants, values of params and of paths, and shapes of inputs; a value given twice is one."""
    axes = [Axis("variant", "variant", tuple(dict.fromkeys(variants)))] if variants else []
    axes += [Axis("patch" if "." in name else "param", name, once(values)) for name, values in params.items()]
    axes += [Axis("input", name, once(values)) for name, values in inputs.items()]
    for axis in axes:
        if not axis.values:
            raise fault("bad-call", f"'{axis.name}' has no values to try")
    return Space(tuple(axes))


def once(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple({repr(value): value for value in values}.values())


# --- as a call of the Python API has them
def space_given(variant: Any, params: Mapping[str, Any], inputs: Any, settings: Mapping[str, Any]) -> Space:
    """The space of a call, in which a list stands for the values to try, anything else for one."""
    expect_paths(settings)
    variants = [variant] if isinstance(variant, str) else listed(variant) if variant is not None else []
    values = {
        name: [plain_value(item, name) for item in listed(value)] for name, value in {**params, **settings}.items()
    }
    shapes = inputs if isinstance(inputs, Mapping) else {} if inputs is None else {LONE_INPUT: inputs}
    return space_of(variants, values, {name: shapes_of(value) for name, value in shapes.items()})


def listed(value: Any) -> list[Any]:
    """The values that are given, those of an array among them."""
    if callable(getattr(value, "tolist", None)):
        value = value.tolist()
    return list(value) if isinstance(value, (list, tuple, range)) else [value]


def shapes_of(value: Any) -> list[list[int]]:
    """One shape, or several."""
    found = listed(value)
    several = bool(found) and all(isinstance(item, (list, tuple)) for item in found)
    return [list(item) for item in found] if several else [found]


# --- as a command line has them
def values_of(what: str, text: str) -> list[Any]:
    """The values of `16,24,32`, of `0.5:1.5:0.25` (both ends among them), or of both; lists are `[8, 16],[12, 24]`."""
    tree = read(Source(what, f"[{text}]"))
    assert isinstance(tree, Items)
    found = [value for node in tree.items for value in values_in(what, node)]
    return found or [None]


def values_in(what: str, node: Node) -> Iterator[Any]:
    steps = RANGE.fullmatch(node.text) if isinstance(node, Scalar) else None
    if steps is not None:
        yield from numbers(what, *steps.groups())
    else:
        yield plain(what, node)


def plain(what: str, node: Node) -> Any:
    if isinstance(node, Section):
        raise fault("bad-value", f"'{what}' cannot be a mapping", node.span)
    return node.value if isinstance(node, Scalar) else [plain(what, item) for item in node.items]


def numbers(what: str, first: str, last: str, by: str | None) -> Iterator[int | float]:
    """The numbers of a range; decimal, so that 0.1:0.3:0.1 ends in 0.3."""
    start, stop, step = Decimal(first), Decimal(last), Decimal(by or 1)
    whole = all(re.fullmatch(r"[-+]?\d+", text) for text in (first, last, by or "1"))
    if step == 0 or (stop - start) / step < 0:
        raise fault("bad-call", f"{what}: no number is in {first}:{last}:{by or 1}", help="for example 0.5:1.5:0.25")
    if (stop - start) / step >= MOST:
        raise fault("too-large", f"{what}: {first}:{last}:{by or 1} has more than {MOST:,} numbers")
    for n in range(int((stop - start) / step) + 1):
        value = start + n * step
        yield int(value) if whole else float(value)
