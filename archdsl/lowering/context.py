"""The function that is being lowered: its file, and what it reads of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from archdsl.expr.nodes import names
from archdsl.ir import program as ir
from archdsl.lowering.library import Library
from archdsl.support.naming import unique
from archdsl.syntax import spec as s


@dataclass
class Context:
    """What holds in all of a function while it is lowered."""

    library: Library
    home: s.Spec
    params: Mapping[str, s.Param]  # its own
    owner: str  # what is outlined here is named by it
    staged: bool = False  # loops rebind c_in, as in stages
    implicit: dict[str, s.Param] = field(default_factory=dict)  # params of files that it reads
    torn: set[str] = field(default_factory=set)  # tensors and stages of steps at fault: what they are is not known
    function: ir.Function | None = None  # that is made of it
    taps: dict[str, ir.Container | ir.Loop] = field(default_factory=dict)  # stages that a path may lead into
    body: Sequence[s.Step] = ()  # its steps; of a network those of the stage at work
    shared: frozenset[str] = frozenset()  # the names of those of them whose modules others run
    staging: bool = False  # it is a network at work on its stages

    def file_param(self, name: str) -> bool:
        """Whether the file's params have it; the function then takes it as one more param."""
        param = self.home.params.get(name)
        if param is None:
            return False
        if name not in self.implicit and name not in self.params:
            self.implicit[name] = param
            if param.default is not None:
                for inner in names(param.default):
                    self.file_param(inner.id)
        return True

    def shadows(self, name: str) -> bool:
        """Whether a param of the function's own has the name of one of its file."""
        return name in self.params and self.params is not self.home.params and name in self.home.params

    def foreign_param(self, param: s.Param, taken: Collection[str]) -> str:
        """The name here of a param that a default of the outermost spec brings in; it becomes one of the function."""
        for name, known in self.implicit.items():
            if known is param and name not in taken:
                return name
        name = unique(param.name, {*taken, *self.home.params, *self.implicit})
        self.implicit[name] = param
        return name

    def handed_down(self, param: s.Param, taken: Collection[str]) -> str | None:
        """The name here of a param that a called block takes on, if it is one here too."""
        if self.home.params.get(param.name) is param:
            if self.shadows(param.name):
                return self.foreign_param(param, {*taken, *self.params})
            self.file_param(param.name)
            return param.name
        return self.foreign_param(param, taken) if self.library.outermost.params.get(param.name) is param else None
