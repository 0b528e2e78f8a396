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
    from archdsl.workspace.library import Inputs, SpecLike


def convert(
    model: torch.nn.Module,
    spec: SpecLike,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    passes: Sequence[PassLike] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> torch.nn.Module:
    """A trained network, built from the same spec without passes, as passes make it: with its weights.

    In eval mode its outputs are the same: copies of both are run on random images in double precision. If the outputs
    differ by more than 1e-5 of the largest, `SpecError` is raised, its code `differs`, with both values. Without
    `passes` it is the form `deploy`: its learned groups must be condensed to the end, and layers whose op says so
    (`learned_linear`) change the outputs. Each tensor keeps its precision and device. Raises `SpecError` too if the
    module is not that of the spec and variant, or has hooks, which would be lost.
    """
    from archdsl.expr.given import checked
    from archdsl.passes import DEPLOYED, chosen
    from archdsl.runtime import carrying
    from archdsl.workspace.settings import given

    checked(model=model)
    passes = chosen(DEPLOYED if passes is None else passes)
    return carrying.convert(model, spec, variant, given(params, set), input, passes).model


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
    """Weights of another network for this one: `.state`, `.pairs`, `.save(path)`. Pairs by structure, never by name.

    `weights` are a state_dict, a file (`.pth`, `.safetensors`) or a library's network (`"timm:NAME(pretrained=True)"`),
    `reference` the network that they belong to, as a module or by name: both are run, and their outputs must be equal
    (`.proof`). Without it the order of the file and the shapes must leave one pairing alone. `before` is the same spec
    before an edit: all that still has its place is carried over (`.new`, `.dropped`). `key` chooses an entry of a
    checkpoint, `map` gives new names for the beginnings of old ones, or for the paths of parts before the edit. The
    weights may have another number of classes (the last layer is new) or of channels of the image (the first
    convolution is summed or tiled: `.remarks`, `.notes`). `form="deploy"` is for weights of layers as once trained
    (CondenseNet's), with the norms beside them: build with `passes=["deploy"]` what takes them. Raises `SpecError`
    where it is not certain which weight is which.
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
        raise fault("bad-call", "weights come from elsewhere or from before an edit, not both")
    old = porting.old_graphs(before, variant, values, input, form)
    return porting.port_over_edit(weights, old, network, key, renamed)
