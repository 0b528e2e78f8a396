"""Ops of other packages: what is asked of their classes, and whose fault it is where a rule of theirs fails."""

from __future__ import annotations

import ast
import functools
import keyword
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any, TypeAlias

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr
from archdsl.support.plugins import NOT_OURS, blamed, failed, file_of, home_of

GROUP = "archdsl.ops"
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
Check: TypeAlias = "tuple[Callable[[Any], bool], str]"
Passing: TypeAlias = "tuple[type[Exception], ...]"


# --- what rules give
def is_channels(value: Any) -> bool:
    """Whole channels, an expression for them, or a list of such for several results."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(map(is_channels, value))
    return isinstance(value, Expr) or (type(value) is int and value > 0)


def is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(map(is_channels, value))


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def is_state(value: Any) -> bool:
    """Shapes of tensors by their names; that of one number is empty."""
    if not isinstance(value, dict):
        return False
    shapes = (isinstance(shape, tuple) and all(map(is_count, shape)) for shape in value.values())
    return all(isinstance(name, str) for name in value) and all(shapes)


def is_window(value: Any) -> bool:
    """Extents and strides."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(p, tuple) and all(map(is_count, p)) for p in value)
    )


COUNT: Check = (is_count, "a whole number, at least 0")
TRUTH: Check = (lambda value: isinstance(value, bool), "a truth value")
TEXT: Check = (lambda value: isinstance(value, str), "a text")
RULES: Mapping[str, Check | None] = {
    "check": (lambda value: value is None, "nothing: it raises OpFault"),
    "channels": (is_channels, "whole channels, at least 1, as a number or an expression"),
    "size": (is_shape, "a tuple of whole numbers, each at least 1"),
    "shape": (is_shape, "a tuple of whole numbers, each at least 1"),
    "result": (is_shape, "a tuple of whole numbers, each at least 1"),
    "shapes": (lambda value: isinstance(value, Sequence) and bool(value) and all(map(is_shape, value)), "shapes"),
    "state": (is_state, "shapes by the names of tensors"),
    "params": COUNT,
    "buffers": COUNT,
    "macs": COUNT,
    "work": COUNT,
    "window": (is_window, "extents and strides, two tuples of whole numbers"),
    "functional": TRUTH,
    "makes_memory": TRUTH,
    "module": (lambda value: hasattr(value, "cls") and hasattr(value, "kwargs"), "a Module"),
    "function": TEXT,
    "label": TEXT,
    "idle": TRUTH,
    "compute": None,
    "calibrate": None,
}


# --- whose they are
def is_own(kind: type) -> bool:
    """Whether a class of an op is none of archdsl's."""
    return not kind.__module__.startswith("archdsl.")


def said(kind: Any) -> str:
    """What names an op in messages: `the op 'dyt' of my_package (/path/my_package/ops.py)`."""
    return f"the op '{getattr(kind, 'name', kind.__name__)}' of {home_of(kind)}"


def prelude_of(kind: Any) -> Path | None:
    """The file that an op of another package names as its prelude: it stands beside the class that says so."""
    for base in kind.__mro__:
        if "prelude" in vars(base):
            file = file_of(base.__module__)
            return Path(file).parent / base.prelude if base.prelude and file and is_own(base) else None
    return None


# --- rules that fail
def guard(kind: type, passing: Passing) -> None:
    """Makes the rules of a class tell on it: what they raise, beside `passing`, and what they give that is none."""
    for name, check in RULES.items():
        rule = vars(kind).get(name)
        if isinstance(rule, FunctionType):
            setattr(kind, name, guarded(name, rule, check, passing))
    listing = vars(kind).get("alternatives")
    if isinstance(listing, FunctionType):
        kind.alternatives = alternatives(listing, passing)  # type: ignore[attr-defined]


def guarded(name: str, rule: FunctionType, check: Check | None, passing: Passing) -> Any:
    @functools.wraps(rule)
    def called(self: Any, *given: Any, **named: Any) -> Any:
        try:
            found = rule(self, *given, **named)
        except passing:
            raise
        except (Exception, SystemExit) as error:
            raise raised(type(self), name, error) from error
        if check is not None and not check[0](found):
            message = f"{said(type(self))}: {name}() gives {found!r}, not {check[1]}"
            raise fault("bad-plugin", message, help=NOT_OURS)
        return found

    return called


def alternatives(listing: FunctionType, passing: Passing) -> Any:
    """The guarded rule that yields: what it raises, it raises while it is read."""

    @functools.wraps(listing)
    def called(self: Any, *given: Any) -> Iterator[Any]:
        try:
            yield from listing(self, *given)
        except passing:
            raise
        except (Exception, SystemExit) as error:
            raise raised(type(self), "alternatives", error) from error

    return called


def raised(kind: type, rule: str, error: BaseException) -> SpecError:
    return failed(said(kind), f"fails in {rule}()", error, (file_of(kind.__module__),))


def lacking(kind: Any, rule: str, why: str) -> Exception:
    """What is raised where an op has no such rule; one of ours never lacks it."""
    if not is_own(kind):
        return AssertionError(f"{kind.name} has no {rule}")
    return fault("bad-plugin", f"{said(kind)} has no {rule}(): {why}", help=f"write def {rule}(self, ...) in its class")


# --- what a class says
def refuse_class(kind: Any, counts: Sequence[str], roles: Sequence[str], field: type) -> None:
    """Raises where what a class of another package says of itself cannot be."""

    def wrong(message: str, help: str) -> SpecError:
        return fault("bad-plugin", f"{said(kind)} {message}", help=help)

    if not isinstance(kind.name, str) or not _NAME.fullmatch(kind.name) or keyword.iskeyword(kind.name):
        raise wrong("cannot have that name", "the name of an op is written in snake_case")
    if not isinstance(kind.fields, tuple) or not all(isinstance(item, field) for item in kind.fields):
        raise wrong("has fields that are none", 'fields are a tuple: (Field("factor"),)')
    names = [item.name for item in kind.fields]
    name = next((n for n in names if not n.isidentifier() or keyword.iskeyword(n) or names.count(n) > 1), None)
    if name is not None:
        raise wrong(f"cannot have a field '{name}'", "each field has a name of its own, in snake_case")
    if kind.counts not in counts:
        raise wrong(f"counts '{kind.counts}', which is no column", f"counts is one of {', '.join(map(repr, counts))}")
    if kind.role not in roles:
        raise wrong(f"has the role '{kind.role}', which has no colour", f"there are {', '.join(roles)}")
    prelude = prelude_of(kind)
    if prelude is None:
        return
    if not prelude.is_file():
        raise wrong(f"names the prelude '{kind.prelude}', which is not there", "it stands beside the file of the class")
    with blamed(said(kind), f"has a prelude that cannot be read, '{prelude.name}'"):
        odd = next((node for node in ast.parse(prelude.read_text(encoding="utf-8")).body if not may_stand(node)), None)
    if odd is not None:
        what = f"has a prelude '{prelude.name}' that holds more than imports, classes and functions (line {odd.lineno})"
        raise wrong(what, "what an emitted file gets of it are classes and functions: move it into one")


def may_stand(node: ast.stmt) -> bool:
    """Whether a statement may stand at the top of a prelude."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef))


def taken(kind: Any, known: Any) -> SpecError:
    """Two ops of one name."""
    help = "give it another name"
    if not is_own(known):
        return fault("bad-plugin", f"{said(kind)} has the name of an op of archdsl", help=help)
    return fault(
        "bad-plugin", f"two plug-ins have an op '{kind.name}': {home_of(known)} and {home_of(kind)}", help=help
    )
