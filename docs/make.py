"""The generated parts of the documentation, from the specs, the ops and the compiler itself.

`python docs/make.py` writes them, `python docs/make.py --check` says which are out of date (exit status 1).
"""

from __future__ import annotations

import re
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from functools import cache
from io import BytesIO
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

from fontTools.ttLib import TTFont
from yaml import safe_load as yaml_of

import archdsl
from archdsl.backends.cost import markdown
from archdsl.backends.torch.pieces import module_call
from archdsl.backends.torch.spelling import one_line
from archdsl.commands.list import spec_lines
from archdsl.commands.ops import is_word, kind, shown
from archdsl.expr.nodes import Lit, wrap
from archdsl.expr.parse import parse
from archdsl.ir.graph import Graph
from archdsl.lint.base import Rule
from archdsl.lint.rules import RULES
from archdsl.ops import REGISTRY, Field, Op
from archdsl.ops.base import Site, times
from archdsl.ops.tensors import Own
from archdsl.passes import BUILT_IN, named
from archdsl.syntax.reading import structure  # noqa: F401 - which registers the structure words
from archdsl.syntax.spec import PaperFigure, Spec
from archdsl.syntax.words import (
    BESIDE,
    BLOCK,
    DETECT,
    EXPECT,
    INIT,
    PAPER_FIGURE,
    PLACED,
    PUBLISHED,
    RESIDUAL,
    SPEC,
    STAGE,
    STEP,
    STRUCTURE,
    TOP1,
    VARIANT,
)
from archdsl.syntax.words import (
    FIGURE as FIGURE_KEYS,
)
from archdsl.workspace.library import read, shipped
from archdsl.workspace.paper_figures import spelt

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ARXIV = "https://arxiv.org/abs/"
UNITS = {10**9: "G", 10**6: "M", 10**3: "k"}

# File of docs/images -> what it shows: a spec or a page with one, and further arguments of `archdsl.draw`.
IMAGES: dict[str, tuple[str, dict[str, str]]] = {
    "peleenet.svg": ("peleenet", {}),
    "peleenet.TwoWayDenseLayer.svg": ("peleenet", {"block": "TwoWayDenseLayer"}),
    "mobilenet_v2.InvertedResidual.svg": ("mobilenet_v2", {"block": "InvertedResidual", "cases": ["all"]}),
    "espnet.ESP.svg": ("espnet", {"variant": "q8", "block": "ESP", "cases": ["all"]}),
    "shufflenet_v2.BasicUnit.svg": ("shufflenet_v2", {"variant": "x1.0", "block": "BasicUnit"}),
    "tutorial.TwoWayDenseLayer.svg": ("tutorial.md", {"block": "TwoWayDenseLayer"}),
    "index.svg": ("index.md", {}),
    "index.Unit.svg": ("index.md", {"block": "Unit", "cases": ["all"]}),
}


