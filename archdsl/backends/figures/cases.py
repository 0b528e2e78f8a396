"""The cases of a block that are drawn: those asked for side by side, or else the one that most calls are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from string import ascii_lowercase
from typing import Any, TypeAlias

from archdsl.backends.figures.anatomy import entering, window
from archdsl.backends.figures.wording import arguments_text, differing, frozen, value_text
from archdsl.backends.figures.words import Words, told
from archdsl.diagnostics.faults import fault
from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Constant, Lit, Name, names
from archdsl.expr.parse import parse
from archdsl.ir.graph import Node, Scope, Tensor
from archdsl.support.naming import did_you_mean
from archdsl.syntax.identifiers import MEASURES

Case: TypeAlias = "str | Mapping[str, Any]"  # conditions on a call: `stride=1, out=c_in`, or a mapping

ALL = "all"  # asks for each case that shows something of its own
WORDS = {"true": True, "false": False}
MOST_CASES = 4  # of these
MOST_LISTED = 8  # calls in the help of a case that there is not


def chosen(block: str, calls: Sequence[Scope], cases: Sequence[Case], words: Words) -> list[tuple[str, Scope]]:
    """The calls to draw, with what stands under each: nothing under a lone one that nobody asked for."""
    if ALL in cases and len(cases) > 1:
        raise fault("bad-call", "the case 'all' stands for every other one", help="give it alone")
    if cases and [*cases] != [ALL]:
        found = [matching(block, calls, case) for case in cases]
        said = asked(block, cases, words)
    else:
        found = telling(calls)
        if not cases or len(found) == 1:
            return [("", usual(found, calls))]
        said = captions(found, calls, words)
    return list(zip(said, found, strict=True))


def letter(index: int) -> str:
    return ascii_lowercase[index] if index < len(ascii_lowercase) else str(index + 1)


# --- cases asked for
def matching(block: str, calls: Sequence[Scope], case: Case) -> Scope:
    """Of the calls that meet the conditions the one with the most in it, which is what a paper draws."""
    conditions = conditions_of(case)
    known = list(dict.fromkeys(name for call in calls for name in values_of(call)))
    for name in conditions:
        if name not in known:
            help_ = did_you_mean(name, known) or f"its arguments are {', '.join(known) or 'none'}"
            raise fault("unknown-case", f"the block '{block}' has no argument '{name}'", help=help_)
    found = [call for call in calls if meets(call, case)]
    if not found:
        raise fault("unknown-case", f"no call of '{block}' has {case_text(case)}", help=listed(calls, list(conditions)))
    return max(found, key=richness)


def meets(call: Scope, case: Case) -> bool:
    return all(holds(call, name, value) for name, value in conditions_of(case).items())


def conditions_of(case: Case) -> Mapping[str, Any]:
    if isinstance(case, Mapping):
        return case
    found: dict[str, str] = {}
    for part in parted(case):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise fault("bad-call", f"a case is name=value, not '{part.strip()}'", help='for example "stride=1"')
        found[name.strip()] = value.strip().removeprefix("=").strip()
    return found


def parted(text: str) -> list[str]:
    """At commas, but not those of a list."""
    found, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return found


def values_of(call: Scope) -> dict[str, Constant]:
    """What a call may be chosen by: its arguments, and what enters it."""
    shape = call.inputs[0].shape if call.inputs else ()
    return {**call.arguments, **dict(zip(MEASURES, shape, strict=False))}


def holds(call: Scope, name: str, wanted: Any) -> bool:
    """Whether an argument is as wanted: a value, or an expression over the call's arguments; a word is itself."""
    values = values_of(call)
    if name not in values:
        return False
    if isinstance(wanted, str):
        expr = parse(wanted)
        wanted = evaluate(expr, {**{each.id: each.id for each in names(expr)}, "true": True, "false": False, **values})
    return frozen(values[name]) == frozen(wanted) or (
        isinstance(values[name], float) and isinstance(wanted, int) and values[name] == wanted
    )


def asked(block: str, cases: Sequence[Case], words: Words) -> list[str]:
    """The conditions in words: `stride 2`. Of several cases what they have in common is left out.

    So is what compares with another number, where the rest tells the cases apart.
    """
    given = [list(conditions_of(case).items()) for case in cases]
    common = [one for one in given[0] if all(one in other for other in given)] if len(given) > 1 else []
    own = [[one for one in conditions if one not in common] for conditions in given]
    for plain in (True, False):
        said = [
            ", ".join(
                condition(words.argument(block, name), value)
                for name, value in conditions
                if not plain or known_value(value) is not None
            )
            for conditions in own
        ]
        if all(said) and len(set(said)) == len(said):
            return said
    return [case_text(case) for case in cases]


def condition(word: str, value: Any) -> str:
    """`stride 2`, `without shift`, `out = c_in`."""
    known = known_value(value)
    return f"{word} = {value}" if known is None else told(word, *known)


def known_value(value: Any) -> tuple[Any] | None:
    """The value that a condition names; None of an expression over what enters."""
    expr = parse(value) if isinstance(value, str) else Lit(value)
    if isinstance(expr, Name) and expr.id not in MEASURES:
        return (WORDS.get(expr.id, expr.id),)
    return (expr.value,) if isinstance(expr, Lit) else None


