"""When the tensors of a function, and the `c_in` of its stages and loops, are read: in order of execution."""

from __future__ import annotations

from archdsl.analysis.channel_names import channel_names
from archdsl.backends.torch.taps import tapped
from archdsl.expr.nodes import names
from archdsl.ir import program as ir
from archdsl.ir.expressions import expressions


class Order:
    """What a function reads after a place in it."""

    def __init__(self, function: ir.Function) -> None:
        self.now = 0
        self.began: dict[ir.Operation, int] = {}
        self.ended: dict[ir.Operation, int] = {}
        self.apart: dict[ir.Operation, list[range]] = {}  # the times of what is not run where the node is
        self.times: dict[ir.Value, list[int]] = {}  # when a tensor is read
        self.entering: dict[int, list[int]] = {}  # of a meaning of `c_in`, when it is read
        self.meaning: dict[ir.Operation, int] = {}  # of `c_in` where a node stands
        self.meanings = 0
        self.staged = function.staged
        self.region(function.region, 0)
        for auxiliary in function.training.values():
            self.region(auxiliary.region, self.another())
        self.now += 1
        for operand in function.outputs.values():
            self.read(operand)

    def reads(self, var: ir.Value, node: ir.Operation) -> bool:
        """Whether a tensor is read after (or inside) a node."""
        return self.after(self.times.get(var, []), self.began[node], node)

    def reads_entry(self, node: ir.Operation) -> bool:
        """Whether what `c_in` means where a node stands is asked for after it."""
        return self.after(self.entering.get(self.meaning[node], []), self.ended[node], node)

    def after(self, times: list[int], start: int, node: ir.Operation) -> bool:
        return any(time > start and not any(time in span for span in self.apart.get(node, [])) for time in times)

    def another(self) -> int:
        self.meanings += 1
        return self.meanings

    def region(self, region: ir.Region, meaning: int) -> None:
        for node in region.nodes:
            meaning = self.another() if node.stage is not None else meaning
            self.now += 1
            self.began[node], self.meaning[node] = self.now, meaning
            for operand in node.operands():
                self.read(operand)
            if asks_entry(node):
                self.entering.setdefault(meaning, []).append(self.now)
            turned = self.staged and isinstance(node, ir.Loop)
            for inner in node.regions():
                before = self.now
                self.region(inner, self.another() if turned else meaning)
                if isinstance(node, ir.If) and inner is node.other:
                    for step in node.then.walk():
                        self.apart.setdefault(step, []).append(range(before + 1, self.now + 1))
            self.ended[node] = self.now
        self.now += 1
        if region.result is not None:
            self.read(region.result)

    def read(self, operand: ir.Operand) -> None:
        match operand:
            case ir.Value():
                self.times.setdefault(operand, []).append(self.now)
            case ir.Item(var=var):
                self.read(var)
            case ir.Tap():
                for var in tapped(operand):
                    self.read(var)


def asks_entry(node: ir.Operation) -> bool:
    """Whether a node reads `c_in`, or may be given a multiple of it as its channels."""
    if isinstance(node, ir.Primitive) and channel_names(node.op) is None:
        return True
    return any(name.id == "c_in" for expr in expressions(node) for name in names(expr))
