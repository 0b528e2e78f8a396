"""Pairing with a network at hand: both run on the same image, and modules pair by what enters them.

The other network is given weights that keep signals alive, and its modules note their inputs. Then ours runs: each
module, just before it does, takes the weights of the module of theirs that has its shape and got the same tensor, so
that what follows can be told in turn. Where a concatenation runs the other way round, the same tensor has its channels
in another order, which the weights then follow. What comes out must be equal: that is the proof of all pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.runtime.porting.parts import PACKED, Pair, Part, State, match, pairs_of, parts_of, shapes_of
from archdsl.runtime.porting.sketches import Sketch, apart, channel_order, same, sketch

TOLERANCE = 1e-4  # of the largest output
BATCH = 1
MOST_RUNS = 64
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
ARGUMENTS = ("stride", "padding", "dilation", "groups", "padding_mode", "eps")
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Entered(NamedTuple):
    """A module at work and what entered it."""

    part: Part
    sketch: Sketch
    settings: tuple[Any, ...]  # of a convolution
    arguments: dict[str, Any]  # that have no weights, and that outputs depend on


class Proof(NamedTuple):
    """The largest difference of the outputs, and the largest output."""

    difference: float
    scale: float

    @property
    def relative(self) -> float:
        return self.difference / self.scale if self.scale else self.difference


@dataclass
class Pairing:
    """Which tensors of theirs fill ours, in the order of our execution."""

    pairs: list[Pair] = field(default_factory=list)
    idle: list[Part] = field(default_factory=list)  # ours that do not run, as heads that are there for training alone
    dropped: list[Part] = field(default_factory=list)  # theirs that do not
    strays: list[tuple[Part, Part, float]] = field(default_factory=list)  # paired by order, for their inputs differ
    unlike: list[str] = field(default_factory=list)  # the pairs before any stray whose arguments differ, in words
    ties: list[tuple[str, int]] = field(default_factory=list)  # ours before any stray: how many of theirs it could be


def paired(reference: nn.Module, ours: nn.Module, inputs: Sequence[torch.Tensor]) -> Pairing:
    """Pairs the tensors of two networks in double precision, whatever their weights are: both are given others.

    `inputs` are images N×C×H×W in double precision. Raises `SpecError` where a module has no counterpart, or the
    outputs differ.
    """
    fill(reference)
    entered, wanted = record(reference, inputs)
    ran = {item.part.path for item in entered}
    dropped = [part for part in held(reference) if part.path not in ran]
    choices: dict[str, int] | None = {}
    first: SpecError | None = None
    for _ in range(MOST_RUNS):
        assert choices is not None
        taker = Taker(entered, dict(reference.state_dict()), ours, choices)
        try:
            with hooked(ours, taker.take):
                found = forward(ours, inputs)
            taker.finish(dropped)
            compare(wanted, found, taker.pairing.strays, taker.pairing.unlike)
        except SpecError as error:
            first = first or error
            choices = other_choices(choices, taker.pairing.ties)
            if choices is None:
                break
        else:
            return taker.pairing
    assert first is not None
    raise first


def other_choices(choices: Mapping[str, int], ties: Sequence[tuple[str, int]]) -> dict[str, int] | None:
    """What to choose in the next run: the last tie otherwise that can be, those before it as they were."""
    for index in reversed(range(len(ties))):
        path, count = ties[index]
        if choices.get(path, 0) + 1 < count:
            kept = {earlier: choices.get(earlier, 0) for earlier, _ in ties[:index]}
            return kept | {path: choices.get(path, 0) + 1}
    return None


def prove(reference: nn.Module, ours: nn.Module, inputs: Sequence[torch.Tensor]) -> Proof:
    """Runs both as they are; raises `SpecError` if their outputs differ."""
    return compare(forward(reference, inputs), forward(ours, inputs))


def images(shapes: Mapping[str, tuple[int, ...]]) -> list[torch.Tensor]:
    """Random inputs in double precision, the same each time."""
    chance = torch.Generator().manual_seed(0)
    return [torch.randn(BATCH, *shape, generator=chance, dtype=torch.float64) for shape in shapes.values()]


def filled(pairs: Sequence[Pair], source: State, blank: State) -> dict[str, torch.Tensor]:
    """The tensors of ours, from theirs, in their precision; what no pair gives is as in `blank`."""
    state = dict(blank)
    for pair in pairs:
        if pair.theirs is None:
            unit = pair.ours.rpartition(".")[2] == "weight"
            state[pair.ours] = torch.ones_like(blank[pair.ours]) if unit else torch.zeros_like(blank[pair.ours])
            continue
        value = source[pair.theirs].detach().reshape(pair.shape)
        if pair.order is not None:
            value = value.index_select(pair.axis, torch.tensor(pair.order))
        state[pair.ours] = value.clone()
    return state


# --- running


@torch.no_grad()
def forward(network: nn.Module, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs, in order."""
    try:
        return [leaf for leaf in tree_leaves(network(*inputs)) if isinstance(leaf, torch.Tensor)]
    except SpecError:
        raise
    except Exception as error:  # noqa: BLE001 - a network of another library, which may want another size of image
        size = "×".join(map(str, inputs[0].shape[1:]))
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{type(network).__name__} does not run on an image {size}: {reason}"
        raise fault("bad-input", message, help="--input C,H,W chooses another size") from None


