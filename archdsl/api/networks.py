"""What one network is made into: a graph, a module, source, an ONNX file, its costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.api.options import latencies
from archdsl.ir.graph import Graph

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import torch

    from archdsl.analysis.cost import Cost
    from archdsl.api.options import Form, Style
    from archdsl.passes import PassLike
    from archdsl.runtime.porting import Weights
    from archdsl.workspace.library import Features, Inputs, SpecLike


def graph(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Graph:
    """The network as a checked graph: `.nodes` in order of execution, `.nx` the networkx DiGraph.

    `spec` is a path, the name of a shipped spec, a dict, or YAML as text. `input` overrides C×H×W (several: by name),
    `params` the spec's params, `set` parts of the spec by their path (`set={"dense.stage3.layers": 12}`), and params
    whose names are taken here. `features_only` makes a backbone of it, whose outputs are the maps of the stages named
    (`["stem", "dense.stage2"]`), or, if true, the last map of each resolution, the largest first; `out_indices` are the
    numbers of those that are wanted, or names. With `output_stride` (8, 16, 32) no map is more times smaller than the
    image: further strides become dilations, under the same weights. `form` is `train`, or `deploy`: the network as it
    is used, with the same outputs by fewer steps. `passes` rewrite it then, one after another: names (`archdsl passes`
    lists them), or functions from a Program to a Program. A fault raises `SpecError`.
    """
    from archdsl.workspace.library import graph_of, rewritten
    from archdsl.workspace.settings import given

    rewriting = rewritten(features_only, form, passes, out_indices, output_stride)
    return graph_of(spec, variant, given(params, set), input, rewriting)


def build(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    verify: bool = False,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> torch.nn.Module:
    """The network as a torch module, in train mode, initialised as the spec says; arguments as for `graph`.

    It takes N×C×H×W tensors, one for each input of the spec. With `verify` it is proven to be its graph first: every
    module has the arguments of its node, and with the same weights the module and the graph, computed op by op, give
    the same outputs of a random input in eval mode. Raises `SpecError`, its code `differs`, if they do not.
    A classifier's class may be given what it takes beside the spec's params too: no classes (`num_classes=0` gives
    features, N×C), `in_chans`, `global_pool`.
    A backbone (`features_only`) gives a NamedTuple of maps; its state_dict is a part of the whole network's.
    """
    from archdsl.runtime import module
    from archdsl.workspace.library import graph_of, rewritten
    from archdsl.workspace.settings import given

    rewriting = rewritten(features_only, form, passes, out_indices, output_stride)
    if isinstance(spec, Graph):
        return module.build(graph_of(spec, variant, given(params, set), input, rewriting), verify=verify)
    return module.build_spec(spec, variant, given(params, set), input, rewriting, verify=verify)


def emit(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    style: Style = "specialized",
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> str:
    """The same module as standalone Python source.

    Specialized, it is this one network; parametric, its class takes all params of the spec, and `VARIANTS` says
    which arguments make each variant. Both have the same state_dict keys.
    """
    from archdsl.backends import torch as torch_source
    from archdsl.expr.given import checked
    from archdsl.workspace.library import graph_of, rewritten
    from archdsl.workspace.settings import given

    checked(style=style)
    rewriting = rewritten(features_only, form, passes, out_indices, output_stride, style)
    return torch_source.emit(graph_of(spec, variant, given(params, set), input, rewriting), style)


def export_onnx(
    spec: SpecLike | Graph,
    file: str | os.PathLike[str],
    /,
    variant: str | None = None,
    *,
    weights: Weights | None = None,
    any_size: bool = False,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> None:
    """Writes the network in eval mode to `file` as a checked ONNX model (float32, any batch); arguments as for `graph`.

    `weights` are a state_dict or a file with one (safetensors, or a pickle of tensors), which must fit;
    without them the network is initialised as the spec says, from seed 0. With `any_size` the height and width of the
    image are free too, or multiples of what the network divides them by. Inputs and outputs have the spec's names.
    Needs the packages of `archdsl[onnx]`. A fault raises `SpecError`, and nothing is written.
    """
    from pathlib import Path

    from archdsl.expr.given import checked
    from archdsl.runtime import onnx as onnx_export
    from archdsl.support import output
    from archdsl.workspace.library import graph_of, rewritten
    from archdsl.workspace.settings import given

    checked("weights", file=file, weights=weights, any_size=any_size)
    rewriting = rewritten(features_only, form, passes, out_indices, output_stride)
    network = graph_of(spec, variant, given(params, set), input, rewriting)
    output.write(Path(file), onnx_export.emit(network, weights, any_size))


def cost(
    spec: SpecLike | Graph,
    /,
    variant: str | None = None,
    *,
    input: Inputs | None = None,
    features_only: Features = False,
    out_indices: Sequence[str | int] | None = None,
    output_stride: int | None = None,
    form: Form = "train",
    passes: Sequence[PassLike] = (),
    latency: str | os.PathLike[str] | None = None,
    set: Mapping[str, Any] | None = None,
    **params: Any,
) -> Cost:
    """Parameters, MACs, other work, memory, receptive field: in all and by stage; arguments as for `graph`.

    With the file of a latency table (`archdsl time --per-op`), its `.latency` is known too.
    """
    from archdsl.analysis import cost as counting
    from archdsl.workspace import recent
    from archdsl.workspace.expected import with_published
    from archdsl.workspace.library import graph_of, rewritten
    from archdsl.workspace.settings import given

    table = latencies(latency)
    rewriting = rewritten(features_only, form, passes, out_indices, output_stride)
    if isinstance(spec, Graph) or features_only is not False or output_stride is not None:
        network = graph_of(spec, variant, given(params, set), input, rewriting)
        return counting.timed(with_published(counting.cost(network)), table)
    return counting.timed(recent.cost_of(spec, variant, given(params, set), input, rewriting), table)
