"""Layers that are another thing once trained, in the form that they have then (CondenseNet's)."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Lit
from archdsl.ir.graph import Node
from archdsl.ir.program import Primitive, Program
from archdsl.ir.rewrite import copied
from archdsl.ops.base import FORM
from archdsl.passes.base import Carry, Pass, Weights

TRAINED = Lit("deploy")


def deploy(program: Program) -> Program:
    """Gives layers that learn which weights to keep the form that they have once trained."""
    made = copied(program)
    for function in made.functions:
        for node in function.walk():
            if isinstance(node, Primitive) and FORM in node.op.fields and is_open(node):
                node.fields = {**node.fields, FORM.name: TRAINED}
    return made


def is_open(node: Primitive) -> bool:
    """Whether the spec leaves the form of a layer to the network: what it states has a place in it."""
    stated = node.fields[FORM.name]
    return FORM.name not in node.given and isinstance(stated, Lit) and stated.span is None


def weights(carry: Carry) -> Mapping[Node, Weights]:
    """Each layer gives the state of its other form itself."""
    found: dict[Node, Weights] = {}
    modules = dict(carry.model.named_modules())
    for node, old in carry.kept.items():
        if node.fields.get(FORM.name) == old.fields.get(FORM.name) or old.path not in modules:
            continue
        try:
            found[node] = modules[old.path].deployed()
        except RuntimeError as error:
            message, hint = f"'{old.path}': {error}", "condense() every layer, then train on"
            raise fault("bad-call", message, old.span, help=hint) from None
    return found


DEPLOY = Pass(deploy, weights)