# --- pieces of text
def indented(text: str, heading: str) -> str:
    """A heading of a YAML or Python text with all that stands deeper, without blank lines around."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(heading))
    depth = len(lines[start]) - len(lines[start].lstrip())
    rest = lines[start + 1 :]
    stop = next((n for n, line in enumerate(rest) if line and len(line) - len(line.lstrip()) <= depth), len(rest))
    return "\n".join(lines[start : start + 1 + stop]).rstrip()


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def table(*rows: tuple[str, ...], right: tuple[int, ...] = ()) -> str:
    """A Markdown table; the first row is the heading, columns in `right` stand to the right."""
    rule = ["---:" if n in right else "---" for n in range(len(rows[0]))]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:]))


# --- the home page, and the list of networks
def tiny() -> str:
    """The network of the home page."""
    return first_spec(DOCS / "index.md")


def first_spec(page: Path) -> str:
    return page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]


def tiny_source() -> str:
    """Its two classes, without the head of the file."""
    text = archdsl.emit(tiny())
    return fenced("python", "\n\n\n".join(indented(text, f"class {name}(") for name in ("Unit", "Tiny")))


def tiny_cost() -> str:
    """Its stage table."""
    lines = archdsl.cost(tiny()).to_text().splitlines()
    stop = next(n for n, line in enumerate(lines) if line.startswith("total"))
    return fenced("text", "\n".join(line.rstrip() for line in lines[: stop + 1]))


def systems(folder: str = "specs") -> str:
    """A line for each shipped system of a folder."""
    rows = [("spec", "paper", "variants", "params", "MACs")]
    for name, spec, numbers in networks(folder):
        ranges = (between([row[column] for row in numbers]) for column in (1, 2))
        rows.append((f"[`{name}`](../{folder}/{name}.yaml)", paper(spec), str(len(numbers)), *ranges))
    return table(*rows, right=(2, 3, 4))


def variants() -> str:
    """A line for each variant of each."""
    rows = [("spec", "variant", "params", "MACs")]
    for name, _, numbers in networks():
        rows += [(f"`{name}`", f"`{variant}`" if variant else "", *counts) for variant, *counts in numbers]
    return table(*rows, right=(2, 3))


def networks(folder: str = "specs") -> Iterator[tuple[str, Spec, list[tuple[str, ...]]]]:
    """Shipped specs of a folder that hold a network; variant, params and MACs of each form of it."""
    for name in shipped(folder):
        spec = read(name)
        if spec.networks():
            yield (
                name,
                spec,
                [(", ".join(line.variants), *line.cells()[2:4]) for line in spec_lines(name, spec, variants=True)],
            )


def paper(spec: Spec) -> str:
    """Title and year, linked to arXiv."""
    title, year, number = (str(spec.paper.get(key, "")) for key in ("title", "year", "arxiv"))
    linked = f"[{title}]({ARXIV}{number})" if number else title
    return ", ".join(filter(None, (linked, year)))


def between(counts: list[str]) -> str:
    """`1.02 M – 2.62 M` of numbers written out."""
    values = sorted({int(text.replace(",", "")) for text in counts})
    return " – ".join(dict.fromkeys(short(value) for value in (values[0], values[-1])))


def short(number: int) -> str:
    unit = next((unit for unit in UNITS if number >= unit), 1)
    digits = f"{number / unit:#.3g}".rstrip(".")
    return f"{digits} {UNITS[unit]}" if unit in UNITS else str(number)


# The pages with generated parts: the name in the markers -> what stands between them.
PARTS: dict[Path, dict[str, Callable[[], str]]] = {
    DOCS / "index.md": {"source": tiny_source, "cost": tiny_cost},
    DOCS / "networks.md": {"systems": systems, "beyond": lambda: systems("specs/beyond"), "variants": variants},
}


def filled(page: Path) -> str:
    """A page with what stands between its marker comments made anew."""
    text = page.read_text(encoding="utf-8")
    for name, part in PARTS[page].items():
        begin, end = f"<!-- generated: {name} -->\n\n", f"<!-- end: {name} -->"
        assert text.count(begin) == text.count(end) == 1, f"{page.name} lacks the markers of '{name}'"
        before, rest = text.split(begin)
        text = f"{before}{begin}{part()}\n\n{end}{rest.split(end)[1]}"
    return text


# --- docs/ops.md
INTRO = """\
# Primitive ops

<!-- generated by docs/make.py from the classes in archdsl/ops -->

A step of a spec is a primitive op (`snake_case`), a block (`PascalCase`), a tensor's name or a structure word. These
are the primitives. [The language](language.md) explains how to write and join steps, and [Add an op](adding-an-op.md)
how to add a primitive. On the command line, `archdsl ops` lists them and `archdsl ops conv` describes one.

You can give arguments by name (`conv: {out: 64, kernel: 3}`), by position in the order of the tables (`conv: [64, 3]`),
or as a single value (`conv: 64`). In the column "kind", `axes` is a whole number, or a list with one number for each
spatial axis; `ints` is a list of whole numbers; `tensor` is the name of a tensor of the spec. Words in that column are
the values that are allowed. Shapes are C×H×W, without the batch axis.
"""


def ops_page() -> str:
    ordered = sorted(REGISTRY.values(), key=lambda op: (op.group, op.name))
    groups = [(group or "other", list(members)) for group, members in groupby(ordered, key=lambda op: op.group)]
    index = [(group, ", ".join(f"[`{op.name}`](#{op.name})" for op in members)) for group, members in groups]
    parts = [INTRO, table(("kind", "ops"), *index)]
    for group, members in groups:
        parts += [f"\n## {group.capitalize()}", *map(op_section, members)]
    parts.append(layers())
    return "\n".join(parts) + "\n"


LAYERS = """
## The layers of torch.nn

