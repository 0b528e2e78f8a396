"""The modules of a network against the nodes of its graph: each of the class and with the arguments of its node."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import nn

from archdsl.backends.torch.prelude import text_of
from archdsl.diagnostics.faults import Diagnostic, at
from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import wrap
from archdsl.ir.graph import Graph, Node
from archdsl.ir.nodes import kinds_of, modules_of
from archdsl.ops.base import Module, times
from archdsl.ops.own import is_own, said
from archdsl.runtime.module import imported_by, load
from archdsl.support.plugins import blamed, file_of

BESIDE = frozenset({"training", "inplace"})  # attributes that are no arguments of the node: the outputs tell of these
EMPTY = (nn.Identity, nn.Sequential, nn.ModuleList, nn.ModuleDict)


def differences(network: nn.Module, graph: Graph, *, beside: Collection[str] = ()) -> Iterator[Diagnostic]:
    """What differs, one diagnostic for each module, at the place of its step; arguments of the names `beside` may."""
    return compared(network, dict(network.named_modules()), graph, kinds_of(graph.nodes), beside)


def compared(
    network: nn.Module,
    modules: Mapping[str, nn.Module],
    graph: Graph,
    kinds: Mapping[Node, int],
    beside: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """The same where the modules by path and the kinds of nodes are known."""
    nodes: set[str] = set()
    known_to_be: dict[int, list[nn.Module]] = {}  # what nodes of a kind may have
    for node in (node for node in graph.nodes if not node.functional):
        nodes.add(node.path)
        wanted = known_to_be.get(kinds[node])
        if wanted is None:
            wanted = known_to_be[kinds[node]] = expected(node)
        if text := difference(node.path, modules.get(node.path), wanted, beside):
            yield Diagnostic("differs", text, node.span)
    yield from own_differences(network, graph)
    known = {*nodes, *(scope.path for scope in graph.root.scopes())}
    for path, module in modules.items():
        if is_odd(path, module, known, nodes):
            text = f"the module has '{path}', a {type(module).__name__}, which no step of the graph makes"
            yield Diagnostic("differs", text, graph.root.span)


def own_differences(network: nn.Module, graph: Graph) -> Iterator[Diagnostic]:
    """Which of the graph's own tensors the network lacks, or has of another shape or kind."""
    owned = [node for node in graph.nodes if node.op.owned]
    if not owned:
        return
    parameters = dict(network.named_parameters(remove_duplicate=False))
    buffers = dict(network.named_buffers(remove_duplicate=False))
    for node in owned:
        f, entering = SimpleNamespace(**node.fields), node.inputs[0].shape
        trained = bool(node.op.params(f, entering, node.shape))
        found, word = (parameters if trained else buffers).get(node.path), "parameter" if trained else "buffer"
        if found is None:
            yield Diagnostic("differs", f"the module has no {word} '{node.path}'", node.span)
        elif tuple(found.shape) != (1, *node.shape):
            text = f"'{node.path}' is {times(found.shape)}, not {times((1, *node.shape))}"
            yield Diagnostic("differs", text, node.span)


def is_odd(path: str, module: nn.Module, known: Collection[str], nodes: Collection[str]) -> bool:
    """Whether a module stands where the graph has none, and computes something: an empty container does not."""
    if path in known or isinstance(module, EMPTY) or any(True for _ in module.children()):
        return False
    return not any(path[:end] in nodes for end in range(len(path)) if path[end] == ".")


@contextmanager
def blamed_on(node: Node, how: str) -> Iterator[None]:
    """What is raised inside, where the op of a node is that of another package, is its fault."""
    kind = type(node.op)
    if not is_own(kind):
        yield
        return
    with blamed(said(kind), how, (file_of(kind.__module__), str(node.op.prelude_file()))):
        yield


def expected(node: Node) -> list[nn.Module]:
    """The modules that the node may have, without memory for their weights."""
    prelude = node.op.prelude_file() if node.op.prelude else None
    with at(node.span), blamed_on(node, "makes a module that fails"):
        made = modules_of(node, [tensor.shape for tensor in node.inputs])
        return [constructed(module.cls, prelude, *arguments(module)) for module in made]


def class_of(name: str, prelude: Path | None) -> type[nn.Module]:
    """A class of torch, or of a file of the prelude."""
    holder = nn if prelude is None or name.startswith("nn.") else prelude_module(prelude)
    found: type[nn.Module] = getattr(holder, name.removeprefix("nn."))
    return found


def prelude_module(file: Path) -> ModuleType:
    text = text_of(file)
    return load(text, "prelude", imported_by(text))


