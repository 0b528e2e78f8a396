"""Python as a tree: read from text, walked, changed, and set on lines."""

import ast
import textwrap
from random import Random

import pytest

from archdsl.backends.torch import breaks, layout
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.breaks import lines_of, statement_lines
from archdsl.backends.torch.parse import filled, parsed
from archdsl.backends.torch.pieces import value_tree
from archdsl.backends.torch.prelude import called
from archdsl.backends.torch.spelling import one_line
from archdsl.expr.nodes import Lit, Logic, Name

EXPRESSIONS = [
    "x",
    "self.conv(x)",
    "torch.cat([a, *parts], 1)",
    "torch.cat((x[i] for i in range(self.parts)), 1)",
    "sum(n for n in depths)",
    "x.permute(0, 2, 3, 1).flatten(1)",
    "x[:, : self.channels]",
    "x[:, :n]",
    "x.shape[-2:]",
    "a - (b - c) * -d + 2**k",
    "(a + b) * c // 2",
    "(a if b else c) if d else e",
    'not a and (b or c == "word")',
    "F.interpolate(x, size=y.shape[-2:], align_corners=True)",
    '{"a": lambda: f(1), "b": (1,)}',
    "dict[str, Callable[[], nn.Module]]",
    "tuple[int, ...]",
    "[f(x) for x in xs if x]",  # read by Python's own tree alone
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_what_is_read_is_printed_alike(text):
    printed = one_line(parsed(text))
    assert printed == text
    assert ast.dump(ast.parse(printed)) == ast.dump(ast.parse(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nn.Conv2d(c_in, out=2 * width)", {"nn", "c_in", "width"}),
        ('F.pad(x.y, mode="x_pad")', {"F", "x"}),
        ("[f(x) for x in xs if y]", {"f", "x", "xs", "y"}),
    ],
)
def test_the_words_that_a_tree_reads_are_its_names_alone(text, words):
    assert py.words_read(parsed(text)) == words


def test_functions_of_expressions_are_read_by_their_name_in_python():
    from archdsl.expr.nodes import Call

    assert py.words_read(Call("ceil", (Name("n"),))) == {"math", "n"}


def test_a_name_is_renamed_and_the_name_of_an_argument_or_attribute_stays():
    renamed = py.renamed(parsed('Block(m, m=m.size, word="m", x=other.m)'), "m", "self.m")
    assert one_line(renamed) == 'Block(self.m, m=self.m.size, word="m", x=other.m)'
    filtered = py.renamed(parsed("[x.m for x in m if m.sound]"), "m", "self.m")  # Python's own tree
    assert one_line(filtered) == "[x.m for x in self.m if self.m.sound]"


@pytest.mark.parametrize(
    ("text", "tensor", "expected"),
    [
        ("t.flatten(1)", "self.a(x)", "self.a(x).flatten(1)"),
        ("t.flatten(1)", "a + b", "(a + b).flatten(1)"),
        ("t * 2", "a + b", "(a + b) * 2"),
        ("f(t, 2)", "a + b", "f(a + b, 2)"),
        ("t[0]", "a if b else c", "(a if b else c)[0]"),
        ("[g(y, t) for y in ys if y]", "a + b", "[g(y, a + b) for y in ys if y]"),
    ],
)
def test_a_tensor_takes_the_place_of_a_name_in_brackets_where_it_must(text, tensor, expected):
    assert one_line(filled(parsed(text), {"t": parsed(tensor)})) == expected


def test_and_stands_in_brackets_inside_or():
    both = Logic("and", (Name("a"), Name("b")))
    assert one_line(Logic("or", (both, Name("c")))) == "(a and b) or c"


def test_a_lone_if_under_else_is_an_elif():
    inner = py.If(Name("b"), [py.assign("x", Lit(2))], [py.assign("x", Lit(3))])
    whole = py.If(Name("a"), [py.assign("x", Lit(1))], [inner])
    expected = """
        if a:
            x = 1
        elif b:
            x = 2
        else:
            x = 3
    """
    assert "\n".join(statement_lines([whole], 0)) == textwrap.dedent(expected).strip()


@pytest.mark.parametrize(
    "text",
    [
        "first_of_two_long_names * second_of_two_long_names / (4 * the_mean_of_them(1) + self.small_number)",
        "(first_of_two_long_names - second_of_two_long_names) * (third_of_the_names + self.small_number) * 2",
        "first_of_two_long_names - (second_of_two_long_names - third_of_the_long_names(1, 2)) + self.small_number",
        "(first_of_the_long_names if second_of_the_long_names else third_of_the_long_names) + call_of(fourth_name)",
        "first_of_the_long_names if (second_of_them if third_of_the_long_names else fourth_name) else a_call(x)[0]",
        "(first_of_two_long_names + second_of_two_long_names).permute(0, 2, 3, 1).flatten(1).unsqueeze(1).mean(1)",
    ],
)
def test_an_operation_that_is_broken_is_the_same(text):
    lines = statement_lines([py.assign("x", py.call("f", parsed(text))), py.Return(parsed(text))], 1)
    assert len(lines) > 2
    printed = ast.parse(textwrap.dedent("\n".join(lines)))
    assert ast.dump(printed) == ast.dump(ast.parse(f"x = f({text})\nreturn {text}"))


def test_the_first_of_calls_in_turn_is_broken_if_it_is_too_long_itself():
    text = (
        "torch.unflatten(torch.unflatten(a_tensor_of_tokens, 3, (-1, self.window)), 2, (-1, self.window, self.heads))"
    )
    whole = f"{text}.permute(0, 1, 2, 4, 3).flatten(3, 4).flatten(1, 2)"
    lines = statement_lines([py.assign("x", parsed(whole))], 2)
    assert max(map(len, lines)) <= 88
    assert "            torch.unflatten(" in lines
    assert ast.dump(ast.parse(textwrap.dedent("\n".join(lines)))) == ast.dump(ast.parse(f"x = {whole}"))


def test_a_product_is_broken_at_each_of_its_operators_as_a_formatter_does():
    first, *others = (Name(f"the_{word}_of_four_long_names") for word in ("first", "second", "third", "fourth"))
    lines = statement_lines([py.assign("width", first * others[0] // others[1] * others[2])], 0)
    assert [line.strip() for line in lines] == [
        "width = (",
        "the_first_of_four_long_names",
        "* the_second_of_four_long_names",
        "// the_third_of_four_long_names",
        "* the_fourth_of_four_long_names",
        ")",
    ]


FORMS = [
    "f({}, {})", "nn.A({}, k={})", "({}) + ({})", "({}) * ({}) - ({})", "({} if {} else {})", "({}).m({})", "[{}, {}]",
    "({}, {})", "({},)", "-({})", "not ({})", "({})[{}]", "({}) / ({})", "[{} for q in ({})]", "f(*({}), lambda: {})",
    "({})**({})",
]  # fmt: skip


def random_expression(random, depth):
    """An expression of names, numbers and words in all forms."""
    if not depth or random.random() < 0.2:
        return random.choice(["a", "b.c", "self.x", "1", "'w'"])
    form = random.choice(FORMS)
    return form.format(*(random_expression(random, depth - 1) for _ in range(form.count("{}"))))


@pytest.mark.parametrize("width", [1, 30, 88])
def test_random_statements_are_the_same_however_they_are_broken(width, monkeypatch):
    monkeypatch.setattr(breaks, "WIDTH", width)
    monkeypatch.setattr(layout, "WIDTH", width)
    random = Random(width)
    for _ in range(150):
        text = f"f({random_expression(random, 4)})"
        tree = parsed(text)
        body = [py.assign("x", tree), py.If(tree, [py.Return(tree)]), py.For(Name("i"), tree, [py.Evaluate(tree)])]
        expected = f"x = {text}\nif {text}:\n    return {text}\nfor i in {text}:\n    {text}"
        assert ast.dump(ast.parse("\n".join(statement_lines(body, 0)))) == ast.dump(ast.parse(expected))


def test_a_list_of_one_is_broken_behind_the_comma_that_makes_it_a_tuple():
    rows = value_tree([[1, [[3, 3]] * 12]])
    broken = lines_of(py.Assign(Name("rows"), rows), 0)
    assert one_line(rows).endswith(")),)")
    assert (broken[:3], broken[-3:]) == (["rows = (", "    (", "        1,"], ["        ),", "    ),", ")"])


def test_definitions_of_the_prelude_are_renamed_where_they_are_names():
    text = 'class Same:\n    """Same."""\n\n    def same(self, Samey: int) -> "Same":\n        return Same.like(Samey)'
    expected = (
        'class Same_2:\n    """Same."""\n\n    def same(self, Samey: int) -> "Same":\n        return Same_2.like(Samey)'
    )
    assert called(text, {"Same": "Same_2"}) == expected