This table says which op corresponds to each layer of PyTorch, and why some layers have none. Layers that differ only in
the number of axes, such as `Conv1d`, `Conv2d` and `Conv3d`, are one line.
"""


def layers() -> str:
    """Which op each layer of torch.nn is, or why there is none."""
    known = yaml_of((DOCS / "torch_nn.yaml").read_text(encoding="utf-8"))
    found = {name: f"`{step}`" if ":" in step else f"[`{step}`](#{step})" for name, step in known["ops"].items()}
    found |= {name: f"none: {reason}" for name, reason in known["none"].items()}
    named = sorted((", ".join(f"`{part}`" for part in name.split(", ")), said) for name, said in found.items())
    return f"{LAYERS}\n{table(('layer', 'op'), *named)}"


def op_section(op: Op) -> str:
    lines = [f"\n### {op.name}\n", " ".join(op.doc().split())]
    if op.fields:
        rows = [(f"`{item.name}`", kind_of(item), default_of(item), item.doc) for item in op.fields]
        lines.append("\n" + table(("argument", "kind", "default", "what it is"), *rows))
    if op.further is not None:
        lines.append(f"\nFurther arguments: {op.further.doc} (`{op.further.kind}`).")
    lines += [f"\n{line}" for line in example(op)]
    return "\n".join(lines)


def kind_of(item: Field) -> str:
    return ", ".join(f"`{word}`" for word in kind(item).split(" | "))


def default_of(item: Field) -> str:
    if item.required:
        return "required"
    return "" if item.default is None else f"`{shown(item.default)}`"


def example(op: Op) -> Iterator[str]:
    """How the op is written, what enters and what leaves, what it is in torch."""
    if not op.example:
        return
    given, shapes = dict(op.example["fields"]), [tuple(shape) for shape in op.example["inputs"]]
    values = {item.name: item.default for item in op.fields if not item.required and item.kind != "tensor"} | given
    tensors = op.example_tensors()
    values |= tensors
    f = SimpleNamespace(**{k: parse(v) if k == "expression" else v for k, v in values.items()})
    leaving = op.shapes(f, *shapes)
    enter, leave = (", ".join(map(times, part)) for part in (shapes, leaving))
    whole = given | {name: name for name in tensors}
    yield f"`{written(op, whole)}` takes {enter} to {leave}; in torch: `{torch_text(op, f, whole, shapes)}`"


def written(op: Op, given: dict[str, object]) -> str:
    if op.many:
        return f"{op.name}: [...]"
    named = {key: key if is_tensor(op, key) else yaml(value) for key, value in given.items()}
    inside = ", ".join(f"{key}: {value}" for key, value in named.items())
    return f"{op.name}: {{{inside}}}" if inside else op.name


def is_tensor(op: Op, name: str) -> bool:
    field = op.field(name)
    return field is not None and field.kind == "tensor"


def yaml(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(yaml, value))}]"
    text = shown(value)
    return f'"{text}"' if isinstance(value, str) and not is_word(value) and re.search(r"[,:{}\[\]]", text) else text


def torch_text(op: Op, f: SimpleNamespace, given: dict[str, object], shapes: list[tuple[int, ...]]) -> str:
    fields = SimpleNamespace(**{key: wrap(value) for key, value in vars(f).items()})
    site = Site(fields, Lit(shapes[0][0]), len(shapes[0]) - 1, [shape[1:] for shape in shapes])
    if isinstance(op, Own):
        return op.source(site, ", ".join(map(str, (1, *f.shape))))
    if op.functional(frozenset(given)):
        return op.function(site, *(["x"] if len(shapes) == 1 else [f"x{n}" for n in range(1, len(shapes) + 1)]))
    return one_line(module_call(op.module(site)))


# --- docs/systems
SYSTEMS = DOCS / "systems"
COMMENT = re.compile(r"^  ([A-Z]\w*):.*?# (.*)$", re.MULTILINE)


def comments(name: str) -> dict[str, str]:
    """What a spec, or a file that it is made of, says beside each block: mostly the figure of the paper."""
    files: dict[Path, object] = {}
    read(name, files)  # type: ignore[arg-type]
    found: dict[str, str] = {}
    for path in files:
        found |= dict(COMMENT.findall(path.read_text(encoding="utf-8")))
    return found


@cache
def forms(name: str) -> dict[str, Graph]:
    """The graph of each variant."""
    spec = read(name)
    return {variant: archdsl.graph(name, variant or None) for variant in spec.variants or [""]}


def blocks(name: str, spec: Spec) -> dict[str, Graph]:
    """Each block that some form of a spec uses, and the graph that it is drawn from."""
    found: dict[str, Graph] = {}
    for graph in forms(name).values():
        for scope in graph.root.scopes():
            if scope.is_block:
                found.setdefault(scope.name, graph)
    return found


GALLERY = """The figures of every family: first those of its paper that show a block or the network, as
`archdsl draw SPEC --figure NUMBER` draws them, then the other blocks, as `archdsl draw SPEC --block BLOCK --case all`
does. All of them are drawn from specs. A paper also shows blocks of other networks: these are drawn from the spec that
has them."""
NONE = "No figure of the paper shows a block."
NOT_DRAWN = {  # what the gallery of a family lacks
    "efficientnet": f"{NONE} Its blocks are MnasNet's.",
    "fbnet_v2": NONE,
    "fbnet_v3": NONE,
    "mobilenet_v1": "Figure 2 shows filters, no block.",
    "mobilenet_v2": "Figure 4 (a) is not drawn: no spec has the block of NasNet.",
    "squeezenext": "Figure 1 (left), a block of ResNet, is not drawn. `archdsl draw resnet` draws that network.",
    "weightnet": "SENet and CondConv as special cases of WeightNet are the variants `se-x1.0` and `condconv-x1.0`: "
    "`archdsl draw weightnet@se-x1.0 --block WeightConv`.",
}


def system_page(name: str, spec: Spec) -> str:
    """A family: its blocks as figures, its variants with their numbers, the stages of each."""
    lines = [f"# {spec.name}", "", "<!-- generated by docs/make.py from the spec -->", "", f"{paper(spec)}."]
    if spec.paper.get("note"):
        lines += ["", spec.paper["note"].strip()]
    if spec.paper.get("code"):
        lines += ["", f"Released code: [{spec.paper['code']}](https://{spec.paper['code']})."]
    lines += ["", f"The spec: [specs/{name}.yaml](../../specs/{name}.yaml).", "", "## Blocks", ""]
    said = comments(name)
    for block in blocks(name, spec):
        about = said.get(block, "")
        lines += [f"### {block}", "", *([f"{about[:1].upper()}{about[1:]}.", ""] if about else [])]
        lines += [f"![{block} of {spec.name}](images/{name}.{block}.svg)", ""]
    lines += ["## Variants", "", variant_table(name), "", "## Stages"]
    for variant, graph in forms(name).items():
        inside = markdown(archdsl.cost(graph)).strip()
        lines += ["", f"<details>\n<summary>{variant or spec.name}</summary>\n\n{inside}\n\n</details>"]
    return "\n".join(lines) + "\n"


def variant_table(name: str) -> str:
    """Checked numbers beside the published accuracy and where it was published."""
    rows = [("variant", "input", "params", "MACs", "top-1, published", "by")]
    found = archdsl.table(name, variants=True).rows
    for form in dict.fromkeys(row.elsewhere for row in found if row.elsewhere):
        deployed = archdsl.table(name, variants=True, form=form).rows
        found = [*found, *(row for row in deployed if row.top1 is not None)]
    for row in found:
        published = (f"{row.top1:g} %", row.source or "") if row.top1 is not None else ("", "")
        label = f"`{row.variant or name}`" + (f", {row.form}" if row.form != "train" else "")
        rows.append((label, row.input, f"{row.params:,}", f"{row.macs:,}", *published))
    published = any(row[4] for row in rows[1:])
    return table(*(rows if published else [row[:4] for row in rows]), right=(2, 3, 4) if published else (2, 3))


FAMILIES = """Each of these families has a page with the figures of its blocks, its variants with their parameters,
multiply-adds and published accuracies, and the table of stages of each variant."""


def systems_index() -> str:
    """A line for each family."""
    rows = [("family", "paper", "variants")]
    rows += [(f"[{spec.name}]({name}.md)", paper(spec), str(len(numbers))) for name, spec, numbers in networks()]
    return (
        f"# Families\n\n<!-- generated by docs/make.py from the specs -->\n\n{FAMILIES}\n\n{table(*rows, right=(2,))}\n"
    )


def gallery() -> str:
    """The figures of each paper that its spec says how to draw, then the blocks that none of them shows."""
    lines = ["# Gallery", "", "<!-- generated by docs/make.py from the specs -->", "", GALLERY]
    for name, spec, _ in networks():
        paper = spec.figure.paper.values()
        shown = {block for figure in paper for block in figure.block if figure.spec is None}
        rest = [block for block in blocks(name, spec) if block not in shown]
        if paper or rest:
            lines += ["", f"## [{spec.name}]({name}.md)"]
        if paper:
            rows = [
                (figure.number, image(spec, figure.number, figure_file(name, figure)), otherwise(figure))
                for figure in paper
            ]
            lines += ["", table(("in the paper", "here", "what the paper shows differently"), *rows)]
        if name in NOT_DRAWN:
            lines += ["", NOT_DRAWN[name]]
        if rest:
            rows = [(block, image(spec, block, f"{name}.{block}")) for block in rest]
            lines += ["", table(("other blocks" if paper else "block", "here"), *rows)]
    return "\n".join(lines) + "\n"


def otherwise(figure: PaperFigure) -> str:
    """What a figure of the paper shows otherwise, and which spec is drawn, if it is another one."""
    other = figure.spec.relative_to(ROOT / "specs").with_suffix("").as_posix() if figure.spec is not None else ""
    drawn = f"Drawn from `{other.removeprefix('beyond/')}`." if other else ""
    return " ".join(filter(None, (figure.differs or "No difference is known.", drawn)))


def image(spec: Spec, shown: str, file: str) -> str:
    return f"![{shown} of {spec.name}](images/{file}.svg)"


def figure_file(name: str, figure: PaperFigure) -> str:
    return f"{name}.Figure-{spelt(figure.number)}"


def systems_pages() -> dict[Path, str]:
    pages = {SYSTEMS / "index.md": systems_index(), SYSTEMS / "gallery.md": gallery()}
    for name, spec, _ in networks():
        pages[SYSTEMS / f"{name}.md"] = system_page(name, spec)
        for block, graph in blocks(name, spec).items():
            made = archdsl.draw(graph, block=block, cases=["all"], format="svg")
            assert isinstance(made, str)
            pages[SYSTEMS / "images" / f"{name}.{block}.svg"] = made
        for figure in spec.figure.paper.values():
            made = archdsl.draw(name, figure=figure.number, format="svg")
            pages[SYSTEMS / "images" / f"{figure_file(name, figure)}.svg"] = made
    return pages


def bare_letters(svg: str) -> set[str]:
    """The letters that a figure shows and has no font for."""
    fonts = re.findall(r"src:url\(data:font/ttf;base64,(.*?)\)", svg)
    known = {chr(code) for font in fonts for code in TTFont(BytesIO(b64decode(font))).getBestCmap()}
    return set("".join(words(svg))) - known


# --- all of it
def drawing(name: str) -> str:
    spec, how = IMAGES[name]
    if spec.endswith(".md"):
        spec = first_spec(DOCS / spec)
    made = archdsl.draw(spec, format="svg", **how)  # type: ignore[arg-type]
    assert isinstance(made, str)
    return made


def words(svg: str) -> list[str]:
    """What a figure says: another version of the layout engine moves boxes, never their text."""
    return sorted("".join(item.itertext()) for item in ElementTree.fromstring(svg).iter() if item.tag.endswith("}text"))


# --- docs/words.md
WORDS = """\
# Words of the language

