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
    """Return the network as a checked graph: `.nodes` in order of execution, `.nx` as a networkx DiGraph.

    - `spec`: a path, the name of a shipped spec, a dict, or YAML as text.
    - `input`: another input size, C×H×W without the batch axis; for several inputs, a dict by name.
    - `params`: values for params of the spec. `set` changes parts of the spec by their path
      (`set={"dense.stage3.layers": 12}`), and sets params whose names are arguments of this function.
    - `features_only`: make a backbone that returns the maps of the stages named (`["stem", "dense.stage2"]`), or if
      true, the last map of each resolution, the largest first. `out_indices` chooses among these by number or name.
    - `output_stride` (1, 2, 4, 8, 16 or 32): no map becomes smaller than this fraction of the image. Further strides
      become dilations; the weights stay the same.
    - `form`: `train`, or `deploy` for the network as it is used, with the same outputs in fewer steps.
    - `passes`: then applied in order; names (`archdsl passes` lists them), or functions from a Program to a Program.

    Raises `SpecError` if the spec or an argument is not valid.
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
    """Return the network as a torch module in train mode, initialised as the spec says. Arguments are those of `graph`.

    The module takes N×C×H×W tensors, one for each input of the spec. With `verify`, archdsl first proves that the
    module is its graph: every layer has the arguments of its node, and with the same weights the module and the graph
    (computed op by op) give the same outputs for a random input in eval mode. If they do not, `SpecError` with the code
    `differs` is raised.

    A classifier also accepts `num_classes=0` (it then returns features, N×C), `in_chans` and `global_pool`. A backbone
    (`features_only`) returns a NamedTuple of maps; its state_dict is a subset of that of the whole network.
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
    """Return the source of the same module, which needs only torch and the standard library.

    The style `specialized` prints this one network. The style `parametric` prints a class with all params of the spec
    as arguments, and `VARIANTS` with the arguments of each variant. Both have the same state_dict keys.
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
    """Write the network in eval mode to `file` as a checked ONNX model (float32, any batch size).

    Arguments are those of `graph`. `weights` are a state_dict or a file with one (safetensors, or a pickle of tensors),
    which must fit. Without them, the network is initialised as the spec says, from seed 0. With `any_size`, the height
    and width of the image are free too; if the network needs multiples of a number, they must be such. Inputs and
    outputs have the names of the spec. Needs the packages of `archdsl[onnx]`. If anything is wrong, raises `SpecError`
    and writes nothing.
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
    """Count parameters, MACs, other work, memory and receptive field, in total and by stage.

    Arguments are those of `graph`. With `latency`, the file of a latency table (`archdsl time --per-op`), the result
    also has `.latency`.
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
