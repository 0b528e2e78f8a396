"""A network in integers of 8 bits: ranges taken from samples, and what became of outputs told by others."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph
from archdsl.runtime.calibration import Batch, Calibration
from archdsl.runtime.exporting import FORMATS, export, require, unspoken

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 10.0  # decibels by which the signal is above the noise, for a file to be of use: a tenth of its power
SAME = 1e-9  # of an output: one that differs less from sample to sample tells nothing of them
TOGETHER = 8  # samples that run in one batch
Files = Mapping[str, bytes]  # by suffix


@dataclass(frozen=True)
class Agreement:
    """How near the outputs of held-out samples are to those of the module; of several, those of the worst."""

    samples: int
    ratio: float  # of signal to noise, in decibels
    cosine: float
    same_class: float | None  # the share of samples with the same greatest score, if there are scores
    apart: float  # as `ratio`, of that part of the signal in which samples differ

    def __str__(self) -> str:
        share = f", top-1 the same in {self.same_class:.0%}" if self.same_class is not None else ""
        return f"signal to noise {self.ratio:.1f} dB, cosine {self.cosine:.4f}{share}"


@dataclass(frozen=True)
class Quantized:
    """The files of a network in 8 bits, the size of those in 32 bits, and what the outputs are like."""

    files: Files
    plain_size: int
    agreement: Agreement


def expect_quantizer(form: str) -> None:
    """Raises for a format that has no integers here, or if a package is missing."""
    if form not in QUANTIZERS:
        message = f"{form} files are not written in int8"
        raise fault("bad-call", message, help=f"give --to {' or --to '.join(QUANTIZERS)}")
    require(f"int8 in the format {form}", QUANTIZERS[form].packages, "quantize")


def quantized(network: nn.Module, graph: Graph, form: str, samples: Calibration) -> Quantized:
    """A module in 8 bits; raises `SpecError` if its outputs are of no use."""
    expect_quantizer(form)
    plain = export(network, graph, form).files
    with unspoken(), tempfile.TemporaryDirectory() as folder:
        written = QUANTIZERS[form].write(plain, samples.used, Path(folder))
        for suffix, data in written.items():
            (Path(folder) / f"net{suffix}").write_bytes(data)
        run = FORMATS[form].read(Path(folder) / f"net{FORMATS[form].suffix}")
        found = agreement(network, run, samples.held_out)
    expect_useful(found)
    return Quantized(written, sum(map(len, plain.values())), found)


def expect_useful(found: Agreement) -> None:
    """Raises if outputs have too much noise: against all that they are, or against what samples differ in."""
    why = ""
    if not found.ratio >= LEAST:
        why = f"{found}, and at least {LEAST:.0f} dB are needed"
    elif not found.apart > 0:
        why = "the error of its outputs is larger than the differences between the samples"
    if why:
        help = "calibrate with more samples, like those that it will see; or leave out --int8"
        raise fault("bad-call", f"the int8 file would be of no use: {why}", help=help)


# --- what became of the outputs
def agreement(network: nn.Module, run: Callable[..., Sequence[Any]], samples: Batch) -> Agreement:
    """How near the outputs of a file are to those of a module."""
    pairs: list[tuple[list[Tensor], list[Tensor]]] = []
    for batch in zip(*(torch.split(x, TOGETHER) for x in samples), strict=True):
        with torch.no_grad():
            wanted = tree_leaves(network(*batch))
        pairs.append((wanted, [torch.as_tensor(item) for item in run(*batch)]))
    wholes = ([torch.cat(parts).double() for parts in zip(*side, strict=True)] for side in zip(*pairs, strict=True))
    outputs = list(zip(*wholes, strict=True))
    scores = [(a, b) for a, b in outputs if a.dim() == 2 and a.size(1) > 1]
    return Agreement(
        samples=len(samples[0]),
        ratio=min(signal_to_noise(a, b) for a, b in outputs),
        cosine=min(float(nn.functional.cosine_similarity(a.flatten(), b.flatten(), 0)) for a, b in outputs),
        same_class=min((float((a.argmax(1) == b.argmax(1)).double().mean()) for a, b in scores), default=None),
        apart=min((signal_to_noise(a - a.mean(0), b - a.mean(0)) for a, b in outputs if varies(a)), default=math.inf),
    )


def varies(wanted: Tensor) -> bool:
    """Whether an output depends on the sample: anchors do not."""
    return float((wanted - wanted.mean(0)).square().sum()) > SAME**2 * float(wanted.square().sum())


def signal_to_noise(wanted: Tensor, found: Tensor) -> float:
    """In decibels."""
    signal, noise = float(wanted.square().sum()), float((wanted - found).square().sum())
    if math.isnan(noise) or signal == 0:
        return -math.inf
    return 10 * math.log10(signal / noise) if noise else math.inf


# --- engines
class Reader:
    """Samples one after the other, as onnxruntime asks for them."""

    def __init__(self, names: Sequence[str], samples: Batch) -> None:
        rows = zip(*(torch.split(x, 1) for x in samples), strict=True)
        self.rows = iter([{name: x.numpy() for name, x in zip(names, row, strict=True)} for row in rows])

    def get_next(self) -> dict[str, Any] | None:
        return next(self.rows, None)


def onnx_int8(plain: Files, samples: Batch, folder: Path) -> Files:
    """Weights and tensors quantised in the graph (QDQ), weights channel by channel."""
    from onnxruntime.quantization import QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    source, simple, made = (folder / f"{name}.onnx" for name in ("plain", "simple", "int8"))
    source.write_bytes(plain[".onnx"])
    quant_pre_process(str(source), str(simple), skip_symbolic_shape=True)
    quantize_static(
        str(simple), str(made), Reader(entries(simple), samples), quant_format=QuantFormat.QDQ, per_channel=True
    )
    return {".onnx": made.read_bytes()}


def entries(path: Path) -> list[str]:
    """The names of what an ONNX model takes, in its order."""
    import onnx

    return [item.name for item in onnx.load(path).graph.input]


def openvino_int8(plain: Files, samples: Batch, folder: Path) -> Files:
    """By NNCF, as OpenVINO recommends it."""
    import nncf
    import openvino

    for suffix, data in plain.items():
        (folder / f"plain{suffix}").write_bytes(data)
    rows = [[x.numpy() for x in row] for row in zip(*(torch.split(x, 1) for x in samples), strict=True)]
    dataset = nncf.Dataset(rows, lambda row: row if len(row) > 1 else row[0])
    model = openvino.Core().read_model(folder / "plain.xml")
    made = nncf.quantize(model, dataset, subset_size=len(rows))
    openvino.save_model(made, folder / "int8.xml", compress_to_fp16=False)
    return {suffix: (folder / f"int8{suffix}").read_bytes() for suffix in plain}


@dataclass(frozen=True)
class Quantizer:
    """What quantises a file of a format, and the packages that it needs."""

    write: Callable[[Files, Batch, Path], Files]
    packages: tuple[str, ...]


QUANTIZERS = {
    "onnx": Quantizer(onnx_int8, ("onnx", "onnxscript", "onnxruntime")),
    "openvino": Quantizer(openvino_int8, ("onnx", "onnxscript", "openvino", "nncf")),
}
