"""Graph -> ONNX: torch's own exporter, and what it leaves to be done."""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.expr.given import checked
from archdsl.ir.graph import Graph
from archdsl.ops.own import is_own, said
from archdsl.support.plugins import NOT_OURS

if TYPE_CHECKING:
    import onnx
    import torch
    from torch import Tensor, nn

    from archdsl.runtime.free_size import FreeSize
    from archdsl.runtime.porting import Weights

SCOPES, WEIGHT = "pkg.torch.onnx.name_scopes", ".weight"
AXES = 4  # of attention: batch, heads, tokens, features


def emit(graph: Graph, weights: Weights | None = None, any_size: bool = False) -> bytes:
    """The network in eval mode as a checked ONNX model: any batch, shapes inferred, inputs and outputs by name.

    `weights` are a file or a state_dict; without them the network is initialised as its spec says, from seed 0. With
    `any_size` the height and width of the image are free too.
    """
    require_onnx()
    import onnx

    from archdsl.runtime.free_size import free_size

    checked(any_size=any_size)
    free = free_size(graph) if any_size else None
    if free is not None:
        expect_no_windows(graph)
    model = onnx_model(filled(graph, weights, free), graph, free)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def expect_no_windows(graph: Graph) -> None:
    """Raises at a pool to a size: its windows are cut out for one size of its map (`onnx_pools`)."""
    for node in (node for node in graph.nodes if not node.training):
        if node.op.name in ("adaptive_avg_pool", "adaptive_max_pool") and set(node.shape[1:]) != {1}:
            message = f"in ONNX, the windows of '{node.path}' depend on the size of its map, which cannot be left free"
            raise fault("bad-call", message, node.span, help="export it for one size")


def require_onnx() -> None:
    """Raises if a package is missing that torch's exporter needs."""
    try:
        for package in ("onnx", "onnxscript"):  # the second torch imports, late and with another message
            import_module(package)
    except ImportError:
        message = "ONNX needs the packages onnx and onnxscript, which are not installed"
        raise fault("no-package", message, help="pip install 'archdsl[onnx]'") from None


def filled(graph: Graph, weights: Weights | None, free: FreeSize | None) -> nn.Module:
    """The network in eval mode with its weights; torch's random state stays as it was."""
    import torch

    from archdsl.runtime import module
    from archdsl.runtime.free_pools import with_free_pools
    from archdsl.runtime.onnx_resize import refuse_inexact, with_exact_upsampling
    from archdsl.runtime.porting import files
    from archdsl.runtime.porting.fitting import put_weights

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = module.build(graph)
    if isinstance(weights, Mapping):
        put_weights(network, weights, "the weights")
    elif weights is not None:
        put_weights(network, files.read(weights)[0], f"the weights of '{os.fspath(weights)}'")
    for part in network.modules():  # in ONNX nothing is in place, and torch takes twice the time to find that out
        if hasattr(part, "inplace"):
            setattr(part, "inplace", False)  # noqa: B010 - for all that mypy knows it is a tensor
    if free is not None:
        refuse_inexact(graph)
        return with_free_pools(network, graph).eval()
    return with_exact_upsampling(network, graph).eval()


def onnx_model(network: nn.Module, graph: Graph, free: FreeSize | None) -> onnx.ModelProto:
    """What torch makes of the network, named and described."""
    import torch

    from archdsl.runtime.free_size import shapes_of, unwritten

    inputs = tuple(torch.zeros(2, *shape) for shape in shapes_of(graph, free))
    try:
        model = exported(network, inputs, list(graph.inputs), list(graph.outputs), free)
    except Exception as error:  # whatever torch's exporter raises; it is raised again unless a plug-in is to blame
        refuse_own(network, graph)
        if free is not None:
            raise unwritten(network, graph, error) from error
        raise
    name_batch(model)
    name_nodes(model)
    describe(model, graph, network)
    return model


def exported(
    network: nn.Module,
    inputs: tuple[Tensor, ...],
    entering: Sequence[str],
    leaving: Sequence[str],
    free: FreeSize | None = None,
) -> onnx.ModelProto:
    """A module as torch writes it."""
    import torch

    from archdsl.runtime.onnx_pools import with_windows_apart

    axes = {0: torch.export.Dim("batch"), **(free.axes() if free is not None else {})}
    with quiet():
        program = torch.export.export(network, inputs, dynamic_shapes=tuple(dict(axes) for _ in inputs))
        program = with_windows_apart(with_head_axes(with_static_groups(program)))
        made = torch.onnx.export(
            program, dynamo=True, verbose=False, input_names=list(entering), output_names=list(leaving)
        )
    assert made is not None
    model: onnx.ModelProto = made.model_proto
    return model


def refuse_own(network: nn.Module, graph: Graph) -> None:
    """Raises at the first op of another package whose module cannot be exported by itself."""
    import torch

    modules = dict(network.named_modules())
    for node in graph.nodes:
        if is_own(type(node.op)) and node.path in modules:
            inputs = tuple(torch.zeros(2, *tensor.shape) for tensor in node.inputs)
            try:
                exported(modules[node.path], inputs, [f"x{n}" for n, _ in enumerate(inputs)], [])
            except Exception as error:  # whatever torch's exporter raises of a module of a plug-in
                why = str(error.__cause__ or error).strip().partition("\n")[0]
                message = f"{said(type(node.op))} makes a module that cannot be written as ONNX: {why}"
                raise fault("bad-plugin", message, node.span, help=NOT_OURS) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without what torch and onnxscript say about themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# --- convolutions with a kernel for each sample
