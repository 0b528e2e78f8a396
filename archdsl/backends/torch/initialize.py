"""The `init:` section as source: a loop over the modules at the end of the network's constructor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.backends.torch.classes import ClassSource
from archdsl.backends.torch.layout import Cat, Chain, Doc, call, keyword
from archdsl.backends.torch.pieces import Line, expr_doc, indent, mentions, renamed
from archdsl.backends.torch.prelude import attributes_of, base_of, weights_of
from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import fold, substitute
from archdsl.expr.nodes import Binary, Call, Expr, IfElse, Lit, Name, names
from archdsl.expr.show import show
from archdsl.ops import REGISTRY
from archdsl.syntax.spec import Defaults
from archdsl.syntax.words import INIT


def root(n: int, fan: str) -> Expr:
    return Call("sqrt", (Binary("/", Lit(n), Name(fan)),))


KAIMING = {  # the rules that torch has a function for
    ("normal", root(2, "fan_out")): ("nn.init.kaiming_normal_", "mode", '"fan_out"'),
    ("normal", root(2, "fan_in")): ("nn.init.kaiming_normal_",),
    ("uniform", root(6, "fan_in")): ("nn.init.kaiming_uniform_",),
    ("uniform", root(3, "fan_in")): ("nn.init.kaiming_uniform_", "nonlinearity", '"linear"'),
}
CONV = {
    "fan_in": "m.in_channels // m.groups * math.prod(m.kernel_size)",
    "fan_out": "m.out_channels * math.prod(m.kernel_size)",
    "taps": "math.prod(m.kernel_size)",
    "groups": "m.groups",
}
WEIGHTED = ("nn.Conv", "nn.Linear", "nn.BatchNorm", "nn.LayerNorm", "nn.RMSNorm")
LINEAR = {"fan_in": "m.in_features", "fan_out": "m.out_features"}


def init_lines(
    init: Mapping[str, Defaults], classes: Sequence[ClassSource], renamed_kinds: Mapping[str, str]
) -> list[Line]:
    """Statements that fill the parameters as `init:` says; what it does not name keeps torch's own.

    `renamed_kinds` are the classes of preludes that have another name in this file.
    """
    made: dict[str, set[str]] = {}
    for source in classes:
        for op, found in source.weighted.items():
            made.setdefault(op, set()).update(found)
    branches: list[tuple[list[str], list[Line]]] = []
    for target, entry in init.items():
        ops = [op for op in made if op == target or REGISTRY[op].follows == target]
        kinds = sorted({torch_kind for op in ops for kind in made[op] for torch_kind in held_by(op, kind)})
        for op in ops:
            refuse_unfilled(op, made[op], entry)
        biased = {b for source in classes for op in ops for b in source.biased.get(op, ())}
        learned = {b for source in classes for op in ops for b in source.learned.get(op, ())}
        lines = rules(target, entry, kinds, biased)
        if lines and False in learned:  # norms of the same class without a scale and a shift
            lines = [Line(0, "if m.weight is not None:"), *indent(lines)]
        if kinds and lines and branches and branches[-1][1] == lines:
            branches[-1][0].extend(kinds)
        elif kinds and lines:
            branches.append((kinds, lines))
    body: list[Line] = []
    for kinds, lines in branches:
        kinds = [renamed_kinds.get(kind, kind) for kind in kinds]
        test = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        body.append(Line(1, f"{'elif' if body else 'if'} isinstance(m, {test}):"))
        body += indent(lines, 2)
    return [Line(0, "for m in self.modules():"), *body] if body else []


def without_clash(lines: list[Line], init: Sequence[Line], word: str) -> list[Line]:
    """The loop over the modules with another word for its variable, where the constructor has an `m` of its own."""
    if not any(mentions(line.doc, "m") for line in init):
        return lines
    return [Line(line.depth, renamed(line.doc, "m", word), line.suffix) for line in lines]


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


def rules(target: str, entry: Defaults, kinds: Sequence[str], biased: set[bool]) -> list[Line]:
    """The statements for one kind of module: the names that they share, then one for each tensor."""
    known, lines = names_of(target), []
    shared: dict[str, str] = {}
    for tensor, rule in entry.values.items():
        value = checked(target, tensor, rule, entry, known)
        if tensor == "bias" and True not in biased:
            continue
        assert isinstance(rule, Call)
        turned = any("Transpose" in kind for kind in kinds)  # torch takes its fans the wrong way round
        kaiming = KAIMING.get((rule.function, value)) if not turned else None
        if kaiming is None:
            shared |= {n.id: known[n.id] for n in names(value) if n.id != "groups"}
            made = made_by(rule.function, f"m.{tensor}", substitute(value, {"groups": Name("m.groups")}))
        else:
            head, *argument = kaiming
            made = [Line(0, call(head, f"m.{tensor}", *(keyword(*pair) for pair in [argument] if pair)))]
        typed = all("Conv" not in kind for kind in kinds)  # torch types a convolution's bias as Tensor | None
        optional = tensor == "bias" and (False in biased or not typed)
        lines += [Line(0, "if m.bias is not None:"), *indent(made)] if optional else made
    return [*(Line(0, Cat((f"{name} = ", product(text)))) for name, text in shared.items()), *lines]


def product(text: str) -> Doc:
    """A product, which can be broken."""
    first, *rest = text.split()
    return Chain(first, tuple(zip(rest[::2], rest[1::2], strict=True))) if rest else first


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
                help=f"known are {', '.join(known) or 'numbers alone'}",
            )
    return rule.args[0]


def made_by(rule: str, tensor: str, value: Expr) -> list[Line]:
    """A rule as statements; the bound of a uniform one gets a name."""
    if rule == "trunc_normal" and not isinstance(value, Lit):
        return [Line(0, f"std = {show(value, python=True)}"), Line(0, statement(rule, tensor, Name("std")))]
    if rule == "normal" and isinstance(value, IfElse) and isinstance(value.other, IfElse):
        return [Line(0, Cat(("std = ", expr_doc(value)))), Line(0, statement(rule, tensor, Name("std")))]
    if rule == "uniform" and not isinstance(value, Lit):
        return [Line(0, f"bound = {show(value, python=True)}"), Line(0, statement(rule, tensor, Name("bound")))]
    return [Line(0, statement(rule, tensor, value))]


def statement(rule: str, tensor: str, value: Expr) -> Doc:
    """`nn.init.normal_(m.weight, 0.0, …)`."""
    text = show(value, python=True)
    if rule == "normal":
        return call("nn.init.normal_", tensor, keyword("std", text))
    if rule == "trunc_normal":
        # torch cuts at ±2 whatever the deviation; ±2 deviations are meant, as TensorFlow cuts
        low, high = (show(fold(Binary("*", Lit(n), value)), python=True) for n in (-2, 2))
        return call("nn.init.trunc_normal_", tensor, keyword("std", text), keyword("a", low), keyword("b", high))
    if rule == "uniform":
        return call("nn.init.uniform_", tensor, f"-{text}", text)
    if isinstance(value, Lit) and value.value in (0, 1):
        return call(f"nn.init.{'ones' if value.value else 'zeros'}_", tensor)
    return call("nn.init.constant_", tensor, text)
