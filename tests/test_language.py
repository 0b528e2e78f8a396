"""Every word and form of the language: the graph, the module that is built, and the source, from one small spec each.

Each file of `tests/language` says in its first line which sentence of docs/language.md it shows. Comments below
it say what the emitted source of its first form must hold (`has:`, in this order) and must not (`not:`).
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
import torch
from interpret import interpret
from torch import nn

import archdsl
from archdsl import module
from archdsl.checking import forms_of
from archdsl.library import read

FOLDER = Path(__file__).parent / "language"
FILES = sorted(FOLDER.glob("*.yaml"))
FORMS = [(path.stem, form) for path in FILES for form in forms_of(read(path))]
FIRST = {name: form for name, form in reversed(FORMS)}


def ids(form):
    return "-".join(part for part in form if part)


each_form = pytest.mark.parametrize("form", FORMS, ids=ids)
each_file = pytest.mark.parametrize("name", FIRST)


@cache
def graph_of(name, variant=None):
    return archdsl.graph(FOLDER / f"{name}.yaml", variant)


@cache
def source_of(name, variant=None):
    return archdsl.emit(graph_of(name, variant))


@cache
def built(name, variant=None):
    """The module in eval mode, its norms no identities. Not to be changed."""
    torch.manual_seed(0)
    net = module.build(graph_of(name, variant))
    norms = [part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0, 0.5)
            norm.running_mean.normal_(0, 0.2)
            norm.running_var.uniform_(0.5, 1.5)
    return net.eval()


def tensors(name, variant=None, batch=3):
    torch.manual_seed(1)
    return [torch.randn(batch, *tensor.shape) for tensor in graph_of(name, variant).inputs.values()]


def run(name, variant=None):
    """The outputs of the module, as a list."""
    with torch.no_grad():
        found = built(name, variant)(*tensors(name, variant))
    return list(found) if isinstance(found, tuple) else [found]


def near(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def notes(name, word):
    """What the comments at the top of a file say under a word."""
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    mark = f"# {word}: "
    return [line.removeprefix(mark) for line in lines if line.startswith(mark)]


# --- for every file -----------------------------------------------------------------------------


@each_form
def test_the_module_has_the_inferred_shapes_parameters_and_macs(form):
    assert module.verify(built(*form), graph_of(*form)) == []


@each_form
def test_the_module_computes_what_the_graph_says(form):
    with torch.no_grad():
        wanted = interpret(graph_of(*form), built(*form), *tensors(*form))
    near(run(*form), wanted)


@each_form
def test_every_module_stands_at_the_path_of_its_op(form):
    net, graph = built(*form), graph_of(*form)
    paths = {node.path for node in graph.nodes}
    for name, _ in net.named_parameters():
        assert name.rpartition(".")[0] in paths


@each_form
def test_there_is_one_class_for_each_block(form):
    graph = graph_of(*form)
    classes = [node.name for node in ast.parse(source_of(*form)).body if isinstance(node, ast.ClassDef)]
    assert len(set(classes)) == len(classes)
    assert {scope.name for scope in graph.root.scopes() if scope.kind in ("block", "network")} <= set(classes)


@each_file
def test_the_source_reads_as_it_should(name):
    text = source_of(name, FIRST[name])
    rest = text
    for line in notes(name, "has"):
        assert line in rest, f"{line!r} is not (or not in this order) in\n{text}"
        rest = rest.split(line, 1)[1]
    for line in notes(name, "not"):
        assert line not in text
