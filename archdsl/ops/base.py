"""What a primitive op is: its fields, shape rule, cost, torch source and figure label, in one class."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit, wrap
from archdsl.ops import own
from archdsl.support.plugins import file_of, home_of
from archdsl.support.resources import folder

if TYPE_CHECKING:
    from torch import Tensor

Shape: TypeAlias = "tuple[int, ...]"  # C, H, W (or C alone, C×L, C×D×H×W), without the batch axis
State: TypeAlias = "dict[str, tuple[int, ...]]"  # shapes of the tensors of a module by their names in its state_dict
Kind: TypeAlias = Literal["int", "number", "bool", "word", "text", "tensor", "axes", "ints", "factors", "formula"]

REQUIRED: Any = type("Required", (), {"__repr__": lambda _: "required"})()


@dataclass(frozen=True)
class Field:
    """An argument of an op.

    `kind` says which values are allowed: `axes` is a whole number or one for each spatial axis, `ints` a list of whole
    numbers, `factors` a number or one for each spatial axis, `tensor` the name of a tensor, `text` text that is not an
    expression, `word` one of `choices`, and `formula` an expression whose names t0, t1, … are the tensors of the op in
    order (`lower` renames them). If another kind has `choices`, these words are allowed too (for `ints`, also in the
    list), and the word decides which class is created, as the value of a field with `chooses` does.

    A `soft` field is a rate used in training (dropout): a param behind it stays an argument of the emitted class. With
    the default None, the rules of the op decide what is used, and `doc` says it. A `tensor` field is None by default,
    so the step need not give it; if it is given, `f` holds its shape, and otherwise `f` does not have it.
    """

    name: str
    kind: Kind = "int"
    default: Constant = REQUIRED
    doc: str = ""
    choices: tuple[str, ...] = ()
    soft: bool = False
    chooses: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


FORM = Field(
    "form",
    "word",
    "train",
    "train, or deploy for the form of the trained layer; by default, the form in which the whole network is built",
    ("train", "deploy"),
    chooses=True,
)


class OpFault(Exception):
    """An error that the rules of an op raise. The place of the field (or step) in the spec is added to it."""

    def __init__(self, message: str, *, field: str | None = None, help: str = "") -> None:
        super().__init__(message)
        self.message, self.field, self.help = message, field, help


# What a rule may raise that needs numbers and is given expressions, or that is given what its check has refused.
NEEDS_NUMBERS = (OpFault, SpecError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError)


@dataclass(frozen=True)
class Module:
    """Torch source of a layer: `cls(*args, **kwargs)`. A keyword that equals its torch default is left out."""

    cls: str
    args: tuple[Expr | Constant, ...] = ()
    kwargs: Mapping[str, tuple[Expr | Constant, Constant]] = field(default_factory=dict)


@dataclass
class Site:
    """The place of an op in the source: its fields and channels as expressions (literals where they are constant).

    `c` is the number of input channels (of the first tensor), `size` the spatial size of the first tensor if it is the
    same wherever the step runs, `rank` the number of spatial axes, `inplace` whether the input may be overwritten,
    `alike` whether all its tensors have one shape, and `width` the size of the last axis if it is a spatial axis and
    has an expression.
    """

    f: SimpleNamespace
    c: Expr
    rank: int
    size: tuple[int, ...] | None = None
    inplace: bool = False
    alike: bool = True
    width: Expr | None = None

    @property
    def last(self) -> Expr:
        """The size of the last axis: of a flat tensor its channels."""
        if self.rank == 0:
            return self.c
        if self.width is not None:
            return self.width
        if self.size is None:
            raise OpFault("the size of the last axis differs between calls, and no expression gives it")
        return Lit(self.size[-1])


@dataclass(frozen=True)
class Run:
    """An op as it runs: its fields, the tensors of its module by name, the mode, and torch, which no op imports."""

    f: SimpleNamespace
    weights: Mapping[str, Tensor]
    training: bool
    torch: Any


class Op:
    """A primitive op. Subclass it with `name=`; the first line of the docstring is its description.

    The values of `fields` reach the rules as attributes of `f` (`f.kernel`). In `channels` they can be numbers or
    expressions, so it may only use `+ - * //`; elsewhere they are numbers.
    """

    name: ClassVar[str]
    group: ClassVar[str] = ""  # the heading it stands under in the docs: convolution, activation, …
    fields: ClassVar[tuple[Field, ...]] = ()
    derived: ClassVar[tuple[Field, ...]] = ()  # further fields, which no step gives: lowering makes them of others
    many: ClassVar[bool] = False  # takes branches
    lone_branch: ClassVar[str] = ""  # what its branch is called that alone is computed, beside tensors as they are
    pairwise: ClassVar[bool] = False  # a join of more than two is one of two, and another
    owned: ClassVar[bool] = False  # its tensor is the network's own, an attribute under the key of its step
    multiplies: ClassVar[bool] = False  # it multiplies tensors of the graph: its multiply-adds are no layer's alone
    placeless: ClassVar[bool] = False  # no element that leaves has a place in a map, or each may see all of it
    borders: ClassVar[bool] = False  # it adds or takes away borders alone: what is left stays as far apart
    # The fields that set spatial axes of the result, as others set channels; None: any may, if `size` is its own.
    sized_by: ClassVar[tuple[str, ...] | None] = None
    sizes_stay: ClassVar[bool] = True  # whether what set the spatial axes that enter is behind those of the result too
    spreads: ClassVar[bool] = False  # its tensors may have size 1 where others are longer, and are spread there
    rereads: ClassVar[bool] = False  # its text mentions a list of branches more than once
    deployed_alike: ClassVar[bool] = True  # of two forms (`FORM`): whether both give the same outputs
    fresh: ClassVar[bool] = False  # its output is its own memory, not needed by its backward pass: `makes_memory`
    counts: ClassVar[str] = "elementwise"  # the cost column of its work, or "": norm, activation, pool, elementwise
    role: ClassVar[str] = "other"  # its colour in figures: conv, norm, act, pool, join, shape, linear, other
    follows: ClassVar[str] = ""  # the op whose `defaults:` it shares
    # For tests and docs: {"fields": {…}, "inputs": [(8, 16, 16)]}; the last inputs fill the fields in "tensors".
    example: ClassVar[Mapping[str, Any]] = {}
    further: ClassVar[Field | None] = None  # what arguments of names not in `fields` are (rearrange's axis sizes)
    chosen_by: ClassVar[str] = ""  # the argument of an emitted classifier that puts another op in this one's place,
    word_of_choice: ClassVar[str] = ""  # and its word for this one
    network_bases: ClassVar[Mapping[str, str]] = {}  # a class of `prelude` -> the base of networks that have it
    # The file that `module` may name a class of: in codegen_templates/prelude, of another package beside its op.
    prelude: ClassVar[str] = ""

    def __init_subclass__(cls, name: str | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if own.is_own(cls):
            own.guard(cls, (OpFault, SpecError))
        if name is not None:
            cls.name = name
            REGISTRY.add(cls)

    def __reduce__(self) -> tuple[Any, ...]:
        """By name: the process that reads the pickle has loaded the same ops."""
        return named, (self.name, home_of(type(self)) if own.is_own(type(self)) else "")

    def __deepcopy__(self, _: dict[int, Any]) -> Op:
        return self  # of each class there is one

    # --- shape
    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        """Raises `OpFault` if the fields do not fit the input tensors."""

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        """The output channels for `c` input channels (a list for a join).

        An op with several results returns a list, or one value if all results have the same channels.
        """
        return c

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        """The spatial sizes of the output."""
        return size

    @property
    def keeps_size(self) -> bool:
        """Whether the output always has the spatial sizes of the input, whatever the fields are."""
        return type(self).size is Op.size and type(self).result is Op.result

    def shape(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        """The shape of the output; calls `check` first."""
        self.check(f, *shapes)
        return self.result(f, *shapes)

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        """The shape of the output, without `check`; sizes may be expressions where they differ between calls."""
        first = shapes[0]
        c: Any = [shape[0] for shape in shapes] if self.many else first[0]
        return (self.channels(f, c, first[1:]), *self.size(f, first[1:]))

    def comes_of(self, f: SimpleNamespace, *ranks: int) -> Sequence[tuple[frozenset[int], Sequence[Expr]]] | None:
        """For each axis of the output, channels first: the input axes and the fields that determine its size.

        `ranks` has the number of axes of each input. The axes of all inputs are numbered consecutively: for two maps,
        axis 3 is the channels of the second one. None means that `channels` gives the channels, and that each spatial
        axis depends on the same axis of the inputs.
        """
        return None

    def last_axis_holds_features(self, fields: Mapping[str, Any], entering: Callable[[], bool]) -> bool | None:
        """Whether the last axis of the result holds the features, and not the first.

        `entering` says so of the input; None: the result is as that is.
        """
        return None

    def shapes(self, f: SimpleNamespace, *shapes: Shape) -> tuple[Shape, ...]:
        """The shapes of all outputs, for an op with several results (`split`)."""
        return (self.shape(f, *shapes),)

    # --- meaning
    def compute(self, run: Run, *x: Tensor) -> Any:
        """The output for N×C×H×W inputs (branches or input, then `tensor` fields). This defines what the op means.

        It uses the plainest functions of torch, and neither `module` nor `function`, which are proven against it. An op
        with several results returns a sequence.
        """
        raise own.lacking(type(self), "compute", "its computation is not defined, so it cannot be verified")

    def calibrate(self, run: Run, *x: Tensor) -> None:
        """Sets statistics that training would gather (a running mean) to those of these tensors, in `run.weights`."""

    def alternatives(self, e: Site) -> Iterator[Module]:
        """The modules that are accepted for a node: the one that is printed for constant fields, and equal ones."""
        yield self.module(e)

    def takes_factor(self, fields: Mapping[str, Expr]) -> bool:
        """Whether a factor and an offset for each output channel can be folded into its weight and bias.

        The fields may be expressions; the result is true only if it holds for all their values.
        """
        return False

    def slower_channels_last(self, f: SimpleNamespace, shape: Shape) -> bool:
        """Whether measurements show that it is slower if maps are channels last in memory."""
        return False

    # --- what is learned
    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        """The shapes in the state_dict of its module, by which weights carry over to another network."""
        return {}

    # --- cost, for one input
    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        """Trained parameters."""
        return 0

    def buffers(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        """Elements of buffers (running mean and variance)."""
        return 0

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        """Multiply-adds of convolutions, linear layers and products of tensors, nothing else."""
        return 0

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        """The number of elements computed, which is added to the column that `counts` names."""
        return math.prod(out)

    def window(self, f: SimpleNamespace, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Extent (with dilation; 0: the whole axis) and stride of its window on each axis, for the receptive field."""
        return (1,) * rank, (1,) * rank

    def spaced(
        self, f: SimpleNamespace, size: tuple[int, ...], spacing: Sequence[int], stride: Sequence[int]
    ) -> Mapping[str, Constant]:
        """The changed fields with which the op computes its earlier results on a map with more elements.

        The input now has the elements of the earlier map of `size` at every `spacing`-th position, and others between
        them. `stride` is the step between two windows now. Raises `OpFault` if no fields do that.
        """
        extents, strides = self.window(f, len(size))
        if tuple(stride) != tuple(strides):
            raise OpFault(f"the stride of {self.name} cannot become a dilation")
        alone = set(extents) == {1} and not self.placeless and self.size(f, size) == size
        if not alone and any(n > 1 for n in spacing):
            raise OpFault(f"{self.name} has no dilation, which it would need to skip the elements in between")
        return {}

    # --- source: exactly one of the two
    def functional(self, given: frozenset[str]) -> bool:
        """Whether it is printed as an expression in `forward`, given the names of the fields that the step sets."""
        return False

    def module(self, e: Site) -> Module:
        """The submodule. It is called with the input tensor, then the tensors of its `tensor` fields."""
        raise own.lacking(type(self), "module", "it cannot be printed")

    def function(self, e: Site, *tensors: str) -> str:
        """The expression in `forward`, given the texts of its tensors (branches or input, then `tensor` fields).

        A text that begins with `*` is a list of tensors (`*parts`).
        """
        raise own.lacking(type(self), "function", "it cannot be printed")

    def makes_memory(self, f: SimpleNamespace) -> bool:
        """Whether its output is newly allocated, and not needed by its backward pass, so that it may be overwritten."""
        return self.fresh

    # --- figures
    def as_written(self, f: SimpleNamespace, called: Sequence[str]) -> str | None:
        """The step as readers see it, for an op whose text names tensors (`formula`)."""
        return None

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        """The text of its box in figures: `3×3 Conv, s2`."""
        return self.name

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        """Whether it returns its input unchanged with these fields. Figures leave it out then."""
        return False

    @classmethod
    def example_tensors(cls) -> dict[str, Shape]:
        """The shapes of the tensor fields of the example."""
        names: Sequence[str] = cls.example.get("tensors", ())
        return dict(zip(names, cls.example["inputs"][-len(names) :], strict=True)) if names else {}

    @classmethod
    def field(cls, name: str) -> Field | None:
        return next((item for item in (*cls.fields, *cls.derived) if item.name == name), None)

    @classmethod
    def doc(cls) -> str:
        return (cls.__doc__ or "").strip()

    @classmethod
    def prelude_file(cls) -> Path:
        """Where the file of `prelude` lies."""
        return own.prelude_of(cls) or folder("codegen_templates") / "prelude" / cls.prelude


