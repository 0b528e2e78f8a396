"""What figures say of a rearrangement: the words of papers, and the pattern where there are none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from archdsl.ops import REGISTRY


@pytest.mark.parametrize(
    ("pattern", "given", "shape", "words"),
    [
        ("c (h a) (w b) -> (b a c) h w", {"a": 2, "b": 2}, (3, 8, 8), "Space to depth, 2×2"),
        ("(c a b) h w -> c (h a) (w b)", {"a": 2, "b": 3}, (12, 4, 4), "Depth to space, 2×3"),
        ("c (h a) (w b) -> (h w) (a b c)", {"a": 4, "b": 4}, (3, 8, 8), "Split into 4×4 patches"),
        ("c (h a) (w b) -> (h w) (a b) c", {"a": 4, "b": 4}, (3, 8, 8), "Split into 4×4 windows"),
        ("(h w) (a b) c -> c (h a) (w b)", {"a": 4, "b": 4, "h": 2}, (4, 16, 3), "Merge 4×4 windows"),
        ("c h w -> (h w) c", {}, (3, 8, 8), "Map to tokens"),
        ("c h w -> 1 (h w) c", {}, (3, 8, 8), "Map to tokens"),
        ("(h w) c -> c h w", {"h": 4}, (16, 3), "Tokens to map"),
        ("(c p) h w -> p (h w) c", {"p": 4}, (8, 2, 2), "Map to tokens, 4 groups"),
        ("(k n c) h w -> k n (h w) c", {"k": 3, "n": 2}, (12, 2, 2), "Map to tokens, 3×2 groups"),
        ("1 (n h w) c -> (n c) h w", {"n": 2, "h": 2, "w": 2}, (1, 8, 5), "Tokens to map, 2 groups"),
        ("n (k d) -> k n d", {"k": 2}, (5, 8), "Split into 2 heads"),
        ("n (h d) -> h n d", {"h": 2}, (5, 8), "Split into 2 heads"),
        ("h n d -> n (h d)", {"h": 2}, (2, 5, 4), "Merge 2 heads"),
        ("p n (k h d) -> k (p h) n d", {"k": 3, "h": 2}, (4, 5, 12), "Split into heads"),
        ("c (w a) -> w c a", {"a": 2}, (5, 8), "Split into 2 windows"),
        ("p n (t k d) -> (t p k) n d", {"t": 3, "k": 2}, (2, 5, 12), "Split into heads"),
        ("(p k) n d -> p n (k d)", {"k": 2}, (4, 5, 6), "Merge 2 heads"),
        ("(g c) h w -> (c g) h w", {"g": 3}, (6, 4, 4), "Channel shuffle, g=3"),
        ("(g c) h w -> g c h w", {"g": 3}, (6, 4, 4), "Split into 3 groups"),
        ("(g c) h w -> g c h w", {"g": 1}, (6, 4, 4), "Add an axis"),
        ("g c h w -> (g c) h w", {}, (3, 2, 4, 4), "Merge 3 groups"),
        ("(c h w) -> c h w", {"h": 1, "w": 1}, (6,), "Vector to 1×1 map"),
        ("c h w -> (c h w)", {}, (6, 4, 4), "Flatten"),
        ("n d -> d n", {}, (5, 8), "Transpose"),
        ("c h w -> h w c", {}, (6, 4, 4), "Permute to h w c"),
        # the first part of an axis is moved, so neither cells nor heads; what has no words stays as it is
        ("c (a h) (b w)->(a b c) h w", {"a": 2, "b": 2}, (3, 8, 8), "c (a h) (b w) → (a b c) h w"),
        ("c h (b w) -> (c b) h w", {"b": 2}, (3, 8, 8), "c h (b w) → (c b) h w"),
        ("1 -> 1 1", {}, (1,), "1 → 1 1"),
    ],
)
def test_a_pattern_is_said_in_the_words_of_papers(pattern, given, shape, words):
    op, fields = REGISTRY["rearrange"], SimpleNamespace(pattern=pattern, like=None, **given)
    op.check(fields, shape)
    assert op.label(fields, shape, op.result(fields, shape)) == words
