"""How figures look: colours that everybody tells apart, themes, fonts, exact widths, bytes that stay the same."""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from io import BytesIO
from itertools import combinations
from xml.etree import ElementTree

import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

import archdsl
from archdsl.backends.figures import Look, fonts, inches, measure
from archdsl.backends.figures.embedding import subset
from archdsl.backends.figures.strip.kinds import BLOCKS
from archdsl.backends.figures.style import LEGEND
from archdsl.backends.figures.theme import FONTS, PALETTES, ROLES, THEMES

SVG = "{http://www.w3.org/2000/svg}"
LOOKS = [(theme, palette) for theme in THEMES for palette in PALETTES]

# Machado, Oliveira, Fernandes 2009: what people without one kind of cone see, in linear RGB.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> list[float]:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(rgb: list[float]) -> tuple[float, float, float]:
    """CIE L*a*b* of linear RGB."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    parts = [sum(k * c for k, c in zip(row, rgb, strict=True)) / w for row, w in zip(rows, white, strict=True)]
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in parts)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def luminance(colour: str) -> float:
    return sum(k * part for k, part in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


SHEETS = {
    "block": (*LEGEND, "join"),
    "strip": ("conv", "linear", "pool", "shape", *BLOCKS, "join"),
}  # what is side by side


def fills(look: tuple[str, str], sheet: str = "block") -> dict[str, str]:
    return {role: ROLES[look][role].fill for role in SHEETS[sheet]}


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_every_role_has_a_colour_and_a_print_in_greys_keeps_them_apart(look, sheet):
    assert set(ROLES[look]) == set(ROLES["light", "colour"])
    for (one, first), (other, second) in combinations(fills(look, sheet).items(), 2):
        assert abs(lab(linear(first))[0] - lab(linear(second))[0]) > 3.3, (one, other)


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("theme", THEMES)
def test_who_sees_few_colours_tells_the_roles_apart(theme, kind, sheet):
    seen = {}
    for role, fill in fills((theme, "colour"), sheet).items():
        mixed = [sum(k * c for k, c in zip(row, linear(fill), strict=True)) for row in BLINDNESS[kind]]
        seen[role] = lab([min(1, max(0, part)) for part in mixed])
    for (one, first), (other, second) in combinations(seen.items(), 2):
        assert sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5 > 7, (one, other)


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_text_can_be_read_on_every_colour(look):
    chosen = Look(*look)
    for fill in (*fills(look).values(), *fills(look, "strip").values(), chosen.ground):
        assert contrast(fill, chosen.ink) >= 4.5
    for fill in (chosen.ground, fills(look)["block"], fills(look)["join"]):
        assert contrast(fill, chosen.faint) >= 3.5  # sizes beside arrows and in the boxes of stages


def drawn(format: str = "svg", **look) -> str | bytes:
    return archdsl.draw("peleenet", block="StemBlock", format=format, **look)


def test_dark_figures_have_dark_ground_and_light_text():
    text = drawn(theme="dark")
    assert "#16181d" in text
    assert 'fill="white"' not in text
    colours = {words.get("fill") for words in ElementTree.fromstring(text).iter(f"{SVG}text")}
    assert colours <= {Look("dark").ink, Look("dark").faint}


def test_grey_figures_have_no_hue():
    for colour in re.findall(r"#[0-9a-f]{6}", drawn(palette="grey")):
        assert len({colour[1:3], colour[3:5], colour[5:7]}) == 1, colour


@pytest.mark.parametrize(("font", "face"), [("sans", b"SourceSansPro"), ("serif", b"SourceSerifPro")])
def test_the_fonts_of_a_pdf_are_in_it(font, face):
    pdf = drawn("pdf", font=font)
    names = re.findall(rb"/FontName /([A-Z]{6})\+(\w+)", pdf)
    assert names
    assert {name for _, name in names} == {face}
    assert len(re.findall(rb"/FontFile\d? \d+ 0 R", pdf)) == pdf.count(b"/FontDescriptor\n") == len(names)


def test_the_legend_names_the_colours_that_are_there():
    assert "Pooling" in drawn()
    assert "Activation" not in drawn()
    assert "Pooling" not in drawn(legend=False)
    one = archdsl.draw("peleenet", block="TwoWayDenseLayer")
    assert "Convolution" not in one  # a single colour explains itself
    assert "Convolution" in archdsl.draw("peleenet", block="TwoWayDenseLayer", legend=True)


# --- widths

WIDTHS = [("3.4in", 3.4), ("86mm", 86 / 25.4), ("17.8cm", 17.8 / 2.54), ("245pt", 245 / 72), (5, 5)]


@pytest.mark.parametrize(("given", "wanted"), WIDTHS)
def test_a_figure_is_exactly_as_wide_as_asked_for(given, wanted):
    root = ElementTree.fromstring(drawn(width=given))
    assert abs(float(root.get("width").removesuffix("in")) - wanted) < 1e-4
    (across,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) [\d.]+\]", drawn("pdf", width=given))
    assert abs(float(across) / 72 - wanted) < 1e-3
    png = drawn("png", width=given, dpi=300)
    assert struct.unpack(">I", png[16:20])[0] == round(wanted * 300)


@pytest.mark.parametrize("width", ["2.5in", "3.4in", "7in"])
def test_text_has_seven_to_nine_points_at_the_final_width(width):
    root = ElementTree.fromstring(drawn(width=width))
    across = float(root.get("viewBox").split()[2])
    scale = float(re.search(r"scale\(([\d.]+)", root.find(f"{SVG}g").get("transform"))[1])
    scale *= inches(width) * 72 / across
    sizes = {scale * float(words.get("font-size")) for words in root.iter(f"{SVG}text")}
    assert min(sizes) > 6.99
    assert max(sizes) < 9.01


def test_the_least_width_that_the_help_names_does():
    with pytest.raises(archdsl.SpecError) as caught:
        drawn(width="1in")
    (found,) = caught.value.diagnostics
    assert found.code == "too-narrow"
    least = re.search(r"give it --width ([\d.]+)in", found.help)[1]
    assert f'width="{float(least):g}in"' in drawn(width=float(least))


@pytest.mark.parametrize("dpi", [72, 150, 600])
def test_a_png_has_the_dots_asked_for_and_says_so(dpi):
    png = drawn("png", width=4, dpi=dpi)
    assert struct.unpack(">I", png[16:20])[0] == 4 * dpi
    across, down, of_metre = struct.unpack(">IIB", png[png.index(b"pHYs") + 4 :][:9])
    assert across == down == pytest.approx(dpi / 0.0254, abs=1)
    assert of_metre


@pytest.mark.filterwarnings("ignore::archdsl.FontWarning")
def test_words_of_an_svg_keep_their_width_in_the_fonts_of_editors():
    label = {"conv": 8, "label": "Wide × AV"}
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"stem": [label, {"relu": None, "label": "文"}]}}
    root = ElementTree.fromstring(archdsl.draw(spec, level="op"))
    held = {"".join(words.itertext()): words for words in root.iter(f"{SVG}text")}
    words = held["Wide × AV"]
    assert words.get("lengthAdjust") == "spacingAndGlyphs"
    width = measure.width("Wide × AV", float(words.get("font-size")))
    assert float(words.get("textLength")) == pytest.approx(width, abs=0.01)
    assert held["文"].get("textLength") is None  # no font that is known has it


@pytest.mark.parametrize(
    ("look", "help_"),
    [
        ({"theme": "drak"}, "did you mean 'dark'?"),
        ({"palette": "gray"}, "did you mean 'grey'?"),
        ({"font": "mono"}, "choose from sans, serif"),
        ({"width": "wide"}, "3.4in"),
        ({"width": 1000}, ""),
        ({"dpi": 0}, ""),
    ],
    ids=str,
)
def test_a_look_that_is_none_is_refused(look, help_):
    with pytest.raises(archdsl.SpecError) as caught:
        drawn(**look)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("bad-call", help_)


@pytest.mark.parametrize("format", ["svg", "pdf", "png"])
def test_bytes_do_not_change_from_run_to_run(format, tmp_path):
    import subprocess
    import sys

    code = f"""
