"""Expressions: read, shown, computed and simplified; each against Python's own reading of the same text."""

import ast
import math
import time
import warnings

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archdsl import cost, graph
from archdsl.analysis.annotations import type_name
from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source
from archdsl.expr.evaluate import COMPARE, FUNCTIONS, evaluate, make_divisible
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import (
    Binary,
    Call,
    Compare,
    Expr,
    IfElse,
    Index,
    ListOf,
    Lit,
    Logic,
    Name,
    Unary,
    names,
    rebuild,
)
from archdsl.expr.parse import parse
from archdsl.expr.show import show
from archdsl.expr.simplify import polynomial, quotient, same, simplify
from archdsl.yaml.located import Mapping, read

NAMES = ("c_in", "out", "groups", "n", "first", "wide")
PYTHON = {**FUNCTIONS, "math": math, "true": True, "false": False, "null": None, "__builtins__": {}}


# --- trees --------------------------------------------------------------------------------------


whole = st.integers(-40, 400)
number = whole | st.sampled_from([0.5, 1.4, 0.35, 2.0, 1e-05])
word = st.sampled_from(["relu", "it's", 'a "b"', "back\\slash", ""])
named = st.sampled_from(NAMES).map(Name)


def literals(kinds):
    return st.one_of(*kinds).map(Lit)


def arithmetic(inner, operators):
    return st.builds(Binary, st.sampled_from(operators), inner, inner)


def negated(inner):
    """`-5` is a literal, as the parser has it."""
    return inner.filter(lambda e: not isinstance(e, Lit)).map(lambda e: Unary("-", e))


def conditions(inner):
    compared = st.builds(Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner, inner)
    logic = st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(compared, min_size=2, max_size=3).map(tuple))
    return st.one_of(compared, logic, compared.map(lambda e: Unary("not", e)))


