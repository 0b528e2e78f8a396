"""The keys of a spec with what each is for: read by the reader, the JSON Schema and the docs alike."""

from __future__ import annotations

from collections.abc import Mapping

SPEC: Mapping[str, str] = {
    "archdsl": "version of the spec format: 1",
    "name": "the name of the network, and of its class",
    "doc": "a sentence or two about the network",
    "paper": "where it was published: title, arxiv, year, ...; top1: the source of the accuracies, if not the paper",
    "input": "shape of the input without the batch axis: [3, 224, 224]",
    "inputs": "several inputs by name: {image: [3, 304, 304], mask: [1, 304, 304]}",
    "outputs": "several outputs by name: {boxes: predict.boxes, scores: predict.scores}",
    "use": "files whose blocks (and whose network, as a block) can be called here",
    "extends": "a spec that this one starts from, and whose parts it can change by name",
    "until": "the last stage that is taken from the network in use: or extends:",
    "params": "parameters of the network with their defaults; one without a value must be given",
    "defaults": "arguments for every step of an op or block, unless the step gives others",
    "init": "initialisation of weights: by op, by the key of a module (stem.conv), by block and key (Unit.bn)",
    "detect": "how objects are found in the outputs: {confidence: 0.01, iou: 0.45, ...}; adds detect() to the module",
    "figure": "how figures show the network: {labels: {SqueezeExcite: SE}, hide: [dropout]}",
    "calls": "in a spec with extends: changes every call of an op or block: {relu: hard_swish}",
    "blocks": "blocks, in PascalCase, each with params and a body",
    "stages": "the network: named stages, one after another",
    "variants": "named sets of parameters",
    "default": "the variant that is used if none is given",
    "expect": "the expected counts of each variant: {params: 2802248, macs: 507757568}; default: without a variant",
}
BLOCK: Mapping[str, str] = {
    "params": "parameters: a list of names, or a mapping with defaults",
    "inputs": "further tensors, passed by name like arguments: [code], or {image: optional}",
    "let": "values computed from the parameters, in order",
    "require": "conditions that a call must meet: [out % 2 == 0]",
    "body": "the steps, one after another",
    "doc": "what the block is",
}
STAGE: Mapping[str, str] = {
    "when": "the stage exists only if this is true",
    "from": "the input, if it is not the output of the previous stage",
    "let": "values computed from the params",
    "training": "true: runs only in training (an auxiliary head), and its result is returned beside the output",
    "after": "in a spec with extends: the stage that this one follows",
    "before": "in a spec with extends: the stage that this one precedes",
}
STEP: Mapping[str, str] = {
    "name": "its name in the module and in the state_dict",
    "when": "the step exists only if this is true",
    "else": "the steps that are used instead if when: is false",
    "as": "a name for the result, or a list of names for several results",
    "from": "the input, if it is not the output of the previous step",
    "label": "the text of the step in figures",
    "share": "uses the module of the earlier step with this name; true on a loop: one module for all turns",
}
# Structure words, the keys that stand beside each, the JSON Schema of its value: filled by `reading.structure.word`.
STRUCTURE: dict[str, str] = {}
BESIDE: dict[str, Mapping[str, str]] = {}
FORMS: dict[str, Mapping[str, object]] = {}
RESIDUAL: Mapping[str, str] = {
    "body": "the steps",
    "if": "whether there is a shortcut at all",
    "shortcut": "the steps of the shortcut; the input itself if not given",
}
INIT: Mapping[str, str] = {
    "normal": "a normal distribution of this standard deviation, around 0",
    "uniform": "a uniform distribution from minus this number to this number",
    "trunc_normal": "as normal, but values beyond two deviations are drawn again",
    "constant": "this number",
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
    "top1": "published top-1 accuracy on ImageNet, in percent: 71.8, or {value: 71.8, source: where}",
    "published": "all numbers that were published for it: {params: 3.4 M, macs: 300 M, top1: 72.0, source: where}",
}
TOP1: Mapping[str, str] = {
    "value": "the accuracy, in percent",
    "source": "where it was published, if not where `paper: {top1: ...}` says (or in the paper)",
}
PUBLISHED: Mapping[str, str] = {
    "params": "parameters as published: 3.4 M, or a whole number",
    "macs": "multiply-adds as published: 300 M, or a whole number",
    "top1": "top-1 accuracy on ImageNet, in percent",
    "source": "where they were published, if not where `paper: {top1: ...}` says (or in the paper)",
    "form": "the form of the network that they belong to: train (the default) or deploy",
}
EXPECT: Mapping[str, str] = {
    "params": "trained parameters",
    "macs": "multiply-adds of convolutions, linear layers, products",
    "graph": "the fingerprint of the network that a published top1 belongs to; written by archdsl check --update",
}
FINGERPRINT = "^g[0-9a-f]{11}$"  # how `ir/fingerprint` writes one
DETECT: Mapping[str, str] = {
    "boxes": "the output with four offsets for each prior box [boxes]",
    "scores": "the output with a score of each class for each prior box [scores]",
    "priors": "the output with the prior boxes [priors]",
    "variances": "the factors of the offsets of centre and size [0.1, 0.1, 0.2, 0.2]",
    "confidence": "the lowest probability of an object [0.01]",
    "iou": "the largest overlap with a more probable box of the same class [0.45]",
    "top_k": "how many boxes of each class are compared [400]",
    "keep": "how many objects are kept in an image [200]",
    "background": "the class of the background [0]",
}
FIGURE: Mapping[str, str] = {
    "labels": "the words for an op, a block or an argument of a block: {SqueezeExcite: SE, DenseLayer.growth: k}",
    "colours": "the colour of an op or a block: that of a role (conv, pool, ...), or '#rrggbb'",
    "hide": "ops, blocks, and arguments of blocks that are not shown: [dropout, SqueezeExcite.squeeze]",
    "cases": "the cases of a block that its figure shows: {Unit: [stride=1, stride=2]}",
    "paper": "the figures of the paper, by their numbers: {Figure 2 (b): {block: Unit, cases: stride=1}}",
}
PAPER_FIGURE: Mapping[str, str] = {
    "spec": "the spec that it shows, if not this one: the bare name of a shipped spec, or a file",
    "block": "the block that it shows, or a list of them; without one it shows the network",
    "cases": "the cases of the block that it shows: stride=1, or a list of them",
    "expand": "the inner blocks that it shows open; for a network, the stages",
    "variant": "the variant that it shows, if not the default one",
    "params": "params of the network that it shows, if they differ from those of the variant: {layout: other}",
    "form": "the form of the network that it shows, train (the default) or deploy",
    "differs": "what is different in the figure of the paper, as a sentence",
}
PLACED: Mapping[str, str] = {"until": "the last stage to take"}
