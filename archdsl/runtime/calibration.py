"""Samples that a network is calibrated with: read from files, checked, and some of them held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.ir.graph import Graph
from archdsl.ops.base import Shape, times

if TYPE_CHECKING:
    from torch import Tensor

RANDOM = "random"  # in place of a path: noise, if it is asked for
COUNT = 32  # of random samples
FEWEST = 8
HELD_OUT = 4  # one sample in so many
SUFFIXES = (".npy", ".npz", ".pt", ".pth")
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
Batch: TypeAlias = "tuple[Tensor, ...]"  # of samples, for each input of a network


@dataclass(frozen=True)
class Calibration:
    """Samples for each input of a network: those that ranges are taken from, and those that tell what came of it."""

    used: Batch
    held_out: Batch

    def sizes(self) -> tuple[int, int]:
        """How many samples there are of each kind."""
        return len(self.used[0]), len(self.held_out[0])


def calibration(source: str, graph: Graph) -> Calibration:
    """The samples of a folder or file; raises `SpecError` if they are not what the network takes."""
    shapes = {name: tensor.shape for name, tensor in graph.inputs.items()}
    samples = noise(shapes) if source == RANDOM else read(Path(source), shapes)
    count = len(samples[0])
    if count < FEWEST:
        message = f"'{source}' has {count} sample{'s' * (count != 1)}, and at least {FEWEST} are needed"
        raise fault("bad-call", message, help="give some hundred that are like what the network will see")
    held = torch.arange(count) % HELD_OUT == HELD_OUT - 1
    return Calibration(tuple(x[~held] for x in samples), tuple(x[held] for x in samples))


def noise(shapes: Mapping[str, Shape]) -> Batch:
    random = torch.Generator().manual_seed(0)
    return tuple(torch.randn(COUNT, *shape, generator=random) for shape in shapes.values())


def read(path: Path, shapes: Mapping[str, Shape]) -> Batch:
    """The samples of a file, or of all files of a folder, in the order of their names."""
    parts = [samples for file in files_of(path) for samples in parts_of(file, shapes)]
    return tuple(torch.cat(samples) for samples in zip(*parts, strict=True))


def files_of(path: Path) -> list[Path]:
    """The files that hold samples."""
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise unknown(path)
        return [path]
    if not path.is_dir():
        raise fault("bad-call", f"there is no file or folder '{path}' to calibrate with")
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        image = next((file for file in sorted(path.iterdir()) if file.suffix.lower() in IMAGES), None)
        if image is not None:
            raise unknown(image)
        raise fault("bad-call", f"the folder '{path}' has no samples", help=f"files of {', '.join(SUFFIXES)}")
    return found


def unknown(path: Path) -> SpecError:
    help = f"save arrays as the network takes them, scaled and normalised: {', '.join(SUFFIXES)}"
    return fault("bad-call", f"'{path}' is no file of arrays", help=help)


def parts_of(path: Path, shapes: Mapping[str, Shape]) -> Iterator[Batch]:
    """What a file holds: of a network with one input any arrays, of others those of its inputs by name."""
    found = loaded(path)
    if len(shapes) == 1:
        (shape,) = shapes.values()
        for name, array in found.items():
            yield (checked(array, shape, f"'{path}'" + (f", '{name}'," if name else "")),)
        return
    missing = next((name for name in shapes if name not in found), None)
    if missing is not None:
        message = f"'{path}' has no array '{missing}'"
        raise fault("bad-call", message, help=f"one for each input of the network: {', '.join(shapes)}")
    batch = tuple(checked(found[name], shape, f"'{path}', '{name}',") for name, shape in shapes.items())
    if len({len(samples) for samples in batch}) > 1:
        raise fault("bad-call", f"'{path}' has not as many samples of each input")
    yield batch


def loaded(path: Path) -> Mapping[str, Any]:
    """The arrays of a file by name; one without a name has the name ''."""
    import numpy

    try:
        if path.suffix.lower() in (".npy", ".npz"):
            found: Any = numpy.load(path, allow_pickle=False)
            found = dict(found) if path.suffix.lower() == ".npz" else found
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a file of another kind, whatever its reader raises
        raise fault("bad-call", f"cannot read '{path}': {str(error).partition(chr(10))[0]}") from error
    if isinstance(found, Mapping):
        return {str(name): array for name, array in found.items()}
    return dict(enumerated(found)) if isinstance(found, (list, tuple)) else {"": found}


def enumerated(arrays: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(place), array) for place, array in enumerate(arrays))


def checked(array: Any, shape: Shape, named: str) -> Tensor:
    """An array as a batch of samples of a shape."""
    try:
        tensor = torch.as_tensor(array)
    except (TypeError, ValueError, RuntimeError):
        raise fault("bad-call", f"{named} is {type(array).__name__}, not an array") from None
    if not tensor.is_floating_point():
        kind = str(tensor.dtype).removeprefix("torch.")
        help = "scale and normalise images as in training"
        raise fault("bad-call", f"{named} holds {kind}, and the network takes float32", help=help)
    if tuple(tensor.shape) == tuple(shape):
        tensor = tensor[None]
    if tuple(tensor.shape[1:]) != tuple(shape):
        found = times(tuple(tensor.shape)) if tensor.dim() else "a single number"
        raise fault("bad-call", f"{named} is {found}, and a sample is {times(shape)}")
    if not tensor.isfinite().all():
        raise fault("bad-call", f"{named} holds what is no finite number")
    return tensor.float()