import sys, archdsl
made = archdsl.draw("peleenet", block="StemBlock", format="{format}", width="3.4in")
sys.stdout.buffer.write(made.encode() if isinstance(made, str) else made)
"""
    one, other = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=tmp_path).stdout
        for _ in range(2)
    )
    assert one == other
    assert len(one) > 1000


# --- the strip of a network


@pytest.mark.parametrize(("orient", "width"), [("landscape", 7), ("portrait", 3.4)])
def test_a_strip_is_as_wide_as_asked_for_with_text_that_can_be_read(orient, width):
    root = ElementTree.fromstring(archdsl.draw("peleenet", orient=orient, width=width))
    assert root.get("width") == f"{width:g}in"
    scale = float(re.search(r"scale\(([\d.]+)", root.find(f"{SVG}g").get("transform"))[1])
    scale *= width * 72 / float(root.get("viewBox").split()[2])
    sizes = {scale * float(words.get("font-size")) for words in root.iter(f"{SVG}text")}
    assert min(sizes) > 6.99
    assert max(sizes) < 9.01
    pdf = archdsl.draw("peleenet", orient=orient, width=width, format="pdf")
    (across,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) [\d.]+\]", pdf)
    assert abs(float(across) / 72 - width) < 1e-3


def test_a_strip_has_the_theme_and_the_font_and_places_made_for_it():
    sans, serif = (archdsl.draw("peleenet", font=font, theme="dark", format="dot") for font in ("sans", "serif"))
    assert "#16181d" in sans
    assert "Source Serif Pro" in serif
    assert "Source Sans Pro" not in serif
    assert re.findall(r'width=([\d."]+)', sans) != re.findall(r'width=([\d."]+)', serif)
    assert archdsl.draw("peleenet", format="dot") == archdsl.draw("peleenet", format="dot", font="sans")


@pytest.mark.parametrize(("font", "name"), [("sans", "Source Sans Pro"), ("serif", "Source Serif Pro")])
def test_an_svg_carries_each_letter_that_it_shows_in_its_own_font(font, name):
    graph = archdsl.graph({"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"stem": [{"conv": 8}, "relu"]}})
    root = ElementTree.fromstring(archdsl.draw(graph, font=font))
    faces = re.findall(
        r"@font-face\{font-family:'(.*?)';font-weight:(\d+);src:url\(data:font/ttf;base64,(.*?)\)", sheet(root)
    )
    known = {weight: TTFont(BytesIO(b64decode(data))).getBestCmap() for _, weight, data in faces}
    assert {family for family, _, _ in faces} == {name}
    shown = {"400": set(), "700": set()}
    for words in root.iter(f"{SVG}text"):
        shown["700" if words.get("font-weight") == "bold" else "400"] |= set("".join(words.itertext()))
    assert {weight: set(map(chr, letters)) for weight, letters in known.items()} == shown


@pytest.mark.parametrize("family", FONTS)
@pytest.mark.parametrize("letters", ["hé 3×Ä→(", "文"])  # composed ones, and one that no font has
def test_a_font_of_some_letters_has_their_outlines_and_widths_and_no_others(family, letters):
    folder = fonts.folder(fonts.WHEELS[list(FONTS).index(family)])
    whole = TTFont(folder / f"{FONTS[family].replace(' ', '')}-Bold.ttf")
    part = TTFont(BytesIO(subset(family, bold=True, letters=letters)))
    known, kept = whole.getBestCmap(), part.getBestCmap() or {}
    assert set(kept) == {ord(letter) for letter in letters} & set(known)
    for code, name in kept.items():
        assert outline(part, name) == outline(whole, known[code]), chr(code)
    assert not {"GSUB", "GPOS", "fpgm"} & set(part.keys())
    assert not part["name"].names


def outline(font, name):
    """What is drawn of a letter, and how wide it is."""
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return pen.value, glyphs[name].width


def sheet(root: ElementTree.Element) -> str:
    return root.findtext(f"{SVG}style", "")
