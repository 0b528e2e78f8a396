"""The insertion point: where the next operation is appended, and what its step may read and be called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from archdsl.expr.nodes import Expr
from archdsl.ir import program as ir
from archdsl.lowering.context import Context
from archdsl.lowering.expressions import resolve
from archdsl.lowering.keys import Keys
from archdsl.lowering.scope import Scope
from archdsl.lowering.tensors import bind, bind_many, single, tensor
from archdsl.syntax import spec as s


@dataclass(frozen=True, eq=False)
class Builder:
    """Appends operations to a region; a step is lowered at one, and its branches and bodies at others made from it."""

    scope: Scope
    keys: Keys
    entry: ir.Operand  # the tensor that enters the next step
    region: ir.Region = field(default_factory=ir.Region)

    @property
    def context(self) -> Context:
        return self.scope.context

    # --- other insertion points
    def on(self, entry: ir.Operand) -> Builder:
        """The same place, where another tensor enters."""
        return self if entry is self.entry else replace(self, entry=entry)

    def inside(self, scope: Scope | None = None) -> Builder:
        """A nested region on the same tensor; what is named there is not seen outside, unless the scope is given."""
        inner = scope.conditional() if scope is not None else self.scope.inner()
        return replace(self, scope=inner, region=ir.Region())

    # --- operations
    def append(self, operation: ir.Operation) -> ir.Value:
        """The operation comes last in the region; its result."""
        self.region.nodes.append(operation)
        return operation.out

    def close(self, result: ir.Operand) -> ir.Region:
        """The region, with what leaves it."""
        self.region.result = result
        return self.region

    # --- names
    def expr(self, expr: Expr, words: Iterable[str] = ()) -> Expr:
        return resolve(expr, self.scope, words)

    def tensor(self, ref: Expr) -> ir.Operand:
        return tensor(ref, self.scope)

    def single(self, ref: Expr) -> ir.Operand:
        return single(ref, self.scope)

    def source(self, step: s.Step | s.Stage) -> ir.Operand:
        """What a step or stage reads: the tensor of `from:`, else the one that enters."""
        return self.single(step.source) if step.source is not None else self.entry

    def bind(self, name: str, value: ir.Operand, step: s.Step) -> None:
        bind(name, value, self.scope, step.span)

    def bind_many(self, into: str | tuple[str, ...], value: ir.Value, step: s.Step) -> None:
        bind_many(into, value, self.scope, step.span)

    def key(self, step: s.Step, fallback: str) -> str | None:
        """The key of the module that a step makes: its `name:`, else what it is."""
        return self.keys.key(step.name, fallback, step.span)
