"""Networks of the tests of the interactive page."""

from __future__ import annotations

from dataclasses import replace

import archdsl

SMALL = """\
archdsl: 1
name: Small
input: [3, 32, 32]
blocks:
  Unit:
    params: [out, {stride: 1}]
    body:
      - residual:
          if: stride == 1
          body:
            - conv: {out: out, kernel: 3, stride: stride, padding: 1}
            - bn
            - relu
      - conv: {out: out, kernel: 1}
        label: "mix & <match>"
stages:
  stem: [{conv: {out: 8, kernel: 3, padding: 1}}, bn, relu]
  body:
    - Unit: 8
    - Unit: {out: 16, stride: 2}
  head: [global_avg_pool, flatten, {linear: 10}]
"""
HOSTILE = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\" onload=\"window.ran = 1"


def hostile_graph() -> archdsl.Graph:
    """Words that a spec may choose freely, and names, which it may not, as bad as they can be."""
    spec = {
        "archdsl": 1,
        "name": "Hostile",
        "input": [3, 8, 8],
        "paper": {"title": HOSTILE},
        "blocks": {"Unit": {"body": [{"conv": {"out": 4, "kernel": 1}, "label": HOSTILE}, "bn"]}},
        "stages": {"body": [{"Unit": {}, "label": HOSTILE}, "relu"]},
    }
    return replace(archdsl.graph(spec), name=HOSTILE, variant=HOSTILE)
