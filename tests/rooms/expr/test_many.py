"""Numbers of many settings: what comes of them is what Python gives for each."""

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics.faults import SpecError
from archdsl.expr import evaluate, evaluate_many
from archdsl.expr.many import Alone, Many, Split, entries, together
from archdsl.expr.parse import parse

WHOLE = st.integers(-300, 300) | st.integers(-(2**40), 2**40)
FLOAT = st.floats(-1e6, 1e6, allow_subnormal=False) | st.sampled_from([0.0, -0.0, 0.5, 1.5, 2.5, 0.1, 1e-3])
COLUMN = st.lists(WHOLE, min_size=4, max_size=4) | st.lists(FLOAT, min_size=4, max_size=4)
TEXTS = (
    *(f"a {sign} b" for sign in ("+", "-", "*", "/", "//", "%", "==", "<", ">=", "!=")),
    "a ** 2 + b",
    "-a * 3 - abs(b)",
    "min(a, b, 7) + max([a, b])",
    "round(a) + ceil(b) - floor(a) + int(b)",
    "round(a, 1) * b",
    "make_divisible(a) + make_divisible(b, 4, 0.95, minimum=16)",
    "a if a > b else b",
    "a // b if b != 0 else a",
    "a > 0 and b or 5",
    "not a or b in [1, 2, a]",
    "gcd(int(a), int(b)) + sqrt(abs(b))",
    "[16, 24, 32][int(a) % 3] + sum([a, b])",
    "(a > b) + (b > 0) * 2",
    "1 if 0.5 < a else 'word'",
)


def of_each(expr, env, places):
    """The values of an expression over columns, as runs with arrays give them: groups that differ by themselves."""
    columns = {name: together([column[n] for n in places]) for name, column in env.items()}
    groups = []
    try:
        with np.errstate(all="ignore"):
            found = entries(evaluate_many.evaluate(expr, columns), len(places))
    except Split as split:
        groups = split.groups
    except (Alone, SpecError):
        return [alone(expr, {name: column[n] for name, column in env.items()}) for n in places]
    if not groups:
        return [(type(value).__name__, repr(value)) for value in found]
    assert len(groups) > 1
    parts = [zip(group, of_each(expr, env, [places[n] for n in group]), strict=True) for group in groups]
    return [value for _, value in sorted(pair for part in parts for pair in part)]


def alone(expr, env):
    try:
        value = evaluate.evaluate(expr, env)
    except SpecError as error:
        return "fault", error.diagnostics[0].message
    return type(value).__name__, repr(value)


@pytest.mark.parametrize("text", TEXTS)
@settings(max_examples=60, deadline=None)
@given(a=COLUMN, b=COLUMN)
def test_an_expression_over_arrays_has_the_value_that_each_setting_has_alone(text, a, b):
    expr = parse(text)
    expected = [alone(expr, {"a": x, "b": y}) for x, y in zip(a, b, strict=True)]
    assert of_each(expr, {"a": a, "b": b}, range(4)) == expected


def test_what_python_decides_with_numbers_that_differ_splits_them():
    many = together([3, 5, 3])
    for decide in (range, lambda n: n > 4 and 1, lambda n: [0] * n, list(range(9)).__getitem__):
        with pytest.raises(Split) as split:
            decide(many)
        assert sorted(map(list, split.value.groups)) == [[0, 2], [1]]
    assert together([4, 4]) == 4
    assert type(together([4, 4])) is int
    with pytest.raises(TypeError):
        hash(many)


def test_numbers_beyond_the_range_of_arrays_are_left_to_each_alone():
    big = together([2**40, 2**41])
    with pytest.raises(Alone):
        big * big
    with pytest.raises(Alone):
        together([2**60, 2**61]) + 0.5
    assert entries(big * 2**20, 2) == [2**60, 2**61]
    assert entries(reduce(lambda total, n: total + n, [big] * 3), 2) == [3 * 2**40, 3 * 2**41]
    assert isinstance(math.ceil(together([0.5, 1.5])), Many)
