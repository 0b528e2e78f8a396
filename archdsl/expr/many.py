"""Numbers of many settings at once: an entry for each, and the arithmetic of Python's own numbers, bit for bit.

What Python decides with such a number (a condition, how often a loop turns, an index) holds for all settings or tells
them apart: `Split` says into which groups, each of which is then computed by itself. Where numbers leave the range in
which arrays compute as Python does, or a rule needs each number by itself, `Alone` says so.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from archdsl.expr.given import kind
from archdsl.expr.nodes import Constant

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
WHOLE = 2**62  # whole numbers up to here are computed with; no sum of two overflows
EXACT = 2**53  # up to here a whole number is a float without loss


class Split(BaseException):
    """The settings differ in what comes next; nothing that handles faults may stop it.

    `groups` are the places of those that agree.
    """

    def __init__(self, groups: Sequence[Array]) -> None:
        super().__init__(groups)
        self.groups = groups


class Alone(BaseException):
    """Each setting is to be computed by itself."""


def apart(mask: Array) -> bool:
    """Whether something holds of all settings, or of none; raises where they differ."""
    if mask.all():
        return True
    if not mask.any():
        return False
    raise Split([np.flatnonzero(mask), np.flatnonzero(~mask)])


class Many:
    """A number of each setting; all are of one `kind`: int, float or bool."""

    __slots__ = ("array", "extremes", "kind")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: Array, extremes: tuple[int, int] | None = None) -> None:
        self.array = array
        self.kind: type = int if extremes is not None else KINDS[array.dtype.char]
        self.extremes = extremes  # of whole numbers: none is smaller or larger

    # --- as Python sees a number
    def __bool__(self) -> bool:
        return apart(truths(self))

    def __index__(self) -> int:
        return operator.index(settled(self))

    def __int__(self) -> int:
        return int(settled(self))

    def __float__(self) -> float:
        return float(settled(self))

    def __repr__(self) -> str:
        return f"<{len(self.array)} of {self.kind.__name__}: {self.array}>"

    # --- arithmetic
    def __add__(self, other: Any) -> Any:
        return arithmetic("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return arithmetic("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return arithmetic("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return arithmetic("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return arithmetic("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return arithmetic("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return arithmetic("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return arithmetic("/", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return arithmetic("//", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return arithmetic("//", other, self)

    def __mod__(self, other: Any) -> Any:
        return arithmetic("%", self, other)

    def __rmod__(self, other: Any) -> Any:
        return arithmetic("%", other, self)

    def __pow__(self, other: Any) -> Any:
        return each(operator.pow, self, other) if is_number(other) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        return each(operator.pow, other, self) if is_number(other) else NotImplemented

    def __neg__(self) -> Many:
        return 0 - self if self.kind is not float else Many(-self.array)

    def __pos__(self) -> Many:
        return whole(self) if self.kind is bool else self

    def __abs__(self) -> Many:
        return Many(np.abs(whole(self).array))

    def __round__(self, digits: int | None = None) -> Many:
        return each(round, self, digits) if digits is not None else rounded(self, np.rint)

    def __ceil__(self) -> Many:
        return rounded(self, np.ceil)

    def __floor__(self) -> Many:
        return rounded(self, np.floor)

    def __trunc__(self) -> Many:
        return rounded(self, np.trunc)

    # --- comparison
    def __eq__(self, other: object) -> Any:
        return compared(operator.eq, self, other) if is_number(other) else False

    def __ne__(self, other: object) -> Any:
        return compared(operator.ne, self, other) if is_number(other) else True

    def __lt__(self, other: Any) -> Any:
        return compared(operator.lt, self, other) if is_number(other) else NotImplemented

    def __le__(self, other: Any) -> Any:
        return compared(operator.le, self, other) if is_number(other) else NotImplemented

    def __gt__(self, other: Any) -> Any:
        return compared(operator.gt, self, other) if is_number(other) else NotImplemented

    def __ge__(self, other: Any) -> Any:
        return compared(operator.ge, self, other) if is_number(other) else NotImplemented


KINDS = {"l": int, "q": int, "d": float, "?": bool}
FAILED: Any = object()
TYPES = {int: np.int64, float: np.float64, bool: np.bool_}


def is_number(value: Any) -> bool:
    return kind(value) in TYPES


def varies(value: Any) -> bool:
    """Whether a value is, or a list holds, one of each setting."""
    return type(value) is Many or (type(value) is list and any(map(varies, value)))


# --- settings side by side
def form(value: Constant) -> Any:
    """What values have in common that can be put side by side: the kinds of numbers, everything else itself."""
    if isinstance(value, list):
        return list, tuple(map(form, value))
    return type(value) if type(value) in TYPES else (type(value), value)


def together(values: Sequence[Constant]) -> Constant:
    """Values of one form as one of each setting; what is the same in all stays as it is."""
    first = values[0]
    if isinstance(first, list):
        return [together(items) for items in zip(*values, strict=True)]
    if type(first) not in TYPES:
        return first
    if type(first) is int and not all(-WHOLE <= n <= WHOLE for n in values):
        raise Alone
    array: Array = np.array(values, TYPES[type(first)])
    return first if (bits(array) == bits(array)[0]).all() else Many(array)


def bits(array: Array) -> Array:
    """What tells numbers apart: -0.0 is not 0.0."""
    return array.view(np.int64) if array.dtype.char == "d" else array


def entries(value: Any, count: int) -> list[Any]:
    """A value of each setting; of a sequence, the sequence of each."""
    if isinstance(value, Many):
        found: list[Any] = value.array.tolist()
        return found
    if isinstance(value, (list, tuple)) and any(isinstance(item, Many) for item in value):
        return list(map(type(value), zip(*(entries(item, count) for item in value), strict=True)))
    return [value] * count


def settled(value: Any) -> Any:
    """A value that is the same in all settings; raises where they differ, with a group for each."""
    if isinstance(value, list):
        return list(map(settled, value))
    if not isinstance(value, Many):
        return value
    _, first, places = np.unique(bits(value.array), return_index=True, return_inverse=True)
    if len(first) == 1:
        return value.array[0].item()
    order = np.argsort(places, kind="stable")
    raise Split(np.split(order, np.flatnonzero(np.diff(places[order])) + 1))


def each(rule: Callable[..., Any], *values: Any) -> Many:
    """What a rule gives for each setting by itself."""
    count = next(len(value.array) for value in values if isinstance(value, Many))
    found = [attempt(rule, row) for row in zip(*(entries(value, count) for value in values), strict=True)]
    if apart(np.array([value is FAILED for value in found])):
        raise Alone
    kinds = {type(value) for value in found}
    only = kinds.pop()
    if kinds or only not in TYPES or (only is int and max(map(abs, found)) > WHOLE):
        raise Alone
    return Many(np.array(found, TYPES[only]))


def attempt(rule: Callable[..., Any], values: Sequence[Any]) -> Any:
    try:
        return rule(*values)
    except (ArithmeticError, ValueError, TypeError):
        return FAILED


# --- arithmetic
def truths(value: Many) -> Array:
    """Of each setting whether its number is not zero."""
    found: Array = value.array if value.kind is bool else value.array != 0
    return found


def whole(value: Many) -> Many:
    """Truth values as the numbers that they are to Python."""
    return Many(value.array.astype(np.int64), (0, 1)) if value.kind is bool else value


def extremes(value: Any) -> tuple[int, int]:
    """Whole numbers between which all are."""
    if type(value) is not Many:
        return int(value), int(value)
    if value.extremes is None:
        value.extremes = int(value.array.min()), int(value.array.max())
    return value.extremes


def measured(value: Any) -> tuple[int, int]:
    """The least and the greatest of whole numbers, in the place of what was told without looking at them."""
    if isinstance(value, Many):
        value.extremes = None
    return extremes(value)


def floats(value: Any) -> Any:
    """Numbers as floats; raises where that loses something."""
    if kind(value) is float:
        return value.array if isinstance(value, Many) else value
    if max(map(abs, extremes(value))) > EXACT and max(map(abs, measured(value))) > EXACT:
        raise Alone
    return value.array.astype(np.float64) if isinstance(value, Many) else float(value)


def operands(left: Any, right: Any) -> tuple[Any, Any, type]:
    """Two numbers as arrays or plain ones of one kind."""
    if kind(left) is float or kind(right) is float:
        return floats(left), floats(right), float
    return plain(left), plain(right), int


def plain(value: Any) -> Any:
    """Whole numbers or truth values as an array of whole ones, or as one."""
    return whole(value).array if isinstance(value, Many) else int(value)


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    """What Python's arithmetic gives in each setting."""
    if sign in DIVISIONS or not is_whole(left) or not is_whole(right):
        return calculated(sign, left, right)
    limits = LIMITS[sign](extremes(left), extremes(right))
    if not -WHOLE <= limits[0] <= limits[1] <= WHOLE:
        return calculated(sign, left, right)
    a = left.array if type(left) is Many else left
    b = right.array if type(right) is Many else right
    return Many(SIGNS[sign](a, b), limits)


