"""Files of weights: reading them without running what is in them, and their bytes."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.runtime.porting.parts import State
from archdsl.runtime.porting.wrappers import inside, unwrapped
from archdsl.support.paths import is_file

SAFE = ".safetensors"
PICKLES = (".pth", ".pt")
MOST_NAMED = 6
KNOWN = "known are those of safetensors and of torch.save"


def read(path: str | os.PathLike[str], key: str | None = None) -> tuple[State, bool]:
    """The tensors of a file by name, and whether they are in the order in which their modules were made.

    A safetensors file keeps no order. A pickle is read with `weights_only=True`, so that it runs no code. `key` is the
    entry of a checkpoint that holds the weights, if several could. Raises `SpecError`.
    """
    file = Path(path)
    if not is_file(file):
        raise fault("missing-file", f"there is no file '{path}'")
    try:
        safe = is_safe(file)
        found = safe_tensors(file) if safe else unpickled(file)
    except OSError as error:
        raise fault("bad-weights", f"cannot read '{path}': {error.strerror or error}") from None
    return chosen(found, str(path), key), not safe


def is_safe(file: Path) -> bool:
    """Whether a file is one of safetensors: by its name, or eight bytes that count those of the JSON after them."""
    if file.suffix.lower() == SAFE:
        return True
    with file.open("rb") as stream:
        head = stream.read(9)
    return len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] < file.stat().st_size


def safe_tensors(file: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (SafetensorError, json.JSONDecodeError) as error:
        raise fault("bad-weights", f"'{file}' is no whole file of safetensors: {error}") from None


def unpickled(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise refused(file, error) from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, zipfile.BadZipFile):
        raise fault("bad-weights", f"'{file}' is not a file of weights", help=KNOWN) from None


def refused(file: Path, error: Exception) -> SpecError:
    """What to say of a pickle that torch does not read: it wants code, or is none at all."""
    code = re.search(r"GLOBAL ([\w.]+)", str(error))
    if code is None:
        return fault("bad-weights", f"'{file}' is not a file of weights", help=KNOWN)
    message = f"'{file}' holds more than weights ('{code[1]}'), and to read that is to run what the file says"
    return fault("bad-weights", message, help="save the state_dict alone: torch.save(model.state_dict(), FILE)")


def chosen(found: Any, name: str, key: str | None) -> State:
    """The state_dict in what was read: the whole, the entry of a checkpoint, or the part of a larger network."""
    if key is not None:
        if not isinstance(found, Mapping) or key not in found:
            if part := part_of(found, key):
                return part
            raise fault("bad-weights", f"'{name}' has no entry '{key}'", help=entries(found))
        if not is_state(found[key]):
            raise fault("bad-weights", f"the entry '{key}' of '{name}' holds no weights")
        return unwrapped(found[key])
    if is_state(found):
        return unwrapped(found)
    states = states_in(found)
    if len(states) == 1:
        return unwrapped(found[states[0]])
    if states:
        raise fault("bad-weights", f"'{name}' holds several networks", help=f"choose one: --key {states[0]}")
    raise fault("bad-weights", f"'{name}' holds no tensors by name", help=entries(found))


def states_in(found: Any) -> list[Any]:
    """The entries of a checkpoint that are state_dicts."""
    return [word for word, value in found.items() if is_state(value)] if isinstance(found, Mapping) else []


def part_of(found: Any, path: str) -> State | None:
    """The weights of the module at a path of the one network in what was read, if there are any."""
    states = [found] if is_state(found) else [found[word] for word in states_in(found)]
    parts = [part for state in states if (part := inside(unwrapped(state), f"{path}."))]
    return unwrapped(parts[0]) if len(parts) == 1 else None


def entries(found: Any) -> str:
    named = [str(word) for word in found][:MOST_NAMED] if isinstance(found, Mapping) else []
    return f"it holds {', '.join(named)}" if named else ""


def is_state(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(word, str) and isinstance(tensor, torch.Tensor) for word, tensor in value.items())
    )


def data(state: State, name: str) -> bytes:
    """The bytes of a file of this name: a pickle if it ends so (.pth, .pt), else safetensors."""
    if Path(name).suffix.lower() in PICKLES:
        stream = io.BytesIO()
        torch.save(dict(state), stream)
        return stream.getvalue()
    from safetensors.torch import save

    return save({key: tensor.contiguous() for key, tensor in state.items()}, {"format": "pt"})
