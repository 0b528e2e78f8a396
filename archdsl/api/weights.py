"""Weights that are there already: of the same network before passes, or of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from archdsl.api.options import Form
    from archdsl.ir.graph import Graph
    from archdsl.passes import PassLike
    from archdsl.runtime.porting import Ported, Reference, Weights
    from archdsl.workspace.library import Features, Inputs, SpecLike


def convert(
    model: torch.nn.Module,
    spec: SpecLike,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    passes: Sequence[PassLike] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> torch.nn.Module:
    """Return a trained network as rewritten by passes, with its weights carried over.

    `model` must be built with the same arguments but without passes. In eval mode its outputs stay the same: copies of
    both are run on random images in double precision, and if the outputs differ by more than 1e-5 of the largest,
    `SpecError` with the code `differs` is raised, with both values. Without `passes`, the network is converted to the
    form `deploy`: learned groups must be fully condensed, and layers whose op says so (`learned_linear`) change the
    outputs. Each tensor keeps its precision and device. Raises `SpecError` too if the module is not that of the spec
    and variant, or if it has hooks, which would be lost.
    """
    from archdsl.expr.given import checked
    from archdsl.passes import DEPLOYED
    from archdsl.runtime import carrying
    from archdsl.workspace.library import rewritten
    from archdsl.workspace.settings import given

    checked(model=model)
    rewriting = rewritten(features_only, "train", DEPLOYED if passes is None else passes, out_indices, output_stride)
    return carrying.convert(model, spec, variant, given(params, set), input, rewriting).model


def port(
    weights: Weights,
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    reference: Reference | None = None,
    before: SpecLike | Graph | None = None,
    key: str | None = None,
    map: Mapping[str, str] | None = None,
    input: Inputs | None = None,
    form: Form = "train",
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Ported:
    """Match the weights of another implementation to this network by structure, never by name.

    - `weights`: a state_dict, a file (`.pth`, `.safetensors`), or a library's network (`"timm:NAME(pretrained=True)"`).
    - `reference`: the network that the weights belong to, as a module or by name. Both networks are run, and their
      outputs must be equal (`.proof`). Without it, the order and the shapes of the weights must allow only one match.
    - `before`: the same spec before an edit. Every weight whose place still exists is kept (`.new`, `.dropped`).
    - `key`: the entry of a checkpoint. `map` renames the beginnings of names, or the paths of parts before the edit.
    - `form="deploy"`: for weights of layers in their final form (CondenseNet's), with norms that are not folded; load
      them into a network built with `passes=["deploy"]`.

    The weights may have another number of classes (the last layer is then new) or of image channels (the first
    convolution is then summed or repeated); see `.remarks` and `.notes`. The result has `.state`, `.pairs` and
    `.save(path)`. Raises `SpecError` if it is not certain which weight belongs where.
    """
    from archdsl.expr.given import checked
    from archdsl.runtime import porting
    from archdsl.workspace.library import graph_of, rewritten, weighted_as
    from archdsl.workspace.settings import given

    checked("reference", "key", "map", weights=weights, reference=reference, key=key, map=map)
    values, renamed = given(params, set), map or {}
    network = graph_of(spec, variant, values, input, rewritten(passes=weighted_as(form)))
    if before is None:
        maker = porting.maker_of(spec, variant, values, input, form)
        return porting.port(weights, network, reference, key, maker, renamed)
    if reference is not None:
        raise fault("bad-call", "reference and before cannot be used together")
    old = porting.old_graphs(before, variant, values, input, form)
    return porting.port_over_edit(weights, old, network, key, renamed)
