"""What classes refuse of their arguments: no classes where scores stay, and words that choose nothing."""

from __future__ import annotations

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.parse import parsed
from archdsl.expr.nodes import Compare, Lit, Name
from archdsl.ir.facts import Facts


def asked_for(param: str, facts: Facts) -> bool:
    """Whether a condition reads a param."""
    return any(word == "condition" and param in seen.deps for (_, word), seen in facts.seen.items())


def refused_without(param: str) -> py.Statement:
    """Raises unless there is a class."""
    message = Lit(f"{param} must be at least 1")
    return py.If(Compare("<", Name(param), Lit(1)), [py.Raise(py.call("ValueError", message))])


def refused_word(name: Name, table: str) -> py.Statement:
    """Raises unless a table has the word."""
    message = parsed(f"'{name.id} is one of ' + ', '.join({table})")
    return py.If(Compare("not in", name, Name(table)), [py.Raise(py.call("ValueError", message))])
