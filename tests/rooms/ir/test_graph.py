"""Graphs as values: they copy, pickle into other processes, and say so when they were edited."""

import copy
import dataclasses
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

import archdsl
from archdsl.ir.graph import Graph
from archdsl.ir.program import parts
from archdsl.workspace.library import read, shipped

NET = {
    "archdsl": 1,
    "name": "Net",
    "params": {"width": 8},
    "input": [3, 16, 16],
    "blocks": {
        "Unit": {"params": ["out"], "body": [{"conv": ["out", [3, 3]]}, "bn", "relu"]},
    },
    "stages": {
        "stem": [{"Unit": "width"}],
        "body": {"repeat": 2, "body": [{"Unit": "2 * width"}]},
        "head": ["flatten"],
    },
}


def pickled(graph: Graph) -> Graph:
    return pickle.loads(pickle.dumps(graph))


def first(name: str) -> Graph:
    return archdsl.graph(name, read(name).networks()[0])


@pytest.mark.parametrize("name", shipped())
def test_a_copy_is_the_same_network(name):
    graph = first(name)
    source, cost = archdsl.emit(graph), archdsl.cost(graph)
    for twin in (copy.deepcopy(graph), pickled(graph)):
        assert archdsl.emit(twin) == source
        assert archdsl.cost(twin) == cost
        assert list(twin.nx) == list(graph.nx)
        assert list(twin.root.nodes()) == twin.nodes


def test_a_copy_gives_the_parametric_class_too():
    graph = first("shufflenet_v2")
    wanted = archdsl.emit(graph, style="parametric")
    assert archdsl.emit(pickled(graph), style="parametric") == wanted


def test_a_deep_network_copies_without_deep_recursion():
    stages = {"body": {"repeat": 3000, "body": [{"conv": 3}, "relu"]}}
    graph = archdsl.graph(NET | {"params": {}, "stages": stages})
    assert len(copy.deepcopy(graph).nodes) == len(pickled(graph).nodes) == 6000


def widened(width: int) -> Graph:
    return archdsl.graph(NET, width=width)


def printed(graph: Graph) -> str:
    return archdsl.emit(graph)


def misspelt(_: int) -> None:
    archdsl.graph(NET, widht=3)


def test_graphs_go_to_other_processes_and_come_back():
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        graphs = list(pool.map(widened, [4, 8]))
        assert [archdsl.emit(graph) for graph in graphs] == [archdsl.emit(NET, width=width) for width in (4, 8)]
        assert list(pool.map(printed, graphs)) == [archdsl.emit(graph) for graph in graphs]
        with pytest.raises(archdsl.SpecError, match="did you mean 'width'"):
            list(pool.map(misspelt, [1]))


def test_ids_are_dense_and_survive():
    program = first("peleenet").origin.program
    twin = copy.deepcopy(program)
    assert [part.id for part in parts(program.functions)] == list(range(program.size))
    assert [part.id for part in parts(twin.functions)] == list(range(program.size))


# --- one truth
def removed(graph: Graph) -> None:
    graph.nodes.pop(1)


def changed(graph: Graph) -> None:
    graph.nodes[0].fields["stride"] = [2, 2]


def grown(graph: Graph) -> None:
    graph.nodes[0].fields["kernel"][0] = 5


def set_otherwise(graph: Graph) -> None:
    graph.params["width"] = 16


def out_of_order(graph: Graph) -> None:
    graph.root.children.reverse()


def exported(graph: Graph) -> None:
    archdsl.export_onnx(graph, "never.onnx")


EDITS = {
    removed: "this graph has 9 nodes, its spec gives 10",
    changed: r"the node 'stem.conv' \(conv\) of this graph is not what its spec gives",
    grown: r"the node 'stem.conv' \(conv\) of this graph is not what its spec gives",
    set_otherwise: "'params' of this graph is no longer what its spec gives",
    out_of_order: "the scopes of this graph do not hold its nodes",
}


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize(
    "use",
    [archdsl.emit, archdsl.build, archdsl.cost, archdsl.draw, lambda graph: archdsl.export_onnx(graph, "never.onnx")],
)
def test_an_edited_graph_is_refused_by_all_that_would_read_it_or_its_program(edit, use):
    graph = archdsl.graph(NET)
    edit(graph)
    with pytest.raises(archdsl.SpecError, match=EDITS[edit]) as caught:
        use(graph)
    assert [d.code for d in caught.value.diagnostics] == ["edited-graph"]


def test_a_graph_made_by_hand_is_refused():
    graph = archdsl.graph(NET)
    for made in (dataclasses.replace(graph, origin=None), dataclasses.replace(graph, nodes=graph.nodes[:3])):
        with pytest.raises(archdsl.SpecError, match=r"made by hand|has 3 nodes"):
            archdsl.emit(made)