<!-- generated by docs/make.py from archdsl/syntax/words.py -->

Every key that a spec may contain, what it is for, and where [the language](language.md) explains it. The names of
[primitive ops](ops.md) and of your blocks are the other words of a spec.
"""
# Where a key stands -> how the heading says so, the keys, the section that explains those without one of their own.
PLACES: dict[str, tuple[str, Mapping[str, str], str]] = {
    "Keys of a spec": ("`{}` of a spec", SPEC, "a-spec"),
    "Keys of a block": ("`{}` of a block", BLOCK, "blocks"),
    "Keys of a stage": ("`{}` of a stage", STAGE, "stages"),
    "Keys of a step": ("`{}` of a step", STEP, "steps"),
    "Steps that hold steps": ("`{}`", STRUCTURE, "joins"),
    "Keys of a variant": ("`{}` of a variant", VARIANT, "variants"),
    "Keys of top1:": ("`{}` of top1", TOP1, "variants"),
    "Keys of published:": ("`{}` of published", PUBLISHED, "variants"),
    "Keys of expect:": ("`{}` of expect", EXPECT, "variants"),
    "Keys of init:": ("`{}` of init", INIT, "initialisation"),
    "Keys of detect:": ("`{}` of detect", DETECT, "detectors"),
    "Keys of figure:": ("`{}` of figure", FIGURE_KEYS, "figures"),
    "Keys of a figure of the paper:": ("`{}` of figure paper", PAPER_FIGURE, "figures"),
    "Keys of use: and extends:": ("`{}` of use", PLACED, "networks-made-of-networks"),
}
SECTIONS: dict[str, str] = {  # heading of a word -> the section of the language that explains it
    "as of a step": "tensors",
    "body": "steps",
    "calls of a spec": "patches",
    "choice": "search-spaces",
    "each": "loops",
    "fork": "steps-with-several-results",
    "for": "loops",
    "from of a step": "tensors",
    "label of a step": "figures",
    "let of a block": "params-and-scope",
    "repeat": "loops",
    "residual": "residual-connections",
    "running_sum": "loops",
    "share of a step": "shared-modules",
    "split": "steps-with-several-results",
    "training of a stage": "stages",
}
LISTED = {  # keys of a spec that have a section
    "params": "params-and-scope",
    "defaults": "defaults",
    "init": "initialisation",
    "detect": "detectors",
    "figure": "figures",
    "blocks": "blocks",
    "stages": "stages",
    "variants": "variants",
    "default": "variants",
    "expect": "variants",
    "inputs": "several-inputs-and-outputs",
    "outputs": "several-inputs-and-outputs",
    "use": "networks-made-of-networks",
    "extends": "networks-made-of-networks",
    "until": "networks-made-of-networks",
}


def words_page() -> str:
    """Every key with an anchor of its own."""
    parts = [WORDS]
    for title, (form, keys, section) in PLACES.items():
        parts.append(f"## {title}\n")
        for key, about in keys.items():
            parts.append(word_section(form.format(key), key, about, section))
    return "\n".join(parts)


def word_section(heading: str, key: str, about: str, section: str) -> str:
    """What a key is for, an example, and the keys that stand beside it."""
    plain = heading.replace("`", "")
    section = SECTIONS.get(plain) or (LISTED.get(key, section) if plain.endswith("of a spec") else section)
    title = section.replace("-", " ").capitalize()
    lines = [f"### {heading}\n", f"{sentence(about)} See [{title}](language.md#{section}).\n"]
    if plain == key or plain.endswith("of a step"):
        found = shortest_example(key)
        lines += [fenced("yaml", found.strip()) + "\n"] if found else []
    beside = (RESIDUAL if key == "residual" else BESIDE.get(key, {})) if plain == key else {}
    lines += [f"#### `{name}` of `{key}`\n\n{sentence(said)}\n" for name, said in beside.items()]
    return "\n".join(lines)


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def shortest_example(key: str) -> str | None:
    """The shortest example of the language in which a key stands in a step."""
    page = (DOCS / "language.md").read_text(encoding="utf-8")
    found = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return min((text for text in found if is_in_a_step(key, yaml_of(text))), key=len, default=None)


def is_in_a_step(key: str, node: object, listed: bool = False) -> bool:
    """Whether a mapping that is an item of a list, as steps are, has a key; so have tables of stages."""
    if isinstance(node, list):
        return any(is_in_a_step(key, item, listed=True) for item in node)
    if not isinstance(node, dict):
        return False
    found = (
        key in node and (listed or key in BESIDE) and (key != "body" or not node.keys() & (STRUCTURE.keys() - {key}))
    )
    return found or any(is_in_a_step(key, item) for item in node.values())


# --- docs/passes.md
PASSES = """\
# Passes

