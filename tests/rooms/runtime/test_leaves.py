"""Whether a module of emitted source is of the class that its node has."""

from __future__ import annotations

from torch import nn

from archdsl.runtime.leaves import is_defined_as

SHIFT = '''
def {own}(parts):
    return max(parts)


class {name}(nn.Module):
    """{words}"""

    def forward(self, x):
        """{words}"""
        return {own}(map(lambda part: part + {shift}, x.{call}()))
'''


def shift(name="Shift", words="Adds 1.", shift="1", call="unbind", own="largest"):
    scope = {"nn": nn, "__name__": "emitted"}
    exec(SHIFT.format(name=name, words=words, shift=shift, call=call, own=own), scope)
    return scope[name]


def test_a_copy_of_a_class_is_that_class_whatever_its_name_and_its_words_are():
    assert is_defined_as(shift(name="Shift2", words="Adds one to each part."), shift())


def test_a_class_with_another_constant_is_another():
    assert not is_defined_as(shift(shift="2"), shift())
    assert not is_defined_as(shift(shift="1.0"), shift())
    assert not is_defined_as(shift(shift="True"), shift())


def test_a_class_that_calls_another_function_is_another():
    assert not is_defined_as(shift(call="split"), shift())


def test_what_its_file_defines_may_have_another_name_there():
    assert is_defined_as(shift(own="largest_2"), shift())
    assert not is_defined_as(shift(call="split", own="split"), shift())


def test_a_class_of_torch_is_itself_alone():
    assert is_defined_as(nn.ReLU, nn.ReLU)
    assert not is_defined_as(nn.ReLU6, nn.ReLU)
