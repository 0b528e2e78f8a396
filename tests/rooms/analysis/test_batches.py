"""Many settings counted at once: each has the row of a run of its own, its fault included."""

import random

import pytest

from archdsl.analysis import batches
from archdsl.analysis.batches import Call, Whole
from archdsl.analysis.elaborate import lowered
from archdsl.analysis.setting import setting
from archdsl.diagnostics.faults import Diagnostic
from archdsl.workspace.library import all_shipped, read

SWEPT = """
archdsl: 1
name: Swept
params: {width: 1.0, depth: 2, groups: 2, kernel: 3, size: 32, wide: false, widths: [8, 16], act: relu}
input: [3, size, size]
blocks:
  Unit:
    params: [out, kernel]
    let: {inner: "make_divisible(out / 2) if wide else max(8, out // 2)"}
    require: [out > 0]
    body:
      - residual:
          if: c_in == out
          body: [{conv: {out: inner, kernel: kernel, padding: same, bias: wide}}, bn, {act: act}, {conv: out}]
stages:
  stem: {conv: {out: "make_divisible(16 * width)", kernel: 3, stride: 2}}
  body:
    for: [out, n]
    in: [["int(widths[0] * width)", depth], ["widths[1]", 2]]
    body: [{repeat: n, body: {Unit: [out, kernel]}}]
  mixed:
    concat: [{conv: {out: 8, kernel: kernel, groups: 1}}, {max_pool: {kernel: 3, stride: 1, padding: keep}}]
  last: {conv: {out: 8 * groups, kernel: 1, groups: groups}}
  pool: global_avg_pool
variants: {deep: {depth: 3}}
default: deep
"""


def whole(spec):
    return Whole(spec, lowered(spec))


def near(draw, value):
    """A value not far from one."""
    if isinstance(value, bool):
        return draw.random() < 0.5
    if isinstance(value, int):
        return max(-1, value + draw.choice([0, 0, 1, -1, 2, 8, -8, value]))
    if isinstance(value, float):
        return draw.choice([value, value * draw.uniform(0.3, 2), draw.uniform(0, 1)])
    return [near(draw, item) for item in value] if isinstance(value, list) else value


def drawn(draw, base, variant, count):
    """Settings near those of a variant, of a few of its params and at times of its inputs."""
    names = [name for name, value in base.values.items() if isinstance(value, (int, float, list))]
    names = draw.sample(names, min(len(names), draw.choice([1, 2, 3])))
    sized = draw.random() < 0.3
    for _ in range(count):
        shapes = {name: (c, *(n + draw.choice([0, 32, 7]) for n in size)) for name, (c, *size) in base.shapes.items()}
        yield Call(variant, {name: near(draw, base.values[name]) for name in names}, shapes if sized else None)


@pytest.fixture
def tried(monkeypatch):
    """How many settings were counted one by one."""
    found = []
    one = Whole.one
    monkeypatch.setattr(Whole, "one", lambda self, call: (found.append(call), one(self, call))[1])
    return found


def test_each_row_is_that_of_a_run_of_its_own_faults_included(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "FEW", 2)
    file, draw = tmp_path / "swept.yaml", random.Random(5)
    file.write_text(SWEPT)
    network = whole(read(file))
    base = setting(network.spec, network.program.main, None, {}, None)
    codes = set()
    for _ in range(15):
        calls = list(drawn(draw, base, None, 12))
        found = network.each(calls)
        assert list(map(repr, found)) == [repr(network.one(call)) for call in calls]
        codes.update(row.code if isinstance(row, Diagnostic) else None for row in found)
    assert codes >= {None, "shape", "bad-value"}


@pytest.mark.parametrize(
    ("name", "param"), [("mobilenet_v2", "width"), ("peleenet", "growth"), ("efficientnet", "width")]
)
def test_settings_that_go_one_way_are_counted_by_arrays_alone(name, param, tried):
    network, draw = whole(read(name)), random.Random(1)
    variant = next(iter(network.spec.variants), None)
    values = [2 * draw.randrange(8, 60) if param == "growth" else draw.uniform(0.5, 2) for _ in range(200)]
    found = network.each([Call(variant, {param: value}, None) for value in values])
    assert len(tried) < 2 * batches.FEW
    for place in draw.sample(range(200), 8):
        assert repr(found[place]) == repr(network.one(Call(variant, {param: values[place]}, None)))


@pytest.mark.slow
@pytest.mark.parametrize("name", all_shipped())
def test_random_settings_of_a_shipped_spec_have_the_rows_of_runs_of_their_own(name):
    network, draw = whole(read(name)), random.Random(name)
    for variant in draw.sample(network.spec.networks(), min(3, len(network.spec.networks()))):
        base = setting(network.spec, network.program.main, variant, {}, None)
        calls = list(drawn(draw, base, variant, 40))
        assert list(map(repr, network.each(calls))) == [repr(network.one(call)) for call in calls]
