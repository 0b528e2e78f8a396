"""What a file says of all modules of an op or a block, or of one by its path: `defaults:` and `init:`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Call, Expr, ListOf, Lit, names
from archdsl.ops import REGISTRY
from archdsl.support.naming import argument_elsewhere
from archdsl.syntax.reading.steps import StepReader
from archdsl.syntax.reading.values import Context, as_mapping, clip, head, section, to_expr
from archdsl.syntax.spec import Defaults, NamedInit
from archdsl.syntax.words import INIT, INIT_NAMES, WITHOUT_BIAS
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True)
class OpsReader:
    """Reads them; each entry on its own, so that all faults are found."""

    ctx: Context
    steps: StepReader
    tree: Mapping

    def defaults(self) -> dict[str, Defaults]:
        found: dict[str, Defaults] = {}
        for key, value in section(self.ctx, self.tree, "defaults"):
            with self.ctx.catch():
                self.known_target(key)
                fields = {item.name for item in REGISTRY[key.text].fields} if key.text in REGISTRY else None
                values: dict[str, Expr] = {}
                for name, argument in as_mapping(
                    value, f"the value of '{clip(key.text)}'", f"write {clip(key.text)}: {{name: value}}"
                ).entries:
                    if fields is not None and name.text not in fields:
                        self.ctx.add(self.unknown_field(key.text, name, fields))
                        self.ctx.lost.add(key.text)  # the op may lack an argument for that alone
                        continue
                    with self.ctx.catch():
                        values[name.text] = to_expr(argument)
                    if name.text not in values:
                        self.ctx.lost.add(key.text)  # the op may lack an argument for that alone
                found[key.text] = Defaults(key.text, key.span, values)
        return found

    def unknown_field(self, op: str, name: Scalar, fields: set[str]) -> SpecError:
        hint = argument_elsewhere(name.text, fields) or self.ctx.hint(name.text, fields)
        help = hint or f"it takes {', '.join(sorted(fields)) or 'no arguments'}"
        return fault("unknown-argument", f"the op '{op}' has no argument '{clip(name.text)}'", name.span, help=help)

    def known_target(self, key: Scalar) -> None:
        """An op, or a block in PascalCase, which may come from another file."""
        if not self.steps.is_target(key.text):
            raise self.steps.unknown_op(key)

    def init(self) -> dict[str, Defaults]:
        """Like defaults; `{weight: {normal: sqrt(2 / fan_out)}}` is kept as the call `normal(sqrt(2 / fan_out))`."""
        found: dict[str, Defaults] = {}
        for key, value in section(self.ctx, self.tree, "init"):
            if key.text == "when" or self.names_module(key):
                continue
            with self.ctx.catch():
                self.known_target(key)
                if key.text not in REGISTRY:
                    message = f"'{clip(key.text)}' is a block: init: names an op, or a module in the block"
                    raise fault("bad-init", message, key.span, help=f"such as {clip(key.text)}.conv")
                group = "linear" if key.text == "linear" else REGISTRY[key.text].group
                known = INIT_NAMES.get(group, ())
                found[key.text] = Defaults(key.text, key.span, self.rules(key, value, known))
        return found

    def named_init(self) -> tuple[NamedInit, ...]:
        """The entries for single modules."""
        found: list[NamedInit] = []
        for key, value in section(self.ctx, self.tree, "init"):
            if key.text == "when" or not self.names_module(key):
                continue
            with self.ctx.catch():
                rules = self.rules(key, value, INIT_NAMES["convolution"], beside=("when",))
                when = value.get("when") if isinstance(value, Mapping) else None
                path = tuple(key.text.split("."))
                found.append(NamedInit(path, key.span, rules, to_expr(when) if when is not None else None))
        return tuple(found)

    def names_module(self, key: Scalar) -> bool:
        """Whether a key of `init:` is the path of a module: it has a dot, or is a stage."""
        stages = self.tree.get("stages")
        return "." in key.text or (isinstance(stages, Mapping) and key.text in stages)

    def rules(self, key: Scalar, value: Node, known: Collection[str], beside: Collection[str] = ()) -> dict[str, Expr]:
        """The rule of each tensor; `known` is what they may read, `beside` the keys that are no tensors."""
        entries = as_mapping(
            value, f"the initialisation of '{clip(key.text)}'", "write conv: {weight: {normal: 0.01}}"
        ).entries
        found: dict[str, Expr] = {}
        for name, part in entries:
            if name.text not in beside:
                with self.ctx.catch():
                    found[name.text] = self.rule(key.text, name, part, known)
        return found

    def rule(self, target: str, tensor: Scalar, node: Node, known: Collection[str]) -> Expr:
        """`{normal: 0.01}` for the weight or the bias of an op."""
        if tensor.text not in ("weight", "bias"):
            message = f"init: gives weight and bias, not '{clip(tensor.text)}'"
            raise fault("unknown-key", message, tensor.span, help=self.ctx.hint(tensor.text, ("weight", "bias")))
        if tensor.text == "bias" and target in WITHOUT_BIAS:
            raise fault("bad-init", f"the op '{target}' has no bias", tensor.span, help="leave out the rule")
        if not isinstance(node, Mapping) or len(node.entries) != 1:
            message = "an initialisation is one rule with its number"
            raise fault("wrong-type", message, head(node), help="such as {normal: 0.01}")
        name, value = node.entries[0]
        if name.text not in INIT:
            help = self.ctx.hint(name.text, INIT) or f"choose from {', '.join(INIT)}"
            raise fault("bad-init", f"there is no initialisation '{clip(name.text)}'", name.span, help=help)
        number = to_expr(value.items[0] if isinstance(value, Sequence) and len(value.items) == 1 else value)
        if isinstance(number, ListOf) or number == Lit(None):
            raise fault(
                "bad-init", f"'{name.text}' takes one number", head(value), help=f"such as {{{name.text}: 0.01}}"
            )
        for read in names(number):
            if read.id not in known:
                help = self.ctx.hint(read.id, known) or f"it reads {', '.join(known) or 'numbers alone'}"
                message = f"'{clip(read.id)}' is not known to the initialisation of '{target}'"
                raise fault("unknown-name", message, read.span, help=help)
        try:
            substitute(number, {})  # what is constant in it has a value
        except SpecError as error:
            raise fault("bad-value", error.diagnostics[0].message, number.span or head(value)) from None
        return Call(name.text, (number,), span=name.span)

    def init_when(self) -> Expr | None:
        """`when:` in `init:`: without it torch's own initialisation stays."""
        for key, value in section(self.ctx, self.tree, "init"):
            if key.text == "when":
                with self.ctx.catch():
                    return to_expr(value)
        return None
