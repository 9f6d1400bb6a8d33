"""Several inputs that a grammar file names."""

from __future__ import annotations

import pytest

import einspec

TEXT = """
//% input image=3,8,8; tokens=5 int
//% @combinator(inputs=2)
//% def both(image, tokens):
//%     return linear(flatten(image), 4), linear(embedding(tokens, 10, 3), 4)
start: "both" -> both
"""


def test_inputs_by_name():
    space = einspec.loads(TEXT)
    assert space.input_text() == "image=(3, 8, 8); tokens=(5,) int"
    assert space.sample(rng=0).output == (einspec.Type((4,)), einspec.Type((5, 4)))
    again = einspec.loads(TEXT, input="image=3,4,4; tokens=7 int")
    assert again.sample(rng=0).output[1] == einspec.Type((7, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image=3,8,8; image=5 int", "'image' in the input 'image=3,8,8; image=5 int' stands there twice"),
        ("3=3,8,8", "'3' in the input '3=3,8,8' is no name: expected names, as in image=3,32,32; text=77 int"),
        ("image=3,x", "'x' in the type '3,x' is neither a dtype (float, int) nor a layout"),
        ("image=3,8,8;", "'' in the input 'image=3,8,8;' is no name"),
    ],
)
def test_what_names_no_inputs(text, message):
    with pytest.raises(einspec.ShapeError) as caught:
        einspec.loads(TEXT.replace("image=3,8,8; tokens=5 int", text))
    assert message in str(caught.value)
    assert "in its directive" in str(caught.value)


def test_inputs_by_annotation():
    """As Python's signature reading has it: leading parameters that are annotated Type."""
    text = TEXT.replace("//% @combinator(inputs=2)\n", "").replace("(image, tokens):", "(image: Type, tokens: Type):")
    assert einspec.loads(text).sample(rng=0).output == (einspec.Type((4,)), einspec.Type((5, 4)))
