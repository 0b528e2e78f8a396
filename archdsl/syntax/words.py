"""The keys of a spec with what each is for: read by the reader, the JSON Schema and the docs alike."""

from __future__ import annotations

from collections.abc import Mapping

SPEC: Mapping[str, str] = {
    "archdsl": "version of the spec format: 1",
    "name": "the network's name; it becomes the class",
    "doc": "a sentence or two about the network",
    "paper": "where it was published: title, arxiv, year, ...; top1: what published the accuracies, if not the paper",
    "input": "shape of the input without the batch axis: [3, 224, 224]",
    "inputs": "several inputs by name: {image: [3, 304, 304], mask: [1, 304, 304]}",
    "outputs": "several outputs by name: {boxes: predict.boxes, scores: predict.scores}",
    "use": "files whose blocks (and network, as a block) may be called here",
    "extends": "a spec that this one takes over and overrides by name",
    "until": "the last stage to take of the network in use: or extends:",
    "params": "parameters of the network, with their defaults; an empty value is required",
    "defaults": "arguments that every step of an op or block gets unless it says otherwise",
    "init": "initialisation of weights: by op, by the key of a module (stem.conv), by block and key (Unit.bn)",
    "detect": "how objects are found in the outputs: {confidence: 0.01, iou: 0.45, ...}; the module gets a detect()",
    "figure": "how figures show it: {labels: {SqueezeExcite: SE}, hide: [dropout]}",
    "calls": "in a spec with extends: what changes in every call of an op or block: {relu: hard_swish}",
    "blocks": "blocks, in PascalCase, each with params and a body",
    "stages": "the network: named stages, one after another",
    "variants": "named sets of parameters",
    "default": "the variant that is used where none is given",
    "expect": "what each variant must come to: {params: 2802248, macs: 507757568}; default: for none",
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
    "from": "the tensor that enters, if not the previous stage's",
    "let": "values computed from the params",
    "training": "true: it runs in training alone (an auxiliary head), and its result is returned beside the output",
    "after": "in a spec with extends: the stage that this one follows",
    "before": "in a spec with extends: the stage that this one precedes",
}
STEP: Mapping[str, str] = {
    "name": "its name in the module and in the state_dict",
    "when": "the step is dropped if this is false",
    "else": "the step or steps that stand here if when: is false",
    "as": "names the result; a list names several",
    "from": "the tensor that enters, if not the previous step's",
    "label": "text in figures",
    "share": "runs the module of an earlier step, by its name; of a loop, true: one module in all turns",
}
# Structure words, the keys that stand beside each, the JSON Schema of its value: filled by `reading.structure.word`.
STRUCTURE: dict[str, str] = {}
BESIDE: dict[str, Mapping[str, str]] = {}
FORMS: dict[str, Mapping[str, object]] = {}
RESIDUAL: Mapping[str, str] = {
    "body": "the steps",
    "if": "whether there is a shortcut at all",
    "shortcut": "the other path; nothing: the input itself",
}
INIT: Mapping[str, str] = {
    "normal": "a normal distribution of this standard deviation, around 0",
    "uniform": "a uniform distribution from minus this number to this number",
    "trunc_normal": "as normal, but what is beyond two deviations is drawn again",
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
    "published": "all numbers that were published of it: {params: 3.4 M, macs: 300 M, top1: 72.0, source: where}",
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
    "form": "the form of the network that they are of: train (unless it says otherwise) or deploy",
}
EXPECT: Mapping[str, str] = {
    "params": "trained parameters",
    "macs": "multiply-adds of convolutions, linear layers, products",
    "graph": "the fingerprint of the network, which a published top1 is of; archdsl check --update writes it",
}
FINGERPRINT = "^g[0-9a-f]{11}$"  # how `ir/fingerprint` writes one
DETECT: Mapping[str, str] = {
    "boxes": "the output with four offsets for each prior box [boxes]",
    "scores": "the output with a score of each class for each prior box [scores]",
    "priors": "the output with the prior boxes [priors]",
    "variances": "what the offsets of centre and size are multiplied by [0.1, 0.1, 0.2, 0.2]",
    "confidence": "the least probability of an object [0.01]",
    "iou": "the largest overlap with a surer box of the same class [0.45]",
    "top_k": "how many boxes of each class are compared [400]",
    "keep": "how many objects are kept in an image [200]",
    "background": "the class that is no object [0]",
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
    "expand": "the blocks inside that it shows open; of a network, the stages",
    "variant": "the variant that it shows, if not the default one",
    "params": "params of the network that it shows, where they are not those of the variant: {layout: other}",
    "form": "the form of the network that it shows, train (the default) or deploy",
    "differs": "what the figure in the paper shows otherwise, as a sentence",
}
PLACED: Mapping[str, str] = {"until": "the last stage to take"}