def is_whole(value: Any) -> bool:
    return type(value) is int or (type(value) is Many and value.kind is int)


def calculated(sign: str, left: Any, right: Any) -> Any:
    """The same of numbers of any kind, however large."""
    if not is_number(left) or not is_number(right):
        return NotImplemented
    if sign in DIVISIONS:
        return divided(sign, left, right)
    a, b, kind_ = operands(left, right)
    if kind_ is float:
        return Many(SIGNS[sign](a, b))
    limits = LIMITS[sign](measured(left), measured(right))
    if not -WHOLE <= limits[0] <= limits[1] <= WHOLE:
        raise Alone
    return Many(SIGNS[sign](a, b), limits)


def divided(sign: str, left: Any, right: Any) -> Any:
    zero = right == 0
    if apart(zero.array) if isinstance(zero, Many) else zero:
        raise ZeroDivisionError("division by zero")
    if sign == "/":
        return Many(np.true_divide(floats(left), floats(right)))
    a, b, _ = operands(left, right)
    return Many(SIGNS[sign](a, b))


SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "//": np.floor_divide,
    "%": np.remainder,
}
DIVISIONS = frozenset(("/", "//", "%"))


def products(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Between which a product is."""
    (low, high), (least, most) = a, b
    if low >= 0 and least >= 0:
        return low * least, high * most
    found = (low * least, low * most, high * least, high * most)
    return min(found), max(found)


LIMITS: dict[str, Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]] = {
    "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "*": products,
}


def rounded(value: Many, rule: Callable[[Array], Array]) -> Many:
    """Whole numbers by a rule of rounding."""
    if value.kind is not float:
        return whole(value)
    found = rule(value.array)
    if not (np.abs(found) < WHOLE).all():
        raise Alone
    return Many(found.astype(np.int64))


# --- comparison and choice
ALWAYS: dict[Callable[[Any, Any], Any], Callable[[int, int, int, int], bool | None]] = {
    # of numbers between two pairs of limits, where these tell
    operator.lt: lambda a, b, c, d: True if b < c else False if a >= d else None,
    operator.le: lambda a, b, c, d: True if b <= c else False if a > d else None,
    operator.gt: lambda a, b, c, d: True if a > d else False if b <= c else None,
    operator.ge: lambda a, b, c, d: True if a >= d else False if b < c else None,
    operator.eq: lambda a, b, c, d: False if b < c or a > d else None,
    operator.ne: lambda a, b, c, d: True if b < c or a > d else None,
}


def compared(rule: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """A comparison in each setting; plain where the limits tell."""
    if left is right:
        return bool(rule(0, 0))
    a, b, kind_ = operands(left, right)
    if kind_ is int:
        told = ALWAYS[rule](*extremes(left), *extremes(right))
        if told is not None:
            return told
    return Many(rule(a, b))


def chosen(mask: Array, then: Any, other: Any) -> Any:
    """One value where something holds, another where it does not; raises where no array can hold both."""
    if not varies(then) and not varies(other) and form(then) == form(other) and then == other:
        return then
    if not is_number(then) or kind(then) is not kind(other):
        return then if apart(mask) else other
    limits = None
    if kind(then) is int:
        (a, b), (c, d) = extremes(then), extremes(other)
        limits = min(a, c), max(b, d)
    sides = [side.array if isinstance(side, Many) else side for side in (then, other)]
    return Many(np.where(mask, *sides).astype(TYPES[kind(then)], copy=False), limits)


def larger(left: Any, right: Any) -> Any:
    """The larger of two numbers as `max` has it: the first, unless the second is larger."""
    return picked(right > left, right, left)


def smaller(left: Any, right: Any) -> Any:
    """The smaller of two, as `min` has it."""
    return picked(right < left, right, left)


def picked(condition: Any, then: Any, other: Any) -> Any:
    if not isinstance(condition, Many):
        return then if condition else other
    return chosen(condition.array, then, other)
