"""Faults of printing: where they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.ir import program as ir
from archdsl.ops.base import OpFault


@contextmanager
def placed(span: Span) -> Iterator[None]:
    """A fault without a place has this one."""
    try:
        yield
    except SpecError as error:
        raise SpecError(*(replace(item, span=item.span or span) for item in error.diagnostics)) from None


@contextmanager
def printable(node: ir.Primitive) -> Iterator[None]:
    """What an op's source refuses cannot be printed: the fault is at its step."""
    try:
        yield
    except OpFault as problem:
        raise fault("cannot-print", problem.message, node.span, help=problem.help) from None
