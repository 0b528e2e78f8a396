"""archdsl: CNN architectures as YAML, compiled to PyTorch modules, source, figures and tables.

Importing it imports neither torch nor networkx; each function imports what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from archdsl.api.comparing import diff, sweep, table
from archdsl.api.drawing import draw
from archdsl.api.networks import build, cost, emit, export_onnx, graph
from archdsl.api.options import Form as Form
from archdsl.api.options import Style as Style
from archdsl.api.plotting import plot
from archdsl.api.specs import check, load_ops, show, specs, variants
from archdsl.api.weights import convert, port
from archdsl.diagnostics.faults import Diagnostic, FigureWarning, FontWarning, SpecError
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, per_axis, times

if TYPE_CHECKING:
    from archdsl.analysis.cost import Cost, StageCost
    from archdsl.analysis.difference import Difference
    from archdsl.workspace.checking import Checked
    from archdsl.workspace.comparison import Comparison

__version__ = "0.1.0"
# What functions give, which is imported when it is asked for.
LATE = {
    "Checked": "archdsl.workspace.checking",
    "Comparison": "archdsl.workspace.comparison",
    "Cost": "archdsl.analysis.cost",
    "Difference": "archdsl.analysis.difference",
    "StageCost": "archdsl.analysis.cost",
}


def __getattr__(name: str) -> Any:
    if name not in LATE:
        raise AttributeError(f"module 'archdsl' has no attribute '{name}'")
    return getattr(import_module(LATE[name]), name)


__all__ = [
    "Checked",
    "Comparison",
    "Cost",
    "Diagnostic",
    "Difference",
    "Field",
    "FigureWarning",
    "FontWarning",
    "Graph",
    "Module",
    "Node",
    "Op",
    "OpFault",
    "Run",
    "Scope",
    "Shape",
    "Site",
    "SpecError",
    "StageCost",
    "Tensor",
    "__version__",
    "build",
    "check",
    "convert",
    "cost",
    "diff",
    "draw",
    "emit",
    "export_onnx",
    "graph",
    "load_ops",
    "per_axis",
    "plot",
    "port",
    "show",
    "specs",
    "sweep",
    "table",
    "times",
    "variants",
]
