"""A spec as read: still symbolic, every part with its place. Made by `reading`, lowered by `lowering`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Constant, Expr

Body = "list[Step]"
DEFAULT = "default"  # the key of `expect:` for the network without a variant


@dataclass(frozen=True)
class Share:
    """`share:` of a step: the name of the step whose module it runs, that of its stage in front if it is another."""

    path: str  # nothing beside a loop: its turns share one module
    span: Span


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """What every step may carry beside its op: `name`, `when`/`else`, `as`, `from`, `label`, `share`."""

    span: Span
    name: str | None = None
    when: Expr | None = None
    other: list[Step] | None = None
    into: str | tuple[str, ...] | None = None  # `as: part` or `as: [a, b]`
    source: Expr | None = None  # `from:`, a Name (dotted for a tap) or Index
    label: str | None = None
    share: Share | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class UseStep(Step):
    """A primitive op or a block applied to the current tensor: `conv: {out: 64}`, `Fire: [16, 64]`, `relu`."""

    target: str
    positional: tuple[Expr, ...] = ()
    named: Mapping[str, Expr] = field(default_factory=dict)
    named_spans: Mapping[str, Span] = field(default_factory=dict)  # of the keys


@dataclass(frozen=True, eq=False, kw_only=True)
class TensorStep(Step):
    """A bare tensor name: the current tensor becomes that one."""

    ref: Expr


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceStep(Step):
    """A nested list (or `body:`): steps that belong together."""

    body: list[Step]


@dataclass(frozen=True, eq=False, kw_only=True)
class JoinStep(Step):
    """`concat`, `add`, `mul`, `max` (or any op that takes several tensors) over branches."""

    kind: str
    branches: list[Step]
    named: Mapping[str, Expr] = field(default_factory=dict)  # arguments, beside `of:`


@dataclass(frozen=True, eq=False, kw_only=True)
class ResidualStep(Step):
    """`residual: {body, if, shortcut}`; an absent shortcut is the identity."""

    body: list[Step]
    condition: Expr | None = None
    shortcut: list[Step] | None = None
    shortcut_first: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class LoopStep(Step):
    """`repeat: n` (count) or `for: names` / `in: rows`; with `parallel`, `each:`: one branch a row."""

    body: list[Step]
    count: Expr | None = None
    columns: tuple[str, ...] = ()
    column_spans: Mapping[str, Span] = field(default_factory=dict)
    column_defaults: Mapping[str, Expr] = field(default_factory=dict)
    rows: Expr | None = None
    let: Mapping[str, Expr] = field(default_factory=dict)
    parallel: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class RunningSumStep(Step):
    """`running_sum` of branches: b1, b1 + b2, b1 + b2 + b3, … (stands where branches stand)."""

    branches: list[Step]


@dataclass(frozen=True, eq=False, kw_only=True)
class ForkStep(Step):
    """`fork: branches` keeps every result, named by `as:`."""

    branches: list[Step]


@dataclass(frozen=True, eq=False, kw_only=True)
class SplitStep(Step):
    """`split: n` or `split: [sizes]` along the channels, named by `as:`."""

    sizes: Expr


@dataclass(frozen=True, eq=False, kw_only=True)
class ChoiceStep(Step):
    """`choice: param` / `of: {name: body, …}`: the body that the param names."""

    param: Expr
    bodies: Mapping[str, list[Step]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Hole(Step):
    """Stands for a step that could not be read, while the faults of the others are looked for."""


@dataclass(frozen=True, eq=False)
class Param:
    """A parameter of a block, a table or a network; no default: required."""

    name: str
    span: Span
    default: Expr | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """A `PascalCase` entry of `blocks:`."""

    name: str
    span: Span
    params: Mapping[str, Param]
    body: list[Step]
    let: Mapping[str, Expr] = field(default_factory=dict)
    inputs: Mapping[str, bool] = field(default_factory=dict)  # further tensors; True: optional
    require: tuple[Expr, ...] = ()
    doc: str = ""
    torn: bool = False  # part of what a call must know could not be read
    holed: bool = False  # part of it could not be read


@dataclass(frozen=True, eq=False)
class Stage:
    """A named row of `stages:`. A table (`for:` / `in:`) is a body of one `LoopStep`."""

    name: str
    span: Span
    body: list[Step]
    when: Expr | None = None
    source: Expr | None = None
    let: Mapping[str, Expr] = field(default_factory=dict)
    training: bool = False  # runs in training alone (an auxiliary head)
    holed: bool = False  # part of it could not be read


@dataclass(frozen=True)
class Amount:
    """A count as published: `3.4 M` is 3,400,000, exact to 100,000."""

    text: str
    value: int
    digit: int  # what the last digit stands for

    def is_rounded(self, count: int) -> bool:
        """Whether it is this count, rounded."""
        return 2 * abs(count - self.value) <= self.digit

    def beside(self, ours: int, factor: int, decimals: int) -> str:
        """The count in another unit, as exact as ours beside it, or as exact as it takes to read otherwise."""
        has = len(str(max(factor // self.digit, 1))) - 1
        for places in range(min(has, decimals), has):
            text = f"{self.value / factor:,.{places}f}"
            if text != f"{ours / factor:,.{places}f}":
                return text
        return f"{self.value / factor:,.{has}f}"


@dataclass(frozen=True)
class Published:
    """What was published of a variant, in the form of it that `form` says."""

    params: Amount | None = None
    macs: Amount | None = None
    top1: float | None = None  # in percent, on ImageNet
    source: str | None = None  # where; by default what `paper: {top1: ...}` says
    form: str = "train"


@dataclass(frozen=True, eq=False)
class Variant:
    """A named parameter set; `input` overrides the shape of the (only) input, `inputs` of several."""

    name: str
    span: Span
    values: Mapping[str, Expr]
    inputs: Mapping[str, Expr] = field(default_factory=dict)
    extends: str | None = None
    published: Published | None = None

    @property
    def top1(self) -> float | None:
        """The published accuracy."""
        return self.published.top1 if self.published is not None else None


@dataclass(frozen=True, eq=False)
class Expected:
    """What `expect:` states of one variant; checked by `archdsl check`."""

    span: Span
    params: int | None = None
    macs: int | None = None
    graph: str | None = None  # the fingerprint of the network


@dataclass(frozen=True, eq=False)
class Defaults:
    """One entry of `defaults:` or `init:`: arguments for an op or block unless a step says otherwise."""

    target: str
    span: Span
    values: Mapping[str, Expr]


@dataclass(frozen=True, eq=False)
class NamedInit:
    """An entry of `init:` for one module: the keys that lead to it from the network, or from each call of a block."""

    path: tuple[str, ...]
    span: Span
    values: Mapping[str, Expr]
    when: Expr | None = None  # in the names of the network's params, or of the block


@dataclass(frozen=True, eq=False)
class Detect:
    """`detect:` of a detector: which outputs hold what, and the numbers of the search for objects."""

    span: Span
    outputs: Mapping[str, str]  # boxes, scores, priors -> the output
    variances: tuple[float, ...] = (0.1, 0.1, 0.2, 0.2)
    confidence: float = 0.01
    iou: float = 0.45
    top_k: int = 400
    keep: int = 200
    background: int = 0


@dataclass(frozen=True)
class PaperFigure:
    """How to draw a figure of the paper: what `archdsl draw` is given for it, and what the paper shows otherwise."""

    number: str  # as the paper has it: `Figure 2 (b)`
    block: tuple[str, ...]  # none: the network
    cases: tuple[str, ...]
    expand: tuple[str, ...]
    variant: str | None  # none: the default one
    params: Mapping[str, Constant]
    differs: str
    spec: Path | None = None  # the file that it shows; none: the spec itself
    form: str = "train"


@dataclass(frozen=True)
class Figure:
    """What a spec says of its figures, by the names of ops and blocks."""

    labels: Mapping[str, str] = field(default_factory=dict)  # of ops, blocks, and arguments of blocks
    colours: Mapping[str, str] = field(default_factory=dict)  # a role's, or `#rrggbb`
    hide: frozenset[str] = frozenset()  # ops, blocks, and arguments of blocks (`Unit.squeeze`)
    cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of blocks: `stride=1`
    paper: Mapping[str, PaperFigure] = field(default_factory=dict)  # by number

    def over(self, other: Figure) -> Figure:
        """This one laid on that of a file in use, whose paper is another."""
        return Figure(
            {**other.labels, **self.labels},
            {**other.colours, **self.colours},
            other.hide | self.hide,
            {**other.cases, **self.cases},
            self.paper,
        )


@dataclass(frozen=True, eq=False)
class Spec:
    """A whole file, its `extends:` already applied."""

    name: str
    span: Span
    path: Path | None
    inputs: Mapping[str, Expr]  # {"x": [3, 224, 224]} for `input:`, the given names for `inputs:`
    params: Mapping[str, Param]
    defaults: Mapping[str, Defaults]
    init: Mapping[str, Defaults]
    blocks: Mapping[str, Block]
    stages: Mapping[str, Stage]
    variants: Mapping[str, Variant]
    expect: Mapping[str, Expected]
    default: str | None = None  # the variant that is used if none is given, as `default:` says
    outputs: Mapping[str, Expr] = field(default_factory=dict)
    uses: tuple[Spec, ...] = ()  # files named by `use:`; each already whole
    until: str | None = None  # on a used spec: its last stage
    detect: Detect | None = None
    figure: Figure = field(default_factory=Figure)  # with what the used files say of theirs
    init_when: Expr | None = None  # whether `init` applies
    named_init: tuple[NamedInit, ...] = ()
    paper: Mapping[str, str] = field(default_factory=dict)  # title, arxiv, year, …
    doc: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)  # what a call has set in it by path
    features: tuple[str, ...] = ()  # of a backbone: the stages, and parts of them, whose maps are its outputs
    lost: frozenset[str] = frozenset()  # names that what could not be read may declare: no use of one is a fault

    def networks(self) -> list[str | None]:
        """What can be built: the network as it stands (None) if no variant is the default one, and each variant."""
        if not self.stages:
            return []
        return [*([None] if self.chosen(None) is None else []), *self.variants]

    def chosen(self, variant: str | None, given: Collection[str] = ()) -> str | None:
        """The variant that is meant, where these params are given: if none is named, the default one.

        That is the one that `default:` names, or, where a param would have no value otherwise, the first.
        """
        if variant is not None or self.default is not None:
            return variant if variant is not None else self.default
        complete = all(param.default is not None or name in given for name, param in self.params.items())
        return None if complete else next(iter(self.variants), None)

    def standing(self) -> str | None:
        """The variant that the network is where none is given: the default one, or one that changes nothing."""
        plain = (v.name for v in self.variants.values() if not (v.values or v.inputs or v.extends))
        return self.chosen(None) or next(plain, None)
