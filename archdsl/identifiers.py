"""Names given in a spec: what may be one, so that none can break the emitted source."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import Literal, TypeAlias

from archdsl.expr import FUNCTIONS
from archdsl.ops import REGISTRY
from archdsl.report import SpecError, fault
from archdsl.schema.shape import STRUCTURE
from archdsl.text import Node, Scalar

Kind: TypeAlias = Literal[
    "param", "let", "column", "tensor", "input", "stage", "step", "block", "spec", "choice", "output"
]

MAX_NAME = 64
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PASCAL = re.compile(r"[A-Z][A-Za-z0-9_]*", re.ASCII)
_VARIANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)

# what stands for something else in a spec or in emitted source
_TAKEN = frozenset(
    {"self", "torch", "nn", "F", "math", "itertools", "Tensor", "true", "false", "null", "input", "identity"}
)
_MEASURES = frozenset({"c_in", "h_in", "w_in"})
_TURNS = frozenset(
    {"i", "first", "last", "turn", "turns"}
)  # in scope in every loop; a param may have the name, outside of loops
_PYTHON = frozenset(["bool", "enumerate", "float", "list", "range", "reversed", "str", "super", "tuple", "zip"])
_NUMBERS = _TAKEN | _MEASURES | _PYTHON | frozenset(FUNCTIONS)
# attributes of nn.Module and nn.Sequential; a test holds the list against torch
_MODULE = frozenset(
    [
        "T_destination",
        "add_module",
        "append",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extend",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "insert",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "pop",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
_WHAT = {
    "tensor": "a tensor",
    "let": "a value of let:",
    "column": "a column",
    "input": "an input",
    "output": "an output",
    "spec": "a network",
}


def checked_name(node: Node, kind: Kind) -> str:
    """The name that a node holds; a fault if it cannot be one of its kind."""
    what = _WHAT.get(kind, f"a {kind}")
    if not isinstance(node, Scalar) or not node.text:
        raise fault("bad-name", f"the name of {what} is wanted here", node.span)
    name = node.text
    shown = name if len(name) <= MAX_NAME else name[:MAX_NAME] + "..."

    def wrong(reason: str, help: str = "") -> SpecError:
        return fault("bad-name", f"'{shown}' cannot name {what}: {reason}", node.span, help=help)

    if len(name) > MAX_NAME:
        raise wrong(f"it is longer than {MAX_NAME} characters")
    if not _IDENTIFIER.fullmatch(name):
        raise wrong("a name is made of letters, digits and _, and starts with a letter", _respelled(name))
    if keyword.iskeyword(name):
        raise wrong("it is a word of Python", f"write '{name.lower()}_'")
    if name.startswith("__"):
        raise wrong("it starts with two underscores")
    if name in _TAKEN:
        raise wrong("it has a meaning of its own")
    if kind in ("block", "spec"):
        _check_class(name, wrong)
    elif (reason := _clash(name, kind)) is not None:
        raise wrong(reason, "choose another name")
    return name


def _clash(name: str, kind: Kind) -> str | None:
    """Why a name that is an identifier still cannot stand in this role."""
    if kind in ("let", "column") and name in _TURNS:
        return "it has a meaning in loops"
    if kind in ("param", "let", "column"):
        return "it has a meaning in expressions or in the emitted source" if name in _NUMBERS else None
    if kind in ("stage", "step") and (name in _MODULE or name.startswith("_")):
        return "torch's modules have something of that name" if name in _MODULE else "it starts with an underscore"
    if kind in ("step", "stage", "tensor", "input") and name in REGISTRY:
        return "it is an op"
    if kind in ("tensor", "input") and (name in _NUMBERS or name in STRUCTURE):
        return "it has a meaning of its own"
    return None


def _check_class(name: str, wrong: Callable[[str, str], SpecError]) -> None:
    if not _PASCAL.fullmatch(name):
        camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        raise wrong("it becomes a class, so it is written in PascalCase", f"write '{camel}'")


def checked_variant(node: Scalar) -> str:
    """The name of a variant: `1.0`, `x0.5`, `tf-b0`."""
    name = node.text
    if not _VARIANT.fullmatch(name) or len(name) > MAX_NAME:
        reason = f"a variant's name is made of letters, digits, '.', '_' and '-', at most {MAX_NAME}"
        raise fault("bad-name", f"'{name[:MAX_NAME]}' cannot name a variant: {reason}", node.span)
    return name


def _respelled(name: str) -> str:
    spelled = re.sub(r"[^A-Za-z0-9_]+", "_", name, flags=re.ASCII).strip("_")
    return f"write '{spelled}'" if _IDENTIFIER.fullmatch(spelled) else ""


def is_identifier(text: str) -> bool:
    """Whether a text is a single word that could be a name."""
    return len(text) <= MAX_NAME and _IDENTIFIER.fullmatch(text) is not None


def is_block_name(text: str) -> bool:
    """Case tells blocks from ops."""
    return len(text) <= MAX_NAME and _PASCAL.fullmatch(text) is not None
