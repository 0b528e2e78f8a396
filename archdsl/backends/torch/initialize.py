"""The `init:` section as source: a loop over the modules at the end of the network's constructor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.prelude import attributes_of, base_of, weights_of
from archdsl.backends.torch.syntax import NONE, Statement, Tree
from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import fold, substitute
from archdsl.expr.nodes import Binary, Call, Compare, Expr, IfElse, Lit, Name, Unary, names
from archdsl.ops import REGISTRY
from archdsl.syntax.spec import Defaults
from archdsl.syntax.words import INIT


def root(n: int, fan: str) -> Expr:
    return Call("sqrt", (Binary("/", Lit(n), Name(fan)),))


KAIMING = {  # the rules that torch has a function for
    ("normal", root(2, "fan_out")): ("nn.init.kaiming_normal_", "mode", "fan_out"),
    ("normal", root(2, "fan_in")): ("nn.init.kaiming_normal_",),
    ("uniform", root(6, "fan_in")): ("nn.init.kaiming_uniform_",),
    ("uniform", root(3, "fan_in")): ("nn.init.kaiming_uniform_", "nonlinearity", "linear"),
}
CONV = {
    "fan_in": "m.in_channels // m.groups * math.prod(m.kernel_size)",
    "fan_out": "m.out_channels * math.prod(m.kernel_size)",
    "taps": "math.prod(m.kernel_size)",
    "groups": "m.groups",
}
MODULE = Name("m")
WEIGHTED = ("nn.Conv", "nn.Linear", "nn.BatchNorm", "nn.LayerNorm", "nn.RMSNorm")
LINEAR = {"fan_in": "m.in_features", "fan_out": "m.out_features"}


def init_body(
    init: Mapping[str, Defaults], classes: Sequence[ClassSource], renamed_kinds: Mapping[str, str]
) -> list[Statement]:
    """Statements that fill the parameters as `init:` says; what it does not name keeps torch's own.

    `renamed_kinds` are the classes of preludes that have another name in this file.
    """
    made: dict[str, set[str]] = {}
    for source in classes:
        for op, found in source.weighted.items():
            made.setdefault(op, set()).update(found)
    branches: list[tuple[list[str], list[Statement]]] = []
    for target, entry in init.items():
        ops = [op for op in made if op == target or REGISTRY[op].follows == target]
        kinds = sorted({torch_kind for op in ops for kind in made[op] for torch_kind in held_by(op, kind)})
        for op in ops:
            refuse_unfilled(op, made[op], entry)
        biased = {b for source in classes for op in ops for b in source.biased.get(op, ())}
        learned = {b for source in classes for op in ops for b in source.learned.get(op, ())}
        body = rules(target, entry, kinds, biased)
        if body and False in learned:  # norms of the same class without a scale and a shift
            body = [py.If(Compare("is not", Name("m.weight"), NONE), body)]
        if kinds and body and branches and branches[-1][1] == body:
            branches[-1][0].extend(kinds)
        elif kinds and body:
            branches.append((kinds, body))
    choice: list[Statement] = []
    for kinds, body in reversed(branches):
        names_ = tuple(Name(renamed_kinds.get(kind, kind)) for kind in kinds)
        test = py.call("isinstance", MODULE, names_[0] if len(names_) == 1 else py.Tuple(names_))
        choice = [py.If(test, body, choice)]
    return [py.For(MODULE, py.call("self.modules"), choice)] if choice else []


def without_clash(loop: list[Statement], init: Sequence[Statement], word: str) -> list[Statement]:
    """The loop over the modules with another word for its variable, where the constructor has an `m` of its own."""
    if MODULE.id not in py.words_read(*init):
        return loop
    return [py.changed(statement, lambda tree: py.renamed(tree, MODULE.id, word)) for statement in loop]


def held_by(op: str, kind: str) -> list[str]:
    """The classes that hold an op's weights."""
    if kind.startswith("nn."):
        return [kind]
    if op in REGISTRY.own():
        return [kind]  # what is inside of it, its own constructor fills
    return [k for k in weights_of(REGISTRY[op].prelude_file(), kind) if k == kind or k.startswith(WEIGHTED)]


