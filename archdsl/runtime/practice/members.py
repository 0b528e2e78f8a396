"""The members that training with timm asks of a model, beside those of an emitted class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint

from archdsl.backends.torch.plan import classifier_in
from archdsl.ir.graph import Graph
from archdsl.runtime import module
from archdsl.runtime.practice.pooling import LastPooling, last_pooling

OWN = "archdsl_"  # how the modules of emitted classes begin


def as_model(kind: type[nn.Module], graph: Graph) -> Callable[..., nn.Module]:
    """A class that makes networks of an emitted class with timm's members."""

    def make(**arguments: Any) -> nn.Module:
        network = model_class(kind)(**arguments)
        classifier = classifier_in(graph)
        classes = graph.params.get(classifier.param, 0) if classifier is not None else 0
        vars(network)["num_classes"] = arguments.get(classifier.param, classes) if classifier is not None else 0
        vars(network)["last_pooling"] = last_pooling(graph, classifier)
        return network

    return make


def as_backbone(kind: type[nn.Module]) -> type[nn.Module]:
    """A class of backbones that give a list of maps, as timm's do."""
    return with_members(Backbone, kind)


def model_class(kind: type[nn.Module]) -> type[nn.Module]:
    return with_members(Classifier if hasattr(kind, "reset_classifier") else Model, kind)


def with_members(members: type[Model], kind: type[nn.Module]) -> type[nn.Module]:
    """An emitted class with further members, under its own name."""
    return type(kind.__name__, (members, kind), {"__module__": __name__, "__doc__": kind.__doc__})


class Model(nn.Module):
    """Layers for learning rates, checkpoints of activations, weights without decay."""

    grad_checkpointing = False

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Has blocks computed once more in the backward pass instead of keeping what they compute."""
        if enable and not list(units(self)):
            message = f"{type(self).__name__} has no blocks whose activations could be computed anew"
            raise ValueError(message)
        self.grad_checkpointing = enable

    def group_matcher(self, coarse: bool = False) -> Callable[[str], tuple[float, ...]]:
        """The layer of a parameter by its name, for decay of learning rates: a stage, or a block of one."""
        paths = [name for name, _ in self.named_children()] if coarse else layers(self)
        places = {path: float(index) for index, path in enumerate(paths)}

        def layer_of(name: str) -> tuple[float, ...]:
            path = name
            while path:
                if path in places:
                    return (places[path],)
                path = path.rpartition(".")[0]
            return (-1.0,)  # a tensor beside the layers, as a class token, comes before them

        return layer_of

    def no_weight_decay(self) -> set[str]:
        """Learned tensors that are no weights of torch's layers: tokens, positions, scales."""
        own = [(path, part) for path, part in self.named_modules() if not type(part).__module__.startswith("torch.")]
        return {f"{path}.{name}".lstrip(".") for path, part in own for name, _ in part.named_parameters(recurse=False)}

    def forward(self, *images: torch.Tensor) -> Any:
        if self.grad_checkpointing and self.training and torch.is_grad_enabled():
            with computed_anew(list(units(self))):
                return super().forward(*images)
        return super().forward(*images)

    def __reduce_ex__(self, protocol: Any) -> Any:
        kinds = type(self).__mro__
        members, emitted = kinds[1], next(kind for kind in kinds if kind.__module__.startswith(OWN))
        return restored, (members, *module.source_of(emitted)), self.__dict__.copy()


class Classifier(Model):
    """A classifier, whose head timm exchanges and takes features from."""

    last_pooling: LastPooling | None = None

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Makes the last layer anew, and a last pooling that is named; without classes the network gives features."""
        if global_pool is not None:
            if self.last_pooling is None:
                message = f"the pooling of {type(self).__name__} cannot be exchanged"
                raise ValueError(message)
            self.last_pooling.exchange(self, global_pool, num_classes)
        super().reset_classifier(num_classes)  # type: ignore[misc]
        self.num_classes = num_classes

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """The scores of the map that enters the head, or what enters its last layer."""
        entered: list[torch.Tensor] = []
        last: nn.Module = self.get_classifier()  # type: ignore[operator]
        handle = last.register_forward_pre_hook(lambda _, args: entered.append(args[0])) if pre_logits else None
        try:
            scores: torch.Tensor = super().forward_head(x)  # type: ignore[misc]
        finally:
            if handle is not None:
                handle.remove()
        return entered[0].flatten(1) if pre_logits else scores


class Backbone(Model):
    """A backbone, which gives a list of maps."""

    def forward(self, *images: torch.Tensor) -> Any:
        found = super().forward(*images)
        return [found] if isinstance(found, torch.Tensor) else list(found)


def restored(members: type[Model], text: str, name: str, cls: str) -> nn.Module:
    """A network without its state. Pickles name this function."""
    kind = with_members(members, getattr(module.load(text, name, module.imported_by(text)), cls))
    return kind.__new__(kind)


# --- blocks
def layers(network: nn.Module, path: str = "") -> list[str]:
    """The paths of the blocks of a network, and of what stands beside them, in their order."""
    found: list[str] = []
    for name, part in network.named_children():
        place = f"{path}{name}"
        found += layers(part, f"{place}.") if type(part) is nn.Sequential and len(part) else [place]
    return [place for place in found if any(True for _ in network.get_submodule(place.removeprefix(path)).parameters())]


def units(network: nn.Module) -> Iterator[nn.Module]:
    """The blocks whose activations may be computed anew: those of classes of their own."""
    for path in layers(network):
        part = network.get_submodule(path)
        if type(part).__module__.startswith(OWN):
            yield part


@contextmanager
def computed_anew(parts: list[nn.Module]) -> Iterator[None]:
    """While it lasts, modules keep what enters them alone, and compute once more in the backward pass."""
    for part in parts:
        context = partial(contexts, part)
        vars(part)["forward"] = partial(checkpoint, part.forward, use_reentrant=False, context_fn=context)
    try:
        yield
    finally:
        for part in parts:
            del vars(part)["forward"]


def contexts(part: nn.Module) -> tuple[Any, Any]:
    """Those of the first run and of the second, which must leave statistics as they are."""
    return nullcontext(), statistics_kept(part)


@contextmanager
def statistics_kept(part: nn.Module) -> Iterator[None]:
    """While it lasts, norms do not learn the mean and variance of what enters them."""
    norms = [inner for inner in part.modules() if isinstance(inner, _NormBase) and inner.track_running_stats]
    known = [(norm.momentum, norm.num_batches_tracked.clone()) for norm in norms]  # type: ignore[union-attr]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, known, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(count)  # type: ignore[union-attr]