COUNTS = ("", "norm", "activation", "pool", "elementwise")
ROLES = ("conv", "norm", "act", "pool", "join", "shape", "linear", "other")


class Registry(dict[str, Op]):
    """The ops by name. `edition` tells that others came: what was made with those before is not kept."""

    edition = 0

    def add(self, cls: type[Op]) -> None:
        """Registers a class; it may replace itself, as when a cell of a notebook is run again, but no other."""
        if own.is_own(cls):
            own.refuse_class(cls, COUNTS, ROLES, Field)
        known = self.get(cls.name)
        if known is not None and told_by(type(known)) != told_by(cls):
            raise own.taken(cls, type(known))
        self[cls.name] = cls()
        self.edition += 1

    def own(self) -> dict[str, Op]:
        """Those of other packages."""
        return {name: op for name, op in self.items() if own.is_own(type(op))}


def told_by(cls: type[Op]) -> tuple[str, str]:
    """What makes two classes one that was defined again."""
    return file_of(cls.__module__) or cls.__module__, cls.__qualname__


def named(name: str, home: str) -> Op:
    """An op of a pickle."""
    if name not in REGISTRY:
        message = f"the op '{name}' of {home} is not loaded here"
        raise fault("bad-plugin", message, help="import its package, or load its file with archdsl.load_ops, first")
    return REGISTRY[name]


