"""A network as a file that other programs run: written, read back, and proven to give the outputs of the module."""

from __future__ import annotations

import copy
import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.ops.base import Shape, times
from archdsl.runtime import onnx
from archdsl.runtime.free_pools import with_free_pools
from archdsl.runtime.free_size import FreeSize, expect_no_sides, free_size, shapes_of, unwritten
from archdsl.support.naming import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

BATCHES = (1, 3)  # a file holds for any batch, if its format has such
NEAR, ROUNDING = 1e-4, 4  # of the largest output; how often what rounding alone makes of it
MOST = 1e-2  # of the largest output, that is put down to rounding: more would excuse any other output
Reader = Callable[[Path], Callable[..., Sequence[Any]]]


@dataclass(frozen=True)
class Format:
    """A kind of file: how it is written, how it is run again, and the packages that both need."""

    suffix: str
    write: Callable[[nn.Module, Graph, FreeSize | None], Mapping[str, bytes]]  # by suffix; the first is the file itself
    read: Reader
    packages: tuple[str, ...] = ()
    extra: str = ""
    batches: tuple[int, ...] = BATCHES


@dataclass(frozen=True)
class Exported:
    """The files by suffix, and by how much their outputs differ from the module's, as a part of the largest."""

    files: Mapping[str, bytes]
    error: float


def expect_format(form: str) -> None:
    """Raises for a word that is no format, or if a package is missing that writes or runs such files."""
    if form not in FORMATS:
        known = f"choose from {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no format '{form}'", help=did_you_mean(form, FORMATS) or known)
    require(f"the format {form}", FORMATS[form].packages, FORMATS[form].extra)


def export(network: nn.Module, graph: Graph, form: str, *, any_size: bool = False) -> Exported:
    """A module in a format, proven; raises `SpecError` where the file does not give the outputs of the module.

    With `any_size` the file takes images of other heights and widths too, and is proven at three sizes.
    """
    expect_format(form)
    kind, network = FORMATS[form], network.eval()
    free = free_size(graph) if any_size else None
    own = [tuple(tensor.shape) for tensor in graph.inputs.values()]
    trials = [[shape] for shape in free.samples()] if free is not None else [own]
    with quiet(), tempfile.TemporaryDirectory() as folder:
        written = kind.write(network, graph, free)
        for suffix, data in written.items():
            (Path(folder) / f"net{suffix}").write_bytes(data)
        run = kind.read(Path(folder) / f"net{kind.suffix}")
        error = max(difference(network, shapes, run, batch, form) for shapes in trials for batch in kind.batches)
    return Exported(written, error)


def require(what: str, packages: Sequence[str], extra: str) -> None:
    """Raises if a package is missing that writes or runs a file."""
    missing = next((package for package in packages if find_spec(package) is None), None)
    if missing is not None:
        message = f"{what} needs the package {missing.replace('_', '-')}, which is not installed"
        raise fault("no-package", message, help=f"pip install 'archdsl[{extra}]'")


@contextmanager
def quiet() -> Iterator[None]:
    """Without what torch says of its own plans."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def unspoken() -> Iterator[None]:
    """Without what converters say of their own plans; what they raise is seen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def difference(
    network: nn.Module, shapes: Sequence[Shape], run: Callable[..., Sequence[Any]], batch: int, form: str
) -> float:
    """By how much the outputs of random inputs differ; raises `SpecError` where that is more than rounding."""
    random = torch.Generator().manual_seed(batch)
    inputs = [torch.randn(batch, *shape, generator=random) for shape in shapes]
    exact = copy.deepcopy(network).double()
    with torch.no_grad():
        wanted, true = tree_leaves(network(*inputs)), tree_leaves(exact(*(x.double() for x in inputs)))
        found = [torch.as_tensor(item) for item in run(*inputs)]
    if [item.shape for item in found] != [item.shape for item in wanted]:
        size = ", ".join(map(times, shapes))
        raise fault("differs", f"the {form} file gives other shapes than the module in a batch of {batch}, {size}")
    worst = 0.0
    for mine, theirs, exactly in zip(found, wanted, true, strict=True):
        largest = float(theirs.abs().max()) or 1.0
        rounding = float((theirs - exactly).abs().max()) / largest
        error = float((mine - theirs).abs().max()) / largest
        if not error <= NEAR + ROUNDING * min(rounding, MOST):
            raise fault("differs", f"the {form} file gives other outputs: they differ by {error:.1e} of the largest")
        worst = max(worst, error)
    return worst


def zeros(graph: Graph, free: FreeSize | None) -> tuple[Tensor, ...]:
    """Inputs to trace a module with."""
    return tuple(torch.zeros(2, *shape) for shape in shapes_of(graph, free))