def held(network: nn.Module) -> list[Part]:
    return parts_of(shapes_of(network.state_dict()))


@contextmanager
def hooked(network: nn.Module, tell: Callable[[Part, nn.Module, torch.Tensor], None]) -> Iterator[None]:
    """Calls `tell` just before a module that owns tensors runs for the first time."""
    seen: set[str] = set()
    hooks = []

    def hook(part: Part) -> Callable[[nn.Module, Any, Any], None]:
        def told(module: nn.Module, args: Any, kwargs: Any) -> None:
            tensor = next((leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)), None)
            if part.path not in seen and tensor is not None:
                seen.add(part.path)
                tell(part, module, tensor)

        return told

    for part in held(network):
        module = network.get_submodule(part.owner)
        hooks.append(module.register_forward_pre_hook(hook(part), with_kwargs=True))
    try:
        yield
    finally:
        for handle in hooks:
            handle.remove()


def record(network: nn.Module, inputs: Sequence[torch.Tensor]) -> tuple[list[Entered], list[torch.Tensor]]:
    """What enters each module, in order of execution, and what comes out."""
    found: list[Entered] = []
    with hooked(network, lambda part, module, tensor: found.append(entry(part, module, tensor))):
        outputs = forward(network, inputs)
    return found, outputs


def entry(part: Part, module: nn.Module, tensor: torch.Tensor) -> Entered:
    return Entered(part, sketch(tensor), settings(module), arguments(module))


def settings(module: nn.Module) -> tuple[Any, ...]:
    """What tells convolutions of one shape apart."""
    return tuple(getattr(module, name, None) for name in ("stride", "dilation", "groups"))


def arguments(module: nn.Module) -> dict[str, Any]:
    """What of a module says how it computes, beside its weights."""
    return {name: value for name in ARGUMENTS if (value := getattr(module, name, None)) is not None}


@torch.no_grad()
def fill(network: nn.Module) -> None:
    """Weights that keep signals at their size, and statistics that are not those of a fresh norm."""
    chance = torch.Generator().manual_seed(0)

    def spread(tensor: torch.Tensor, mean: float, deviation: float) -> None:
        reach = deviation * math.sqrt(3)  # of a uniform distribution, which is drawn five times as fast as a normal one
        tensor.uniform_(mean - reach, mean + reach, generator=chance)

    for part in network.modules():
        weight, bias = getattr(part, "weight", None), getattr(part, "bias", None)
        mean, variance = getattr(part, "running_mean", None), getattr(part, "running_var", None)
        if isinstance(mean, torch.Tensor) and isinstance(variance, torch.Tensor):
            spread(mean, 0, 0.1)
            variance.uniform_(0.5, 1.5, generator=chance)
            if isinstance(weight, nn.Parameter):
                spread(weight, 1, 0.1)
        elif isinstance(weight, nn.Parameter):
            spread(weight, 0, math.sqrt(2 / weight[0].numel()) if weight.dim() > 1 else 0.1)
        if isinstance(bias, nn.Parameter):
            spread(bias, 0, 0.1)
        for name, tensor in part.named_parameters(recurse=False):
            if name not in ("weight", "bias"):  # a class token is zeros at first, which would hide it
                packed = name.startswith(PACKED) and tensor.dim() > 1
                spread(tensor, 0, tensor.shape[1] ** -0.5 if packed else 0.1)


# --- pairing


class Taker:
    """Gives our modules theirs, one after another as ours run.

    Several of theirs may have the shape and have got the same: branches. `choices` say which one is taken, if not the
    first that is set alike.
    """

    def __init__(
        self, entered: Sequence[Entered], source: State, network: nn.Module, choices: Mapping[str, int]
    ) -> None:
        self.choices = choices
        self.left = list(entered)
        self.source = source
        self.blank: State = dict(network.state_dict())
        self.waiting = {part.path: part for part in held(network)}
        self.pairing = Pairing()

    def take(self, part: Part, module: nn.Module, tensor: torch.Tensor) -> None:
        """Fills a module that is about to run."""
        fitting = [item for item in self.left if match(item.part, part) is not None]
        # those that lack nothing first
        fitting.sort(key=lambda item: sum(pair.theirs is None for pair in pairs_of(item.part, part)))
        if not fitting:
            raise self.alone(part)
        here = sketch(tensor)
        alike = [item for item in fitting if same(item.sketch, here)]
        if alike:
            item, order = self.choose(part, sorted(alike, key=lambda one: one.settings != settings(module))), None
        else:
            item, order = next(reordered(fitting, here, module), (fitting[0], None))
            if order is None:
                self.pairing.strays.append((item.part, part, apart(item.sketch, here)))
        self.left.remove(item)
        if not self.pairing.strays:
            self.pairing.unlike += unlike(item, part, arguments(module))
        del self.waiting[part.path]
        pairs = pairs_of(item.part, part)
        if order is not None:
            pairs = [follow(pair, order, module) for pair in pairs]
        self.pairing.pairs += pairs
        with torch.no_grad():
            for pair in pairs:
                self.blank[pair.ours].copy_(filled([pair], self.source, self.blank)[pair.ours])

    def choose(self, part: Part, alike: Sequence[Entered]) -> Entered:
        """One of those that could all be it."""
        if len(alike) > 1 and not self.pairing.strays:
            self.pairing.ties.append((part.path, len(alike)))
        return alike[self.choices.get(part.path, 0) % len(alike)]

    def alone(self, part: Part) -> SpecError:
        """One of ours that none of theirs is left for."""
        spare = self.left[0].part if self.left else None
        notes = (Note(f"their next module without a counterpart is {spare}{surplus(spare, part)}"),) if spare else ()
        return fault("unmatched-weights", f"no module of theirs has the shape of our {part}", notes=notes)

    def finish(self, dropped: list[Part]) -> Pairing:
        if self.left:
            message = f"their {self.left[0].part} has no counterpart in ours"
            raise fault("unmatched-weights", message, notes=(Note(f"{len(self.left)} of their modules are left over"),))
        self.pairing.idle, self.pairing.dropped = list(self.waiting.values()), dropped
        return self.pairing