def is_defined_as(found: type, wanted: type) -> bool:
    """Whether a class is another one, or a copy of it in emitted source, whatever its name is there."""
    if wanted.__module__.startswith("torch."):
        return found is wanted
    mine, theirs = functions(found), functions(wanted)
    same = found.__bases__ == wanted.__bases__ and mine.keys() == theirs.keys()
    return same and all(is_function(own, theirs[name]) for name, own in mine.items())


def functions(kind: type) -> dict[str, FunctionType]:
    """The functions of a class itself; how one that is loaded is pickled is no part of its definition."""
    own = {name: value for name, value in vars(kind).items() if isinstance(value, FunctionType)}
    return {name: value for name, value in own.items() if name != "__reduce_ex__"}


def is_function(one: FunctionType, other: FunctionType) -> bool:
    """Whether functions do the same; what the file of one defines may have another name in the file of the other."""

    def defined(name: str, function: FunctionType) -> bool:
        return getattr(function.__globals__.get(name), "__module__", None) == function.__module__

    def same(mine: CodeType, theirs: CodeType) -> bool:
        constants = constants_of(mine), constants_of(theirs)
        if mine.co_code != theirs.co_code or len(constants[0]) != len(constants[1]):
            return False
        names = zip(mine.co_names, theirs.co_names, strict=True)  # which equal instructions have as many of
        called = all(a == b or (defined(a, one) and defined(b, other)) for a, b in names)
        return called and all(map(equal, *constants))

    def equal(mine: Any, theirs: Any) -> bool:
        if isinstance(mine, CodeType) and isinstance(theirs, CodeType):
            return same(mine, theirs)
        return repr(mine) == repr(theirs)  # which tells 1 from 1.0 and from True

    return same(one.__code__, other.__code__)


def constants_of(code: CodeType) -> list[Any]:
    """The constants of a function, but no text: that is for people."""
    return [value for value in code.co_consts if not isinstance(value, str)]


def arguments(made: Module) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]:
    """The arguments of a module as numbers."""
    named = ((name, hashable(evaluate(wrap(value), {}))) for name, (value, _) in made.kwargs.items())
    return tuple(hashable(evaluate(wrap(value), {})) for value in made.args), tuple(named)


def hashable(value: Any) -> Any:
    return tuple(map(hashable, value)) if isinstance(value, list) else value


@cache
def constructed(
    name: str, prelude: Path | None, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]
) -> nn.Module:
    with torch.device("meta"):
        return class_of(name, prelude)(*args, **dict(kwargs))


def difference(path: str, found: nn.Module | None, known: Sequence[nn.Module], beside: Collection[str]) -> str:
    """In which argument a module differs from that of its node; nothing if in none."""
    if found is None:
        return f"the module has no '{path}'"
    wanted = next((module for module in known if is_defined_as(type(found), type(module))), None)
    if wanted is None:
        kinds = " or ".join(type(module).__name__ for module in known)
        return f"'{path}' is a {type(found).__name__}, in the graph it is {kinds}"
    has, wants = settings(found), wanted_settings(wanted)
    if has == wants:
        return ""
    odd = [name for name, value in wants.items() if name not in beside and not alike(has.get(name), value)]
    texts = [f"{name} {has.get(name)}, not {wants[name]}" for name in odd]
    return f"'{path}', a {type(found).__name__}, has {'; '.join(texts)}" if texts else ""


def settings(module: nn.Module) -> dict[str, Any]:
    """What a module is made with: its plain attributes, and the shapes of its tensors, those of inner modules too."""
    own = vars(module)  # torch's own ways to walk a module take as long as all else that is compared
    found = {name: value for name, value in own.items() if name[0] != "_" and name not in BESIDE}
    tensors = [item for item in (*own["_parameters"].items(), *own["_buffers"].items()) if item[1] is not None]
    found |= {f"shape of {name}": tuple(tensor.shape) for name, tensor in tensors}
    for name, part in own["_modules"].items():
        if part is not None:
            found |= {f"{name}.{inner}": value for inner, value in settings(part).items()}
    return found


@cache
def wanted_settings(module: nn.Module) -> dict[str, Any]:
    """Those of a module that is made once for all nodes like it."""
    return settings(module)


def alike(one: Any, other: Any) -> bool:
    """Whether two arguments are the same; a number stands for one on each axis."""
    if isinstance(one, (tuple, list)) != isinstance(other, (tuple, list)):
        many, single = (one, other) if isinstance(one, (tuple, list)) else (other, one)
        return len(many) > 0 and all(item == single for item in many)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)