class Plain(nn.Module):
    """A network whose outputs are a plain tuple, which every format knows."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        given = self.network(*inputs)
        return tuple(given) if isinstance(given, tuple) else given


# --- ONNX
def to_onnx(network: nn.Module, graph: Graph, free: FreeSize | None) -> Mapping[str, bytes]:
    return {".onnx": onnx.emit(graph, network.state_dict(), free is not None)}


def run_onnx(path: Path) -> Callable[..., Sequence[Any]]:
    session = session_of(path.read_bytes(), torch.get_num_threads())
    names = [item.name for item in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, (x.numpy() for x in inputs), strict=True)))


def session_of(model: bytes, threads: int) -> Any:
    """An ONNX model in onnxruntime, on the CPU."""
    expect_format("onnx")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


# --- TorchScript and torch.export
def saved(suffix: str, write: Callable[[Path], object]) -> Mapping[str, bytes]:
    """What something writes into a file that it is given the path of."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"net{suffix}"
        write(path)
        return {suffix: path.read_bytes()}


def to_torchscript(network: nn.Module, graph: Graph, free: FreeSize | None) -> Mapping[str, bytes]:
    if free is not None:
        expect_no_sides(graph, "a trace")
    with torch.no_grad():
        traced: Any = torch.jit.trace(Plain(network).eval(), zeros(graph, free))  # type: ignore[no-untyped-call]
    return saved(".pt", lambda path: traced.save(str(path)))


def run_torchscript(path: Path) -> Callable[..., Sequence[Any]]:
    loaded: Any = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    return lambda *inputs: tree_leaves(loaded(*inputs))


def to_pt2(network: nn.Module, graph: Graph, free: FreeSize | None) -> Mapping[str, bytes]:
    axes = {0: torch.export.Dim("batch"), **(free.axes() if free is not None else {})}
    inputs = zeros(graph, free)
    shapes = (tuple(dict(axes) for _ in inputs),)
    exported = with_free_pools(copy.deepcopy(network), graph) if free is not None else network
    try:
        with torch.no_grad():
            program = torch.export.export(Plain(exported).eval(), inputs, dynamic_shapes=shapes)
        return saved(".pt2", lambda path: torch.export.save(program, path))
    except Exception as error:  # whatever torch raises of sizes that it cannot leave open
        if free is None:
            raise
        raise unwritten(network, graph, error) from error


def run_pt2(path: Path) -> Callable[..., Sequence[Any]]:
    loaded = torch.export.load(path).module()
    return lambda *inputs: tree_leaves(loaded(*inputs))


# --- OpenVINO
def to_openvino(network: nn.Module, graph: Graph, free: FreeSize | None) -> Mapping[str, bytes]:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        source, path = Path(folder) / "net.onnx", Path(folder) / "net.xml"
        source.write_bytes(onnx.emit(graph, network.state_dict(), free is not None))
        openvino.save_model(openvino.convert_model(source), path, compress_to_fp16=False)
        return {suffix: path.with_suffix(suffix).read_bytes() for suffix in (".xml", ".bin")}


def run_openvino(path: Path) -> Callable[..., Sequence[Any]]:
    import openvino

    model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda *inputs: list(model([x.numpy() for x in inputs]).values())


# --- LiteRT
def to_litert(network: nn.Module, graph: Graph, free: FreeSize | None) -> Mapping[str, bytes]:
    if free is not None:
        message = "LiteRT files are of one size"
        raise fault("bad-call", message, help="leave out --any-size, and write a file for each size")
    import litert_torch

    inputs = tuple(x[:1] for x in zeros(graph, free))
    with torch.no_grad(), unspoken():
        made = litert_torch.convert(Plain(network).eval(), inputs)
        return saved(".tflite", lambda path: made.export(str(path)))


def run_litert(path: Path) -> Callable[..., Sequence[Any]]:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()

    def run(*inputs: Tensor) -> Sequence[Any]:
        found = runner(**{f"args_{place}": x.numpy() for place, x in enumerate(inputs)})
        return [found[f"output_{place}"] for place in range(len(found))]

    return run


FORMATS = {
    "onnx": Format(".onnx", to_onnx, run_onnx, ("onnx", "onnxscript", "onnxruntime"), "deploy"),
    "torchscript": Format(".pt", to_torchscript, run_torchscript),
    "pt2": Format(".pt2", to_pt2, run_pt2),
    "openvino": Format(".xml", to_openvino, run_openvino, ("onnx", "onnxscript", "openvino"), "openvino"),
    "litert": Format(".tflite", to_litert, run_litert, ("litert_torch", "ai_edge_litert"), "litert", (1,)),
}