REGISTRY = Registry()
_ATOMS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)


def per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    """Turn a number or a list into one entry for each axis (numbers or expressions)."""
    if isinstance(value, ListOf):
        value = value.items
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank


def once(entries: Sequence[int]) -> Constant:
    """A number for each axis, as one number where all are the same."""
    return entries[0] if len(set(entries)) == 1 else list(entries)


def axes_expr(value: Expr | Constant, rank: int, rule: Callable[..., Expr], *more: Expr | Constant) -> Expr:
    """`rule` applied axis by axis over `axes` expressions; one expression if all operands are scalars."""
    operands = [wrap(item) for item in (value, *more)]
    if not any(isinstance(item, ListOf) for item in operands):
        return rule(*operands)
    columns = [per_axis(item, rank) for item in operands]
    items = tuple(rule(*row) for row in zip(*columns, strict=True))
    return items[0] if all(item == items[0] for item in items) else ListOf(items)


def atom(text: str) -> str:
    """Source of an expression, in brackets if a call or an attribute could not follow it."""
    return text if isinstance(ast.parse(text, mode="eval").body, _ATOMS) else f"({text})"


def times(shape: Sequence[int]) -> str:
    """Write a shape as text: `64×7×7`."""
    return "×".join(map(str, shape))


def as_printed(shape: Sequence[int]) -> str:
    """A shape as papers print it, channels last: `224² × 3`, `256 × 512 × 3`; `196 × 768` as it is."""
    if len(shape) < 3:  # a vector, a signal, tokens
        return " × ".join(map(str, shape))
    return f"{axes_as_printed(shape)} × {shape[0]}"


def axes_as_printed(shape: Sequence[int]) -> str:
    """A shape without its channels: `28²`, `256 × 512`; nothing of a vector."""
    axes = shape[1:]
    raised = {2: "²", 3: "³"}.get(len(axes)) if len(set(axes)) == 1 else None
    return f"{axes[0]}{raised}" if raised else " × ".join(map(str, axes))


def is_one(size: Any) -> bool:
    """Whether a size, a number or an expression, is 1 whatever the numbers are."""
    return is_lit(size, 1) if isinstance(size, Expr) else bool(size == 1)


def is_lit(expr: Expr | Constant, value: Constant) -> bool:
    """Whether an expression is this very constant."""
    return isinstance(expr, Lit) and expr.value == value and type(expr.value) is type(value)
