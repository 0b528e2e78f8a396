"""What a user's program calls, with the types that it gets."""

from pathlib import Path

import archdsl
from archdsl import Checked, Comparison, Cost, Diagnostic, Graph, Node

names: list[str] = archdsl.specs()
variants: list[str] = archdsl.variants("squeezenet")
checked: Checked = archdsl.check("squeezenet")
graph: Graph = archdsl.graph("archdsl: 1\n", "1.1", input=[3, 64, 64], width=8)
nodes: list[Node] = graph.nodes
same: bool = graph.fingerprint == archdsl.graph({"name": "Net"}).fingerprint
cost: Cost = archdsl.cost(graph)
records: list[dict[str, object]] = [dict(record) for record in cost.to_records("node")]
svg: str = archdsl.draw(graph)
tex: str = archdsl.draw(graph, format="tikz", expand=["stage1"])
png: bytes = archdsl.draw(Path("net.yaml"), format="png", block=["A", "B"])
either: str | bytes = archdsl.draw("squeezenet", format=input())
plot: str = archdsl.plot("accuracy", ["squeezenet", graph], against="params")
image: bytes = archdsl.plot("stages", graph, format="png", width="column")
table: Comparison = archdsl.table(["squeezenet", graph], sort="macs")
text: str = archdsl.emit("squeezenet", style="parametric")
archdsl.build("squeezenet", verify=True).eval()
try:
    archdsl.graph("squeezenet", "2.0")
except archdsl.SpecError as error:
    found: tuple[Diagnostic, ...] = error.diagnostics
