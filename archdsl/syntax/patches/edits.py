"""What a patch does to a step: other arguments, another step in its place, none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ops import REGISTRY
from archdsl.support.naming import did_you_mean, op_elsewhere
from archdsl.syntax.identifiers import is_block_name
from archdsl.syntax.patches.draft import Draft, draft
from archdsl.syntax.patches.paths import Part
from archdsl.syntax.patches.places import end_of, insert, is_gone, listed, move, place_in, without_place
from archdsl.syntax.patches.steps import Spot, found, head_of, heads, is_call, keys_of, refuse_last, spots
from archdsl.syntax.reading.steps import StepReader
from archdsl.syntax.reading.structure import IDENTITY
from archdsl.syntax.reading.values import clip, head, is_null
from archdsl.syntax.words import STEP, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

KEPT = ("name", "when", "else", "as", "from", "training")  # keys beside a step that stay beside the one in its place


@dataclass(frozen=True)
class Steps:
    """Edits steps; `params_of` gives the params of a block in their order, where the block is known."""

    params_of: Callable[[str], list[str] | None]

    def edit(self, spot: Spot, value: Node, path: Part) -> None:
        """Lays the value of a patch on a step."""
        step = spot.step
        if is_gone(value):
            refuse_last(spot, path)
            step.gone = True
        elif self.is_step(value, head_of(step.base)):
            replace(spot, value)
        elif isinstance(value, Mapping):
            self.lay(step, value, path)
        else:
            self.lay_value(step, value, path)

    def is_step(self, value: Node, op: str) -> bool:
        """Whether a value stands in the place of the step, rather than being its arguments."""
        if isinstance(value, Scalar):
            return self.is_target(value.text) and isinstance(value.value, str)
        if isinstance(value, Sequence):
            return any(self.is_step(item, "") for item in value.items)
        known = [*(self.arguments(op) or []), *([] if is_call(op) else keys_of(op))]
        return any(self.is_target(key.text) for key, _ in heads(value) if key.text not in known)

    @staticmethod
    def is_target(word: str) -> bool:
        return word in REGISTRY or word in STRUCTURE or word == IDENTITY or is_block_name(word)

    def arguments(self, word: str) -> list[str] | None:
        """The arguments of an op or block, in their order; None: that is not known here."""
        if word in REGISTRY:
            return [field.name for field in REGISTRY[word].fields]
        return self.params_of(word) if is_block_name(word) else []

    # --- arguments
    def lay(self, step: Draft, value: Mapping, path: Part) -> None:
        """Arguments and keys beside a step, laid on those that it has; null takes one out."""
        word = head_of(step.node)
        if not word and not isinstance(step.node, Sequence):
            raise fault("unknown-override", f"'{path.text}' is not an op, a block or a word of the language", path.span)
        self.in_full(step)
        given = [entry for entry in value.entries if entry[0].text not in keys_of(word)]
        beside = [entry for entry in value.entries if entry[0].text in keys_of(word)]
        for key, node in beside:
            under = step.get(word) if word == "residual" and key.text not in STEP else None
            (self.mapping_under(step, word) if under is not None else step).put(key, node)
        if given and not is_call(word) and not StepReader.is_join(word):
            raise self.no_argument(given[0][0], word)
        if given:
            self.lay_arguments(step, word, given, path)

    def lay_arguments(self, step: Draft, word: str, given: list[tuple[Scalar, Node]], path: Part) -> None:
        value = step.get(word)
        assert value is not None
        if is_null(value.node):
            value.become(Mapping((), given[0][0].span))
        if StepReader.is_join(word):
            self.mapping_under(step, word)
        elif not isinstance(value.node, Mapping):
            value.become(self.by_name(word, value.node, path))
        for key, node in given:
            value.put(key, node)

    def by_name(self, word: str, value: Node, path: Part) -> Mapping:
        """Arguments by position as arguments by name."""
        names = self.arguments(word)
        if names is None:
            message = f"the arguments of '{word}' are given by position here, and its block is in another file"
            raise fault("unknown-override", message, path.span, help="write the call anew, with all of its arguments")
        kinds = [field.kind for field in REGISTRY[word].fields] if word in REGISTRY else []
        whole = isinstance(value, Sequence) and not (len(kinds) == 1 and kinds[0] in ("axes", "ints"))
        items = value.items if whole and isinstance(value, Sequence) else (value,)
        if len(items) > len(names):
            raise fault("surplus-argument", f"'{word}' takes {', '.join(names) or 'no arguments'}", head(value))
        pairs = zip(names, items, strict=False)
        return Mapping(tuple((Scalar(name, name, False, item.span), item) for name, item in pairs), value.span)

    @staticmethod
    def mapping_under(step: Draft, word: str) -> Draft:
        """The value of a join or residual in its long form, `{of: [...]}` or `{body: [...]}`."""
        value = step.get(word)
        assert value is not None
        key = "body" if word == "residual" else "of"
        if not (isinstance(value.node, Mapping) and value.get(key) is not None):
            inner = value.settled()
            value.become(Mapping(((Scalar(key, key, False, inner.span), inner),), inner.span))
        return value

    @staticmethod
    def in_full(step: Draft) -> None:
        """A bare word or a list as a mapping, which can hold keys."""
        node = step.node
        if isinstance(node, Scalar):
            step.become(Mapping(((node, Scalar(None, "", False, node.span)),), node.span))
        elif isinstance(node, Sequence):
            step.become(Mapping(((Scalar("body", "body", False, head(node)), step.own()),), node.span))

    def no_argument(self, key: Scalar, word: str) -> SpecError:
        known = keys_of(word)
        help = did_you_mean(key.text, known) or f"the keys allowed beside it are {', '.join(known)}"
        return fault("unknown-key", f"'{clip(key.text)}' is not a key of '{word}'", key.span, help=help)

    def lay_value(self, step: Draft, value: Node, path: Part) -> None:
        """What stands behind the colon: `conv: 64`, `repeat: 4`, the sizes of a split."""
        word = head_of(step.node)
        if not word or not (self.is_target(word)):
            raise fault("unknown-override", f"'{path.text}' has no value to change", path.span)
        if not is_call(word) and word not in ("repeat", "split", "choice", "for", "each"):
            raise fault("wrong-type", f"'{word}' takes steps here", head(value), help="or a mapping of its keys")
        if isinstance(value, Scalar) and isinstance(value.value, str) and is_call(word) and self.arguments(word) == []:
            help = op_elsewhere(value.text) or did_you_mean(value.text, [*REGISTRY, *STRUCTURE])
            raise fault("unknown-op", f"'{clip(value.text)}' is not an op", value.span, help=help)
        self.in_full(step)
        key = next(key for key, _ in step.entries if key.text == word)
        step.put(key, value)

    # --- places
    def insert(self, body: Draft, value: Mapping, path: Part, what: str) -> None:
        """A new step beside one that is there."""
        word, name = place_in(value) or ("", path.key)
        anchor = self.anchor(body, word, name, what)
        step = without_place(value)
        if not any(self.is_target(key.text) for key, _ in heads(step)):
            raise fault(
                "no-op",
                f"'{path.text}' is new here, but has no step",
                path.span,
                help="such as relu: , or body: [...]",
            )
        insert(draft(shortened(step), path.text), anchor, word)

    def move(self, spot: Spot, body: Draft, value: Mapping, path: Part, what: str) -> None:
        """A step that is there to another place, perhaps changed."""
        word, name = place_in(value) or ("", path.key)
        anchor = self.anchor(body, word, name, what)
        rest = without_place(value)
        if rest.entries:
            self.edit(spot, rest, path)
        if len(listed(spot.inside)) < 2 and anchor not in spot.inside.parts():
            refuse_last(spot, path)
        move(spot.step, anchor, word, path)

    @staticmethod
    def anchor(body: Draft, word: str, name: Scalar, what: str) -> Draft:
        top = [item for item in body.parts() if not item.gone]
        end = end_of(top, word, name)
        known = list(spots(body))
        if end is not None and all(name.text not in spot.names() for spot in known):
            return end
        return found(body, known, Part(name), what)[0].step


def shortened(step: Mapping) -> Node:
    """`{body: [...]}` with nothing beside it as its list, a word without a value as the word."""
    if len(step.entries) > 1:
        return step
    key, value = step.entries[0]
    if key.text == "body" and isinstance(value, Sequence):
        return value
    return key if is_null(value) and key.text not in STRUCTURE else step


def replace(spot: Spot, value: Node) -> None:
    """Puts another step, or several, in the place of one; the keys beside it that say when and where stay."""
    old = spot.step.own()
    beside = (
        [entry for entry in old.entries if entry[0].text in KEPT] if isinstance(old, Mapping) and head_of(old) else []
    )
    blocks = isinstance(value, Scalar) and is_block_name(value.text) and is_block_name(head_of(old))
    if isinstance(value, Scalar):
        under = arguments_of(old) if blocks else None
        empty = Scalar(None, "", False, value.span)
        new: list[tuple[Scalar, Node]] = [(value, under if under is not None else empty)]
        spot.step.become(Mapping((*new, *beside), old.span) if beside or under is not None else value)
    elif isinstance(value, Sequence):
        if beside:
            body = Scalar("body", "body", False, value.span)
            spot.step.become(Mapping(((body, value), *beside), old.span))
        else:
            spot.step.become(value)
            spot.step.spread = not spot.branches
    else:
        said = value.keys()
        stay = [entry for entry in beside if entry[0].text not in said]
        spot.step.become(Mapping((*value.entries, *stay), value.span) if stay else value)


def arguments_of(step: Node) -> Node | None:
    """What stands behind the op or block of a step."""
    found = heads(step)
    return found[0][1] if found and not is_null(found[0][1]) else None
