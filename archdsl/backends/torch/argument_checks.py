"""What the class of a classifier refuses of its arguments: counts that are none, and words that choose nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.analysis.noting import IMAGE
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import Argument
from archdsl.backends.torch.classifier import Classifier
from archdsl.backends.torch.parse import parsed
from archdsl.expr.nodes import Compare, Lit, Name
from archdsl.ir.facts import Facts


def counted(classifier: Classifier, arguments: Mapping[str, Argument], facts: Facts) -> Iterator[py.Statement]:
    """A refusal of the numbers of classes and of channels among the arguments of a constructor that are none."""
    name, least = classifier.param, {}
    if name in arguments and arguments[name].type == "int":
        asked = any(word == "condition" and name in seen.deps for (_, word), seen in facts.seen.items())
        least[name] = 0 if classifier.layer is not None or asked else 1
    if IMAGE in arguments:
        least[IMAGE] = 1
    if least:
        yield refused_counts(least)


def refused_counts(least: Mapping[str, int]) -> py.Statement:
    """Raises unless numbers are whole, and at least so large each."""
    test = " or ".join(f"{name} < {count} or {name} % 1" for name, count in least.items())
    (first, count), *others = least.items()
    also = "".join(f", {name} from {count}" for name, count in others)
    message = Lit(f"{first} is a whole number from {count}{also}")
    return py.If(parsed(test), [py.Raise(py.call("ValueError", message))])


def refused_word(name: Name, table: str) -> py.Statement:
    """Raises unless a table has the word."""
    message = parsed(f"'{name.id} is one of ' + ', '.join({table})")
    return py.If(Compare("not in", name, Name(table)), [py.Raise(py.call("ValueError", message))])