def unlike(item: Entered, ours: Part, given: Mapping[str, Any]) -> Iterator[str]:
    """In words, the arguments in which two modules of equal weights differ."""
    for name in ARGUMENTS:
        one, other = item.arguments.get(name), given.get(name)
        if one is not None and other is not None and one != other:
            yield f"the {name} of our '{ours.path}' is {other}, that of their '{item.part.path}' {one}"


def surplus(theirs: Part, ours: Part) -> str:
    """What sets two modules apart whose weights have one shape: a tensor that one of theirs has beside it."""
    more = [leaf for leaf in theirs.shapes if leaf not in ours.shapes]
    same_weight = "weight" in ours.shapes and theirs.shapes.get("weight") == ours.shapes["weight"]
    return f", with a '{more[0]}' that ours has not" if same_weight and more else ""


def reordered(fitting: Sequence[Entered], here: Sketch, module: nn.Module) -> Iterator[tuple[Entered, tuple[int, ...]]]:
    """Those that got the same channels in another order, which the weights of this kind of module can follow."""
    if axis_of(module) is None:
        return
    for item in fitting:
        order = channel_order(item.sketch, here)
        if order is not None:
            yield item, order


def axis_of(module: nn.Module) -> int | None:
    """The axis of a weight that runs over what enters; 0 where a channel goes in and comes out."""
    if isinstance(module, nn.Linear):
        return 1
    if isinstance(module, CONVOLUTIONS) and module.groups == 1:
        return 1
    if isinstance(module, CONVOLUTIONS) and module.groups == module.in_channels == module.out_channels:
        return 0
    return 0 if isinstance(module, NORMS) else None


def follow(pair: Pair, order: tuple[int, ...], module: nn.Module) -> Pair:
    """A tensor whose channels are in the order of what enters."""
    axis = axis_of(module)
    assert axis is not None
    if len(pair.shape) <= axis:  # the bias of a dense layer, the counter of a norm
        return pair
    return pair._replace(order=order, axis=axis)


# --- outputs


def compare(
    wanted: Sequence[torch.Tensor],
    found: Sequence[torch.Tensor],
    strays: Sequence[tuple[Part, Part, float]] = (),
    unlike: Sequence[str] = (),
) -> Proof:
    """How far outputs lie apart; raises `SpecError` if they are not the same.

    The error names the first pair of `strays`, and of the pairs before it the last whose arguments are `unlike`.
    """
    theirs, ours = ([out.flatten(1) if out.dim() > 1 else out for out in side] for side in (wanted, found))
    notes = ((stray(*strays[0]),) if strays else ()) + tuple(map(Note, unlike[-1:]))
    if [out.shape for out in theirs] != [out.shape for out in ours]:
        shapes = (", ".join("×".join(map(str, out.shape[1:])) for out in side) for side in (theirs, ours))
        raise fault("unequal-outputs", "their network returns {}, ours {}".format(*shapes), notes=notes)
    scale = max(out.abs().max().item() for out in theirs)
    difference = max((a - b).abs().max().item() for a, b in zip(theirs, ours, strict=True))
    proof = Proof(difference, scale)
    if not proof.relative <= TOLERANCE:
        message = f"with the same weights the outputs differ by {proof.relative:.1e} of the largest"
        before = "before it, something without weights differs: a padding, a stride, an eps or an activation"
        hint = before if strays and not unlike else ""
        raise fault("unequal-outputs", message, notes=notes, help=hint)
    return proof


def stray(theirs: Part, ours: Part, difference: float) -> Note:
    size = (
        "has another shape than"
        if math.isinf(difference)
        else f"differs by {difference:.1e} of the largest number from"
    )
    return Note(f"the input of our {ours} {size} the input of their {theirs}")