def refuse_unfilled(op: str, kinds: Iterable[str], entry: Defaults) -> None:
    """Raises for a rule over a tensor that the module of another package's op has not, or over what it cannot read."""
    if op not in REGISTRY.own():
        return
    for kind in kinds:
        base = kind if kind.startswith("nn.") else base_of(REGISTRY[op].prelude_file(), kind)
        like_torch = base.startswith((*WEIGHTED, "nn.GroupNorm", "nn.LayerNorm"))
        own = set() if base == kind else attributes_of(REGISTRY[op].prelude_file(), kind)
        tensors = own | ({"weight", "bias"} if like_torch else set())
        for tensor, rule in entry.values.items():
            span = rule.span or entry.span
            if tensor not in tensors:
                raise fault("bad-init", f"the op '{op}' has no {tensor} that init: could fill", span)
            if not like_torch and any(True for _ in names(rule)):
                message = f"the initialisation of '{op}' reads numbers alone"
                raise fault("bad-init", message, span, help="compute it in the constructor of its module")


def rules(target: str, entry: Defaults, kinds: Sequence[str], biased: set[bool]) -> list[Statement]:
    """The statements for one kind of module: the names that they share, then one for each tensor."""
    known, body = names_of(target), list[Statement]()
    shared: dict[str, Tree] = {}
    for tensor, rule in entry.values.items():
        value = checked(target, tensor, rule, entry, known)
        if tensor == "bias" and True not in biased:
            continue
        assert isinstance(rule, Call)
        turned = any("Transpose" in kind for kind in kinds)  # torch takes its fans the wrong way round
        kaiming = KAIMING.get((rule.function, value)) if not turned else None
        if kaiming is None:
            shared |= {n.id: parsed(known[n.id]) for n in names(value) if n.id != "groups"}
            made = made_by(rule.function, Name(f"m.{tensor}"), substitute(value, {"groups": Name("m.groups")}))
        else:
            function, *argument = kaiming
            named = [py.Keyword(argument[0], Lit(argument[1]))] if argument else []
            made = [py.Evaluate(py.call(function, Name(f"m.{tensor}"), *named))]
        typed = all("Conv" not in kind for kind in kinds)  # torch types a convolution's bias as Tensor | None
        optional = tensor == "bias" and (False in biased or not typed)
        body += [py.If(Compare("is not", Name("m.bias"), NONE), made)] if optional else made
    return [*(py.assign(name, made) for name, made in shared.items()), *body]


def names_of(target: str) -> Mapping[str, str]:
    """What a rule may read of a module."""
    if target == "linear":
        return LINEAR
    return CONV if target in REGISTRY and REGISTRY[target].group == "convolution" else {}


def checked(target: str, tensor: str, rule: Expr, entry: Defaults, known: Mapping[str, str]) -> Expr:
    """The number of a rule."""
    if tensor not in ("weight", "bias"):
        raise fault("unknown-key", f"init gives 'weight' and 'bias', not '{tensor}'", rule.span or entry.span)
    if not isinstance(rule, Call) or rule.function not in INIT or len(rule.args) != 1:
        known_rules = ", ".join(INIT)
        raise fault("bad-init", f"an init rule is one of {known_rules} with its number", rule.span or entry.span)
    for mentioned in names(rule.args[0]):
        if mentioned.id not in known:
            raise fault(
                "unknown-name",
                f"'{mentioned.id}' is not known to init of {target}",
                mentioned.span or entry.span,
                help=f"choose from {', '.join(known) or 'numbers alone'}",
            )
    return rule.args[0]


def made_by(rule: str, tensor: Expr, value: Expr) -> list[Statement]:
    """A rule as statements; the bound of a uniform one gets a name."""
    choices = rule == "normal" and isinstance(value, IfElse) and isinstance(value.other, IfElse)
    if choices or (rule == "trunc_normal" and not isinstance(value, Lit)):
        return [py.assign("std", value), py.Evaluate(filling(rule, tensor, Name("std")))]
    if rule == "uniform" and not isinstance(value, Lit):
        return [py.assign("bound", value), py.Evaluate(filling(rule, tensor, Name("bound")))]
    return [py.Evaluate(filling(rule, tensor, value))]


def filling(rule: str, tensor: Expr, value: Expr) -> Tree:
    """`nn.init.normal_(m.weight, 0.0, …)`."""
    if rule == "normal":
        return py.call("nn.init.normal_", tensor, py.Keyword("std", value))
    if rule == "trunc_normal":
        # torch cuts at ±2 whatever the deviation; ±2 deviations are meant, as TensorFlow cuts
        low, high = (fold(Binary("*", Lit(n), value)) for n in (-2, 2))
        named = [py.Keyword(name, bound) for name, bound in (("std", value), ("a", low), ("b", high))]
        return py.call("nn.init.trunc_normal_", tensor, *named)
    if rule == "uniform":
        return py.call("nn.init.uniform_", tensor, Unary("-", value), value)
    if isinstance(value, Lit) and value.value in (0, 1):
        return py.call(f"nn.init.{'ones' if value.value else 'zeros'}_", tensor)
    return py.call("nn.init.constant_", tensor, value)