<!-- generated by docs/make.py from the passes in archdsl/passes -->

A pass rewrites a network, and carries the weights of a trained one along. On the command line, `--pass NAME` applies
one ([choosing a network](cli.md#choosing-a-network)), and `archdsl passes` lists them. In Python, `passes=["NAME"]`
does ([the Python API](python.md#passes)), and `convert` applies passes to a trained module.
[Add a pass](adding-a-pass.md) tells how to write one.
"""
BEFORE = """\
archdsl: 1
name: Net
input: [3, 32, 32]
stages:
  stem: [conv: {out: 8, kernel: 3}, bn, relu, dropout: 0.1]
  mix: [conv: 8, channel_shuffle: 2, channel_shuffle: 4, conv: 8]
  body: [reparam: [identity, conv: {out: 8, kernel: 3}, conv: 8]]
"""


def passes_page() -> str:
    """Each pass, and what it changes in the same small network."""
    before = made(archdsl.emit(BEFORE))
    parts = [PASSES, "The examples below are passes over this network:\n", fenced("yaml", BEFORE.strip()) + "\n"]
    parts += ["Without a pass, its source is this:\n", fenced("python", before) + "\n"]
    parts.append("Lines that a pass removes from the source begin with `-`, and those that it adds with `+`.\n")
    for name in BUILT_IN:
        after = made(archdsl.emit(BEFORE, passes=[name]))
        assert after != before, f"{name} changes nothing in the network of the page"
        parts += [f"## {name}\n", f"{named(name).doc}\n", fenced("diff", changed(before, after)) + "\n"]
    return "\n".join(parts)


def changed(before: str, after: str) -> str:
    """The lines that differ, each with its sign."""
    lines = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in list(lines)[2:] if line[0] in "+-")


def made(source: str) -> str:
    """The class of the network."""
    return indented(source, "class Net(")


# --- docs/lint.md
LINT = """\
# What archdsl lint warns about

<!-- generated by docs/make.py from the classes in archdsl/lint/rules -->

`archdsl lint SPEC` examines the graphs of a network, in all its variants, and warns about parts that are valid but
suspicious. It reports each step once, with the run in which the problem is largest. If the step is in a file that comes
with archdsl, the warning points to the call in your own file. The exit status is 0 if there are no warnings, 3 if there
are some, and 2 if a spec has an error. `--format json` and `--format github` work as in [archdsl
check](cli.md#archdsl-check), and `archdsl lint --list` names the rules.

## Switch rules off

A comment switches off the rules that it names, or all rules if it names none:

```yaml
# lint: ignore many-groups
archdsl: 1
name: Net
input: [3, 64, 64]
stages:
  stem: [conv: {out: 20, kernel: 3}, bn, relu]   # lint: ignore odd-channels, bias-before-norm
  # lint: ignore
  body:
    - conv: {out: 32, kernel: 3, stride: 2}
    - relu
```

At the end of a line, the comment applies to that line. On a line by itself, it applies to the entry that begins below
it, with everything indented under that entry. Before the first key of a file, it applies to the whole file. If it names
a rule that does not exist, lint says so (`unknown-rule`).

For a whole project, the nearest `pyproject.toml` above the spec that has this table decides which rules are on:

```toml
[tool.archdsl.lint]
ignore = ["memory-peak"]      # or select = [...], to list the rules that are on
```

## The rules
"""


def lint_page() -> str:
    rows = [(f"[`{code}`](#{code})", rule.title) for code, rule in RULES.items()]
    return "\n".join([LINT, table(("rule", "finds"), *rows), *map(rule_section, RULES.values())]) + "\n"


def rule_section(rule: Rule) -> str:
    parts = [f"\n## {rule.code}\n", rule.reason()]
    if rule.paper is not None:
        part = f", {rule.paper.part}" if rule.paper.part else ""
        parts.append(f"\n[{rule.paper.title}]({ARXIV}{rule.paper.arxiv}){part}.")
    parts += [f"\nWhat to do: {rule.help}.\n", fenced("yaml", rule.wrong.strip()), "\nbetter:\n"]
    return "\n".join([*parts, fenced("yaml", rule.right.strip())])


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    written = {DOCS / "ops.md": ops_page(), DOCS / "lint.md": lint_page()}
    written |= {DOCS / "words.md": words_page(), DOCS / "passes.md": passes_page()}
    pages = {page: filled(page) for page in PARTS} | written
    return pages | {DOCS / "images" / name: drawing(name) for name in IMAGES} | systems_pages()


def outdated(texts: dict[Path, str] | None = None) -> list[Path]:
    """The files that are not what would be written now."""
    texts = generated() if texts is None else texts
    return [path for path, text in texts.items() if not path.is_file() or differs(path, text)]


def differs(path: Path, text: str) -> bool:
    before = path.read_text(encoding="utf-8")
    if path.suffix != ".svg":
        return before != text
    return words(before) != words(text) or bare_letters(before) != bare_letters(text)


def main(*arguments: str) -> int:
    texts = generated()
    stale = outdated(texts)
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: run python docs/make.py")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
