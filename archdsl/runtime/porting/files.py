"""Files of weights: reading them without running what is in them, and their bytes."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.runtime.porting.parts import State
from archdsl.runtime.porting.wrappers import inside, unwrapped
from archdsl.support.paths import is_file

SAFE = ".safetensors"
PICKLES = (".pth", ".pt")
MOST_NAMED = 6
KNOWN = "files written by safetensors or torch.save can be read"


class Read(NamedTuple):
    """The tensors of a file by name, and what else there was."""

    state: State
    ordered: bool  # whether they are in the order in which their modules were made
    left: list[str]  # entries that are not among them: of the optimizer, the epoch, another network


def read(path: str | os.PathLike[str], key: str | None = None) -> Read:
    """The tensors of a file.

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
    state, left = chosen(found, str(path), key)
    return Read(state, not safe, left)


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
        raise fault("bad-weights", f"'{file}' is not a complete safetensors file: {error}") from None


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
    message = f"'{file}' contains more than weights ('{code[1]}'), and reading that would run code from the file"
    return fault("bad-weights", message, help="save the state_dict alone: torch.save(model.state_dict(), FILE)")


def chosen(found: Any, name: str, key: str | None) -> tuple[State, list[str]]:
    """The state_dict in what was read, and the entries beside it.

    It is the whole, the entry of a checkpoint, the tensors among other entries, or the part of a larger network.
    """
    if key is not None:
        entry = entry_at(found, key)
        if entry is None:
            if part := part_of(found, key):
                return part, []
            raise fault("bad-weights", f"'{name}' has no entry '{key}'", help=entries(found))
        if not is_state(entry):
            raise fault("bad-weights", f"the entry '{key}' of '{name}' holds no weights")
        return unwrapped(entry), beside(found, [key])
    if is_state(found):
        return unwrapped(found), []
    states = states_in(found)
    if len(states) > 1:
        raise fault("bad-weights", f"'{name}' holds several networks", help=f"choose one: --key {next(iter(states))}")
    if states:
        ((path, state),) = states.items()
        return unwrapped(state), beside(found, [path])
    tensors = tensors_in(found)
    if not tensors:
        raise fault("bad-weights", f"'{name}' holds no tensors by name", help=entries(found))
    return unwrapped(tensors), beside(found, tensors)


def entry_at(found: Any, key: str) -> Any:
    """The entry of a checkpoint, or that of an entry: `checkpoint.model`; None if there is none."""
    if not isinstance(found, Mapping):
        return None
    first, _, rest = key.partition(".")
    return found[key] if key in found else entry_at(found.get(first), rest) if rest else None


def states_in(found: Any) -> dict[str, State]:
    """The entries of a checkpoint that are state_dicts, or if there are none, those of its entries, by their keys."""
    if not isinstance(found, Mapping):
        return {}
    own = {str(word): value for word, value in found.items() if is_state(value)}
    groups = {} if own else {str(word): value for word, value in found.items() if isinstance(value, Mapping)}
    return own or {f"{word}.{key}": value for word, group in groups.items() for key, value in states_of(group)}


def states_of(group: Mapping[Any, Any]) -> list[tuple[str, State]]:
    return [(str(word), value) for word, value in group.items() if is_state(value)]


def tensors_in(found: Any) -> State:
    """The tensors by name among the entries of a checkpoint."""
    entries = found.items() if isinstance(found, Mapping) else ()
    return {word: value for word, value in entries if isinstance(word, str) and isinstance(value, torch.Tensor)}


def beside(found: Mapping[Any, Any], taken: Collection[str]) -> list[str]:
    """The entries of a checkpoint that are not taken, nor anything in them."""
    whole = {path.partition(".")[0] for path in taken} | {*taken}
    return [str(word) for word in found if str(word) not in whole]


def part_of(found: Any, path: str) -> State | None:
    """The weights of the module at a path of the one network in what was read, if there are any."""
    states = [found] if is_state(found) else [*states_in(found).values()]
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
