"""Source -> live torch module: what is emitted is executed, once for each content."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.abc
import importlib.util
import inspect
import linecache
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archdsl.backends.torch import emit
from archdsl.backends.torch.prelude import text_of
from archdsl.backends.torch.printer import UNTRACED
from archdsl.diagnostics.faults import fault
from archdsl.expr.given import plain_value
from archdsl.ir.graph import Graph, Node
from archdsl.ops import REGISTRY
from archdsl.ops.own import is_own, said
from archdsl.syntax.identifiers import LEADING_OUT
from archdsl.syntax.spec import Spec
from archdsl.workspace.beside import beside_spec
from archdsl.workspace.library import Inputs, SpecLike, Stamp, elaborated, read, rewritten, stamp
from archdsl.workspace.settings import patches_in

if TYPE_CHECKING:
    from torch import nn

    from archdsl.passes.pipeline import Rewriting

ALLOWED = frozenset({"__future__", "collections.abc", "functools", "itertools", "math", "torch", "typing"})


def build(graph: Graph, *, verify: bool = False) -> nn.Module:
    """The network as a module, in train mode, initialised as its spec says; with `verify` proven to be its graph.

    It takes N×C×H×W tensors, one for each input of the graph, and gives the outputs.
    """
    network = made(network_class(graph), graph)
    if verify:
        prove(network, graph)
    return network


def made(kind: type[nn.Module], graph: Graph, **arguments: Any) -> nn.Module:
    """A network of a class; where the module of an op of another package cannot be made, that op is told."""
    try:
        return kind(**arguments)
    except Exception:  # whatever the module of a plug-in raises; it is raised again unless a plug-in is to blame
        from archdsl.runtime.leaves import expected

        for node in own_nodes(graph):
            if not node.functional:
                expected(node)
        raise


def own_nodes(graph: Graph) -> list[Node]:
    """The nodes whose ops are those of other packages."""
    return [node for node in graph.nodes if is_own(type(node.op))]


def prove(network: nn.Module, graph: Graph, *, elsewhere: bool = False) -> None:
    """Raises `SpecError` unless a module is the network of a graph; `elsewhere`: at a second size of the image too."""
    from archdsl.runtime.verify import verify, verify_elsewhere

    verify(network, graph)
    if elsewhere:
        verify_elsewhere(network, graph)


def network_class(graph: Graph) -> type[nn.Module]:
    """The class of the network, from its emitted source."""
    found: type[nn.Module] = getattr(loaded(emit(graph), graph), graph.name)
    return found


def loaded(text: str, graph: Graph) -> ModuleType:
    """The source of a graph as a module; what preludes import, it may import."""
    beside: set[str] = set()
    for node in {type(node.op): node for node in reversed(graph.nodes) if node.op.prelude}.values():
        prelude = text_of(node.op.prelude_file())
        beside |= imported_by(prelude)
        if is_own(type(node.op)):
            require_pasteable(node, prelude)
        else:
            require_packages(node)
    return load(text, graph.name, frozenset(beside))


def require_pasteable(node: Node, prelude: str) -> None:
    """Raises where the prelude of an op of another package holds more than a source may."""
    try:
        refuse_code(prelude, imported_by(prelude))
    except AssertionError as error:
        message = f"{said(type(node.op))} has a prelude that cannot be pasted: {error}"
        help = "it holds plain classes and functions, without decorators or values of classes"
        raise fault("bad-plugin", message, node.span, help=help) from None


def require_packages(node: Node) -> None:
    """Raises where a package that the module of a node needs is not there, or does not fit torch."""
    for module in imported_by(text_of(node.op.prelude_file())):
        package = module.split(".")[0]
        if package in ALLOWED:
            continue
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - whatever a package raises whose compiled part is another torch's
            missing = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == package
            why = "which is not installed" if missing else f"which cannot be imported: {error}"
            message = f"the op '{node.op.name}' needs the package {package}, {why}"
            raise fault("no-package", message, node.span, help=f"pip install {package}") from None


@cache
def imported_by(text: str) -> frozenset[str]:
    """The modules that a text imports."""
    found: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return frozenset(found)


def one_of_all(graph: Graph) -> tuple[type[nn.Module], Mapping[str, Mapping[str, Any]]]:
    """The class of all variants of a graph's spec (the parametric style), and what its constructor takes for each."""
    module = loaded(emit(graph, "parametric"), graph)
    return getattr(module, graph.name), getattr(module, "VARIANTS", {})


