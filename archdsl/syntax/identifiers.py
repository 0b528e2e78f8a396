"""Names given in a spec: what may be one, so that none can break the emitted source."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable
from typing import Literal, TypeAlias

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.evaluate import FUNCTIONS
from archdsl.ops import REGISTRY
from archdsl.syntax.words import STRUCTURE
from archdsl.yaml.located import Node, Scalar

Kind: TypeAlias = Literal[
    "param", "let", "column", "tensor", "input", "entry", "stage", "row", "step", "block", "spec", "choice", "output"
]

MAX_NAME = 64
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ROW = re.compile(r"[0-9]*[A-Za-z_][A-Za-z0-9_]*", re.ASCII)  # `3a`: a key, never a word of source
_PASCAL = re.compile(r"[A-Z][A-Za-z0-9_]*", re.ASCII)
_NUMBER = re.compile(r"0[bBoOxX]")  # begins a number of Python's
_VARIANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)

# what stands for something else in a spec or in emitted source
RESERVED = frozenset(
    {"self", "torch", "nn", "F", "math", "itertools", "Tensor", "true", "false", "null", "input", "identity"}
)
MEASURES = ("c_in", "h_in", "w_in")  # of the tensor that enters
TURN_NAMES = ("i", "first", "last")  # in scope in every loop; a param may have the name, outside of loops
# in a table of a stage: how many turns of its repeats came before, and how many there are
TABLE_NAMES = ("turn", "turns")
_PYTHON = frozenset(["bool", "enumerate", "float", "list", "range", "reversed", "str", "super", "tuple", "zip"])
_NUMBERS = RESERVED | {*MEASURES} | _PYTHON | frozenset(FUNCTIONS)
# what leads out of a module's source: there it is no name of anything, nor an attribute
LEADING_OUT = frozenset(
    {"compile", "delattr", "eval", "exec", "getattr", "globals", "locals", "open", "setattr", "vars"}
)
# what the functions of emitted source read of Python and of its imports, beside what `_NUMBERS` has
READ = frozenset({"isinstance", "dict", "accumulate", "functools"})
# what an emitted file imports or defines by itself, of the words that could name a class
DEFINED = frozenset({"Any", "Callable", "NamedTuple", "VARIANTS", "partial"})
_BUILTIN_CLASSES = frozenset(name for name in dir(builtins) if name[:1].isupper())
# attributes of nn.Module, nn.Sequential and nn.ModuleList; a test holds the list against torch
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
_MAPPING = frozenset({"clear", "items", "keys", "update", "values"})  # what nn.ModuleDict has beside them
# methods that an emitted network may have: of a classifier, and of one with learned groups
METHODS = frozenset(
    [
        "condense",
        "forward_features",
        "forward_head",
        "get_classifier",
        "lasso",
        "learned",
        "num_features",
        "reset_classifier",
        "set_progress",
    ]
)
ATTRIBUTES = _MODULE | METHODS | LEADING_OUT  # no module stands under one of these
_WHAT = {
    "tensor": "a tensor",
    "let": "a value of let:",
    "column": "a column",
    "input": "an input",
    "entry": "an input",
    "output": "an output",
    "spec": "a network",
}


def checked_name(node: Node, kind: Kind) -> str:
    """The name that a node holds; a fault if it cannot be one of its kind."""
    what = _WHAT.get(kind, f"a {kind}")
    if not isinstance(node, Scalar) or not node.text:
        raise fault("bad-name", f"expected the name of {what} here", node.span)
    name = node.text
    shown = name if len(name) <= MAX_NAME else name[:MAX_NAME] + "..."

    def wrong(reason: str, help: str = "") -> SpecError:
        return fault("bad-name", f"'{shown}' cannot name {what}: {reason}", node.span, help=help)

    if len(name) > MAX_NAME:
        raise wrong(f"it is longer than {MAX_NAME} characters")
    if not (_ROW if kind == "row" else _IDENTIFIER).fullmatch(name):
        start = "has a letter" if kind == "row" else "starts with a letter"
        raise wrong(f"a name consists of {_letters(name)}, digits and _, and {start}", _respelled(name))
    if keyword.iskeyword(name):
        raise wrong("it is a Python keyword", f"write '{name.lower()}_'")
    if name.startswith("__"):
        raise wrong("it starts with two underscores")
    if name in RESERVED:
        raise wrong("it has a special meaning")
    if kind in ("block", "spec"):
        _check_class(name, wrong)
        if kind == "spec" and name in DEFINED | _BUILTIN_CLASSES:
            raise wrong("its class would hide a name that the emitted source uses", "choose another name")
    elif (reason := _clash(name, kind)) is not None:
        raise wrong(reason, "choose another name")
    return name


def _clash(name: str, kind: Kind) -> str | None:
    """Why a name that is an identifier still cannot stand in this role."""
    if kind in ("param", "let", "column"):
        if name in (*TURN_NAMES, *TABLE_NAMES) and kind != "param":
            return "it has a meaning in loops"
        taken = name in _NUMBERS | LEADING_OUT or name == "isinstance"
        return "it has a meaning in expressions or in the emitted source" if taken else None
    if kind in ("stage", "row", "step"):
        return _clash_of_a_key(name, kind)
    if kind in ("tensor", "input", "entry"):
        if name in REGISTRY:
            return "it is an op"
        if name in _NUMBERS or name in STRUCTURE or (kind == "entry" and name in LEADING_OUT | READ):
            return "it has a special meaning"
    if kind == "output" and (name.startswith("_") or name in LEADING_OUT):
        return "it starts with an underscore" if name.startswith("_") else "it has a meaning in the emitted source"
    return None


def _clash_of_a_key(name: str, kind: Kind) -> str | None:
    """Why no module can stand under a name."""
    if name in METHODS:
        return "emitted networks have a method of that name"
    if name in LEADING_OUT - _MODULE:
        return "it has a meaning in the emitted source"
    if name in ATTRIBUTES or (kind == "row" and name in _MAPPING):
        return "torch's modules have something of that name"
    if name.startswith("_"):
        return "it starts with an underscore"
    return "it is an op" if name in REGISTRY else None


def unfit_row(name: object) -> str | None:
    """Why a value of a table cannot name its row."""
    if not isinstance(name, str) or not is_word(name) or keyword.iskeyword(name):
        return "a name consists of letters, digits and _, with at least one letter"
    return _clash_of_a_key(name, "row")


def _check_class(name: str, wrong: Callable[[str, str], SpecError]) -> None:
    if not _PASCAL.fullmatch(name):
        camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        raise wrong("it becomes a class, so it is written in PascalCase", f"write '{camel}'")


def checked_variant(node: Scalar) -> str:
    """The name of a variant: `1.0`, `x0.5`, `tf-b0`."""
    name = node.text
    if not _VARIANT.fullmatch(name) or len(name) > MAX_NAME:
        reason = f"the name of a variant consists of {_letters(name)}, digits, '.', '_' and '-', at most {MAX_NAME}"
        raise fault("bad-name", f"'{name[:MAX_NAME]}' cannot name a variant: {reason}", node.span)
    return name


def _letters(name: str) -> str:
    """Which letters a name may have, told to who wrote others."""
    return "letters" if name.isascii() else "the letters a to z"


def _respelled(name: str) -> str:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    spelled = re.sub(r"[^A-Za-z0-9_]+", "_", bare, flags=re.ASCII).strip("_")
    return f"write '{spelled}'" if _IDENTIFIER.fullmatch(spelled) else ""


def is_word(text: str) -> bool:
    """Whether a text may be a word of a table: an identifier, or `3a`, which is no expression."""
    return len(text) <= MAX_NAME and _ROW.fullmatch(text) is not None and not _NUMBER.match(text)


def is_identifier(text: str) -> bool:
    """Whether a text is a single word that could be a name."""
    return len(text) <= MAX_NAME and _IDENTIFIER.fullmatch(text) is not None


def is_block_name(text: str) -> bool:
    """Case tells blocks from ops."""
    return len(text) <= MAX_NAME and _PASCAL.fullmatch(text) is not None