def case_text(case: Case) -> str:
    if isinstance(case, str):
        return ", ".join(" ".join(part.split()) for part in parted(case))
    return ", ".join(f"{name}={value_text(value)}" for name, value in case.items())


def listed(calls: Sequence[Scope], named: Sequence[str]) -> str:
    """The calls that there are, by the arguments that differ."""
    varying = [name for name in values_of(calls[0]) if len({frozen(values_of(call).get(name)) for call in calls}) > 1]
    shown = [name for name in varying if name in named] or varying or named
    found = list(dict.fromkeys(arguments_text(values_of(call), shown) for call in calls))
    more = f", … ({len(found) - MOST_LISTED} more)" if len(found) > MOST_LISTED else ""
    return f"there are {'; '.join(found[:MOST_LISTED])}{more}"


# --- cases that show how calls differ
def telling(calls: Sequence[Scope]) -> list[Scope]:
    """The richest call, then each that has something no other had: a stride, a shortcut, another op.

    A call that merely lacks a part is no case of its own. Those at stride 1 stand first.
    """
    found: list[Scope] = []
    seen: set[object] = set()
    for call in sorted(calls, key=lambda call: -richness(call)):
        news = features(call) - seen
        if (news or not found) and len(found) < MOST_CASES:
            found.append(call)
            seen |= news
    return sorted(found, key=lambda call: (strided(call), -richness(call)))


def usual(found: Sequence[Scope], calls: Sequence[Scope]) -> Scope:
    """Of these cases that which most calls are, or are but for a part that they lack."""
    has = [features(case) for case in found]
    counts = Counter(max(range(len(found)), key=lambda n: fitness(features(call), has[n])) for call in calls)
    return found[max(counts, key=lambda n: (counts[n], -n))]


def fitness(own: set[object], case: set[object]) -> tuple[int, int]:
    """How well a call goes with a case: as much in common, then as little else, as can be."""
    return -len(own - case), -len(case - own)


def features(call: Scope) -> set[object]:
    """The ops of a call, strided ones apart, and the joins that it itself enters."""
    nodes = list(call.nodes())
    outside = set(entering(nodes))
    found: set[object] = {(node.op.name, steps(node)) for node in nodes}
    joins = (node for node in nodes if node.op.many and any(t in outside for t in node.inputs))
    return found | {("skip", node.op.name) for node in joins}


def steps(node: Node) -> bool:
    return max(window(node)[1], default=1) > 1


def strided(call: Scope) -> bool:
    return any(steps(node) for node in call.nodes())


def richness(call: Scope) -> int:
    return sum(1 + len(node.inputs) for node in call.nodes())


def captions(found: Sequence[Scope], calls: Sequence[Scope], words: Words) -> list[str]:
    """The stride and the shortcut, if they tell the cases apart; else the fewest arguments, or the change of channels.

    Of as many arguments those that go with how the calls look: a stride rather than a width.
    """
    for ways in ([strides], [shortcuts], [strides, shortcuts]):
        said = [", ".join(parts) for parts in zip(*(way(found) for way in ways), strict=True)]
        if len(set(said)) == len(found):
            return said
    varying = differing(found)
    for more in (lambda _: "", change):
        for count in range(len(varying) + 1):
            telling_apart = [chosen for chosen in combinations(varying, count) if apart(found, chosen, more)]
            if telling_apart:
                best = min(telling_apart, key=lambda chosen: looks(calls, chosen))
                return [", ".join(filter(None, (words.of_case(call, best), more(call)))) for call in found]
    return [words.of_case(call, varying) for call in found]


def strides(found: Sequence[Scope]) -> list[str]:
    """`stride 2`."""
    return [f"stride {max((max(window(node)[1], default=1) for node in call.nodes()), default=1)}" for call in found]


def shortcuts(found: Sequence[Scope]) -> list[str]:
    """Whether what enters is added to what leaves, as it is or by way of a projection."""
    kinds = [shortcut(call) for call in found]
    if "projection" in kinds and "" not in kinds:
        return [f"{kind} shortcut" for kind in kinds]
    return ["with shortcut" if kind == "identity" else "without shortcut" for kind in kinds]


def shortcut(call: Scope) -> str:
    """`identity`, `projection`, or nothing."""
    nodes = list(call.nodes())
    outside = set(entering(nodes))
    sums = [node for node in nodes if node.op.name == "add"]
    if any(tensor in outside for node in sums for tensor in node.inputs):
        return "identity"
    return "projection" if sums else ""


def apart(found: Sequence[Scope], chosen: Sequence[str], more: Callable[[Scope], str]) -> bool:
    return len({(values(call, chosen), more(call)) for call in found}) == len(found)


def values(call: Scope, chosen: Sequence[str]) -> tuple[object, ...]:
    return tuple(frozen(call.arguments.get(name)) for name in chosen)


def looks(calls: Sequence[Scope], chosen: Sequence[str]) -> int:
    """Into how many pairs of values and looks all calls fall: few, where the one goes with the other."""
    return len({(values(call, chosen), frozenset(features(call))) for call in calls})


def change(call: Scope) -> str:
    """`64 → 96 channels`."""
    output = call.output
    if not call.inputs or not isinstance(output, Tensor):
        return ""
    return f"{call.inputs[0].shape[0]} → {output.shape[0]} channels"
