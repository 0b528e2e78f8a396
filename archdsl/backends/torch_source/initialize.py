"""The `init:` section as source: a loop over the modules at the end of the network's constructor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.backends.torch_source.classes import ClassSource
from archdsl.backends.torch_source.layout import Doc, call, keyword
from archdsl.backends.torch_source.pieces import Line
from archdsl.expr import Binary, Call, Expr, Lit, Name, names, show, substitute
from archdsl.ops import REGISTRY
from archdsl.report import fault
from archdsl.schema.shape import INIT
from archdsl.spec import Defaults

KAIMING = Call("sqrt", (Binary("/", Lit(2), Name("fan_out")),))
CONV = {
    "fan_in": "m.in_channels // m.groups * math.prod(m.kernel_size)",
    "fan_out": "m.out_channels * math.prod(m.kernel_size)",
    "taps": "math.prod(m.kernel_size)",
    "groups": "m.groups",
}
LINEAR = {"fan_in": "m.in_features", "fan_out": "m.out_features"}


def init_lines(init: Mapping[str, Defaults], classes: Sequence[ClassSource]) -> list[Line]:
    """Statements that fill the parameters as `init:` says; what it does not name keeps torch's own."""
    made: dict[str, set[str]] = {}
    for source in classes:
        for op, found in source.modules.items():
            made.setdefault(op, set()).update(found)
    body: list[Line] = []
    for target, entry in init.items():
        kinds = sorted(
            {kind for op, found in made.items() if op == target or REGISTRY[op].follows == target for kind in found}
        )
        if not kinds:
            continue
        kinds = [k for k in kinds if k.startswith("nn.") or f"nn.{k.removesuffix('Same')}" not in kinds]
        biased = {
            b
            for source in classes
            for op, found in source.biased.items()
            if op == target or REGISTRY[op].follows == target
            for b in found
        }
        lines = [
            line for name, rule in entry.values.items() for line in tensor_lines(target, name, rule, entry, biased)
        ]
        if not lines:
            continue
        test = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        body.append(Line(1, f"{'if' if not body else 'elif'} isinstance(m, {test}):"))
        body += [Line(line.depth + 2, line.doc) for line in lines]
    return [Line(0, "for m in self.modules():"), *body] if body else []


def tensor_lines(target: str, name: str, rule: Expr, entry: Defaults, biased: set[bool]) -> list[Line]:
    """`nn.init.…(m.weight, …)` for one tensor of a module."""
    if name not in ("weight", "bias"):
        raise fault("unknown-key", f"init gives 'weight' and 'bias', not '{name}'", rule.span or entry.span)
    if not isinstance(rule, Call) or rule.function not in INIT or len(rule.args) != 1:
        raise fault("bad-init", f"an init rule is one of {', '.join(INIT)} with its number", rule.span or entry.span)
    tensor = f"m.{name}"
    value: Expr = rule.args[0]
    known = (
        LINEAR
        if target == "linear"
        else CONV
        if REGISTRY.get(target) and REGISTRY[target].group == "convolution"
        else {}
    )
    for mentioned in names(value):
        if mentioned.id not in known:
            raise fault(
                "unknown-name",
                f"'{mentioned.id}' is not known to init of {target}",
                mentioned.span or entry.span,
                help=f"known are {', '.join(known) or 'numbers alone'}",
            )
    mentioned_names = dict.fromkeys(n.id for n in names(value)) if rule.function != "normal" or value != KAIMING else {}
    lines = [Line(0, f"{n} = {known[n]}") for n in mentioned_names if n != "groups"]
    value = substitute(value, {"groups": Name("m.groups")})
    if rule.function == "uniform" and not isinstance(value, Lit):
        lines.append(Line(0, f"bound = {show(value, python=True)}"))
        value = Name("bound")
    made = Line(0, statement(rule.function, tensor, value))
    if name == "bias" and True not in biased:
        return []
    if name == "bias" and False in biased:
        return [Line(0, "if m.bias is not None:"), Line(1, made.doc)]
    return [*lines, made]


def statement(rule: str, tensor: str, value: Expr) -> Doc:
    """`nn.init.normal_(m.weight, 0.0, …)`."""
    text = show(value, python=True)
    if rule == "normal" and value == KAIMING:
        return call("nn.init.kaiming_normal_", tensor, keyword("mode", '"fan_out"'))
    if rule == "normal":
        return call("nn.init.normal_", tensor, keyword("std", text))
    if rule == "trunc_normal":
        return call("nn.init.trunc_normal_", tensor, keyword("std", text))
    if rule == "uniform":
        return call("nn.init.uniform_", tensor, f"-{text}", text)
    if isinstance(value, Lit) and value.value in (0, 1):
        return call(f"nn.init.{'ones' if value.value else 'zeros'}_", tensor)
    return call("nn.init.constant_", tensor, text)