@dataclass
class _Compiled:
    """A network and its class, what its constructor is given, and the files that it was made from as they were then."""

    graph: Graph
    network: type[nn.Module]
    arguments: Mapping[str, Any]
    files: dict[Path, Stamp]


_compiled: dict[tuple[str, Rewriting], _Compiled] = {}
MOST_COMPILED = 64


def build_spec(
    spec: SpecLike,
    variant: str | None,
    params: Mapping[str, Any],
    inputs: Inputs | None,
    rewriting: Rewriting | None = None,
    *,
    verify: bool = False,
) -> nn.Module:
    """As `build`; a spec whose files have not changed since its last build is not compiled again.

    `params` may be what the class of a classifier takes beside those of the spec, too: no classes, `in_chans`; what is
    proven then is the class as it is without them.
    """
    patches = patches_in(params, variant)
    params = {name: plain_value(value, name) for name, value in params.items()}
    rewriting = rewriting or rewritten()
    laid = [(key.text, value.span.source.text) for key, value in patches.settings]
    key = repr((str(spec), Path.cwd(), variant, sorted(params.items()), laid, inputs, REGISTRY.edition)), rewriting
    known = _compiled.get(key)
    if known is None or any(stamp(path) != seen for path, seen in known.files.items()):
        files: dict[Path, Stamp] = {}
        known = _Compiled(*compiled(read(spec, files, patches), variant, params, inputs, rewriting), files)
        if len(_compiled) >= MOST_COMPILED:
            _compiled.pop(next(iter(_compiled)))
        _compiled[key] = known
    network = made(known.network, known.graph, **known.arguments)
    if verify:
        prove(known.network() if known.arguments else network, known.graph)
    return network


def compiled(
    spec: Spec, variant: str | None, params: Mapping[str, Any], inputs: Inputs | None, rewriting: Rewriting
) -> tuple[Graph, type[nn.Module], dict[str, Any]]:
    """A network and its class, and those of `params` that are for its constructor alone."""
    beside = params.keys() - spec.params.keys()
    given = params.keys() - {name for name, param in spec.params.items() if param.default is None}
    zeros = {name for name in given - beside if type(params[name]) is int and params[name] == 0}
    plain = {name: value for name, value in params.items() if name not in beside | zeros}
    graph = elaborated(spec, variant, plain, inputs, rewriting)
    network = network_class(graph)
    if len(plain) == len(params):
        return graph, network, {}
    reset = getattr(network, "reset_classifier", None)
    without = list(inspect.signature(reset).parameters)[1:] if reset is not None else []  # the number of classes
    takes = {*without, *inspect.signature(network).parameters.keys() - spec.params.keys()}
    rest = {name: value for name, value in params.items() if name in plain or name not in takes}
    if len(rest) > len(plain):
        graph = elaborated(spec, variant, rest, inputs, rewriting)
        network = network_class(graph)
    return graph, network, {name: beside_spec(name, value) for name, value in params.items() if name not in rest}


class _Loader(importlib.abc.InspectLoader):
    """Lets inspect, linecache and tracebacks see the text of an in-memory module."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name

    def get_source(self, fullname: str) -> str:
        return self.text

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.text, str(module.__file__), "exec"), module.__dict__)  # noqa: S102 - checked by `refuse_code`


def load(text: str, name: str, beside: frozenset[str] = frozenset()) -> ModuleType:
    """Emitted source as an importable module, one for each content; it survives pickling to another process.

    It may import the modules `beside` those that all emitted source may.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    fullname = f"archdsl_{name}_{digest}"
    if fullname in sys.modules:
        return sys.modules[fullname]
    refuse_code(text, beside)
    loader, filename = _Loader(text, name), f"<archdsl>/{name}_{digest}.py"
    spec = importlib.util.spec_from_loader(fullname, loader, origin=filename)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = filename
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    sys.modules[fullname] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[fullname]
        raise
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == fullname:
            value.__reduce_ex__ = _reduce  # type: ignore[assignment, method-assign]
    return module


