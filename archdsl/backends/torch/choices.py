"""A module that a word chooses: a table of what makes each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.argument_checks import refused_word
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.syntax import IDENTITY, Tree
from archdsl.expr.nodes import Compare, Expr, Lit, Name, wrap
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer
    from archdsl.backends.torch.conditions import Arm

MAKERS = "dict[str, Callable[[], nn.Module]]"
FEWEST = 4  # words from which on a table is easier to read than `if … elif`


def write_table(writer: Writer, key: str, arms: Sequence[Arm]) -> list[py.Statement]:
    """`self.key = keys[word]()`, where conditions ask for one word after another; else nothing.

    The class of all variants refuses a word that the table does not have.
    """
    words = compared_words(writer, arms)
    left = [word for word in words_of(writer, words[0]) if word not in {w.value for _, w in words}] if words else []
    if len(words) + bool(left) < FEWEST or len(left) != 1:
        return []
    rows = [(str(word.value), arm.made) for (_, word), arm in zip(words, arms, strict=False)]
    rows.append((left[0], remaining(writer, arms[len(words) :])))
    name, table = words[0][0], writer.words.word(f"{key}s", f"{key}_makers")
    entries = tuple((Lit(word), maker(made)) for word, made in rows)
    return [
        py.Assign(Name(table), py.Dict(entries), parsed(MAKERS)),
        *([refused_word(name, table)] if writer.plan.parametric else []),
        py.assign(f"self.{key}", py.Call(py.Subscript(Name(table), (name,)))),
    ]


def check_word(writer: Writer, node: ir.If) -> None:
    """Lets the constructor refuse a word that is none of a choice, whose last body stands under no condition."""
    pair = compared(writer.numbers.shown(node.condition, (node.id, "condition")))
    words = words_of(writer, pair) if pair is not None else []
    if pair is None or set(words) - set(node.choices) or len(words) < 2 or pair[0].id in writer.checks:
        return
    message = Lit(f"{pair[0].id} is one of {', '.join(words)}")
    refusal = py.Raise(py.call("ValueError", message))
    writer.checks[pair[0].id] = py.If(Compare("not in", pair[0], wrap(words)), [refusal])


def compared_words(writer: Writer, arms: Sequence[Arm]) -> list[tuple[Name, Lit]]:
    """The words that the first outcomes depend on, all of one name."""
    found: list[tuple[Name, Lit]] = []
    for arm in arms[:-1]:
        pair = None if arm.condition is None else compared(writer.numbers.shown(arm.condition))
        if pair is None or (found and pair[0] != found[0][0]):
            break
        found.append(pair)
    return found


def compared(condition: Expr) -> tuple[Name, Lit] | None:
    """The name and the word of `name == "word"`."""
    match condition:
        case Compare(op="==", left=Name() as name, right=Lit(value=str()) as word):
            return name, word
    return None


def words_of(writer: Writer, pair: tuple[Name, Lit]) -> list[str]:
    """All that a name was in this network, if that were words."""
    slot = writer.numbers.bound.get(pair[0].id)
    seen = writer.numbers.seen.get(slot) if isinstance(slot, tuple) else None
    return list(seen.words) if seen is not None and seen.kinds == {"str"} else []


def remaining(writer: Writer, arms: Sequence[Arm]) -> Tree:
    """What the last word makes, under the conditions that are left."""
    found = arms[-1].made
    for arm in reversed(arms[:-1]):
        condition: Expr = writer.numbers.shown(arm.condition) if arm.condition is not None else Lit(True)
        found = py.Conditional(arm.made, condition, found)
    return found


def maker(made: Tree) -> Tree:
    """What makes a module when it is called."""
    return Name("nn.Identity") if made == IDENTITY else py.Lambda(made)