def calls(inner):
    return st.one_of(
        st.builds(Call, st.sampled_from(["min", "max"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Call, st.sampled_from(["abs", "int", "ceil", "floor", "round"]), st.tuples(inner)),
        st.builds(Call, st.just("make_divisible"), st.tuples(inner), st.tuples(st.tuples(st.just("divisor"), inner))),
    )


def chosen(inner):
    return st.builds(IfElse, conditions(inner), inner, inner)


def picked(inner):
    listed = st.lists(inner, min_size=1, max_size=3).map(lambda items: ListOf(tuple(items)))
    return st.builds(Index, listed, st.integers(0, 2).map(Lit))


def whole_trees():
    """Expressions of whole numbers, as channel counts are."""

    def extend(inner):
        return st.one_of(
            arithmetic(inner, ["+", "-", "*", "//", "%"]), negated(inner), chosen(inner), calls(inner), picked(inner)
        )

    return st.recursive(whole.map(Lit) | named, extend, max_leaves=12)


def any_trees():
    """Everything the language has, much of it without a value."""

    def extend(inner):
        values = st.lists(inner, max_size=3).map(lambda items: ListOf(tuple(items)))
        return st.one_of(
            arithmetic(inner, ["+", "-", "*", "/", "//", "%", "**"]),
            negated(inner),
            inner.map(lambda e: Unary("not", e)),
            st.builds(Compare, st.sampled_from(list(COMPARE)), inner, inner),
            st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
            chosen(inner),
            calls(inner),
            values,
            st.builds(Index, inner, inner),
            st.builds(Call, st.sampled_from(["sum", "len", "sqrt"]), st.tuples(inner)),
        )

    return st.recursive(literals([number, st.booleans(), word, st.none()]) | named, extend, max_leaves=12)


environments = st.fixed_dictionaries(
    {name: st.integers(1, 64) for name in NAMES} | {"first": st.booleans(), "wide": st.integers(0, 3)}
)
loose = st.fixed_dictionaries(dict.fromkeys(NAMES, number | st.booleans()))


def value_of(expr, env):
    """What an expression is worth, or that it has no value."""
    try:
        return evaluate(expr, env)
    except SpecError:
        return "no value"


def pythons(text, env):
    """Python's own value of a text, or that it has none; what is too large for a spec counts as none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            value = eval(text, dict(PYTHON), env)
    except (ArithmeticError, ValueError, TypeError, LookupError):
        return "no value"
    return tuples_to_lists(value)


def tuples_to_lists(value):
    return [tuples_to_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def small(expr):
    """Without powers: Python would compute those that the evaluator refuses."""
    parts = [expr, *(part for part in walk(expr))]
    return not any(isinstance(part, Binary) and part.op == "**" for part in parts)


def walk(expr):
    from archdsl.expr.nodes import children

    for child in children(expr):
        yield child
        yield from walk(child)


def numeric(expr):
    """Without words and lists, whose arithmetic Python has and the language has not."""
    parts = [expr, *walk(expr)]
    return not any(isinstance(p, ListOf) or (isinstance(p, Lit) and isinstance(p.value, str)) for p in parts)


# --- read and shown -----------------------------------------------------------------------------


@given(any_trees())
def test_what_is_shown_reads_as_the_same_tree(expr):
    assert parse(show(expr)) == expr


@given(any_trees())
def test_emitted_text_is_python(expr):
    ast.parse(show(expr, python=True), mode="eval")


@given(any_trees(), environments)
@settings(max_examples=300)
def test_a_value_is_the_one_that_python_computes(expr, env):
    assume(small(expr) and numeric(expr))
    found = value_of(expr, env)
    assume(found != "no value")
    assert found == pythons(show(expr), env)
    assert type(found) is type(pythons(show(expr), env))


@given(whole_trees(), environments)
@settings(max_examples=300)
def test_emitted_text_has_the_value_that_was_computed(expr, env):
    found = value_of(expr, env)
    assert found == "no value" or pythons(show(expr, python=True), env) == found


@given(any_trees(), loose)
def test_an_expression_of_any_sort_has_a_value_or_a_fault_never_an_exception(expr, env):
    value_of(expr, env)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("(k - 1) // 2", "(k - 1) // 2"),
        ("a - (b - c)", "a - (b - c)"),
        ("a // (b // c) // d", "a // (b // c) // d"),
        ("-a ** 2", "-a**2"),
        ("(-2) ** 2", "(-2) ** 2"),
        ("(a + b) ** (c + 1)", "(a + b) ** (c + 1)"),
        ("not (a == b)", "not a == b"),
        ("(a or b) and not c", "(a or b) and not c"),
        ("(a if b else c) + 1", "(a if b else c) + 1"),
        ("a if b else c if d else e", "a if b else c if d else e"),
        ("(a if b else c) if d else e", "(a if b else c) if d else e"),
        ("w[0] + w[-1]", "w[0] + w[-1]"),
        ("1 < n < 5", "1 < n and n < 5"),
        ("kind in ['a', 'b']", 'kind in ("a", "b")'),
        ("[4]", "(4,)"),
        ("ceil(sqrt(n)) + gcd(a, b)", "math.ceil(math.sqrt(n)) + math.gcd(a, b)"),
        ("make_divisible(c * width, divisor=4)", "make_divisible(c * width, divisor=4)"),
        ("true and null", "True and None"),
        ("x == 'it\\'s'", 'x == "it\'s"'),
    ],
)
def test_brackets_stand_only_where_python_needs_them(text, python):
    assert show(parse(text), python=True) == python


def test_true_false_and_null_are_constants_in_either_spelling():
    for text, value in [("true", True), ("True", True), ("false", False), ("null", None), ("None", None)]:
        assert evaluate(parse(text), {}) is value


def test_every_function_takes_its_keyword_arguments():
    assert evaluate(parse("make_divisible(30, divisor=4, limit=0.9, minimum=8)"), {}) == 32
    assert evaluate(parse("round(1.4142, ndigits=2)"), {}) == 1.41
    assert evaluate(parse("min([], default=3)"), {}) == 3


@given(st.floats(1, 5000), st.integers(1, 64))
def test_make_divisible_is_near_and_never_far_below(x, divisor):
    found = make_divisible(x, divisor)
    assert found % divisor == 0
    assert found >= divisor
    assert found >= 0.9 * x
    assert found - x <= divisor


def test_names_come_in_order_of_mention():
    assert [name.id for name in names(parse("a + f.b * max(c, a if d else e)"))] == ["a", "f.b", "c", "d", "a", "e"]


@given(any_trees())
def test_rebuilding_with_no_change_changes_nothing(expr):
    assert rebuild(expr, lambda part: part) == expr


# --- simplified ---------------------------------------------------------------------------------


@given(whole_trees(), environments)
@settings(max_examples=500)
def test_simplifying_keeps_the_value(expr, env):
    found = value_of(expr, env)
    assume(found != "no value")
    try:
        shorter = simplify(expr)
    except SpecError:  # a part without a value, on a way not taken
        return
    assert evaluate(shorter, env) == found


@given(whole_trees(), environments)
def test_simplifying_never_lengthens(expr, env):
    assume(value_of(expr, env) != "no value")
    try:
        assert len(show(simplify(expr))) <= len(show(expr))
    except SpecError:
        return


@pytest.mark.parametrize(
    ("a", "n", "short"),
    [
        ("4 * c", "4", "c"),
        ("3 * c", "3 * g", "c // g"),
        ("6 * c + 4 * d", "4", "(3 * c + 2 * d) // 2"),
        ("c", "g", "c // g"),
    ],
)
def test_a_quotient_is_without_the_factors_that_both_have(a, n, short):
    assert show(quotient(parse(a), parse(n))) == short


@given(whole_trees(), environments, st.sampled_from(NAMES))
@settings(max_examples=300)
def test_substituting_a_value_gives_what_binding_it_gives(expr, env, name):
    found = value_of(expr, env)
    assume(found != "no value")
    try:
        closed = substitute(expr, {name: Lit(env[name])})
    except SpecError:
        return
    assert evaluate(closed, env) == found


def test_sums_of_choices_are_the_same_in_any_order():
    a, b = parse("-(-(0 if n == 2 else c_in))"), parse("-(-(0 if n == 2 else out))")
    assert same(a + b, b + a)


@given(whole_trees(), whole_trees(), environments)
@settings(max_examples=300)
def test_what_is_called_the_same_has_the_same_value(a, b, env):
    left, right = value_of(a + b, env), value_of(b + a, env)
    assume("no value" not in (left, right))
    assert same(a + b, b + a)
    if same(a, b):
        assert value_of(a, env) == value_of(b, env)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a + d + d + d + d - 4 * d", "a"),
        ("(out - 4 * d) + d + d + d + d", "out"),
        ("c_in + growth + growth", "c_in + 2 * growth"),
        ("2 * (a // 2)", "2 * (a // 2)"),
        ("(k - 1) * 1 // 2", "(k - 1) // 2"),
        ("half + (out - half)", "out"),
        ("n * 0", "0"),
        ("max(3, 4) * n", "4 * n"),
        ("n * (3 - 3) + out", "out"),
        ("4 * n // 2", "2 * n"),
        ("(c if first else d) + 1 - 1", "c if first else d"),
        ("c if first else c", "c"),
        ("-n + out", "out - n"),
        ("true and first", "first"),
        ("first or false", "first"),
        ("not true", "false"),
        ("not (a == 2)", "a != 2"),
        ("not a != 2", "a == 2"),
        ("(c_in if a == 2 else 0) + out - c_in + (c_in if a != 2 else 0)", "out"),
        ("(n if first else 2) + (n if not first else 3)", "n + 3 if first else n + 2"),
        ("(8 if first else 2) * n * (4 if first else 3)", "(32 if first else 6) * n"),
        ("(8 if first else 4 if last else 2) // 2", "4 if first else 2 if last else 1"),
        ("8 if first else 8 if last else n", "8 if first or last else n"),
        ("(8 if last else n) if first else n", "8 if first and last else n"),
        ("8 if first and last else 8 if first and not last else n", "8 if first else n"),
    ],
)
def test_the_short_form(text, short):
    assert show(simplify(substitute(parse(text), {}))) == short


@pytest.mark.parametrize("text", ["n or 8", "n and 8", "8 and n", "0 or n", "n or 0 or 5", "first and true"])
@pytest.mark.parametrize("n", [0, 3])
def test_a_number_in_and_or_stays_a_number(text, n):
    env = {"n": n, "first": True}
    expr = parse(text)
    assert evaluate(simplify(expr), env) == evaluate(expr, env)
    assert evaluate(substitute(expr, {}), env) == evaluate(expr, env)


def test_a_fact_cancels_a_division():
    facts = frozenset([(Name("c"), Lit(2)), (Name("out"), Name("g"))])
    assert show(simplify(parse("c // 2 + c // 2"), facts)) == "c"
    assert show(simplify(parse("out // g * g"), facts)) == "out"
    assert show(simplify(parse("c // 2 * 3"), facts)) == "c // 2 * 3"
    assert show(simplify(parse("c // 2 + c // 2"))) == "2 * (c // 2)"


@given(st.integers(1, 20), st.integers(1, 20), st.integers(-8, 8), st.integers(-8, 8))
def test_a_fact_that_holds_keeps_the_value(quotient, n, p, q):
    facts, env = frozenset([(Name("a"), Name("n"))]), {"a": quotient * n, "n": n, "b": p}
    expr = parse(f"{p} * n * (a // n) + {q} * (a // n) - b * (n * (a // n))")
    assert evaluate(simplify(expr, facts), env) == evaluate(expr, env)


def test_a_polynomial_treats_what_it_cannot_expand_as_a_whole():
    found = polynomial(parse("2 * (a + b) * a // 3"))
    assert list(found.values()) == [1]
    assert polynomial(parse("(a + b) * (a - b) - a * a + b * b")) == {}


def test_lists_keep_their_order():
    expr = parse("[1] + [2] + [1]")
    assert evaluate(simplify(expr), {}) == [1, 2, 1]


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9", "2**200", "2.0**2000", "(-8) ** 0.5", "10**18 * 10**18", "1e308 * 10", "[0] * 10**9",
        "[[0] * 1000] * 1000", "round(5, -10**9)", "round(5, ndigits=-10**8)", "sum([[0] * 50000, [0] * 60000], [])",
        "int('9' * 5)", "'a' * 10**9", "1 // 0", "1 % 0", "5 / 0.0", "sqrt(-1)", "[1][3]", "'%s' % 5", "min()",
        "[1, 2][true]", "3 in 5", "'a' < 1", "-'a'", "5[0]", "max(1, key=2)",
    ],
)  # fmt: skip
def test_what_has_no_value_is_a_fault_at_once(text):
    begin = time.process_time()
    with pytest.raises(SpecError) as caught:
        evaluate(parse(text), {})
    assert caught.value.diagnostics[0].code == "bad-value"
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "text",
    [
        "a.b()", "__import__('os')", "open('x')", "lambda: 1", "[x for x in y]", "f'{a}'", "a := 1", "a @ b", "a << 2",
        "a & b", "~a", "a[1:2]", "{1: 2}", "{1}", "a[b, c]", "min(*a)", "min(**a)", "(yield)", "await a", "a is b",
        "1j", "b'x'", "...", "a.b.c[0].d()", "eval('1')", "print(1)", "a = 1", "a; b", "", " ", "1 +", "(" * 300,
        "((((((" + "1" + "))))))(2)", "int.__class__", "x\n+ 1",
    ],
)  # fmt: skip
def test_what_is_no_part_of_the_language_is_a_fault(text):
    with pytest.raises(SpecError) as caught:
        evaluate(parse(text), {"a": 1, "b": 2, "x": 1})
    assert caught.value.diagnostics[0].code in {"bad-expression", "unknown-function", "unknown-name"}


@pytest.mark.parametrize(
    "text",
    ["-" * 1500 + "1", "(" * 900 + "1" + ")" * 900, "1" + " + 1" * 480, "a" * 3000, "[" * 1000, "not " * 400 + "a"],
)
def test_what_is_deep_or_long_is_a_fault_within_a_second(text):
    begin = time.process_time()
    with pytest.raises(SpecError):
        parse(text)
    assert time.process_time() - begin < 1


@given(st.text(max_size=40))
def test_any_text_reads_or_is_a_fault(text):
    try:
        found = parse(text)
    except SpecError as error:
        found = error.diagnostics[0].code
    assert isinstance(found, Expr) or found in {"bad-expression", "unknown-function"}


@pytest.mark.parametrize(
    ("line", "marked"),
    [("x: a + frob(2)", "frob(2)"), ('x: "a + frob(2)"', "frob(2)"), ("x: 8 if a.b() else 1", "a.b()")],
)
def test_a_fault_points_at_the_part(line, marked):
    node = read(Source("a.yaml", line))
    assert isinstance(node, Mapping)
    value = node.entries[0][1]
    with pytest.raises(SpecError) as caught:
        parse(value.text, value.span)
    span = caught.value.diagnostics[0].span
    assert line[span.col - 1 : span.end_col - 1] == marked


def test_an_unknown_name_is_a_fault_at_the_name():
    with pytest.raises(SpecError, match="'growht' is not defined here"):
        evaluate(parse("2 * growht"), {"growth": 2})


def test_the_branch_that_is_not_taken_is_not_computed():
    assert evaluate(parse("8 if n == 0 else 8 // n"), {"n": 0}) == 8
    assert evaluate(parse("n == 0 or 8 // n > 1"), {"n": 0}) is True
    assert evaluate(parse("n != 0 and 8 // n > 1"), {"n": 0}) is False


# --- bounds -------------------------------------------------------------------------------------


def doubled(times):
    """A list that holds another one twice, which holds another one twice, and so on: few words, many items."""
    value = [1]
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize("text", ["[a, a]", "a + a", "a * 2", "[b if b else a, a]", "[[a, 1], [a, 2]]"])
def test_a_list_of_too_many_items_over_all_levels_is_refused_in_no_time(text):
    start = time.perf_counter()
    with pytest.raises(SpecError, match="more than 10000 items"):
        evaluate(parse(text), {"a": doubled(12), "b": []})
    assert time.perf_counter() - start < 1


def test_a_list_nested_too_deeply_is_refused():
    deep = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(SpecError, match="nested more than 40 deep"):
        evaluate(parse("[a]"), {"a": deep})


def test_the_type_of_a_nested_list_is_found_in_no_time():
    nested = [1, 2, 3, 4]
    for _ in range(39):
        nested = [1, 2, 3, nested]
    start = time.perf_counter()
    assert type_name(nested).count("tuple") == 40
    assert type_name(doubled(12)).startswith("tuple[tuple[")
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    "spec",
    [
        {"params": {f"p{n}": f"[{n}] * 9999" for n in range(480)}, "stages": {"a": [{"conv": "len(p1)"}]}},
        {"stages": {"a": {"for": "x", "in": "[1] * 10000", "let": {"q": "[x] * 9000"}, "body": [{"conv": "len(q)"}]}}},
    ],
    ids=["params", "turns"],
)
@pytest.mark.parametrize("run", [graph, cost])
def test_the_lists_of_a_network_have_a_bound_in_all(spec, run):
    start = time.perf_counter()
    with pytest.raises(SpecError, match="more than 1,000,000 items in all"):
        run({"archdsl": 1, "name": "Net", "input": [3, 8, 8], **spec})
    assert time.perf_counter() - start < 4
