"""Source -> live torch module. The only file that imports torch."""

from __future__ import annotations

import ast
import hashlib
import importlib.abc
import importlib.util
import linecache
import sys
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from archdsl.backends.torch_source import emit
from archdsl.graph import Graph

ALLOWED = frozenset({"__future__", "itertools", "math", "torch", "typing"})
aten = torch.ops.aten


def build(graph: Graph) -> nn.Module:
    """The network as a module, in train mode, initialised as its spec says.

    It takes N×C×H×W tensors, one for each input of the graph, and gives the outputs.
    """
    module = load(emit(graph), graph.name)
    network: nn.Module = getattr(module, graph.name)()
    return network


class _Loader(importlib.abc.InspectLoader):
    """Lets inspect, linecache and tracebacks see the text of an in-memory module."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        return self.text

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.text, str(module.__file__), "exec"), module.__dict__)  # noqa: S102 - checked by `refuse_code`


def load(text: str, name: str) -> ModuleType:
    """Emitted source as an importable module, one for each content; it survives pickling to another process."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    fullname = f"archdsl_{name}_{digest}"
    if fullname in sys.modules:
        return sys.modules[fullname]
    refuse_code(text)
    loader, filename = _Loader(text), f"<archdsl>/{name}_{digest}.py"
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
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == fullname:
            value.__reduce_ex__ = _reduce  # type: ignore[assignment, method-assign]
    return module


def _reduce(self: nn.Module, protocol: int) -> tuple[Any, ...]:
    """Pickles carry the source, so that a process without the spec can read them."""
    module = sys.modules[type(self).__module__]
    name = type(self).__module__.removeprefix("archdsl_").rsplit("_", 1)[0]
    return _restore, (module.__loader__.text, name, type(self).__name__), self.__dict__.copy()  # type: ignore[union-attr]


def _restore(text: str, name: str, cls: str) -> nn.Module:
    kind: type[nn.Module] = getattr(load(text, name), cls)
    return kind.__new__(kind)


def refuse_code(text: str) -> None:
    """Asserts that a generated module holds only imports of torch and the standard library, classes and functions."""
    for index, node in enumerate(ast.parse(text).body):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=module):
                modules = [module or ""]
            case ast.ClassDef() | ast.FunctionDef():
                continue
            case ast.Expr(value=ast.Constant(value=str())) if index == 0:
                continue
            case _:
                raise AssertionError(f"emitted source holds a statement at its top: line {node.lineno}")
        assert all(m.split(".")[0] in ALLOWED for m in modules), f"emitted source imports {modules}"


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the multiply-adds of convolutions and matrix products."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        match func.overloadpacket:
            case aten.convolution | aten.mkldnn_convolution:
                weight = args[1]
                transposed = len(args) > 8 and args[6] is True
                positions = args[0].numel() // args[0].shape[1] if transposed else out.numel()
                self.macs += positions * weight[0].numel() * (args[0].shape[1] if transposed else 1)
            case aten.addmm | aten.baddbmm:
                self.macs += args[1].numel() * args[2].shape[-1]
            case aten.mm | aten.bmm:
                self.macs += args[0].numel() * args[1].shape[-1]
        return out


def verify(module: nn.Module, graph: Graph) -> list[str]:
    """Runs one forward at batch 1; where its shapes, parameters or MACs differ from the inferred ones."""
    from archdsl.counting import cost

    counted = cost(graph)
    training = module.training
    inputs = [torch.zeros(1, *tensor.shape) for tensor in graph.inputs.values()]
    try:
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), _Counter() as counter:
            result = module.eval()(*inputs)
    finally:
        module.train(training)
    outputs = list(result) if isinstance(result, tuple) else [result]
    found = {
        "output shapes": ([tuple(o.shape[1:]) for o in outputs], [t.shape for t in graph.outputs.values()]),
        "parameters": (sum(p.numel() for p in module.parameters()), counted.params),
        "MACs": (counter.macs, counted.macs),
    }
    return [
        f"{what}: the module has {real}, inferred were {inferred}"
        for what, (real, inferred) in found.items()
        if real != inferred
    ]
