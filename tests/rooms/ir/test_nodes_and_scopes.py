"""The graph: nodes in order of execution, the tensors between them, the tree of scopes over them."""

from __future__ import annotations

from functools import cache

import pytest

import archdsl

VARIANTS = {"peleenet": None, "pelee": None, "espnet": "q3", "efficientnet": "tf-b0"}
pytestmark = pytest.mark.parametrize("name", VARIANTS)


@cache
def graph_of(name):
    return archdsl.graph(name, VARIANTS[name])


def test_nodes_are_numbered_in_order_of_execution(name):
    graph = graph_of(name)
    assert [node.id for node in graph.nodes] == list(range(len(graph.nodes)))
    for node in graph.nodes:
        assert all(tensor.node is None or tensor.node.id < node.id for tensor in node.inputs), node


def test_a_tensor_knows_the_node_that_made_it_and_which_of_its_results_it_is(name):
    for node in graph_of(name).nodes:
        assert [(tensor.node, tensor.index) for tensor in node.outputs] == [(node, n) for n in range(len(node.outputs))]


def test_every_node_stands_once_in_the_tree_of_scopes(name):
    graph = graph_of(name)
    assert sorted(node.id for node in graph.root.nodes()) == [node.id for node in graph.nodes]


def test_every_scope_but_the_root_is_a_child_of_its_parent(name):
    graph = graph_of(name)
    (root, *others) = graph.root.scopes()
    assert (root, root.parent) == (graph.root, None)
    assert all(any(child is scope for child in scope.parent.children) for scope in others)


def test_networkx_has_an_edge_for_each_node_that_reads_another(name):
    graph = graph_of(name)
    read = {(tensor.node.id, node.id) for node in graph.nodes for tensor in node.inputs if tensor.node is not None}
    found = {(a, b) for a, b in graph.nx.edges if isinstance(a, int) and isinstance(b, int)}
    assert found == read