def with_static_groups(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """A kernel for each sample makes as many groups as the batch has samples; the groups of ONNX's Conv are fixed."""
    import torch

    conv2d = torch.ops.aten.conv2d.default
    calls = [node for node in program.graph.nodes if node.target is conv2d]
    if not any(isinstance(argument, torch.fx.Node) for node in calls for argument in node.args[6:]):
        return program
    static: torch.export.ExportedProgram = program.run_decompositions({conv2d: conv2d_by_products})
    return static


def conv2d_by_products(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
    groups: int | torch.SymInt = 1,
) -> Tensor:
    """A convolution of one wide sample in a number of groups known late, as a product of matrices for each group."""
    from torch.nn.functional import unfold

    if isinstance(groups, int):
        return NotImplemented  # type: ignore[no-any-return] # left as it is
    taps = weight.shape[2:]
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], taps, stride, padding, dilation, strict=True)
    ]
    x = x.reshape(groups, -1, *x.shape[2:])
    if (*taps, *padding) == (1, 1, 0, 0):
        windows = x[..., :: stride[0], :: stride[1]].flatten(2)
    else:
        windows = unfold(x, taps, dilation, padding, stride)
    kernels = weight.reshape(groups, -1, windows.shape[1])
    y = (kernels @ windows).reshape(1, -1, *size)
    return y if bias is None else y + bias[:, None, None]


# --- attention with other axes than batch, heads, tokens, features
def with_head_axes(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """Attention as torch's exporter takes it, with four axes: with one head, or several axes of heads as one."""
    import torch

    attention = torch.ops.aten.scaled_dot_product_attention.default
    calls = [node for node in program.graph.nodes if node.target is attention]
    if all(node.args[0].meta["val"].dim() == AXES for node in calls):
        return program
    whole: torch.export.ExportedProgram = program.run_decompositions({attention: with_four_axes})
    return whole


def with_four_axes(
    q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, *args: Any, **kwargs: Any
) -> Tensor:
    """Attention whose axes between the batch and the tokens are one."""
    from torch.nn.functional import scaled_dot_product_attention

    if q.dim() == AXES:
        return NotImplemented  # type: ignore[no-any-return] # left as it is

    def whole(x: Tensor) -> Tensor:
        return x.reshape(x.size(0), -1, *x.shape[-2:])

    mask = None if attn_mask is None else whole(attn_mask)
    y = scaled_dot_product_attention(whole(q), whole(k), whole(v), mask, *args, **kwargs)
    return y.reshape(*q.shape[:-1], v.size(-1))


# --- names and notes
def name_batch(model: onnx.ModelProto) -> None:
    """The symbol of the batch axis, which torch counts up, by its name."""
    (symbol,) = {value.type.tensor_type.shape.dim[0].dim_param for value in model.graph.input}
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if symbol in dim.dim_param:
                dim.dim_param = dim.dim_param.replace(symbol, "batch")


def name_nodes(model: onnx.ModelProto) -> None:
    """Each node by the module it comes from, `stem.0.conv/Conv`; torch's notes, with paths of the machine, go."""
    seen: Counter[str] = Counter()
    for node in model.graph.node:
        name = f"{module_of(node)}/{node.op_type}".strip("/")
        seen[name] += 1
        node.name = name if seen[name] == 1 else f"{name}_{seen[name]}"
    described = (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output)
    for part in (*described, *model.graph.initializer, *model.functions):
        del part.metadata_props[:]


def module_of(node: onnx.NodeProto) -> str:
    """The path of the module that has the node's weight (a norm may have gone into it), else of that which called."""
    owners = [value.removesuffix(WEIGHT) for value in node.input if value.endswith(WEIGHT)]
    notes = {entry.key: entry.value for entry in node.metadata_props}
    scopes = ast.literal_eval(notes.get(SCOPES, "[]"))
    return str([*scopes[-2:-1], *owners][-1]) if len(scopes) > 1 or owners else ""


def describe(model: onnx.ModelProto, graph: Graph, network: nn.Module) -> None:
    """What the model is: as properties for programs, as text for people."""
    import onnx

    from archdsl import __version__
    from archdsl.analysis.work import trained

    params, macs = trained(graph)
    known = {"spec": graph.name, "variant": graph.variant, "params": params, "macs": macs}
    known |= {f"paper {key}": graph.paper[key] for key in ("title", "arxiv") if key in graph.paper}
    onnx.helper.set_model_props(model, {key: str(value) for key, value in known.items() if value is not None})
    model.graph.name = graph.name
    model.doc_string = (sys.modules[type(network).__module__].__doc__ or graph.name).strip()
    model.producer_name, model.producer_version = "archdsl", __version__


__all__ = ["emit"]
