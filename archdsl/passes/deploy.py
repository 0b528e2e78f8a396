"""What is another thing once trained, in the form that it has then: CondenseNet's layers, branches that merge."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Lit
from archdsl.ir.graph import Node
from archdsl.ir.program import Primitive, Program
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied
from archdsl.ops.base import FORM
from archdsl.passes import reparameterize
from archdsl.passes.base import Carry, Pass, Weights
from archdsl.passes.reparameterize import merge_all

TRAINED = Lit("deploy")


def deploy(program: Program) -> Program:
    """Gives trained layers their final form: merges the branches of reparam, drops what learned groups do not use."""
    made = copied(program)
    for function in made.functions:
        merge_all(function)
        for node in function.walk():
            if isinstance(node, Primitive) and FORM in node.op.fields and is_open(node):
                node.fields = {**node.fields, FORM.name: TRAINED}
    return program_of(made.main)


def is_open(node: Primitive) -> bool:
    """Whether the spec leaves the form of a layer to the network: what it states has a place in it."""
    stated = node.fields[FORM.name]
    return FORM.name not in node.given and isinstance(stated, Lit) and stated.span is None


def weights(carry: Carry) -> Mapping[Node, Weights]:
    """Merged kernels; each layer with two forms gives the state of its other form itself."""
    found = dict(reparameterize.weights(carry))
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
