"""Blocks and stages: the parts of a spec that hold steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr
from archdsl.syntax.compose import check_place
from archdsl.syntax.identifiers import checked_name
from archdsl.syntax.override import MAX_STAGES
from archdsl.syntax.reading.comments import comment_on
from archdsl.syntax.reading.steps import StepReader, without
from archdsl.syntax.reading.values import (
    Context,
    as_mapping,
    clip,
    declared,
    doc_text,
    head,
    is_null,
    to_expr,
    to_lets,
    to_params,
    to_ref,
)
from archdsl.syntax.spec import Block, Hole, SequenceStep, Stage, Step
from archdsl.syntax.words import BESIDE, BLOCK, STAGE, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

_SIDE = ("else", "name", "label", "as")  # keys of a step that a stage with a body may have too


@dataclass
class BodyReader:
    """Reads `blocks:` and `stages:`."""

    ctx: Context
    steps: StepReader
    extends: bool

    # --- blocks
    def blocks(self, entries: list[tuple[Scalar, Node]]) -> dict[str, Block]:
        found: dict[str, Block] = {}
        for key, value in entries:
            before = len(self.ctx.faults.found)
            with self.ctx.catch():
                self.refuse_path(key)
                block = self.block(checked_name(key, "block"), key, value)
                found[key.text] = replace(block, holed=len(self.ctx.faults.found) > before)
            if key.text not in found:
                self.ctx.lose_name(key)
        return found

    def block(self, name: str, key: Scalar, node: Node) -> Block:
        what = f"the block '{name}'"
        if isinstance(node, Sequence):
            return Block(name, key.span, {}, self.steps.body(node, what), doc=comment_on(key, node))
        before = len(self.ctx.faults.found)
        mapping = as_mapping(node, what, f"write {name}: with params: and body: under it")
        self.ctx.check_keys(mapping, BLOCK, "a block")
        if "body" not in mapping:
            if self.ctx.misspelt("body", mapping):
                raise SpecError
            patch = f", or name the part that changes: {name}.STEP: ..." if self.extends else ""
            raise fault("missing-key", f"{what} has no body", key.span, help=f"write body: [...] under it{patch}")
        params = to_params(self.ctx, mapping.get("params"), "param")
        inputs = self.block_inputs(mapping.get("inputs"))
        torn = len(self.ctx.faults.found) > before
        return Block(
            name,
            key.span,
            params,
            self.steps.body(mapping.get("body"), what),
            to_lets(self.ctx, mapping.get("let")),
            inputs,
            self.require(mapping.get("require")),
            doc_text(mapping) or comment_on(key, node),
            torn,
        )

    def refuse_path(self, key: Scalar) -> None:
        """Raises at `dense.stage3` in a spec that extends none: patches are laid on a base."""
        if "." in key.text and not self.extends:
            message = (
                f"'{clip(key.text)}' is the path of a part of the spec that this one extends, but there is no extends:"
            )
            raise fault("bad-name", message, key.span, help="change the part itself, or write extends:")

    def block_inputs(self, node: Node | None) -> dict[str, bool]:
        """`[code]`, or `{image: optional}`."""
        found: dict[str, bool] = {}
        if node is None or is_null(node):
            return found
        for key, value in declared(node, "input"):
            with self.ctx.catch():
                word = value.text if isinstance(value, Scalar) else ""
                if value is not None and word not in ("", "optional", "required"):
                    raise fault(
                        "bad-word",
                        "an input of a block is optional or required",
                        head(value),
                        help="write 'optional', or nothing",
                    )
                found[checked_name(key, "input")] = word == "optional"
            if key.text not in found:
                self.ctx.lose_name(key)
        return found

    def require(self, node: Node | None) -> tuple[Expr, ...]:
        if node is None or is_null(node):
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        return tuple(to_expr(item) for item in items)

    # --- stages
    def stages(self, node: Node | None, entries: list[tuple[Scalar, Node]]) -> dict[str, Stage]:
        found: dict[str, Stage] = {}
        if len(entries) > MAX_STAGES:
            raise fault("too-large", f"a spec may have at most {MAX_STAGES} stages", entries[MAX_STAGES][0].span)
        for key, value in entries:
            before = len(self.ctx.faults.found)
            with self.ctx.catch():
                self.refuse_path(key)
                stage = self.stage(checked_name(key, "stage"), key, value)
                found[key.text] = replace(stage, holed=len(self.ctx.faults.found) > before)
            if key.text not in found:
                self.ctx.lose_name(key)
                self.ctx.lose(value)
                found[key.text] = Stage(key.text, key.span, [Hole(span=key.span)])
        if node is not None and not entries and not self.ctx.faults.found:
            self.ctx.add(fault("empty-body", "there are no stages", head(node), help="write 'stem: [...]' under it"))
        return found

    def stage(self, name: str, key: Scalar, node: Node) -> Stage:
        what = f"the stage '{name}'"
        if not isinstance(node, Mapping):
            return Stage(name, key.span, self.steps.body(node, what))
        check_place(self.ctx, node, self.extends)
        looped = any(word in node for word in ("for", "each", "repeat"))
        own = [word for word in STAGE if not (word == "let" and looped)]  # in a table `let:` reads the columns
        if "else" in node:
            own.remove("when")
        rest = without(node, own)
        when, source, training = node.get("when"), node.get("from"), node.get("training")
        if training is not None and getattr(training, "value", None) not in (True, False):
            raise fault("wrong-type", "training: takes true or false", head(training))
        return Stage(
            name,
            key.span,
            self.stage_body(what, key, rest),
            when=to_expr(when) if when is not None and "when" in own else None,
            source=to_ref(source) if source is not None else None,
            let={} if looped else to_lets(self.ctx, node.get("let")),
            training=getattr(training, "value", False) is True,
        )

    def stage_body(self, what: str, key: Scalar, rest: Mapping) -> list[Step]:
        """`body:`, a table, or a single step."""
        known = {*STRUCTURE, *STAGE, *(word for words in BESIDE.values() for word in words)}
        if rest.keys() == ["body"]:
            return self.steps.body(rest.get("body"), what)
        if not rest.entries:
            raise fault("empty-body", f"{what} has no steps", key.span, help="write body: [...] under it")
        if "body" in rest and not any(word in rest for word in BESIDE):
            for other, value in rest.entries:
                if other.text not in known and other.text not in _SIDE:
                    self.ctx.add(self.ctx.unknown_key(other, ["body", "for", "in", "repeat", *STAGE], "a stage"))
                    self.ctx.lose(value)
            rest = Mapping(tuple(entry for entry in rest.entries if entry[0].text in known | set(_SIDE)), rest.span)
        step = self.steps.keyed(rest)
        if (
            isinstance(step, SequenceStep)
            and step.when is None
            and step.name is None
            and step.label is None
            and step.into is None
        ):
            return step.body
        return [step]
