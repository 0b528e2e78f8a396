"""What an interpreter leaves open: what a number is, what a tensor is, and what an operation makes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Generic, TypeAlias, TypeVar

from archdsl.analysis.frames import Frame
from archdsl.analysis.limits import MAX_LISTED, too_many_items
from archdsl.analysis.trail import Trail
from archdsl.diagnostics.faults import SpecError
from archdsl.expr.nodes import Constant, Expr
from archdsl.ir import program as ir

T = TypeVar("T")  # a tensor
F = TypeVar("F", bound=Frame)
Row: TypeAlias = "dict[str, Any]"  # the cells of a turn by column


class Domain(ABC, Generic[T, F]):
    """What a run computes with.

    The interpreter says which operation comes next, which names are bound to what, and where modules stand. The domain
    says what comes of it. One of numbers walks the side of a condition that holds, and every turn of a loop; one of
    expressions may walk both sides (`sides`, `either`) and one turn for all (`rows`, `left`).

    Methods that do nothing here are for domains that take note of something. Places of a program are known by the id
    of a part and a word: a field, a name, `condition`.
    """

    def __init__(self) -> None:
        self.trail = Trail()
        self.reusing: list[ir.Reuse] = []  # the steps around that run the module of another
        self.items = 0  # of the lists that expressions made

    def listed(self, items: int) -> None:
        """Expressions made lists of so many items."""
        self.items += items
        if self.items > MAX_LISTED:
            raise self.trail.placed(too_many_items(self.trail.here))

    # --- frames and names
    @abstractmethod
    def frame(self, function: ir.Function, path: str) -> F:
        """A function about to run."""

    @abstractmethod
    def let(self, owner: ir.Numbered, name: str, expr: Expr, frame: F) -> None:
        """Binds a name to what an expression says in this frame."""

    @abstractmethod
    def argument(self, node: ir.Call, name: str, expr: Expr, frame: F, inner: F) -> None:
        """Binds a param of a call to what an expression says where it is called."""

    @abstractmethod
    def state(self, owner: ir.Numbered, name: str, value: Constant, frame: F) -> None:
        """Binds a name to what is known without any expression: whether an input is there."""

    def param(self, owner: ir.Numbered, name: str, frame: F) -> None:
        """Of a call: this param is bound."""

    @abstractmethod
    def enter(self, frame: F, tensor: T, block: ir.Function | None = None) -> None:
        """Binds `c_in`, `h_in`, `w_in` to the tensor that enters a stage, a turn, or a block."""

    @abstractmethod
    def measure(self, owner: ir.Numbered | None, name: str, value: T | list[T], frame: F) -> None:
        """Binds a name to the channels of a tensor that enters a function."""

    # --- tensors
    def define(self, var: ir.Value, value: T | list[T], frame: F) -> None:
        """A value of the function has this tensor."""

    @abstractmethod
    def position(self, item: ir.Item, frame: F) -> Constant:
        """Which of a list of tensors is meant."""

    def tap(self, tap: ir.Tap, tensor: T, frame: F) -> None:
        """A tap reads this tensor."""

    # --- operations
    @abstractmethod
    def fields(self, node: ir.Primitive, frame: F) -> SimpleNamespace:
        """The fields of a primitive, those that are tensors left out."""

    @abstractmethod
    def primitive(
        self,
        node: ir.Primitive,
        fields: SimpleNamespace,
        tensors: Sequence[T],
        further: Sequence[T],
        path: str,
        frame: F,
    ) -> Sequence[T]:
        """What a primitive makes of the tensors that enter it, and of those of its tensor fields."""

    def call(self, node: ir.Call, tensors: Sequence[T], frame: F) -> None:
        """A block is about to be called on these tensors."""

    @abstractmethod
    def require(self, block: ir.Function, expr: Expr, frame: F) -> None:
        """What a block requires of its call."""

    @abstractmethod
    def sides(self, node: ir.If, frame: F) -> Sequence[ir.Region]:
        """The sides of a condition to be walked."""

    @abstractmethod
    def either(self, node: ir.If, results: Sequence[Any], frame: F) -> Any:
        """What a condition gives, from what the sides that were walked do."""

    def decided(self, node: ir.If, result: Any, frame: F) -> None:
        """A condition has given this."""

    @abstractmethod
    def bad_choice(self, node: ir.If, frame: F) -> SpecError:
        """The fault of a choice that has no such body."""

    @abstractmethod
    def holds(self, auxiliary: ir.Auxiliary, frame: F) -> bool:
        """Whether a stage of training alone is there."""

    # --- modules that run again
    def step_of(self, node: ir.Primitive) -> ir.Operation:
        """The step at work: one that runs the module of another stands where it is written."""
        return self.reusing[-1] if self.reusing and self.reusing[-1].module is node else node

    def label_of(self, node: ir.Primitive, fields: SimpleNamespace) -> str | None:
        """What the spec says with `label:`, or what the op says over the tensors that it names."""
        label = self.step_of(node).label
        return node.op.as_written(fields, node.called) if node.called and label is None else label

    def modules(self, mark: Any) -> Sequence[Any]:
        """What tells apart the modules that have run since `mark`: those of each run of a module are the same."""
        return ()

    def fits(self, entered: Sequence[Any], tensors: Sequence[Any]) -> bool:
        """Whether a module that these tensors entered first can take those."""
        return True

    # --- loops
    @abstractmethod
    def rows(self, node: ir.Loop, frame: F) -> list[Row]:
        """The turns of a loop to be walked."""

    @abstractmethod
    def entered(self, node: ir.Loop, row: Row, tensor: T) -> None:
        """The cell of a row that holds the channels of what enters it."""

    @abstractmethod
    def begin_table(self, node: ir.Loop, rows: Sequence[Row], frame: F) -> None:
        """Binds `turn` and `turns`."""

    @abstractmethod
    def next_turn(self, frame: F) -> None:
        """Counts `turn` up."""

    @abstractmethod
    def bind_row(self, node: ir.Loop, row: Row, index: int, count: int, frame: F) -> None:
        """Binds the columns, and `i`, `first`, `last`."""

    def bound_row(self, node: ir.Loop, index: int, frame: F) -> None:
        """A turn's names are bound, those of its lets among them."""

    @abstractmethod
    def row_name(self, node: ir.Loop, name: Any) -> str:
        """The key of a row that has a name."""

    @abstractmethod
    def left(self, node: ir.Loop, rows: Sequence[Row], entry: T, current: T, results: Sequence[Any], frame: F) -> Any:
        """What leaves a loop: all results if it runs side by side, else that of the last turn."""

    # --- scopes: parts of the network as a reader sees them
    def open(self, kind: str, name: str, path: str, node: ir.Operation, entry: Any, frame: F) -> Any:
        """A part begins: a stage, a row, a turn, a branch, a call."""

    def arguments(self, scope: Any, inner: F) -> None:
        """The params of a call are bound."""

    def close(self, scope: Any, output: Any) -> None:
        """A part ends."""

    # --- calls that were computed before
    def key(self, inner: F, tensors: Sequence[T], further: Mapping[str, Any]) -> Hashable:
        """What tells that two calls come to the same; None: nothing does."""

    def mark(self) -> Any:
        """Where a call, or a module that runs again, begins in what the domain has gathered."""

    def record(self, mark: Any, scope: Any, tensors: Sequence[T], further: Mapping[str, Any], result: Any) -> Any:
        """What the domain has gathered in a call."""

    def repeat(self, record: Any, scope: Any, tensors: Sequence[T], further: Mapping[str, Any]) -> Any:
        """The result of a call that was computed before, on other tensors of the same shapes."""
