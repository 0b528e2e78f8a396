"""The keys of a spec with what each is for: read by the reader, the JSON Schema and the docs alike."""

from __future__ import annotations

from collections.abc import Mapping

SPEC: Mapping[str, str] = {
    "archdsl": "version of the spec format: 1",
    "name": "the name of the network, and of its class",
    "doc": "a sentence or two about the network",
    "paper": "where it was published: `{title, arxiv, year, …}`; `top1:` names another source of its accuracies",
    "input": "the shape of the input without the batch axis: `[3, 224, 224]`",
    "inputs": "several inputs by name: `{image: [3, 304, 304], mask: [1, 304, 304]}`",
    "outputs": "several outputs by name: `{boxes: predict.boxes, scores: predict.scores}`",
    "use": "files whose blocks this spec can call; the network of such a file can be called as a block, too",
    "extends": "a spec that this one starts from, and whose parts it can change by name",
    "until": "the last stage to take from the network that `use:` or `extends:` names",
    "params": "parameters of the network with their defaults; a param without a default must be set",
    "defaults": "default arguments for every step that uses an op or block",
    "init": "how weights are initialised, by op (`conv`), by module (`stem.conv`), or by block and module (`Unit.bn`)",
    "detect": "adds a method `detect` to the module, which finds objects in its outputs: `{confidence: 0.01}`",
    "figure": "how figures show the network: `{labels: {SqueezeExcite: SE}, hide: [dropout]}`",
    "calls": "changes to every call of an op or block in the spec that this one extends: `{relu: hard_swish}`",
    "blocks": "blocks, in PascalCase, each with params and a body",
    "stages": "the network: named stages, one after another",
    "variants": "named sets of values for the params",
    "default": "the variant to use if you choose none",
    "expect": "the expected counts of each variant; `default` is the network without one: `{default: {params: 122}}`",
}
BLOCK: Mapping[str, str] = {
    "params": "the parameters of the block: a list of names, or a mapping with defaults",
    "inputs": "further input tensors, passed by name like arguments: `[code]`, or `{image: optional}`",
    "let": "values computed from the parameters, in order",
    "require": "conditions that every call must meet: `[out % 2 == 0]`",
    "body": "the steps, one after another",
    "doc": "a description of the block, which becomes the docstring of its class",
}
STAGE: Mapping[str, str] = {
    "when": "a condition; if it is false, the stage is left out",
    "from": "the tensor that enters, if it is not the result of the previous stage",
    "let": "values computed from the params and from what enters",
    "training": "makes the stage an auxiliary head if `true`: it runs only in training, and returns a further output",
    "after": "the stage that this one follows, in a spec that extends another",
    "before": "the stage that this one precedes, in a spec that extends another",
}
STEP: Mapping[str, str] = {
    "name": "the name of the module, which also sets its keys in the state_dict",
    "when": "a condition; if it is false, the step is left out",
    "else": "the steps to use instead if `when:` is false",
    "as": "a name for the result, or a list of names for several results",
    "from": "the tensor that enters, if it is not the result of the previous step",
    "label": "the text of the step in figures",
    "share": "runs the module of the earlier step with this name; `true` beside a loop runs one module in all turns",
}
# Structure words, the keys that stand beside each, the JSON Schema of its value: filled by `reading.structure.word`.
STRUCTURE: dict[str, str] = {}
BESIDE: dict[str, Mapping[str, str]] = {}
FORMS: dict[str, Mapping[str, object]] = {}
RESIDUAL: Mapping[str, str] = {
    "body": "the steps",
    "if": "a condition; if it is false, only the body remains",
    "shortcut": "the steps of the shortcut; without them, the shortcut is the identity",
}
INIT: Mapping[str, str] = {
    "normal": "a normal distribution with mean 0 and this standard deviation",
    "uniform": "a uniform distribution from minus this number to this number",
    "trunc_normal": "like `normal`, but cut off at two standard deviations",
    "constant": "this number for all values",
}
INIT_NAMES: Mapping[str, tuple[str, ...]] = {  # what a rule may read, by the group of its op
    "convolution": ("fan_in", "fan_out", "taps", "groups"),
    "linear": ("fan_in", "fan_out"),
}
WITHOUT_BIAS = frozenset({"prelu", "rms_norm", "scale"})  # ops with a weight alone
VARIANT: Mapping[str, str] = {
    "input": "the shape of the input in this variant",
    "inputs": "the shapes of inputs in this variant, by name",
    "extends": "the variant that this one starts from",
    "top1": "the published top-1 accuracy on ImageNet, in percent: `71.8`, or `{value: 71.8, source: …}`",
    "published": "all published numbers of the variant: `{params: 3.4 M, macs: 300 M, top1: 72.0, source: …}`",
}
TOP1: Mapping[str, str] = {
    "value": "the accuracy, in percent",
    "source": "where the accuracy was published; the default is `top1:` of `paper:`, or else the paper",
}
PUBLISHED: Mapping[str, str] = {
    "params": "the parameters as published: `3.4 M`, or a whole number",
    "macs": "the multiply-adds as published: `300 M`, or a whole number",
    "top1": "the top-1 accuracy on ImageNet, in percent",
    "source": "where the numbers were published; the default is `top1:` of `paper:`, or else the paper",
    "form": "the form of the network that the numbers belong to: `train` (the default) or `deploy`",
}
EXPECT: Mapping[str, str] = {
    "params": "the number of trained parameters",
    "macs": "the multiply-adds of convolutions, linear layers and products of tensors",
    "graph": "the fingerprint of the network that the published numbers belong to; `archdsl check --update` writes it",
}
FINGERPRINT = "^g[0-9a-f]{11}$"  # how `ir/fingerprint` writes one
DETECT: Mapping[str, str] = {
    "boxes": "the output with four offsets for each prior box; `boxes` by default",
    "scores": "the output with a score of each class for each prior box; `scores` by default",
    "priors": "the output with the prior boxes; `priors` by default",
    "variances": "the factors of the offsets of centre and size; `[0.1, 0.1, 0.2, 0.2]` by default",
    "confidence": "the lowest probability of an object; 0.01 by default",
    "iou": "the largest overlap with a more probable box of the same class; 0.45 by default",
    "top_k": "how many boxes of each class are compared; 400 by default",
    "keep": "how many objects are kept in an image; 200 by default",
    "background": "the number of the background class; 0 by default",
}
FIGURE: Mapping[str, str] = {
    "labels": "the labels of ops, blocks and arguments of blocks: `{SqueezeExcite: SE, DenseLayer.growth: k}`",
    "colours": "the colours of ops and blocks: that of a role (`conv`, `pool`, …), or `'#rrggbb'`",
    "hide": "the ops, blocks and arguments of blocks that are not shown: `[dropout, SqueezeExcite.squeeze]`",
    "cases": "the cases of a block that its figure shows: `{Unit: [stride=1, stride=2]}`",
    "paper": "the figures of the paper, by their numbers: `{Figure 2 (b): {block: Unit, cases: stride=1}}`",
}
PAPER_FIGURE: Mapping[str, str] = {
    "spec": "the spec that the figure shows, if it is not this one: the name of a shipped spec, or a file",
    "block": "the block that the figure shows, or a list of blocks; without it, the figure shows the network",
    "cases": "the cases of the block that the figure shows: `stride=1`, or a list of cases",
    "expand": "the inner blocks that the figure shows open; in a figure of the network, the stages",
    "variant": "the variant that the figure shows, if it is not the default one",
    "params": "params that differ from those of the variant: `{layout: other}`",
    "form": "the form of the network that the figure shows: `train` (the default) or `deploy`",
    "differs": "a sentence that says what the figure in the paper shows differently",
}
PLACED: Mapping[str, str] = {"until": "the last stage to take"}
