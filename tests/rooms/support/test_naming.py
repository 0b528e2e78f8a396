"""Spelling of names, fresh names, and hints at the name that was meant."""

from __future__ import annotations

import pytest

from archdsl.ops import REGISTRY
from archdsl.support.naming import ELSEWHERE, camel, did_you_mean, nearest, op_elsewhere, snake, unique


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ConvBNReLU", "conv_bn_relu"),
        ("TwoWayDenseLayer", "two_way_dense_layer"),
        ("PReLU", "prelu"),
        ("SiLU", "silu"),
        ("ESP", "esp"),
        ("SEBlock", "se_block"),
        ("Stage2Unit", "stage2_unit"),
        ("conv", "conv"),
    ],
)
def test_a_class_gives_its_key_with_acronyms_whole(name, key):
    assert snake(name) == key


def test_a_key_gives_its_class_and_back():
    assert camel("dense_layers") == "DenseLayers"
    assert snake(camel("inverted_residual")) == "inverted_residual"


def test_a_fresh_name_is_the_wanted_one_or_its_first_free_number():
    assert unique("conv", []) == "conv"
    assert unique("conv", ["conv"]) == "conv_2"
    assert unique("conv", iter(["conv", "conv_2", "conv_4"])) == "conv_3"


def test_a_fresh_name_is_no_keyword_of_python():
    assert unique("lambda", []) == "lambda_2"
    assert unique("lambda", ["lambda_2"]) == "lambda_3"


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("BatchNorm2d", "bn"),
        ("Conv2d", "conv"),
        ("swish", "silu"),
        ("global_pool", "global_avg_pool"),
        ("AdaptiveAvgPool2d", ""),
    ],
)
def test_an_op_of_another_library_is_known_by_its_name_there(name, op):
    assert op_elsewhere(name) == (f"did you mean '{op}'?" if op else "")


def test_every_op_that_other_names_lead_to_is_there_and_none_hides_one():
    assert set(ELSEWHERE.values()) <= set(REGISTRY)
    assert not set(ELSEWHERE) & set(REGISTRY)


def test_a_hint_names_what_is_near_and_nothing_that_is_far():
    assert nearest("widht", ["width", "height"]) == "width"
    assert did_you_mean("widht", ["width", "height"]) == "did you mean 'width'?"
    assert did_you_mean("growth", ["width", "height"]) == ""
    assert nearest("width", []) is None