def _reduce(self: object, protocol: int) -> str | tuple[Any, ...]:
    """Pickles carry the source, so that a process without the spec can read them."""
    kind = type(self)
    loader = getattr(sys.modules.get(kind.__module__), "__loader__", None)
    if not isinstance(loader, _Loader):  # a user's class on top of an emitted one: pickled as any class is
        return object.__reduce_ex__(self, protocol)
    arguments = (loader.text, loader.name, kind.__name__)
    if isinstance(self, tuple):  # several outputs
        return _restore, (*arguments, *self)
    return _restore, arguments, self.__dict__.copy()


def source_of(kind: type) -> tuple[str, str, str]:
    """The text of the module that holds an emitted class, the name of that module's network, and the class's own."""
    loader = getattr(sys.modules[kind.__module__], "__loader__", None)
    assert isinstance(loader, _Loader), f"{kind.__name__} is no emitted class"
    return loader.text, loader.name, kind.__name__


def _restore(text: str, name: str, cls: str, *values: Any) -> Any:
    """An object without its state; of a NamedTuple, whole. Pickles name this function."""
    kind = getattr(load(text, name, imported_by(text)), cls)  # a pickle may run anything: it is trusted, or not read
    return kind.__new__(kind, *values)


def refuse_code(text: str, beside: Collection[str] = ()) -> None:
    """Raises unless a generated module holds only imports of torch and the standard library, classes, functions, data.

    It may tell torch.fx of functions, too.
    A second door: the words of a spec are identifiers or literals before they reach the text.
    """
    tree = ast.parse(text)
    for index, node in enumerate(tree.body):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=module):
                modules = [module or ""]
            case ast.ClassDef() | ast.FunctionDef():
                modules = []
            case ast.AnnAssign(value=ast.Dict() as value) if is_literal(value):
                modules = []
            case ast.Expr(value=ast.Constant(value=str())) if index == 0:
                modules = []
            case ast.Expr(value=ast.Call() as call) if tells_fx(call):
                modules = []
            case _:
                raise AssertionError(f"emitted source holds a statement at its top: line {node.lineno}")
        if not all(m in ALLOWED or m.split(".")[0] in ALLOWED or m in beside for m in modules):
            raise AssertionError(f"emitted source imports {', '.join(modules)}")
        for inner in ast.walk(node):
            refuse_node(inner, top=inner is node)


def tells_fx(call: ast.Call) -> bool:
    """Whether a call tells torch.fx of a function that computes sizes: `fx.wrap("max")`."""
    return ast.unparse(call) in {f"fx.wrap({word!r})" for word in UNTRACED}


def refuse_node(node: ast.AST, *, top: bool) -> None:
    """Raises at what emitted source has no need of: code in class bodies, inner imports, names that lead out."""
    match node:
        case ast.ClassDef(body=body):
            plain = all(isinstance(n, (ast.FunctionDef, ast.AnnAssign, ast.Pass)) or is_docstring(n) for n in body)
            faulty = not plain or bool(node.keywords or node.decorator_list)
        case ast.FunctionDef():
            faulty = bool(node.decorator_list)
        case ast.Import() | ast.ImportFrom():
            faulty = not top
        case ast.Global() | ast.Nonlocal():
            faulty = True
        case ast.Name(id=word) | ast.Attribute(attr=word):
            faulty = word in LEADING_OUT or (word.startswith("__") and word != "__init__")
        case _:
            return
    if faulty:
        raise AssertionError(f"emitted source holds what it must not: line {node.lineno}")


def is_literal(node: ast.expr) -> bool:
    """Whether a value is spelled out, without a name in it."""
    kinds = (ast.Constant, ast.Dict, ast.Tuple, ast.List, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(inner, kinds) for inner in ast.walk(node))


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
