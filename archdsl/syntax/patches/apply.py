"""The patches of a file laid on the spec that it extends: each finds what its path names, and changes that alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.syntax.patches.draft import Draft, draft
from archdsl.syntax.patches.edits import Steps
from archdsl.syntax.patches.paths import Part, missed, parts_of, within
from archdsl.syntax.patches.places import place_in
from archdsl.syntax.patches.rules import Rules
from archdsl.syntax.patches.steps import Spot, bodies, found, head_of, is_call, keys_of, spots, spots_in
from archdsl.syntax.patches.tables import Table, lay_names
from archdsl.syntax.reading.values import as_mapping, clip, declared, head, is_null
from archdsl.syntax.words import BLOCK, STAGE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

ROWS = ("for", "each")
SECTIONS = ("params", "inputs", "let")  # of a block, laid on by name
Params = Callable[[str], "list[str] | None"]


def patched(base: Mapping, over: Mapping, params_of: Params | None = None) -> Mapping:
    """The base with the patches of another file: its keys with a path in them, and its `calls:`.

    `params_of` gives the params of blocks that other files define.
    """
    calls, patches = over.get("calls"), list(patches_of(base, over))
    if calls is None and not patches:
        return base
    laid = Laying(draft(base), base, params_of or (lambda _: None))
    rules = Rules(base.get("init"), laid.part)
    if calls is not None and not is_null(calls):
        for key, value in as_mapping(calls, "calls:", "write calls: {relu: hard_swish}").entries:
            laid.calls(key, value)
    for section, key, value in patches:
        laid.patch(section, key, value)
    tree = laid.tree.settled()
    assert isinstance(tree, Mapping)
    return with_rules(tree, rules)


def with_rules(tree: Mapping, rules: Rules) -> Mapping:
    """The tree with the rules of `init:` that its modules have now."""
    held = tree.get("init")
    if not isinstance(held, Mapping):
        return tree
    init = Mapping(rules.settled(), held.span)
    return Mapping(tuple((key, init if key.text == "init" else value) for key, value in tree.entries), tree.span)


def patches_of(base: Mapping, over: Mapping) -> Iterator[tuple[str, Scalar, Node]]:
    """The entries of a file that are patches, by section."""
    for section in ("stages", "blocks", "params", "variants"):
        entries = over.get(section)
        if isinstance(entries, Mapping):
            yield from ((section, key, value) for key, value in entries.entries if is_patch(base, section, key.text))


def is_patch(base: Mapping, section: str, key: str) -> bool:
    """Whether a key is a path; the names of variants may have dots of their own."""
    if section != "variants":
        return section in ("stages", "blocks", "params") and "." in key
    return bool(variant_in(base, key))


def variant_in(base: Mapping, key: str) -> str:
    """The variant whose part a key names: `large.width`."""
    variants = base.get("variants")
    known = variants.keys() if isinstance(variants, Mapping) else []
    if key in known:
        return ""
    under = [name for name in known if key.startswith(f"{name}.") and key[len(name) + 1 : len(name) + 2].isalpha()]
    return max(under, key=len, default="")


@dataclass
class Laying:
    """One file being laid on the tree of its base."""

    tree: Draft
    base: Mapping
    used: Params
    steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        self.steps = Steps(self.params_of)

    def params_of(self, block: str) -> list[str] | None:
        """The params of a block in their order."""
        blocks = self.base.get("blocks")
        node = blocks.get(block) if isinstance(blocks, Mapping) else None
        if node is None:
            return self.used(block)
        return params_of(node)

    def section(self, name: str) -> list[tuple[Scalar, Draft]]:
        found = self.tree.get(name)
        return found.entries if found is not None else []

    def part(self, name: str) -> tuple[Draft, Callable[[], Iterator[Spot]]] | None:
        """A block or stage: the list that its keys count in, and all of its steps."""
        block = next((part for key, part in self.section("blocks") if key.text == name), None)
        if block is not None:
            return body_of(block), lambda: spots(body_of(block))
        stage = next((part for key, part in self.section("stages") if key.text == name), None)
        return None if stage is None else (inner(stage), lambda: steps_of(stage))

    # --- every call
    def calls(self, key: Scalar, value: Node) -> None:
        """A patch of every call of an op or block."""
        known = [spot for spot in self.all_steps() if is_call(head_of(spot.step.base))]
        meant = [spot for spot in known if head_of(spot.step.base) == key.text]
        if not meant:
            words = [head_of(spot.step.base) for spot in known]
            raise missed(Part(key), "the spec that this one extends has no step", words, "its steps are")
        if place_in(value) is not None:
            raise fault(
                "wrong-type",
                "calls: changes steps in their place",
                key.span,
                help="give after: in a patch of one step",
            )
        for spot in meant:
            if not spot.step.gone:
                self.steps.edit(spot, value, Part(key))

    def all_steps(self) -> list[Spot]:
        blocks = [spot for _, block in self.section("blocks") for spot in spots(body_of(block))]
        return [*blocks, *(spot for _, stage in self.section("stages") for spot in steps_of(stage))]

    # --- by path
    def patch(self, section: str, key: Scalar, value: Node) -> None:
        if section == "variants":
            name = variant_in(self.base, key.text)
            text = key.text[len(name) + 1 :]
            place = within(key.span, len(name) + 1 + int(key.quoted), len(text))
            self.variant(name, Scalar(text, text, False, place), value)
            return
        first, *rest_of = parts_of(key)
        whole = {name.text: part for name, part in self.section(section)}
        if first.text not in whole:
            raise missed(first, f"there is no {section[:-1]}", whole, f"the {section} are")
        target = whole[first.text]
        if section == "params":
            self.param(first, target, rest_of, value)
        elif section == "blocks":
            self.block(first, target, rest_of, value)
        else:
            self.stage(first, target, rest_of, value)

    def block(self, name: Part, block: Draft, rest: list[Part], value: Node) -> None:
        what, first = f"the block '{name.text}'", rest[0]
        if first.text in BLOCK:
            self.block_key(block, rest, value)
        else:
            self.step(body_of(block), spots(body_of(block)), rest, value, what)

    def block_key(self, block: Draft, rest: list[Part], value: Node) -> None:
        """`Unit.params: {r: 16}`, `Unit.let.half: out // 3`, `Unit.body: [...]`."""
        first, *further = rest
        if not isinstance(block.node, Mapping):
            block.become(Mapping(((Scalar("body", "body", False, block.node.span), block.settled()),), block.node.span))
        held = block.get(first.text)
        if first.text in SECTIONS:
            laid = Mapping(((further[0].key, value),), value.span) if further else value
            if held is None:
                block.put(first.key, laid)
            else:
                lay_names(held, laid, {"params": "param", "inputs": "input"}.get(first.text, "value"))
        elif further and first.text == "body":
            self.step(body_of(block), spots(body_of(block)), further, value, "the body")
        else:
            refuse_further(further)
            block.put(first.key, value)

    def stage(self, name: Part, stage: Draft, rest: list[Part], value: Node) -> None:
        what, first = f"the stage '{name.text}'", rest[0]
        if isinstance(stage.node, Mapping) and (first.text in STAGE or first.text in ("else", "in", "for", "each")):
            self.key(stage, rest, value)
        else:
            self.within(stage, rest, value, what)

    def within(self, step: Draft, rest: list[Part], value: Node, what: str) -> None:
        """A row or a step in a stage, or in a step."""
        first, *further = rest
        table = self.table(step, what)
        if table is not None and (table.find(first) is not None or (not further and is_new_row(table, value))):
            table.patch(first, further, value)
            return
        a_step = any(first.text in spot.names() for spot in steps_of(step))
        if table is None and is_loop(step) and not a_step and (first.number() is not None or self.stated(step, first)):
            raise self.rows_elsewhere(step, first, what)
        if table is not None and not a_step and not place_in(value):
            raise table.no_row(first, [spot.names()[0] for spot in steps_of(step) if spot.names()])
        self.step(inner(step), steps_of(step), rest, value, what)

    def step(self, body: Draft, known: Iterator[Spot], rest: list[Part], value: Node, what: str) -> None:
        """A step of a body, by what is left of the path."""
        first, *further = rest
        every = list(known)
        place = place_in(value) if not further else None
        there = any(first.text in spot.names() for spot in every) or first.number() is not None
        if place is not None and not there:
            assert isinstance(value, Mapping)
            self.steps.insert(body, value, first, what)
            return
        meant = found(body, every, first, what)
        for spot in meant:
            if further:
                self.inside(spot, further, value, f"'{first.text}' of {what}")
            elif place is not None:
                assert isinstance(value, Mapping)
                self.steps.move(spot, body, value, first, what)
            else:
                self.steps.edit(spot, value, first)

    def inside(self, spot: Spot, rest: list[Part], value: Node, what: str) -> None:
        """What a path names in a step: an argument, a key beside it, a row, a step in it."""
        first, *further = rest
        word = head_of(spot.step.node)
        if word and (is_call(word) or first.text in keys_of(word)) and first.text not in ("body", "else"):
            if first.text in ROWS or first.text == "in":
                self.key(spot.step, rest, value)
                return
            refuse_further(further)
            self.steps.lay(spot.step, Mapping(((first.key, value),), value.span), first)
        elif first.text in ("body", "else") and not further:
            self.steps.lay(spot.step, Mapping(((first.key, value),), value.span), first)
        elif (body := body_named(spot.step, first)) is not None:
            self.choice_body(body, rest, value, what)
        else:
            self.within(spot.step, rest, value, what)

    def choice_body(self, body: Draft, rest: list[Part], value: Node, what: str) -> None:
        """One of the bodies of a `choice:`, whole, or a step in it."""
        first, *further = rest
        if further:
            self.step(body, spots(body), further, value, f"'{first.text}' of {what}")
        elif isinstance(value, Sequence):
            body.become(value)
        else:
            raise fault("wrong-type", f"'{first.text}' is a body of the choice", head(value), help="write its steps")

    @staticmethod
    def key(step: Draft, rest: list[Part], value: Node) -> None:
        """A key of a stage or loop: `dense.when: deep`, `dense.for: {se: false}`."""
        first, *further = rest
        held = step.get(first.text)
        if first.text in (*ROWS, "let") and held is not None and (further or isinstance(value, Mapping)):
            laid = Mapping(((further[0].key, value),), value.span) if further else value
            refuse_further(further[1:])
            lay_names(held, laid, "column" if first.text in ROWS else "value")
            return
        refuse_further(further)
        step.put(first.key, value)

    # --- tables
    def table(self, loop: Draft, what: str) -> Table | None:
        """The rows of a loop that it states itself, or that the default of a param states alone."""
        rows = loop.get("in") if isinstance(loop.node, Mapping) else None
        columns = next((loop.get(word) for word in ROWS if loop.get(word) is not None), None)
        if rows is None or columns is None:
            return None
        if isinstance(rows.node, Sequence):
            return Table(what, rows, columns)
        name = rows.node.text if isinstance(rows.node, Scalar) else ""
        default = next((value for key, value in self.section("params") if key.text == name), None)
        if default is None or not isinstance(default.node, Sequence) or self.stating(name):
            return None
        return Table(what, default, columns)

    def stating(self, param: str) -> list[str]:
        """The variants that state a param."""
        return [key.text for key, variant in self.section("variants") if variant.get(param) is not None]

    def stated(self, loop: Draft, part: Part) -> str:
        """Where a row of a loop is stated that a param and variants state: `large.rows.3` under `variants:`."""
        rows, columns = loop.get("in"), next((loop.get(word) for word in ROWS if loop.get(word) is not None), None)
        name = rows.node.text if rows is not None and isinstance(rows.node, Scalar) else ""
        held = {f"variants: {{{key.text}.{name}": variant.get(name) for key, variant in self.section("variants")}
        held[f"params: {{{name}"] = next((value for key, value in self.section("params") if key.text == name), None)
        for at, rows in held.items():
            if rows is not None and isinstance(rows.node, Sequence):
                row = Table("", rows, columns).find(part) if part.number() is None else None
                if row is not None:
                    return f"{at}.{rows.items.index(row)}"
        return ""

    def rows_elsewhere(self, loop: Draft, part: Part, what: str) -> SpecError:
        rows = loop.get("in")
        assert rows is not None
        name = rows.node.text if isinstance(rows.node, Scalar) else ""
        message = f"the rows of {what} are '{clip(name)}'"
        stating = self.stating(name)
        at = self.stated(loop, part) or (f"variants: {{{stating[0]}.{name}.{part.text}" if stating else "")
        help = f"which variants state: patch one of the tables, {at}: ...}}" if at else ""
        return fault("unknown-override", message, part.span, notes=(Note("here", rows.base.span),), help=help)

    def param(self, name: Part, default: Draft, rest: list[Part], value: Node) -> None:
        """`rows.3: {n: 4}` of a param that is a table."""
        self.rows_of(f"the param '{name.text}'", name, default, rest, value)

    def rows_of(self, what: str, name: Part, held: Draft, rest: list[Part], value: Node) -> None:
        if not isinstance(held.node, Sequence):
            notes = (Note("it stands here", held.base.span),)
            raise fault("unknown-override", f"{what} is not a list of rows", name.span, notes=notes)
        Table(what, held, self.columns_of(name.text)).patch(rest[0], rest[1:], value)

    def columns_of(self, param: str) -> Draft | None:
        """The columns of the loop that takes its rows from a param, where one alone does."""
        loops = [spot.step for spot in self.all_steps()] + [stage for _, stage in self.section("stages")]
        taking = [loop for loop in loops if (rows := loop.get("in")) is not None and is_word(rows.node, param)]
        columns = [loop.get(word) for loop in taking for word in ROWS if loop.get(word) is not None]
        return columns[0] if len(columns) == 1 else None

    def variant(self, name: str, path: Scalar, value: Node) -> None:
        """`large.width: 1.5`, `large.rows.3: {n: 4}`."""
        variant = next(part for key, part in self.section("variants") if key.text == name)
        first, *rest = parts_of(path)
        if not isinstance(variant.node, Mapping):
            variant.become(Mapping((), variant.node.span))
        held = variant.get(first.text)
        if not rest:
            variant.put(first.key, value)
        elif held is None:
            known = [key.text for key, _ in variant.entries]
            raise missed(first, f"the variant '{name}' does not state", known, "it states", variant.base.span)
        else:
            self.rows_of(f"'{first.text}' of the variant '{name}'", first, held, rest, value)


# --- what is there
def heads_in(tree: Mapping) -> list[str]:
    """The ops and blocks that are called in the blocks and stages of a file."""
    laid = Laying(draft(tree), tree, lambda _: None)
    return list(dict.fromkeys(word for spot in laid.all_steps() if is_call(word := head_of(spot.step.base))))


# --- bodies
def params_of(block: Node) -> list[str]:
    """The params of a block in their order."""
    params = block.get("params") if isinstance(block, Mapping) else None
    return [] if params is None or is_null(params) else [key.text for key, _ in declared(params, "param")]


def body_of(block: Draft) -> Draft:
    """The body of a block, whichever form it has."""
    held = block.get("body") if isinstance(block.node, Mapping) else None
    return block if held is None else held


def steps_of(step: Draft) -> Iterator[Spot]:
    """The steps of a stage, or in a step."""
    if isinstance(step.node, Mapping) and not heads_alone(step):
        yield from spots_in(step)
    else:
        yield from spots(step)


def heads_alone(stage: Draft) -> bool:
    """Whether a stage is a single op or block."""
    return is_call(head_of(stage.node)) and bool(head_of(stage.node))


def inner(step: Draft) -> Draft:
    """The list that numbers count in: the body of a stage or step, or its branches."""
    if isinstance(step.node, Mapping) and not heads_alone(step):
        return next((body for body, _ in bodies(step)), step)
    return step


def body_named(step: Draft, part: Part) -> Draft | None:
    """The body that a word of a path means in a `choice:`, if the step is one and has it."""
    of = step.get("of") if head_of(step.node) == "choice" else None
    return of.get(part.text) if of is not None and part.place is None and not part.every else None


def is_loop(step: Draft) -> bool:
    return isinstance(step.node, Mapping) and any(step.get(word) is not None for word in ROWS)


def is_word(node: Node, word: str) -> bool:
    return isinstance(node, Scalar) and node.text == word


def is_new_row(table: Table, value: Node) -> bool:
    """Whether a patch with a place is a row: it says columns, and no step."""
    place = place_in(value)
    if place is None or not isinstance(value, Mapping):
        return False
    columns = [key.text for key, _ in table.names()]
    rest = [key.text for key, _ in value.entries if key.text not in ("after", "before")]
    return all(key in columns for key in rest) and (bool(rest) or table.find(Part(place[1])) is not None)


def refuse_further(rest: list[Part]) -> None:
    if rest:
        raise fault("unknown-override", f"it has no part named '{rest[0].text}'", rest[0].span)
